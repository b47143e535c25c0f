// SPDX-License-Identifier: Apache-2.0
//
// A record of each thread that takes part: its read section, its figures, its last operations, where it is.
//
// Invariants:
//   T1  section is odd exactly between the beginning and the end of a ReadScope (read_scope.h) on the record's thread, and
//       never goes back: not when another thread takes the record over either.
//   T2  a record belongs to at most one thread; record 0 to all threads that have none (those of the library).
// Threads: any. A record is written by its thread and read by all.
#ifndef MXA_TOOLS_TORTURE_THREADS_H_
#define MXA_TOOLS_TORTURE_THREADS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "base/lock_step.h"
#include "tools/torture/figures.h"
#include "tools/torture/operation_ring.h"

namespace mxa::torture {

class alignas(64) ThreadRecord {
 public:
  // Relaxed but where it says otherwise: numbers that are shown, or ordered by what the oracle says (grace_oracle.h).
  uint64_t section() const { return section_.load(std::memory_order_relaxed); }
  void NextSection() { section_.store(section() + 1, std::memory_order_relaxed); }

  void Count(Figure figure, uint64_t n) {
    figures_[static_cast<size_t>(figure)].fetch_add(n, std::memory_order_relaxed);
  }
  uint64_t figure(Figure figure) const { return figures_[static_cast<size_t>(figure)].load(std::memory_order_relaxed); }

  OperationRing& operations() { return operations_; }
  const OperationRing& operations() const { return operations_; }

  // The schedule point it came to last, and how many array locks it held there.
  void At(const char* point, int array_locks) {
    point_.store(point, std::memory_order_relaxed);
    array_locks_.store(array_locks, std::memory_order_relaxed);
  }
  const char* point() const { return point_.load(std::memory_order_relaxed); }
  int array_locks() const { return array_locks_.load(std::memory_order_relaxed); }

  // The array locks it holds and the one it waits for, by the anchors' addresses, at every moment; in builds with hooks.
  void LockWaitsFor(const void* anchor) { awaited_lock_.store(anchor, std::memory_order_relaxed); }
  void LockTaken(const void* anchor);
  void LockReleased(const void* anchor);
  // Null: it waits for none.
  const void* awaited_lock() const { return awaited_lock_.load(std::memory_order_relaxed); }
  // Null where there is none. REQUIRES: i < kMostHeldLocks.
  const void* held_lock(size_t i) const { return held_locks_[i].load(std::memory_order_relaxed); }
  bool Holds(const void* anchor) const;

  // When the step under way began (tool::NowNs); 0: none.
  void BeginStep(uint64_t now_ns) { step_began_ns_.store(now_ns, std::memory_order_relaxed); }
  void EndStep() { step_began_ns_.store(0, std::memory_order_relaxed); }
  uint64_t step_began_ns() const { return step_began_ns_.load(std::memory_order_relaxed); }

  bool in_use() const { return in_use_.load(std::memory_order_relaxed); }
  std::string name() const;

  static constexpr size_t kMostHeldLocks = 6;  // those beyond are only counted, by At

 private:
  friend class ThreadScope;
  friend void ResetThreads();
  void SetName(absl::string_view name);

  std::atomic<uint64_t> section_{0};
  std::atomic<const char*> point_{""};
  std::atomic<int> array_locks_{0};
  std::array<std::atomic<const void*>, kMostHeldLocks> held_locks_{};
  std::atomic<const void*> awaited_lock_{nullptr};
  std::atomic<uint64_t> step_began_ns_{0};
  std::atomic<bool> in_use_{false};
  std::array<std::atomic<char>, 32> name_{};
  std::array<std::atomic<uint64_t>, kFigures> figures_{};
  OperationRing operations_;
};

inline constexpr size_t kMostThreads = 512;

// The calling thread's record.
ThreadRecord& ThisThread();
// Records up to the highest one that was ever used; for loops over all.
size_t ThreadRecords();
ThreadRecord& ThreadRecordAt(size_t i);
// Over all records.
FigureValues SumFigures();
// Sets figures and operations to none. REQUIRES: no ThreadScope is open.
void ResetThreads();

inline void Count(Figure figure, uint64_t n = 1) { ThisThread().Count(figure, n); }
// Into the ring of the calling thread, and in a replayed run into the digest (replay.h).
void Note(const char* what, uint64_t first = 0, uint64_t second = 0);
// Called by Note with each operation; null: nobody.
void SetNoteListener(void (*listener)(const char* what, uint64_t first, uint64_t second));

// What the calling thread does with an array's lock, as base/lock_step.h tells it; nothing when it has no record.
void NoteLockStep(const void* anchor, LockStep step);

// Gives the calling thread a record under `name`, and the thread its name.
class [[nodiscard]] ThreadScope {
 public:
  explicit ThreadScope(absl::string_view name);
  ~ThreadScope();
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;

 private:
  ThreadRecord* const outer_;
};

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_THREADS_H_
