// SPDX-License-Identifier: Apache-2.0
//
// What a fault inside a guard pool means: the part of the pool that runs in a signal handler.
#include <sched.h>

#include "slab/guard/guard_pool.h"

namespace mxa::slab {

bool GuardPool::RecordLock::TryLock() {
  // ORDER(guard-record) acquire; pairs with release in Unlock: the record as its last writer left it.
  return !held_.exchange(true, std::memory_order_acquire);
}

void GuardPool::RecordLock::Lock() {
  while (!TryLock()) sched_yield();
}

void GuardPool::RecordLock::Unlock() {
  // ORDER(guard-record) release; pairs with acquire in TryLock.
  held_.store(false, std::memory_order_release);
}

bool GuardPool::CopyRecord(Slot& slot, GuardRecord* record) {
  // A writer holds the lock for one copy and touches no guarded page meanwhile, so it is never the thread that faulted.
  constexpr int kTries = 10'000;
  for (int i = 0; i < kTries; ++i) {
    if (slot.record_lock.TryLock()) {
      *record = slot.record;
      slot.record_lock.Unlock();
      return true;
    }
    sched_yield();
  }
  return false;
}

bool GuardPool::FindNeighbour(const void* address, GuardRecord* nearest) const {
  const char* place = static_cast<const char*>(address);
  const size_t page = (reinterpret_cast<uintptr_t>(address) - start_) / page_bytes_;
  const size_t right = page / 2;  // the slot behind this guard page
  bool found = false;
  size_t least = 0;
  for (const size_t index : {right - 1, right}) {
    GuardRecord record;
    if (index >= slots_count_ || !CopyRecord(slots_[index], &record)) continue;
    if (record.state == GuardState::kUnused) continue;
    size_t distance =
        static_cast<size_t>(index == right ? record.object - place : place - (record.object + record.size - 1));
    // An object that is gone is the likely one only if there is no other.
    if (record.state == GuardState::kFreed) distance += bytes_;
    if (found && distance >= least) continue;
    *nearest = record;
    least = distance;
    found = true;
  }
  return found;
}

void GuardPool::ReportFault(const void* address) const {
  GuardRecord record;
  GuardFault fault = GuardFault::kUnexplained;
  if (Slot* slot = SlotOf(address); slot != nullptr) {
    if (CopyRecord(*slot, &record) && record.state == GuardState::kFreed) fault = GuardFault::kUseAfterFree;
  } else if (FindNeighbour(address, &record)) {
    fault = GuardFault::kOutOfBounds;
  }
  ReportGuardFault(fault, record, address);
}

}  // namespace mxa::slab
