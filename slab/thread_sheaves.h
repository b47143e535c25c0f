// SPDX-License-Identifier: Apache-2.0
//
// One thread's sheaves of one cache, and the owner section that guards them: a flag of the owner's, no lock, no atomic
// read-modify-write.
//
// Protocol (handshake):
//   owner:   in_section = 1; compiler barrier; fence != 0 ? go on : in_section = 0, lock the mutex, go on
//   drainer: fence = 0; membarrier; lock the mutex; wait until in_section == 0; the sheaves are the drainer's until it
//   unlocks
// Either the owner's flag was set before the membarrier: the drainer sees it and waits for that one section; or it was
// not: then the owner's test comes after the membarrier, sees the fence down and goes through the mutex.
// Threads: the owner inside an OwnerSection; anyone else inside a ForeignSection while the fence is 0.
// Why an address and not a flag: a free compares its object with the fence, so that one test turns away both what comes
// during a drain and what cannot lie in a slab.
// Why not a lock: a locked read-modify-write on each allocation and free costs five times the whole pair (16 against 3
// ns).
#ifndef MXA_SLAB_THREAD_SHEAVES_H_
#define MXA_SLAB_THREAD_SHEAVES_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/base/optimization.h"
#include "base/check.h"
#include "base/intrusive_list.h"
#include "base/mutex.h"
#include "base/schedule_point.h"
#include "slab/sheaf.h"

namespace mxa::slab {

struct ThreadTable;

struct alignas(64) ThreadSheaves : ListLink {
  std::atomic<uint32_t> in_section{0};
  // Objects below it may be freed on the fast path: the end of the arena's slabs, or 0 when owners must take the mutex.
  std::atomic<uintptr_t> fence{0};
  Sheaf* main = nullptr;      // never null; allocated from and freed to
  Sheaf* spare = nullptr;     // full, empty or anything between; null after FreeRcu had to take it for want of memory
  Sheaf* rcu_free = nullptr;  // objects waiting to be retired together; null until first needed
  // For the housekeeper, which only looks: when rcu_free got its first object, in milliseconds, 0 without one; how often
  // the owner has come by the slow way. Relaxed, except as housekeeper.h says.
  std::atomic<int64_t> rcu_since{0};
  std::atomic<uint32_t> activity{0};
  // Idle: everything given back, and the fence stays 0 until the owner comes by. Written under the registry's lock.
  std::atomic<bool> parked{false};
  // The housekeeper's notes, under the registry's lock.
  uint32_t activity_seen = 0;
  int64_t idle_since = 0;
  Mutex mutex;
  CacheCore* cache = nullptr;
  ThreadTable* table = nullptr;  // the owning thread's
};

// The owner's access to its sheaves when nobody else wants any: open() and admits() are false, and nothing may be
// touched, while a drain is under way.
class [[nodiscard]] FastOwnerSection {
 public:
  explicit FastOwnerSection(ThreadSheaves& sheaves) : sheaves_(sheaves) {
    // ORDER(handshake) relaxed; the compiler barrier below and the membarrier in BeginSlow order it before the load of
    // `fence`.
    sheaves.in_section.store(1, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    // ORDER(handshake-end) acquire; pairs with the release in EndSlow: the owner sees its sheaves as the drain left
    // them.
    fence_ = sheaves.fence.load(std::memory_order_acquire);
    MXA_SCHEDULE_POINT("owner_section.entered");
  }
  ~FastOwnerSection() {
    // ORDER(section-end) release; pairs with the acquire in ForeignSection: the drainer sees what the section did.
    sheaves_.in_section.store(0, std::memory_order_release);
  }
  FastOwnerSection(const FastOwnerSection&) = delete;
  FastOwnerSection& operator=(const FastOwnerSection&) = delete;

  bool open() const { return fence_ != 0; }
  // Whether the section is open and `object` is none that only the slow path knows what to do with.
  bool admits(const void* object) const { return reinterpret_cast<uintptr_t>(object) < fence_; }

 private:
  ThreadSheaves& sheaves_;
  uintptr_t fence_;
};

// The fast paths of an allocation and a free: null, or false, when there is more to do than to pop or push. `sheaves` may
// be null.
inline void* TryAllocateFrom(ThreadSheaves* sheaves) {
  if (ABSL_PREDICT_FALSE(sheaves == nullptr)) return nullptr;
  FastOwnerSection section(*sheaves);
  return ABSL_PREDICT_TRUE(section.open()) ? sheaves->main->TryPop() : nullptr;
}
inline bool TryFreeTo(ThreadSheaves* sheaves, void* object) {
  if (ABSL_PREDICT_FALSE(sheaves == nullptr)) return false;
  FastOwnerSection section(*sheaves);
  return ABSL_PREDICT_TRUE(section.admits(object)) && sheaves->main->TryPush(object);
}

// The owner's access to its sheaves at any time: by the flag, or by the mutex while a drain is under way. Short:
// nothing inside blocks but one leaf lock. Entering twice on one thread deadlocks.
class [[nodiscard]] OwnerSection {
 public:
  explicit OwnerSection(ThreadSheaves& sheaves) : sheaves_(sheaves) {
    fast_.emplace(sheaves);
    if (!fast_->open()) EnterSlow();
  }
  ~OwnerSection() {
    if (slow()) sheaves_.mutex.Unlock();
  }
  OwnerSection(const OwnerSection&) = delete;
  OwnerSection& operator=(const OwnerSection&) = delete;

  // A drain is under way, or a pass: frees must look at the slab's mark.
  bool slow() const { return !fast_.has_value(); }

 private:
  void EnterSlow() ABSL_NO_THREAD_SAFETY_ANALYSIS;  // unlocked by the destructor, and only if it was locked

  ThreadSheaves& sheaves_;
  std::optional<FastOwnerSection> fast_;
};

// Enters a foreign section, which lasts until `sheaves.mutex` is unlocked.
void EnterForeign(ThreadSheaves& sheaves) ABSL_EXCLUSIVE_LOCK_FUNCTION(sheaves.mutex);

// Anyone's access to a thread's sheaves while that thread's `fence` is 0 and the handshake's membarrier is done.
class [[nodiscard]] ForeignSection {
 public:
  explicit ForeignSection(ThreadSheaves& sheaves) : sheaves_(sheaves) { EnterForeign(sheaves); }
  ~ForeignSection() { sheaves_.mutex.Unlock(); }
  ForeignSection(const ForeignSection&) = delete;
  ForeignSection& operator=(const ForeignSection&) = delete;

 private:
  ThreadSheaves& sheaves_;
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_THREAD_SHEAVES_H_
