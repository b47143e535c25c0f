// SPDX-License-Identifier: Apache-2.0
//
// How many objects a second can be freed after a grace period, in whole sheaves against one callback each?
//
// Baseline: liburcu's call_rcu with its default worker, whose callback frees the object to the same cache. Both sides
// allocate the object, free it, and at the end wait until all are free again, which is timed.
// Held equal: the cache, the object size, one reader that opens and closes sections all the time.
// Goals: design.md, section 7.
#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>

#include "base/check.h"
#include "bench/support/bench.h"
#include "bench/support/still_objects.h"
#include "reclaim/rcu.h"
#include "slab/cache.h"

namespace mxa::bench {
namespace {

constexpr size_t kSize = 64;

struct Object {
  rcu_head head;
  slab::Cache* cache;
};
static_assert(sizeof(Object) <= kSize);

class BusyReader {
 public:
  ~BusyReader() {
    stop_.store(true, std::memory_order_relaxed);
    reclaim::OfflineScope offline;
    thread_.join();
  }

 private:
  // Relaxed: a request.
  std::atomic<bool> stop_{false};
  std::thread thread_{[this] {
    while (!stop_.load(std::memory_order_relaxed)) {
      for (int i = 0; i < 100; ++i) reclaim::ReadSection section;
    }
  }};
};

Object* AllocateObject(slab::Cache& cache) {
  auto* object = static_cast<Object*>(cache.Allocate());
  MXA_CHECK(object != nullptr, "no memory");
  return object;
}

double FreeInSheaves(slab::Cache& cache, size_t count) {
  const Stopwatch watch;
  for (size_t i = 0; i < count; ++i) cache.FreeRcu(AllocateObject(cache));
  cache.FreeRcuBarrier();
  return static_cast<double>(count) / watch.Seconds() / 1e6;
}

double FreeOneByOne(slab::Cache& cache, size_t count) {
  const auto call_rcu = &MXA_URCU(call_rcu);
  const Stopwatch watch;
  for (size_t i = 0; i < count; ++i) {
    Object* object = AllocateObject(cache);
    object->cache = &cache;
    call_rcu(&object->head, [](rcu_head* head) {
      auto* freed = reinterpret_cast<Object*>(head);
      freed->cache->Free(freed);
    });
  }
  MXA_URCU(barrier)();
  return static_cast<double>(count) / watch.Seconds() / 1e6;
}

}  // namespace
}  // namespace mxa::bench

int main(int argc, char** argv) {
  using namespace mxa::bench;
  Bench bench(argc, argv);
  const size_t count = bench.Size(1'000'000, 2000);
  const std::unique_ptr<mxa::slab::Cache> cache = MakeCache(kSize, nullptr);
  { mxa::reclaim::ReadSection registers_this_thread; }
  const BusyReader reader;
  bench.Pair(
      {"FreeRcu, one busy reader", "M objects/s", "one call_rcu an object", ">=2.5"},
      [&] { return FreeInSheaves(*cache, count); }, [&] { return FreeOneByOne(*cache, count); });
  return bench.Finish();
}
