// SPDX-License-Identifier: Apache-2.0
//
// Hands work over until a grace period has passed: one background thread, one grace period for all that waits.
//
//   struct Old : mxa::reclaim::RetireHead { ... };
//   mxa::reclaim::Retire(old, [](mxa::reclaim::RetireHead* head) { delete static_cast<Old*>(head); });
//
// Invariants:
//   R1  a callback runs once, after a grace period that began after its Retire() call.
//   R2  callbacks run in the order of the Retire() calls, one at a time, and none while somebody has the turn.
//   R3  after Barrier() returns, every callback retired before it was called has returned.
// Threads: Retire and Barrier from any thread at once. Retire never blocks on a grace period, whatever readers do.
// Fork: what was retired before is called back in the parent and in the child, there from the next Retire or
// RetireBarrier on.
// Why not call_rcu: one callback list a thread and a grace period each cost more than a batch, and leave five times the
// backlog.
#ifndef MXA_RECLAIM_RETIRE_H_
#define MXA_RECLAIM_RETIRE_H_

#include <cstdint>

namespace mxa::reclaim {

struct RetireHead;
using RetireCallback = void (*)(RetireHead*);

// Lies in what is retired; its fields are this file's business from Retire() until the callback.
struct RetireHead {
  RetireHead* next = nullptr;
  RetireCallback callback = nullptr;
};

// Calls `callback(head)` on the background thread after a grace period that begins after this call.
//
// Context: any, also inside a read section and under an array lock; takes one leaf lock; allocates nothing after the
// first call. The callback runs outside every lock, and with reclaim forbidden (context.h); it may call Retire, but not
// wait.
void Retire(RetireHead* head, RetireCallback callback);

// Starts the background thread unless it runs, so that no Retire under a lock has to.
void StartRetiring();

// The retiring thread's turn, for who waits for a grace period itself rather than wake that thread and hand over:
//
//   if (const RetireTurn turn; turn.taken()) {
//     Synchronize();
//     ...                                       // what the callback would do; it finds its memory where it was left
//   } else {
//     Retire(head, callback);
//   }
//
// To be had when all that was retired has been called back; until its end nothing is called back (R2), and what is retired
// meanwhile waits. Never blocks.
// Context: outside every lock; forks are kept away, by a stage before kCallbacks (fork.h).    (CHECKed at the fork)
class [[nodiscard]] RetireTurn {
 public:
  RetireTurn();
  ~RetireTurn();
  RetireTurn(const RetireTurn&) = delete;
  RetireTurn& operator=(const RetireTurn&) = delete;
  bool taken() const { return taken_; }

 private:
  const bool taken_;
};

// Waits until every callback retired before this call has returned.
//
// REQUIRES: no read section, array lock or callback on this thread.    (CHECKed)
void RetireBarrier();

struct RetireStats {
  uint64_t retired = 0;      // calls of Retire so far
  uint64_t called_back = 0;  // callbacks that have returned
  uint64_t batches = 0;      // grace periods waited for on their behalf
};
RetireStats GetRetireStats();

}  // namespace mxa::reclaim

#endif  // MXA_RECLAIM_RETIRE_H_
