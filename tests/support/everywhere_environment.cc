// SPDX-License-Identifier: Apache-2.0
#include "tests/support/everywhere_environment.h"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "absl/types/span.h"
#include "base/check.h"
#include "base/schedule_point.h"
#include "reclaim/context.h"
#include "reclaim/movable.h"
#include "reclaim/rcu.h"
#include "slab/cache_registry.h"
#include "tests/support/cache_peer.h"
#include "tests/support/operation_points.h"

namespace mxa::tests {
namespace {

// Old places that may wait for a grace period, some 12 MB; then one is waited for, or, in a section, nothing moves any
// more until its end.
constexpr size_t kMostRetired = 20'000;

EverywhereEnvironment* environment = nullptr;
thread_local bool is_test_thread = false;
thread_local bool is_moving = false;

// The nodes of arrays among the objects of `cache`. What is free there, retired or with a thread is in its constructed
// state or says that it is retired, so that the mover does not let it through.
std::vector<void*> NodesInTrees(slab::Cache& cache, reclaim::Movable& mover) {
  std::vector<void*> nodes;
  const size_t stride = cache.Shape().stride;
  for (const slab::SlabView& slab : cache.Slabs()) {
    if (slab.live == 0) continue;
    for (size_t i = 0; i < slab.capacity; ++i) nodes.push_back(reinterpret_cast<void*>(slab.address + i * stride));
  }
  MXA_CHECK(mover.CanFree(absl::MakeSpan(nodes)), "the mover of nodes refused");
  nodes.erase(std::remove(nodes.begin(), nodes.end(), nullptr), nodes.end());
  return nodes;
}

}  // namespace

void EverywhereEnvironment::SetUp() {
  environment = this;
  is_test_thread = true;
  counts_.clear();
#if MXA_HOOKS
  SetScheduleHandlerForTest(&OnPoint);
#else
  MXA_CHECK(false, "schedule points are not compiled in");
#endif
}

void EverywhereEnvironment::TearDown() {
#if MXA_HOOKS
  SetScheduleHandlerForTest(nullptr);
#endif
  environment = nullptr;
  std::printf("%-28s %10s %12s %10s %10s %10s\n", "nodes moved at", "times", "nodes", "locked", "again", "postponed");
  const auto number = [](uint64_t value) { return static_cast<unsigned long long>(value); };
  for (const auto& [point, count] : counts_) {
    std::printf("%-28s %10llu %12llu %10llu %10llu %10llu\n", point.c_str(), number(count.times), number(count.nodes),
                number(count.locked), number(count.again), number(count.postponed));
  }
}

std::map<std::string, EverywhereEnvironment::Count> EverywhereEnvironment::Counts() {
  return environment == nullptr ? std::map<std::string, Count>() : environment->counts_;
}

void EverywhereEnvironment::OnPoint(const char* point) {
  // Moving comes to points as well, and counting to none.
  if (!is_test_thread || is_moving || environment == nullptr || !IsInOperation(point)) return;
  Count& count = environment->counts_[point];
  ++count.times;
  if (!environment->MayMove(point, count)) return;
  is_moving = true;
  environment->MoveAll(count);
  is_moving = false;
}

bool EverywhereEnvironment::MayMove(const char* point, Count& count) {
  if (BoundsOperation(point) || !reclaim::InReadSection()) seen_.clear();
  if (!reclaim::MayReclaim()) {
    ++count.locked;
    return false;
  }
  if (seen_.insert(point).second) return true;
  ++count.again;
  return false;
}

// Under the lock of the list of caches, so that none ends meanwhile. Waiting there for a grace period is against what
// cache_registry.h asks of visitors, for the sake of who comes to the list with a section open; tests do not.
void EverywhereEnvironment::MoveAll(Count& count) {
  slab::ForEachCache([&](slab::Cache& cache) {
    if (cache.name() != "xarray_node") return;
    if (cache.Stats().retired > kMostRetired) {
      if (reclaim::InReadSection()) {
        ++count.postponed;
        return;
      }
      cache.FreeRcuBarrier();
    }
    MoveNodes(cache, count);
  });
}

void EverywhereEnvironment::MoveNodes(slab::Cache& cache, Count& count) {
  const reclaim::ReadSection section;  // so that no slab with a node in it goes away
  reclaim::Movable& mover = *slab::CachePeer::MovableOf(cache);
  std::vector<void*> nodes = NodesInTrees(cache, mover);
  if (nodes.empty()) return;
  std::vector<void*> destinations(nodes.size());
  MXA_CHECK(cache.AllocateBulk(absl::MakeSpan(destinations)), "no destinations");
  reclaim::MoveTarget target(destinations);
  {
    const reclaim::NoReclaimScope no_reclaim;
    mover.Reclaim(absl::MakeSpan(nodes), target);
  }
  for (void* moved : target.moved()) cache.FreeRcu(moved);
  cache.FreeBulk(absl::MakeSpan(destinations).subspan(target.taken().size()));
  count.nodes += target.moved().size();
}

}  // namespace mxa::tests
