// SPDX-License-Identifier: Apache-2.0
//
// A table of movable objects for tests: the smallest owner that a pass can move objects of, and one that notices what
// it must not be asked.
//
// Readers read a slot under RCU and check that the item proves itself. The table counts as a violation whenever CanFree
// is handed an object that its user has freed, or an item reads as another than it should.
#ifndef MXA_TESTS_SUPPORT_HANDLE_TABLE_H_
#define MXA_TESTS_SUPPORT_HANDLE_TABLE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/fault_injector.h"
#include "base/mutex.h"
#include "reclaim/movable.h"
#include "slab/arena.h"
#include "slab/cache.h"
#include "slab/page_pool.h"

namespace mxa::test {

struct Item {
  enum State : uint64_t { kFree = 0x5f, kLive = 0xa1, kGone = 0xd7 };
  std::atomic<uint64_t> state{kFree};
  uint64_t id = 0;
  uint64_t check = 0;
  unsigned char filler[104] = {};
};

class HandleTable final : public reclaim::Movable {
 public:
  struct Options {
    size_t slots = 0;
    size_t sheaf_capacity = 0;
    size_t reserve_bytes = size_t{1} << 30;
    FaultInjector* page_faults = nullptr;  // of the arena
    const slab::Topology* topology = nullptr;
    size_t quarantine_objects = 0;
    absl::Duration idle_delay = absl::Seconds(5);
    absl::Duration empty_slab_delay = absl::Seconds(1);
    size_t empty_slab_bytes = size_t{1} << 30;
  };
  explicit HandleTable(const Options& options);
  // Frees what is left.
  ~HandleTable() override;

  // False when there is no memory.
  bool Create(size_t slot);
  // The same with an object that may come from `pool`.
  bool CreateCritical(size_t slot, slab::PagePool& pool);
  void RemoveRcu(size_t slot);
  // For an item that no reader has.
  void RemoveNow(size_t slot);
  // True when the slot is empty or its item proves itself. Counts a violation otherwise.
  bool Read(size_t slot);
  // The item of a slot, for a caller inside a read section.
  Item* Peek(size_t slot) const { return slots_[slot].load(std::memory_order_acquire); }

  bool CanFree(absl::Span<void*> objects) override;
  void Reclaim(absl::Span<void*> objects, reclaim::MoveTarget& target) override;

  // While set, CanFree answers no.
  std::atomic<bool> refuse{false};

  slab::Arena& arena() { return *arena_; }
  slab::Cache& cache() { return *cache_; }
  size_t violations() const { return violations_.load(); }
  size_t destroyed() const { return destroyed_.load(); }
  size_t removed_rcu() const { return removed_rcu_.load(); }

 private:
  static void Construct(void* object);
  static void Destroy(void* object);
  bool Create(size_t slot, slab::PagePool* pool);
  Item* Detach(size_t slot);

  std::unique_ptr<slab::Arena> arena_;
  std::unique_ptr<slab::Cache> cache_;
  Mutex mutex_;
  std::vector<std::atomic<Item*>> slots_;
  std::atomic<size_t> creating_{0};  // threads between Allocate and the item's being live
  std::atomic<size_t> violations_{0};
  std::atomic<size_t> removed_rcu_{0};
  static std::atomic<size_t> destroyed_;
};

}  // namespace mxa::test

#endif  // MXA_TESTS_SUPPORT_HANDLE_TABLE_H_
