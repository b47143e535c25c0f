// SPDX-License-Identifier: Apache-2.0
//
// What the nodes of an array point back to: its head, its array-level marks and its lock.
//
// Invariants:
//   A1  head is null, an entry (which is then at index 0, alone), or the top node with its height.
//   A2  mark bit m is set exactly when some entry carries mark m; while the head is an entry that is that entry's own
//       mark.
//   A3  the generation changes after each change of the head between node and not node, before any mark changes.
//   A4  once the destructor has run, the head says so, as long as the memory is nobody else's. Looked at by each
//       operation where MXA_HOOKS is set, else on slow paths only.
// Threads: changed under the lock; head and marks are read by anybody who keeps the array alive.
// Why a lock of its own line: with head and lock on one line, a busy writer halves the readers (measured 32 -> 16 M
// loads a second). Why a generation: a reader that found an entry in the head must know that the mark bits it reads are
// that entry's (A2), not those of a tree that came in between.
#ifndef MXA_XARRAY_ANCHOR_H_
#define MXA_XARRAY_ANCHOR_H_

#include <atomic>
#include <cstdint>

#include "base/check.h"
#include "base/lock_step.h"
#include "base/mutex.h"
#include "base/schedule_point.h"
#include "reclaim/context.h"
#include "reclaim/rcu.h"
#include "xarray/entry.h"
#include "xarray/mark.h"

namespace mxa::xarray {

// The head of an array that has ended. It is none of the words that a walk goes on with, so that every fast path leaves
// for its slow one.
inline constexpr Entry kEnded = 2 | (uintptr_t{7} << 6);
static_assert(IsInternal(kEnded) && !IsNode(kEnded) && kEnded != kRetry && kEnded != kZero);

// Ends the process when `head` is that of an array that has ended.
inline void CheckNotEnded(Entry head) { MXA_CHECK(head != kEnded, "an array was used after its destructor ran"); }

class ABSL_LOCKABLE ArrayAnchor {
 public:
  ArrayAnchor() = default;
  // Relaxed: nobody is inside.
  ~ArrayAnchor() { head_.store(kEnded, std::memory_order_relaxed); }
  ArrayAnchor(const ArrayAnchor&) = delete;
  ArrayAnchor& operator=(const ArrayAnchor&) = delete;

  // --- The lock. While it is held, this thread neither reclaims nor waits (reclaim/context.h).

