// SPDX-License-Identifier: Apache-2.0
#include "slab/page_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "base/check.h"
#include "reclaim/context.h"
#include "reclaim/rcu.h"

namespace mxa::slab {
namespace {

static_assert(BuddyBlock::kMostUnits == kUnitsPerRegion, "a block may be as large as the largest run");

#ifdef MADV_POPULATE_WRITE
constexpr int kPopulateWrite = MADV_POPULATE_WRITE;
#else
constexpr int kPopulateWrite = 23;  // since Linux 5.14; the C library's headers may be older than the kernel
#endif

bool IsZero(const char* start, size_t bytes) { return start[0] == 0 && std::memcmp(start, start + 1, bytes - 1) == 0; }

}  // namespace

absl::StatusOr<std::unique_ptr<PagePool>> PagePool::Create(const PagePoolOptions& options) {
  if (!std::has_single_bit(options.largest_run_units) || options.largest_run_units > kUnitsPerRegion) {
    return absl::InvalidArgumentError("the largest run of a page pool is a power of two of units up to a region");
  }
  Arena& arena = options.arena == nullptr ? Arena::Default() : *options.arena;
  std::unique_ptr<PagePool> pool(new PagePool(options, arena));
  if (const absl::Status status = pool->Resize(options.min_units); !status.ok()) return status;
  return pool;
}

PagePool::~PagePool() {
  std::vector<char*> blocks;
  {
    MutexLock lock(&mutex_);
    const size_t out = blocks_.size() * largest_run_units() - held_;
    const std::string line =
        absl::StrFormat("page pool %s destroyed with %d units out and %d waiters", name(), out, waiters_.size());
    MXA_CHECK(out == 0 && waiters_.empty(), line.c_str());
    for (const Block& block : blocks_) blocks.push_back(block.start);
  }
  GiveBack(blocks);
}

size_t PagePool::RoundedUp(size_t units) const {
  return (units + largest_run_units() - 1) / largest_run_units() * largest_run_units();
}

absl::Status PagePool::MakeReady(char* start) const {
  const size_t bytes = largest_run_units() * kUnitSize;
  // Where the kernel knows this advice (else EINVAL), a shortage is an error here; writing would meet it as a signal.
  if (madvise(start, bytes, kPopulateWrite) != 0 && errno != EINVAL) {
    return absl::ResourceExhaustedError("the system has no pages left");
  }
  std::memset(start, 0, bytes);
  if (options_.lock_pages && mlock(start, bytes) != 0) {
    munlock(start, bytes);  // a call that failed may have locked some
    return absl::ResourceExhaustedError("its pages cannot be locked; is there a limit (ulimit -l)?");
  }
  return absl::OkStatus();
}

Slab* PagePool::AsRun(char* start, size_t units) const { return arena_.Carve(arena_.SlabOf(start), units, units); }

void PagePool::Adopt(Slab* block) {
  char* start = block->objects;
  arena_.Carve(block, largest_run_units(), 1);
  std::vector<char*> surplus;
  {
    MutexLock lock(&mutex_);
    const auto next = std::lower_bound(blocks_.begin(), blocks_.end(), start,
                                       [](const Block& other, const char* address) { return other.start < address; });
    blocks_.insert(next, Block{start, BuddyBlock(largest_run_units())});
    held_ += largest_run_units();
    ServeWaitersLocked();
    surplus = RemoveSurplusLocked();  // others may have filled the reserve meanwhile
  }
  GiveBack(surplus);
}

absl::Status PagePool::AddBlock() {
  Slab* block = arena_.AllocateRun(largest_run_units());
  if (block == nullptr) {
    return absl::ResourceExhaustedError(absl::StrFormat("the arena has no run of %d units left", largest_run_units()));
  }
  if (const absl::Status status = MakeReady(block->objects); !status.ok()) {
    std::vector<Slab*> runs{block};
    arena_.FreeRuns(runs);
    return status;
  }
  Adopt(block);
  return absl::OkStatus();
}

void PagePool::GiveBack(const std::vector<char*>& blocks) {
  if (blocks.empty()) return;
  std::vector<Slab*> runs;
  for (char* start : blocks) {
    // Pages of a locked mapping cannot be given to the system.
    MXA_CHECK(!options_.lock_pages || munlock(start, largest_run_units() * kUnitSize) == 0, "cannot unlock pages");
    runs.push_back(AsRun(start, largest_run_units()));
  }
  arena_.FreeRuns(runs);
}

size_t PagePool::MissingBlocks() const {
  MutexLock lock(&mutex_);
  size_t wanted = target_;
  for (Waiter* waiter = waiters_.front(); waiter != nullptr; waiter = waiters_.next(*waiter)) wanted += waiter->units;
  const size_t missing = wanted <= held_ ? 0 : RoundedUp(wanted - held_) / largest_run_units();
  // What is held may be too scattered for those who wait (P3).
  return waiters_.empty() ? missing : std::max<size_t>(missing, 1);
}

PagePool::Block* PagePool::BlockOf(const char* address) {
  const auto after = std::upper_bound(blocks_.begin(), blocks_.end(), address,
                                      [](const char* sought, const Block& other) { return sought < other.start; });
  if (after == blocks_.begin()) return nullptr;
  Block& block = *std::prev(after);
  return address < block.start + largest_run_units() * kUnitSize ? &block : nullptr;
}

char* PagePool::TakeLocked(size_t units) {
  MXA_CHECK(std::has_single_bit(units) && units <= largest_run_units(),
            "a run of a page pool is a power of two of units up to its largest");
  Block* best = nullptr;
  BuddyBlock::Fit best_fit;
  for (Block& block : blocks_) {
    const BuddyBlock::Fit fit = block.units.Find(units);
    if (fit.size == 0 || (best != nullptr && best_fit.size <= fit.size)) continue;
    best = &block;
    best_fit = fit;
    if (fit.size == units) break;
  }
  if (best == nullptr) return nullptr;
  best->units.Take(best_fit.first, units);
  held_ -= units;
  ++takes_;
  return best->start + best_fit.first * kUnitSize;
}

void PagePool::ServeWaitersLocked() {
  for (Waiter* waiter = waiters_.front(); waiter != nullptr;) {
    Waiter* const after = waiters_.next(*waiter);
    if (char* start = TakeLocked(waiter->units); start != nullptr) {
      waiters_.Remove(*waiter);
      waiter->start = start;
      // Under the lock: a waiter that has its run may return and take its condition variable with it.
      waiter->served.Signal();
    }
    waiter = after;
  }
}

std::vector<char*> PagePool::RemoveSurplusLocked() {
  std::vector<char*> surplus;
  for (size_t i = blocks_.size(); i-- > 0 && held_ >= target_ + largest_run_units();) {
    if (!blocks_[i].units.whole()) continue;
    surplus.push_back(blocks_[i].start);
    blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(i));
    held_ -= largest_run_units();
  }
  return surplus;
}

