// SPDX-License-Identifier: Apache-2.0
//
// What runs around the paths of a cache that asked for it: injected faults, handlers, checks of objects.
//
// A cache that asked for none has no hooks, and its fast path does not know of them: a cache with hooks keeps its
// threads' fences down for good, so that all of them come by the slow path, where hooks are looked for.
// Threads: any.
#ifndef MXA_SLAB_CACHE_HOOKS_H_
#define MXA_SLAB_CACHE_HOOKS_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/types/span.h"
#include "base/fault_injector.h"
#include "slab/arena.h"
#include "slab/cache_options.h"
#include "slab/counters.h"
#include "slab/debug/object_debug.h"
#include "slab/debug/quarantine.h"

namespace mxa::slab {

struct CacheHooks {
  // Null when `options` and the environment ask for none. `counters` outlives the hooks.
  static std::unique_ptr<CacheHooks> For(const CacheOptions& options, const Arena& arena, Counters* counters);

  // Whether the next allocation, slab or sheaf is to fail.
  bool ShouldFail() {
    if (faults == nullptr || !faults->ShouldFail()) return false;
    counters->Add(Count::kInjectedFault);
    return true;
  }
  // Whether objects are constructed at each allocation rather than with their slab.
  bool reconstructs() const { return debug != nullptr && debug->reconstruct(); }
  // Ends the process with a report when a byte in or beside `object`, which is free, was overwritten.
  void RequireWhole(const void* object) const;
  // The order in which a sheaf's objects are handed out.
  void Shuffle(absl::Span<void*> objects);

  Counters* counters = nullptr;
  FaultInjector* faults = nullptr;
  std::unique_ptr<ObjectDebug> debug;
  std::unique_ptr<Quarantine> quarantine;
  bool random_order = false;
  std::atomic<uint64_t> shuffles{0};  // relaxed: any number will do as a seed
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_CACHE_HOOKS_H_
