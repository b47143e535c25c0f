// SPDX-License-Identifier: Apache-2.0
#include "slab/cache_hooks.h"

#include <cstdio>
#include <cstdlib>
#include <string>

#include "slab/debug/debug_options.h"
#include "slab/debug/shuffle.h"

namespace mxa::slab {
namespace {

// What the program asks for, and what the environment adds.
DebugOptions OptionsOf(const CacheOptions& options) {
  return options.debug.any() ? options.debug : DebugOptionsFromEnvironment(options.name);
}

}  // namespace

std::unique_ptr<CacheHooks> CacheHooks::For(const CacheOptions& options, const Arena& arena, Counters* counters) {
  const DebugOptions debug = OptionsOf(options);
  if (!debug.any() && options.faults == nullptr && options.notifiers == nullptr) return nullptr;
  auto hooks = std::make_unique<CacheHooks>();
  hooks->counters = counters;
  hooks->faults = options.faults;
  hooks->random_order = debug.random_order;
  if (debug.checks_objects()) {
    hooks->debug = std::make_unique<ObjectDebug>(ObjectDebug::Config{
        .cache_name = options.name,
        .object_size = options.object_size,
        .alignment = options.alignment,
        .options = debug,
        .movable = options.movable != nullptr,
        .has_constructor = options.constructor != nullptr,
        .slab_of = [&arena](const void* object) -> const void* { return arena.SlabOf(object)->objects; }});
  }
  if (debug.quarantine_objects != 0) {
    hooks->quarantine = std::make_unique<Quarantine>(
        debug.quarantine_objects, [&arena](const void* object) { return arena.SlabOf(object)->bypasses_sheaves(); });
  }
  return hooks;
}

void CacheHooks::RequireWhole(const void* object) const {
  const absl::Status status = debug->Check(object);
  if (status.ok()) return;
  std::fprintf(stderr, "mxa: %s\n", std::string(status.message()).c_str());
  std::abort();
}

void CacheHooks::Shuffle(absl::Span<void*> objects) {
  uint64_t seed = 0x9e3779b97f4a7c15 * (1 + shuffles.fetch_add(1, std::memory_order_relaxed));
  slab::Shuffle(objects, &seed);
}

}  // namespace mxa::slab
