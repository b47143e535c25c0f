// SPDX-License-Identifier: Apache-2.0
//
// Freed objects held back from reuse, first in first out, so that a write or a free through a stale pointer meets an
// object that is still free.
//
// Invariants:
//   Q1  no more than `limit` objects are held.
//   Q2  after TakeIf(p), nothing that p holds for is in here until p changes, as long as `refuse` says what p says.
//
// Q2 is what a drain needs, with p: the object's slab is marked. It is the barn's argument (barn.h, B1), with the
// filter always on: Push asks `refuse` under the lock that TakeIf takes. Either Push has the lock first, then its object is in
// when TakeIf looks, and comes out; or TakeIf has it first, then the mark, set before TakeIf, is seen by Push through
// the lock, and the object is refused. There is no third case: asking before the lock would make one, with the mark set
// and TakeIf done between the question and the push.
//
// What Push gives back, refused or fallen out, is in nobody's books until its caller has put it into its slab or a
// sheaf. A drain has to wait for that: so Push is called, and what it gives back put away, inside one owner section
// (thread_sheaves.h) or under the recycle lock, and the quarantine's turn comes with the barn's, before the threads'
// and recycling's. A section open during the quarantine's turn is waited for in the threads' turn; one entered later
// sees the mark and returns the object to its slab.
//
// Threads: any; one leaf lock, under which `refuse` and TakeIf's predicate run: they take no lock.
// Why not a queue a thread: what is wanted is time before reuse, which a thread that frees little would not give.
#ifndef MXA_SLAB_DEBUG_QUARANTINE_H_
#define MXA_SLAB_DEBUG_QUARANTINE_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/mutex.h"

namespace mxa::slab {

class Quarantine {
 public:
  // Holds up to `limit` objects. `refuse` says which are not to be held now; null: none.
  explicit Quarantine(size_t limit, std::function<bool(const void* object)> refuse = nullptr);
  Quarantine(const Quarantine&) = delete;
  Quarantine& operator=(const Quarantine&) = delete;
  // REQUIRES: nothing is held.    (CHECKed)
  ~Quarantine();

  // Takes `object` in. Returns the one that is free to be reused now: `object` itself when it is refused or the limit
  // is 0, the oldest when there were `limit` already, else null.
  [[nodiscard]] void* Push(void* object);

  // Appends all objects to `out`, the oldest first, and holds none.
  void TakeAll(std::vector<void*>& out);
  // Appends those that `take` says, the oldest first; the others stay in their order.
  void TakeIf(absl::FunctionRef<bool(const void* object)> take, std::vector<void*>& out);

  size_t size() const;

 private:
  const size_t limit_;
  const std::function<bool(const void* object)> refuse_;
  mutable Mutex mutex_;
  std::deque<void*> held_ ABSL_GUARDED_BY(mutex_);  // the oldest in front
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_DEBUG_QUARANTINE_H_
