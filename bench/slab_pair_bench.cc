// SPDX-License-Identifier: Apache-2.0
//
// What does allocating and freeing an object cost on one thread, against general allocators?
//
// Baselines: glibc's malloc and free; jemalloc, mimalloc and tcmalloc where installed (foreign_allocator.h); for
// mobility, an immobile cache of ours.
// Held equal: sizes, order of frees, one call out of line for each allocation and each free, objects not written to. One
// other object lives: a page that becomes empty with every free is a case of its own to mimalloc.
// Goals: design.md, section 7: no slower than the fastest of the three libraries, hence <=1.0 against each; mobile /
// immobile <=1.03.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench/support/bench.h"
#include "bench/support/foreign_allocator.h"
#include "bench/support/object_source.h"
#include "bench/support/still_objects.h"
#include "bench/support/stream.h"
#include "benchmark/benchmark.h"

namespace mxa::bench {
namespace {

// Nanoseconds an allocation with its free, each freed at once.
template <typename Source>
double TimePairs(Source source, size_t size, size_t count) {
  void* const other = source.Allocate(size);
  const ThreadStopwatch watch;
  for (size_t i = 0; i < count; ++i) {
    void* object = source.Allocate(size);
    // Const: for what it may change, this release's asm constraint makes gcc's unoptimized code lose the value.
    benchmark::DoNotOptimize(std::as_const(object));
    source.Free(object);
  }
  const double ns = watch.NsPer(count);
  source.Free(other);
  return ns;
}

// Nanoseconds a free, all objects allocated before and freed in `order`.
template <typename Source>
double TimeRandomFrees(Source source, size_t size, const std::vector<uint32_t>& order) {
  std::vector<void*> objects(order.size());
  for (void*& object : objects) object = source.Allocate(size);
  const ThreadStopwatch watch;
  for (const uint32_t i : order) source.Free(objects[i]);
  return watch.NsPer(order.size());
}

void Run(Bench& bench, const std::vector<ForeignAllocator>& libraries) {
  const size_t pairs = bench.Size(5'000'000, 2000);
  StillObjects still;
  for (const size_t size : {size_t{64}, size_t{576}}) {
    const std::unique_ptr<slab::Cache> mobile = MakeCache(size, &still);
    const std::unique_ptr<slab::Cache> immobile = MakeCache(size, nullptr);
    for (const ForeignAllocator& library : libraries) {
      bench.Pair(
          {absl::StrCat("alloc+free, ", size, " B, against ", library.name), "ns", library.name, "<=1.0"},
          [&] { return TimePairs(OfCache{mobile.get()}, size, pairs); },
          [&] { return TimePairs(OfLibrary{&library}, size, pairs); });
    }
    bench.Pair(
        {absl::StrCat("alloc+free, ", size, " B, mobile against immobile"), "ns", "immobile cache", "<=1.03"},
        [&] { return TimePairs(OfCache{mobile.get()}, size, pairs); },
        [&] { return TimePairs(OfCache{immobile.get()}, size, pairs); });
  }

  const std::vector<uint32_t> order = Shuffled(bench.Size(200'000, 2000), 5);
  for (const size_t size : {size_t{64}, size_t{576}}) {
    const std::unique_ptr<slab::Cache> cache = MakeCache(size, &still);
    for (const ForeignAllocator& library : libraries) {
      bench.Pair(
          {absl::StrCat("free in random order, ", size, " B, against ", library.name), "ns", library.name, "<=1.0"},
          [&] { return TimeRandomFrees(OfCache{cache.get()}, size, order); },
          [&] { return TimeRandomFrees(OfLibrary{&library}, size, order); });
    }
  }
}

}  // namespace
}  // namespace mxa::bench

int main(int argc, char** argv) { return mxa::bench::AgainstLibraries(argc, argv, &mxa::bench::Run); }