Slab* PagePool::Take(size_t units) {
  char* start;
  {
    MutexLock lock(&mutex_);
    start = TakeLocked(units);
  }
  return start == nullptr ? nullptr : AsRun(start, units);
}

Slab* PagePool::TakeWaiting(size_t units, absl::Duration timeout) {
  MXA_CHECK(reclaim::MayReclaim(), "waiting for a page pool where waiting is forbidden");
  const absl::Time deadline = absl::Now() + timeout;
  reclaim::OfflineScope offline;
  Waiter waiter(units);
  {
    MutexLock lock(&mutex_);
    waiter.start = TakeLocked(units);
    if (waiter.start == nullptr && timeout > absl::ZeroDuration()) {
      ++waits_;
      waiters_.PushBack(waiter);
      while (waiter.start == nullptr && !waiter.served.WaitWithDeadline(&mutex_, deadline)) {
      }
      // Served and out of time at once counts as served, or the run would be lost.
      if (waiter.start == nullptr) {
        waiters_.Remove(waiter);
        ++timeouts_;
      }
    }
  }
  return waiter.start == nullptr ? nullptr : AsRun(waiter.start, units);
}

void PagePool::Put(Slab* run) {
  char* const start = run->objects;
  const size_t units = run->units;
  size_t first;
  {
    MutexLock lock(&mutex_);
    Block* block = BlockOf(start);
    MXA_CHECK(block != nullptr, "a run put into a page pool that it is not from");
    first = static_cast<size_t>(start - block->start) / kUnitSize;
    MXA_CHECK(block->units.OutAt(first) == units && units != 0, "a run put into its page pool that is not out");
    block->units.BeginReturn(first);
  }
  // Here, and by hand: the next taker may be short of time, and is short of memory. Giving the pages to the system
  // would clear them too, but then the taker's first write would have to find new ones.
  std::memset(start, 0, units * kUnitSize);
  arena_.Carve(run, units, 1);
  std::vector<char*> surplus;
  {
    MutexLock lock(&mutex_);
    // Looked up again: others may have come and gone, but this one cannot go while it is not whole.
    BlockOf(start)->units.EndReturn(first, units);
    held_ += units;
    ServeWaitersLocked();
    surplus = RemoveSurplusLocked();
  }
  GiveBack(surplus);
}

