// SPDX-License-Identifier: Apache-2.0
//
// One thread's sheaves of one cache, and the owner section that guards them: a flag of the owner's, no lock, no atomic
// read-modify-write.
//
// Protocol (handshake):
//   owner:   in_section = 1; compiler barrier; slow == 0 ? go on : in_section = 0, lock the mutex, go on
//   drainer: slow = 1; membarrier; lock the mutex; wait until in_section == 0; the sheaves are the drainer's until it
//   unlocks
// Either the owner's flag was set before the membarrier: the drainer sees it and waits for that one section; or it was
// not: then the owner's test comes after the membarrier, sees slow and goes through the mutex.
// Threads: the owner inside an OwnerSection; anyone else inside a ForeignSection while slow is set.
// Why not a lock: a locked read-modify-write on each allocation and free costs five times the whole pair (16 against 3
// ns).
#ifndef MXA_SLAB_THREAD_SHEAVES_H_
#define MXA_SLAB_THREAD_SHEAVES_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/check.h"
#include "base/intrusive_list.h"
#include "base/mutex.h"
#include "base/schedule_point.h"
#include "slab/sheaf.h"

namespace mxa::slab {

class ThreadRecord;

struct alignas(64) ThreadSheaves : ListLink {
  std::atomic<uint32_t> in_section{0};
  std::atomic<uint32_t> slow{0};
  Sheaf* main = nullptr;      // never null; allocated from and freed to
  Sheaf* spare = nullptr;     // never null; full, empty or anything between
  Sheaf* rcu_free = nullptr;  // objects waiting to be retired together; null until first needed
  Mutex mutex;
  CacheCore* cache = nullptr;
  ThreadRecord* record = nullptr;
};

// The owner's access to its sheaves when nobody else wants any: open() is false, and nothing may be touched, while a
// drain is under way.
class [[nodiscard]] FastOwnerSection {
 public:
  explicit FastOwnerSection(ThreadSheaves& sheaves) : sheaves_(sheaves) {
    // ORDER(handshake) relaxed; the compiler barrier below and the membarrier in BeginSlow order it before the test of
    // `slow`.
    sheaves.in_section.store(1, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    // ORDER(handshake-end) acquire; pairs with the release in EndSlow: the owner sees its sheaves as the drain left
    // them.
    open_ = sheaves.slow.load(std::memory_order_acquire) == 0;
    MXA_SCHEDULE_POINT("owner_section.entered");
  }
  ~FastOwnerSection() {
    // ORDER(section-end) release; pairs with the acquire in ForeignSection: the drainer sees what the section did.
    sheaves_.in_section.store(0, std::memory_order_release);
  }
  FastOwnerSection(const FastOwnerSection&) = delete;
  FastOwnerSection& operator=(const FastOwnerSection&) = delete;

  bool open() const { return open_; }

 private:
  ThreadSheaves& sheaves_;
  bool open_;
};

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

// Anyone's access to a thread's sheaves while that thread's `slow` is set and the handshake's membarrier is done.
class [[nodiscard]] ForeignSection {
 public:
  explicit ForeignSection(ThreadSheaves& sheaves);
  ~ForeignSection() { sheaves_.mutex.Unlock(); }
  ForeignSection(const ForeignSection&) = delete;
  ForeignSection& operator=(const ForeignSection&) = delete;

 private:
  ThreadSheaves& sheaves_;
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_THREAD_SHEAVES_H_
