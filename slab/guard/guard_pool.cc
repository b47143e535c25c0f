// SPDX-License-Identifier: Apache-2.0
#include "slab/guard/guard_pool.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/cycle_clock.h"
#include "slab/guard/guard_handler.h"
#include "slab/guard/guard_registry.h"

namespace mxa::slab {
namespace {

size_t PageBytes() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

// What a byte beside an object holds. It differs from its neighbours', so that a run of one value cannot pass.
char Canary(const char* address) { return static_cast<char>(0xa5 ^ (reinterpret_cast<uintptr_t>(address) & 0x3f)); }

// The first byte in [from, to) that does not hold its pattern; `to` when all do.
const char* FirstDamaged(const char* from, const char* to) {
  while (from != to && *from == Canary(from)) ++from;
  return from;
}

[[noreturn]] void ReportAndAbort(GuardFault fault, const GuardRecord& record, const void* address) {
  ReportGuardFault(fault, record, address);
  std::abort();
}

}  // namespace

size_t GuardPool::BytesFor(size_t objects) { return (2 * objects + 1) * PageBytes(); }

GuardPool::GuardPool(void* start, size_t bytes, const GuardOptions& options)
    : page_bytes_(PageBytes()),
      start_(reinterpret_cast<uintptr_t>(start)),
      bytes_(bytes),
      placement_(options.placement),
      slots_count_(bytes < 3 * page_bytes_ ? 0 : (bytes / page_bytes_ - 1) / 2),
      slots_(std::make_unique<Slot[]>(slots_count_)) {
  MXA_CHECK(start_ % page_bytes_ == 0 && bytes % page_bytes_ == 0 && slots_count_ != 0,
            "a guard pool is made of whole pages, three at least");
  MXA_CHECK(slots_count_ <= std::numeric_limits<uint32_t>::max(), "a guard pool of too many pages");
  {
    MutexLock lock(&mutex_);
    random_.seed(options.seed != 0 ? options.seed : static_cast<uint32_t>(CycleClock::Now() ^ start_ >> 12));
    queue_.resize(slots_count_);
    for (size_t i = 0; i < slots_count_; ++i) {
      slots_[i].pool = this;
      queue_[i] = static_cast<uint32_t>(i);
    }
    queue_size_ = slots_count_;
  }
  RegisterGuardPool(this, start, bytes);
  if (options.install_handler) InstallGuardHandler();
}

GuardPool::~GuardPool() {
  {
    MutexLock lock(&mutex_);
    MXA_CHECK(queue_size_ == slots_count_, "guard pool destroyed while an object of it is live or retired");
  }
  UnregisterGuardPool(this);
}

char* GuardPool::PageOf(const Slot& slot) const {
  return reinterpret_cast<char*>(start_ + (2 * IndexOf(slot) + 1) * page_bytes_);
}

GuardPool::Slot* GuardPool::SlotOf(const void* address) const {
  const size_t page = (reinterpret_cast<uintptr_t>(address) - start_) / page_bytes_;
  return page % 2 == 1 && page / 2 < slots_count_ ? &slots_[page / 2] : nullptr;
}

void GuardPool::Fill(char* page, char* object, size_t size) const {
  for (char* byte = page; byte < object; ++byte) *byte = Canary(byte);
  // Zero already, but where the system would not take the page back.
  std::memset(object, 0, size);
  for (char* byte = object + size; byte < page + page_bytes_; ++byte) *byte = Canary(byte);
}

GuardPool::Slot* GuardPool::TakeFree(bool* right) {
  MutexLock lock(&mutex_);
  if (queue_size_ == 0) return nullptr;
  Slot* slot = &slots_[queue_[queue_first_]];
  queue_first_ = (queue_first_ + 1) % slots_count_;
  --queue_size_;
  // Not the lowest bit, the poorest of this generator.
  *right = placement_ == GuardPlacement::kRandom ? (random_() >> 16 & 1) != 0 : placement_ == GuardPlacement::kRight;
  return slot;
}

void GuardPool::PutFree(Slot& slot) {
  MutexLock lock(&mutex_);
  queue_[(queue_first_ + queue_size_) % slots_count_] = static_cast<uint32_t>(IndexOf(slot));
  ++queue_size_;
}

void GuardPool::SetRecord(Slot& slot, const GuardRecord& record) {
  slot.record_lock.Lock();
  slot.record = record;
  slot.record_lock.Unlock();
}

void* GuardPool::Allocate(size_t size, size_t alignment, std::string_view cache_name, const void* owner) {
  MXA_CHECK(size != 0 && std::has_single_bit(alignment) && alignment <= kMaxAlignment,
            "a guarded object has a size, and an alignment that is a power of two up to a page");
  if (size > kMaxObjectSize) return nullptr;
  bool right = false;
  Slot* slot = TakeFree(&right);
  if (slot == nullptr) return nullptr;
  char* page = PageOf(*slot);
  // Fails when the process has as many mappings as the system lets it have.
  if (mprotect(page, page_bytes_, PROT_READ | PROT_WRITE) != 0) {
    PutFree(*slot);
    return nullptr;
  }
  GuardRecord record;
  char* object = right ? page + ((page_bytes_ - size) & ~(alignment - 1)) : page;
  record.object = object;
  record.size = size;
  record.owner = owner;
  cache_name.copy(record.cache_name.data(), GuardRecord::kNameCapacity - 1);
  record.state = GuardState::kLive;
  record.allocated.Take();
  Fill(page, object, size);
  MutexLock lock(&mutex_);
  SetRecord(*slot, record);
  ++live_;
  return object;
}

GuardPool::Slot& GuardPool::EndLife(void* object, const void* owner, GuardState state, const CallStack& stack) {
  MXA_CHECK(Contains(object), "an object freed to a guard pool that it is not of");
  Slot* slot = SlotOf(object);
  GuardRecord record;
  GuardFault fault = GuardFault::kNoObject;
  if (slot != nullptr) {
    MutexLock lock(&mutex_);
    record = slot->record;
    if (record.state == GuardState::kUnused) {
      fault = GuardFault::kNoObject;
    } else if (record.object != object) {
      fault = GuardFault::kWrongPointer;
    } else if (record.state != GuardState::kLive) {
      fault = GuardFault::kDoubleFree;
    } else if (record.owner != owner) {
      fault = GuardFault::kWrongOwner;
    } else {
      fault = GuardFault::kNone;
      record.state = state;
      record.freed = stack;
      SetRecord(*slot, record);
      --live_;
      if (state == GuardState::kRetired) ++retired_;
    }
  }
  if (fault != GuardFault::kNone) {
    ReportGuardFault(fault, record, fault == GuardFault::kWrongOwner ? owner : object);
    stack.Print("freed now");
    std::abort();
  }
  return *slot;
}

void GuardPool::Free(void* object, const void* owner) {
  CallStack stack;
  stack.Take();
  Release(EndLife(object, owner, GuardState::kFreed, stack));
}

void GuardPool::FreeRcu(void* object, const void* owner, void (*destructor)(void* object)) {
  CallStack stack;
  stack.Take();
  Slot& slot = EndLife(object, owner, GuardState::kRetired, stack);
  slot.destructor = destructor;
  reclaim::Retire(&slot, &OnGracePeriod);
}

void GuardPool::OnGracePeriod(reclaim::RetireHead* head) {
  Slot& slot = *static_cast<Slot*>(head);
  GuardPool& pool = *slot.pool;
  GuardRecord record = slot.record;
  if (slot.destructor != nullptr) slot.destructor(const_cast<char*>(record.object));
  {
    MutexLock lock(&pool.mutex_);
    record.state = GuardState::kFreed;
    pool.SetRecord(slot, record);
    --pool.retired_;
  }
  pool.Release(slot);
}

void GuardPool::Release(Slot& slot) {
  const GuardRecord& record = slot.record;
  char* page = PageOf(slot);
  const char* object_end = record.object + record.size;
  if (const char* damaged = FirstDamaged(object_end, page + page_bytes_); damaged != page + page_bytes_) {
    ReportAndAbort(GuardFault::kDamaged, record, damaged);
  }
  if (const char* damaged = FirstDamaged(page, record.object); damaged != record.object) {
    ReportAndAbort(GuardFault::kDamaged, record, damaged);
  }
  // Out of reach first, so that a late access faults rather than finds zeroes. Giving up a right splits no mapping here
  // and so cannot fail for want of one.
  MXA_CHECK(mprotect(page, page_bytes_, PROT_NONE) == 0, "cannot put a page out of reach");
  // Refused where the process has locked its memory; then the page is kept, and cleared when it is used again.
  madvise(page, page_bytes_, MADV_DONTNEED);
  PutFree(slot);
}

const void* GuardPool::OwnerOf(const void* object) const {
  Slot* slot = Contains(object) ? SlotOf(object) : nullptr;
  if (slot == nullptr) return nullptr;
  MutexLock lock(&mutex_);
  const GuardRecord& record = slot->record;
  const bool held = record.state == GuardState::kLive || record.state == GuardState::kRetired;
  return held && record.object == object ? record.owner : nullptr;
}

std::vector<void*> GuardPool::LiveObjectsOf(const void* owner) const {
  std::vector<void*> objects;
  MutexLock lock(&mutex_);
  for (size_t i = 0; i < slots_count_; ++i) {
    const GuardRecord& record = slots_[i].record;
    if (record.state == GuardState::kLive && record.owner == owner) {
      objects.push_back(const_cast<char*>(record.object));
    }
  }
  return objects;
}

size_t GuardPool::ReportLeaks(const void* owner) const {
  size_t leaks = 0;
  for (const void* object : LiveObjectsOf(owner)) {
    GuardRecord record;
    {
      MutexLock lock(&mutex_);
      record = SlotOf(object)->record;
    }
    if (record.state != GuardState::kLive || record.object != object || record.owner != owner) continue;
    ReportGuardFault(GuardFault::kLeaked, record, object);
    ++leaks;
  }
  return leaks;
}

size_t GuardPool::live() const {
  MutexLock lock(&mutex_);
  return live_;
}

size_t GuardPool::retired() const {
  MutexLock lock(&mutex_);
  return retired_;
}

absl::Status GuardPool::CheckInvariants() const {
  MutexLock lock(&mutex_);
  std::vector<bool> queued(slots_count_);
  for (size_t i = 0; i < queue_size_; ++i) {
    const uint32_t index = queue_[(queue_first_ + i) % slots_count_];
    if (queued[index]) return absl::InternalError(absl::StrFormat("G1: slot %d waits on the queue twice", index));
    queued[index] = true;
  }
  size_t live = 0;
  size_t retired = 0;
  for (size_t i = 0; i < slots_count_; ++i) {
    const GuardState state = slots_[i].record.state;
    live += state == GuardState::kLive ? 1 : 0;
    retired += state == GuardState::kRetired ? 1 : 0;
    if (queued[i] && (state == GuardState::kLive || state == GuardState::kRetired)) {
      return absl::InternalError(absl::StrFormat("G1: slot %d is free and holds an object", i));
    }
  }
  if (live != live_ || retired != retired_) {
    return absl::InternalError(
        absl::StrFormat("G2: %d live and %d retired objects, %d and %d counted", live, retired, live_, retired_));
  }
  return absl::OkStatus();
}

}  // namespace mxa::slab