bool PagePool::Offer(std::vector<Slab*>& runs) {
  size_t missing = MissingBlocks();
  if (missing == 0) return false;
  bool kept = false;
  std::vector<Slab*> rest;
  for (Slab* run : runs) {
    MXA_CHECK(arena_.Contains(run->objects), "a run of another arena offered to a page pool");
    const size_t units = run->units;
    // A run of a block that somebody waits for goes on to the arena.
    if (missing == 0 || units < largest_run_units() || !arena_.Pin(run)) {
      rest.push_back(run);
      continue;
    }
    arena_.Carve(run, units, largest_run_units());
    for (size_t i = 0; i < units; i += largest_run_units()) {
      Slab* block = arena_.SlabOf(run->objects + i * kUnitSize);
      if (missing != 0 && MakeReady(block->objects).ok()) {
        Adopt(block);
        --missing;
        kept = true;
      } else {
        rest.push_back(block);
      }
    }
  }
  runs.swap(rest);
  return kept;
}

absl::Status PagePool::Refill() {
  for (size_t missing = MissingBlocks(); missing > 0; --missing) {
    const absl::Status status = AddBlock();
    if (status.ok()) continue;
    MutexLock lock(&mutex_);
    return absl::ResourceExhaustedError(
        absl::StrFormat("page pool %s holds %d of %d units: %s", name(), held_, target_, status.message()));
  }
  return absl::OkStatus();
}

absl::Status PagePool::Resize(size_t units) {
  if (units > arena_.reserved_bytes() / kUnitSize) {
    return absl::InvalidArgumentError(
        absl::StrFormat("page pool %s cannot hold %d units: its arena reserves fewer", name(), units));
  }
  std::vector<char*> surplus;
  {
    MutexLock lock(&mutex_);
    target_ = RoundedUp(units);
    surplus = RemoveSurplusLocked();
  }
  GiveBack(surplus);
  return Refill();
}

PagePoolStats PagePool::Stats() const {
  MutexLock lock(&mutex_);
  return {.target_units = target_,
          .held_units = held_,
          .out_units = blocks_.size() * largest_run_units() - held_,
          .waiters = waiters_.size(),
          .takes = takes_,
          .waits = waits_,
          .timeouts = timeouts_};
}

absl::Status PagePool::CheckInvariants() const {
  MutexLock lock(&mutex_);
  size_t held = 0;
  bool whole = false;
  for (const Block& block : blocks_) {
    held += block.units.free_units();
    whole = whole || block.units.whole();
    if (!block.units.Sound()) {
      return absl::InternalError(absl::StrFormat("P5: runs of block %p of %s overlap", block.start, name()));
    }
    for (size_t i = 0; i < largest_run_units(); ++i) {
      if (!block.units.IsFree(i)) continue;
      const char* unit = block.start + i * kUnitSize;
      const Slab* slab = arena_.SlabOf(unit);
      if (slab->objects != unit || slab->units != 1 || slab->owner != nullptr || !IsZero(unit, kUnitSize)) {
        return absl::InternalError(absl::StrFormat("P2: unit %d of block %p of %s is used", i, block.start, name()));
      }
    }
    for (Waiter* waiter = waiters_.front(); waiter != nullptr; waiter = waiters_.next(*waiter)) {
      if (block.units.Find(waiter->units).size != 0) {
        return absl::InternalError(absl::StrFormat("P3: %s lets a thread wait for %d units", name(), waiter->units));
      }
    }
  }
  if (held != held_) {
    return absl::InternalError(absl::StrFormat("P1: %s holds %d units, %d counted", name(), held, held_));
  }
  if (whole && held_ >= target_ + largest_run_units()) {
    return absl::InternalError(absl::StrFormat("P4: %s holds %d units for a target of %d", name(), held_, target_));
  }
  return absl::OkStatus();
}

}  // namespace mxa::slab
