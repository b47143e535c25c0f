// SPDX-License-Identifier: Apache-2.0
//
// Checks the invariants of a cache at rest (cache.h, S1 to S6) and names the one that does not hold.
#include <algorithm>
#include <vector>

#include "absl/strings/str_format.h"
#include "slab/cache_core.h"
#include "slab/membarrier.h"

namespace mxa::slab {
namespace {

absl::Status CheckSheaf(const CacheOptions& options, Sheaf& sheaf, const Arena& arena, const CacheCore* owner,
                        std::vector<void*>& cached) {
  if (sheaf.size() > sheaf.capacity) {
    return absl::InternalError(
        absl::StrFormat("S4: a sheaf of %s holds %d of %d objects", options.name, sheaf.size(), sheaf.capacity));
  }
  for (void* object : sheaf.span()) {
    const Slab* slab = arena.Contains(object) ? arena.SlabOf(object) : nullptr;
    if (slab == nullptr || slab->owner != owner) {
      return absl::InternalError(
          absl::StrFormat("S5: a sheaf of %s holds %p, which is not its own", options.name, object));
    }
    if (slab->marked()) {
      return absl::InternalError(absl::StrFormat("S6: a sheaf of %s holds %p of a marked slab", options.name, object));
    }
    cached.push_back(object);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CacheCore::CheckInvariants() {
  // Held throughout: the users rest, but the housekeeper may give back what is in the sheaves of idle threads.
  MutexLock lock(&ThreadRegistryMutex());
  if (absl::Status status = store_.CheckInvariants(); !status.ok()) return status;
  if (absl::Status status = arena_.CheckInvariants(); !status.ok()) return status;
  absl::Status status;
  if (!store_.AtRest()) {
    status.Update(absl::InternalError(
        absl::StrFormat("S6: slabs of %s are planned or marked with no pass running", options_.name)));
  }
  for (const Barn& barn : barns_) {
    if (barn.filtering())
      status.Update(
          absl::InternalError(absl::StrFormat("S6: the barn of %s filters with no pass running", options_.name)));
  }
  if (slow_requests_ != SlowAtRest()) {
    status.Update(
        absl::InternalError(absl::StrFormat("S6: threads of %s are kept slow with no drain under way", options_.name)));
  }
  for (ThreadSheaves* sheaves = threads_.front(); sheaves != nullptr; sheaves = threads_.next(*sheaves)) {
    // Relaxed: both are written under the registry's lock.
    const bool should_be_slow =
        sheaves->parked.load(std::memory_order_relaxed) || slow_requests_ != 0 || !HaveMembarrier();
    if (sheaves->fence.load(std::memory_order_relaxed) != (should_be_slow ? 0 : arena_.slabs_end())) {
      status.Update(absl::InternalError(absl::StrFormat("S6: a thread's fence of %s is wrong at rest", options_.name)));
    }
  }
  std::vector<void*> cached;
  BeginSlowLocked();
  for (ThreadSheaves* sheaves = threads_.front(); sheaves != nullptr; sheaves = threads_.next(*sheaves)) {
    ForeignSection section(*sheaves);
    for (Sheaf* sheaf : {sheaves->main, sheaves->spare, sheaves->rcu_free}) {
      if (sheaf != nullptr) status.Update(CheckSheaf(options_, *sheaf, arena_, this, cached));
    }
  }
  EndSlowLocked();
  for (Barn& barn : barns_) {
    barn.ForEachFull([&](Sheaf& sheaf) {
      status.Update(CheckSheaf(options_, sheaf, arena_, this, cached));
      if (!sheaf.full())
        status.Update(absl::InternalError(absl::StrFormat("S4: a sheaf in the barn of %s is not full", options_.name)));
      for (const void* object : sheaf.span()) {
        if (arena_.Contains(object) && arena_.NodeOf(arena_.SlabOf(object)) != barn.node()) {
          status.Update(absl::InternalError(absl::StrFormat("B2: the barn of node %d of %s holds %p of another node",
                                                            barn.node(), options_.name, object)));
        }
      }
    });
  }
  std::sort(cached.begin(), cached.end());
  if (std::adjacent_find(cached.begin(), cached.end()) != cached.end()) {
    status.Update(absl::InternalError(absl::StrFormat("S5: an object of %s is in two places", options_.name)));
  }
  for (const void* object : cached) {
    if (store_.IsFree(object)) {
      status.Update(absl::InternalError(
          absl::StrFormat("S5: %p of %s is in a sheaf and free in its slab", object, options_.name)));
    }
  }
  return status;
}

}  // namespace mxa::slab
