// SPDX-License-Identifier: Apache-2.0
//
// How often each path of a cache was taken.
//
// Threads: any. Relaxed throughout: statistics, each exact by itself, taken together no snapshot.
// Why not the fast paths too: counting them costs as much as they do; what they did shows in the sheaves that were
// exchanged.
#ifndef MXA_SLAB_COUNTERS_H_
#define MXA_SLAB_COUNTERS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace mxa::slab {

enum class Count : uint8_t {
  kAllocSlow,        // allocations that did not find an object in the thread's main sheaf
  kAllocFailed,      // allocations that returned null
  kFreeSlow,         // frees that did not find room in the thread's main sheaf
  kBarnGet,          // full sheaves taken from a barn
  kBarnGetFail,      // times that a barn had none
  kBarnPut,          // full sheaves put into a barn
  kBarnPutFail,      // times that a barn had enough
  kRefill,           // sheaves filled from slabs
  kFlush,            // sheaves emptied into slabs
  kSheafAlloc,       // sheaves made
  kSheafFree,        // sheaves deleted
  kRcuSheaf,         // sheaves retired for a grace period
  kRcuObject,        // objects in these
  kRcuTimer,         // of these sheaves, those retired part-filled because they had waited long enough
  kIdleDrain,        // threads whose sheaves were given back because they were idle
  kPrefillFast,      // prefilled sheaves from the thread or a barn
  kPrefillSlow,      // prefilled sheaves that needed slabs
  kPrefillOversize,  // prefilled sheaves larger than a sheaf of the cache
  kReturnFast,       // prefilled sheaves kept as they were when returned
  kReturnSlow,       // prefilled sheaves flushed when returned
  kCriticalAlloc,    // allocations served from a page pool's slabs
  kCriticalSlab,     // slabs taken from a page pool
  kCriticalWait,     // allocations that waited for a page pool
  kVeto,             // allocations and slabs that a notifier refused
  kInjectedFault,    // allocations and slabs that fault injection refused
  kGuarded,          // allocations served from guarded pages
  kCount,
};

// Names for people and exporters, in the order of Count.
inline constexpr std::array<const char*, static_cast<size_t>(Count::kCount)> kCountNames = {
    "alloc_slow",     "alloc_failed",  "free_slow",      "barn_get",      "barn_get_fail", "barn_put",
    "barn_put_fail",  "refill",        "flush",          "sheaf_alloc",   "sheaf_free",    "rcu_sheaf",
    "rcu_object",     "rcu_timer",     "idle_drain",     "prefill_fast",  "prefill_slow",  "prefill_oversize",
    "return_fast",    "return_slow",   "critical_alloc", "critical_slab", "critical_wait", "veto",
    "injected_fault", "guarded_alloc",
};

// A moment's values, by Count.
struct CountValues {
  std::array<uint64_t, static_cast<size_t>(Count::kCount)> values{};
  uint64_t operator[](Count count) const { return values[static_cast<size_t>(count)]; }
};

class Counters {
 public:
  void Add(Count count, uint64_t by = 1) {
    values_[static_cast<size_t>(count)].fetch_add(by, std::memory_order_relaxed);
  }
  CountValues Read() const {
    CountValues read;
    for (size_t i = 0; i < read.values.size(); ++i) read.values[i] = values_[i].load(std::memory_order_relaxed);
    return read;
  }

 private:
  std::array<std::atomic<uint64_t>, static_cast<size_t>(Count::kCount)> values_{};
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_COUNTERS_H_