  void Lock() const ABSL_EXCLUSIVE_LOCK_FUNCTION() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    CheckIfHooked();
    if (!mutex_.TryLock()) LockSlow();
    ++reclaim::tls_context.array_locks;
    MXA_LOCK_STEP(this, LockStep::kTaken);
  }
  // What the mover uses: it never waits for an array.
  bool TryLock() const ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (!mutex_.TryLock()) return false;
    ++reclaim::tls_context.array_locks;
    MXA_LOCK_STEP(this, LockStep::kTaken);
    return true;
  }
  void Unlock() const ABSL_UNLOCK_FUNCTION() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    --reclaim::tls_context.array_locks;
    MXA_LOCK_STEP(this, LockStep::kReleased);
    mutex_.Unlock();
    MXA_SCHEDULE_POINT("array.unlocked");  // the array may have ended
  }

  // For planted bugs: others may take the lock in the middle of what its holder does.
  void LetGoForPlantedBug() const ABSL_NO_THREAD_SAFETY_ANALYSIS {
    Unlock();
    MXA_SCHEDULE_POINT("planted.unlocked");
    Lock();
  }

  // Says to the lock analysis what it cannot see.
  void AssertHeld() const ABSL_ASSERT_EXCLUSIVE_LOCK() { mutex_.AssertHeld(); }

  // Whether somebody waits for the lock. Relaxed: who asks may be a little late or early.
  bool HasWaiters() const { return waiters_.load(std::memory_order_relaxed) != 0; }

  // Looks at nothing, so that the array may have ended; for prefetching.
  const void* LockAddress() const { return reinterpret_cast<const char*>(this) + 64; }

  // --- The head.

  // ORDER(publish) acquire; pairs with the release in PublishHead.
  Entry head() const {
    CheckIfHooked();
    return head_.load(std::memory_order_acquire);
  }
  // Relaxed: the lock orders it.
  Entry HeadLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(this) { return head_.load(std::memory_order_relaxed); }
  // ORDER(publish) release; pairs with the acquire in head().
  void PublishHead(Entry entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(this) {
    const bool kind_changes = IsNode(entry) != IsNode(HeadLocked());
    head_.store(entry, std::memory_order_release);
    if (kind_changes) SetMarkWord(MarkWordLocked() + kGeneration);  // A3
  }

  // --- Marks.

  // The mark bits and the generation in one word.
  // ORDER(mark-word) acquire; pairs with the release in SetMarkWord, and keeps the look at the head that follows behind
  // it.
  uint64_t mark_word() const {
    CheckIfHooked();
    return mark_word_.load(std::memory_order_acquire);
  }
  static bool IsMarked(uint64_t mark_word, Mark mark) { return (mark_word & Bit(mark)) != 0; }
  static bool SameGeneration(uint64_t a, uint64_t b) { return ((a ^ b) & ~(kGeneration - 1)) == 0; }

  bool IsMarkedLocked(Mark mark) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(this) { return IsMarked(MarkWordLocked(), mark); }
  void SetMarkLocked(Mark mark) ABSL_EXCLUSIVE_LOCKS_REQUIRED(this) {
    if (!IsMarkedLocked(mark)) SetMarkWord(MarkWordLocked() | Bit(mark));
  }
  void ClearMarkLocked(Mark mark) ABSL_EXCLUSIVE_LOCKS_REQUIRED(this) {
    if (IsMarkedLocked(mark)) SetMarkWord(MarkWordLocked() & ~Bit(mark));
  }

 private:
  static constexpr uint64_t kGeneration = uint64_t{1} << kMarks;
  static constexpr uint64_t Bit(Mark mark) { return uint64_t{1} << static_cast<unsigned>(mark); }

  void CheckIfHooked() const {
#if MXA_HOOKS
    CheckNotEnded(head_.load(std::memory_order_relaxed));  // relaxed: nothing is read by it
#endif
  }

  // Blocks. A thread that may stops to hold up grace periods meanwhile, which matters with qsbr.
  void LockSlow() const ABSL_NO_THREAD_SAFETY_ANALYSIS {
    waiters_.fetch_add(1, std::memory_order_relaxed);  // relaxed, both: a hint
    MXA_LOCK_STEP(this, LockStep::kWaits);
    if (reclaim::InReadSection()) {
      mutex_.Lock();
    } else {
      reclaim::OfflineScope offline;
      mutex_.Lock();
    }
    waiters_.fetch_sub(1, std::memory_order_relaxed);
  }

  // Relaxed: the lock orders it.
  uint64_t MarkWordLocked() const { return mark_word_.load(std::memory_order_relaxed); }
  // ORDER(mark-word) release; pairs with the acquire in mark_word().
  void SetMarkWord(uint64_t word) { mark_word_.store(word, std::memory_order_release); }

  alignas(64) std::atomic<Entry> head_{kNull};
  std::atomic<uint64_t> mark_word_{0};
  alignas(64) mutable Mutex mutex_;
  mutable std::atomic<uint32_t> waiters_{0};  // in the lock's line: who changes it has just touched that
};

// Holds an array's lock for a scope.
class ABSL_SCOPED_LOCKABLE ArrayLock {
 public:
  explicit ArrayLock(const ArrayAnchor& anchor) ABSL_EXCLUSIVE_LOCK_FUNCTION(anchor) : anchor_(anchor) {
    anchor_.Lock();
  }
  ~ArrayLock() ABSL_UNLOCK_FUNCTION() { anchor_.Unlock(); }
  ArrayLock(const ArrayLock&) = delete;
  ArrayLock& operator=(const ArrayLock&) = delete;

 private:
  const ArrayAnchor& anchor_;
};

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_ANCHOR_H_
