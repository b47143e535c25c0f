// SPDX-License-Identifier: Apache-2.0
//
// A hash table of named objects with counted references, whose objects move while nobody holds them: an example of an
// owner of movable objects that is no tree.
//
//   auto cache = mxa::examples::CountedCache::Create().value();
//   mxa::examples::CountedTable table(*cache, 1024);
//   table.Insert("etc", 2).IgnoreError();
//   mxa::examples::Reference etc = table.Find("etc");   // stays where it is while it is held
//   cache->slabs().Compact().IgnoreError();             // moves the others
//
// Threads (row runs at once with column; "lock": one after the other, by the table's lock):
//             Find   Insert Erase   destroy
//   Find      yes    yes            no
//   Insert..  yes    lock           no
//   destroy   no     no             no
//   a pass    yes    yes            yes
// References may be held beyond their object's removal, and beyond the table.
// Progress: Find takes no lock and waits for nobody; it goes on to the copy of an object that has moved under it.
#ifndef MXA_EXAMPLES_COUNTED_TABLE_COUNTED_TABLE_H_
#define MXA_EXAMPLES_COUNTED_TABLE_COUNTED_TABLE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "examples/counted_table/counted_cache.h"
#include "examples/counted_table/counted_object.h"
#include "reclaim/movable.h"

namespace mxa::examples {

// Holds an object where it is; null when nothing was found.
class [[nodiscard]] Reference {
 public:
  Reference() = default;
  Reference(Reference&& from) noexcept : cache_(from.cache_), object_(std::exchange(from.object_, nullptr)) {}
  Reference& operator=(Reference&& from) noexcept {
    std::swap(cache_, from.cache_);
    std::swap(object_, from.object_);
    return *this;
  }
  ~Reference() {
    if (object_ != nullptr) cache_->Drop(object_);
  }

  explicit operator bool() const { return object_ != nullptr; }
  CountedObject* operator->() const { return object_; }
  CountedObject* get() const { return object_; }

 private:
  friend class CountedTable;
  Reference(CountedCache& cache, CountedObject* object) : cache_(&cache), object_(object) {}

  CountedCache* cache_ = nullptr;
  CountedObject* object_ = nullptr;
};

class CountedTable {
 public:
  // `buckets`: a power of two; the table does not grow.    (CHECKed)
  CountedTable(CountedCache& cache, size_t buckets);
  // Removes every object. Waits at most for the move of one of its objects; never for another table's.
  // REQUIRES: no other thread is inside; passes may be.
  ~CountedTable();
  CountedTable(const CountedTable&) = delete;
  CountedTable& operator=(const CountedTable&) = delete;

  // The object of this name, or null.
  Reference Find(absl::string_view name) const;

  // Errors: kAlreadyExists; kInvalidArgument for a name that is too long; kResourceExhausted. Nothing has changed.
  absl::Status Insert(absl::string_view name, uint64_t number);
  // Removes the object of this name; false if there is none. Who holds a reference keeps it.
  bool Erase(absl::string_view name);

  // For the mover, which has pinned this table: puts `to`, in its constructed state, in the place of `from`, or says why
  // not and leaves `to` as it is. Context: only tries the lock.
  reclaim::MoveResult TryMove(CountedObject* from, CountedObject* to);

  // OK, or what is wrong with which object. Takes the lock.
  absl::Status CheckInvariants() const;

 private:
  using Link = std::atomic<CountedObject*>;
  struct Lock;

  const Link& BucketOf(uint64_t hash) const { return buckets_[hash & (buckets_.size() - 1)]; }
  Link& BucketOf(uint64_t hash) { return buckets_[hash & (buckets_.size() - 1)]; }
  // The link that leads to the object of this name, or the null one at the end of its bucket.
  Link& FindLinkLocked(absl::string_view name, uint64_t hash) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RemoveLocked(Link& link) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  CountedCache& cache_;
  std::vector<Link> buckets_;  // the links change under the lock
  mutable Mutex mutex_;
};

}  // namespace mxa::examples

#endif  // MXA_EXAMPLES_COUNTED_TABLE_COUNTED_TABLE_H_
