// SPDX-License-Identifier: Apache-2.0
//
// Objects with a page each between pages that fault: misuse of a sampled few is found where it happens, in production.
//
//   guard page | object page | guard page | object page | ... | guard page
//
// Invariants (cited by CheckInvariants):
//   G1  a slot waits on the queue of free slots, holds a live or retired object, or is in one thread's hands.
//   G2  live and retired count the slots in those states.
//   G3  a page is readable from Allocate until Free, or until the grace period after FreeRcu; else it faults, is given
//       back to the system, and is the last in the queue to be used again.
// Threads: everything from any thread at once, but for construction and destruction; one leaf lock.
//   Each pointer is freed by one thread, of course; that is what is checked.
// Why not red zones in all slabs: they find a write when the object is freed, cost memory in every object, and never
// find a read.
// The idea is that of the Linux kernel's KFENCE.
#ifndef MXA_SLAB_GUARD_GUARD_POOL_H_
#define MXA_SLAB_GUARD_GUARD_POOL_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/mutex.h"
#include "reclaim/retire.h"
#include "slab/guard/guard_report.h"

namespace mxa::slab {

// Which neighbouring guard page an object is put against. Its alignment may leave a gap on the right; the gap, as all
// of the page that is not the object, is filled with a pattern and checked when the object is freed.
enum class GuardPlacement { kRandom, kLeft, kRight };

struct GuardOptions {
  GuardPlacement placement = GuardPlacement::kRandom;
  // Of the random placement; 0: another one each time.
  uint32_t seed = 0;
  // Have faults explained: InstallGuardHandler().
  bool install_handler = false;
};

class GuardPool {
 public:
  static constexpr size_t kMaxObjectSize = 4096;
  static constexpr size_t kMaxAlignment = 4096;

  // Bytes of addresses for `objects` objects at a time. 2 MiB of 4 KiB pages have room for 255.
  static size_t BytesFor(size_t objects);

  // A pool in [start, start + bytes), which stays the caller's: whole pages, three at least, of private anonymous
  // memory that nothing may access (PROT_NONE). At most two more of the system's mappings are used for a live object.
  //
  // REQUIRES: start and bytes as said, as far as can be seen without asking the system.    (CHECKed)
  GuardPool(void* start, size_t bytes, const GuardOptions& options = {});
  // Leaves the range without access and empty. REQUIRES: no object is live or retired.    (CHECKed)
  ~GuardPool();
  GuardPool(const GuardPool&) = delete;
  GuardPool& operator=(const GuardPool&) = delete;

  // Returns a guarded object of zeroes; null when all slots are taken, when `size` is over kMaxObjectSize or when the
  // system refuses. `cache_name` is copied, up to 31 bytes of it; `owner` must be named again to free the object.
  //
  // REQUIRES: size > 0; alignment is a power of two up to kMaxAlignment.    (CHECKed)
  // Context: any; takes the pool's leaf lock; makes a system call.
  [[nodiscard]] void* Allocate(size_t size, size_t alignment, std::string_view cache_name, const void* owner);

  // Takes an object back and puts its page out of reach.
  //
  // A double free, another owner, a pointer that is no object's start and a written byte beside the object end the
  // process with one line, `mxa: WHAT: cache NAME, object ...`, and the stacks of the allocation and the free.
  // REQUIRES: Contains(object).    (CHECKed)
  // Context: as Allocate.
  void Free(void* object, const void* owner);

  // As Free after a grace period that begins after this call; the checks of the pointer are made at once. `destructor`,
  // if not null, is called with the object once, on the reclaimer's thread, when the period is over and the page still
  // there. reclaim::RetireBarrier() waits for it.
  //
  // Context: any, also inside a read section and under an array lock; takes leaf locks.
  void FreeRcu(void* object, const void* owner, void (*destructor)(void* object));

  // Whether the address lies in the pool's range, guard pages included.
  bool Contains(const void* address) const { return reinterpret_cast<uintptr_t>(address) - start_ < bytes_; }

  // Whose live or retired object starts at `object`; null when none does.
  const void* OwnerOf(const void* object) const;

  // The live objects of `owner`.
  std::vector<void*> LiveObjectsOf(const void* owner) const;
  // Prints a line and a stack for each live object of `owner`; returns how many there are.
  size_t ReportLeaks(const void* owner) const;

  size_t capacity() const { return slots_count_; }
  size_t live() const;
  size_t retired() const;

  // Tells on standard error what a fault at `address` means. REQUIRES: Contains(address).
  // Context: any; async-signal-safe, takes no lock that is held for more than a copy.
  void ReportFault(const void* address) const;

  absl::Status CheckInvariants() const;

 private:
  // Keeps a record whole between a thread that writes it and a signal handler that copies it. Not a Mutex: that may not
  // be tried in a signal handler.
  class RecordLock {
   public:
    bool TryLock();
    void Lock();
    void Unlock();

   private:
    std::atomic<bool> held_{false};
  };

  struct Slot : reclaim::RetireHead {
    GuardPool* pool = nullptr;
    void (*destructor)(void*) = nullptr;
    RecordLock record_lock;
    // Written under mutex_ and record_lock; read under either, or by the thread that has the slot in its hands.
    GuardRecord record;
  };

  size_t IndexOf(const Slot& slot) const { return static_cast<size_t>(&slot - slots_.get()); }
  char* PageOf(const Slot& slot) const;
  // The slot whose page `address` lies in; null for a guard page.
  Slot* SlotOf(const void* address) const;
  // Clears the object, and fills what is beside it with the pattern.
  void Fill(char* page, char* object, size_t size) const;

  Slot* TakeFree(bool* right);
  void PutFree(Slot& slot);
  void SetRecord(Slot& slot, const GuardRecord& record) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The slot of `object`, now in `state` and in the caller's hands; ends the process when `object` may not be freed.
  Slot& EndLife(void* object, const void* owner, GuardState state, const CallStack& stack);
  static void OnGracePeriod(reclaim::RetireHead* head);
  // Checks the bytes beside the object, puts the page out of reach and the slot on the queue.
  void Release(Slot& slot);

  // Copies a record in a signal handler; false when its writer does not get done.
  static bool CopyRecord(Slot& slot, GuardRecord* record);
  // As ReportFault says it, for a guard page between two objects' pages.
  bool FindNeighbour(const void* address, GuardRecord* nearest) const;

  const size_t page_bytes_;
  const uintptr_t start_;
  const size_t bytes_;
  const GuardPlacement placement_;
  const size_t slots_count_;
  const std::unique_ptr<Slot[]> slots_;
  mutable Mutex mutex_;
  // A ring of the free slots' indexes, first in, first out.
  std::vector<uint32_t> queue_ ABSL_GUARDED_BY(mutex_);
  size_t queue_first_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t queue_size_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t live_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t retired_ ABSL_GUARDED_BY(mutex_) = 0;
  std::minstd_rand random_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_GUARD_GUARD_POOL_H_
