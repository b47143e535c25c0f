// SPDX-License-Identifier: Apache-2.0
//
// What does an object cost that is freed first in, first out, in bursts and in a queue of steady length?
//
// Burst: N are allocated, then freed in the same order. Queue: N live all the time; the oldest is freed, a new one
// allocated. A burst of 256 fits into a thread's sheaves and the barn's; one of 16 K passes through the slabs.
// Baselines: glibc's malloc and free; jemalloc, mimalloc and tcmalloc where installed (foreign_allocator.h).
// Held equal: sizes, the array of pointers, one call out of line for each allocation and each free, one word written to
// each object.
// Goals: design.md, section 7, as for pairs: no slower than the fastest of the three libraries.
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench/support/bench.h"
#include "bench/support/foreign_allocator.h"
#include "bench/support/object_source.h"
#include "bench/support/still_objects.h"

namespace mxa::bench {
namespace {

// Both: nanoseconds an allocation with its free.
template <typename Source>
double TimeBursts(Source source, size_t size, size_t length, size_t count) {
  std::vector<void*> objects(length);
  const ThreadStopwatch watch;
  for (size_t i = 0; i < count; i += length) {
    for (void*& object : objects) object = AllocateWritten(source, size);
    for (void* object : objects) source.Free(object);
  }
  return watch.NsPer(count);
}

// `length` is a power of two.
template <typename Source>
double TimeQueue(Source source, size_t size, size_t length, size_t count) {
  std::vector<void*> ring(length);
  for (void*& object : ring) object = AllocateWritten(source, size);
  const ThreadStopwatch watch;
  for (size_t i = 0; i < count; ++i) {
    void*& oldest = ring[i & (length - 1)];
    source.Free(oldest);
    oldest = AllocateWritten(source, size);
  }
  const double ns = watch.NsPer(count);
  for (void* object : ring) source.Free(object);
  return ns;
}

void Run(Bench& bench, const std::vector<ForeignAllocator>& libraries) {
  StillObjects still;
  for (const size_t size : {size_t{64}, size_t{576}}) {
    const std::unique_ptr<slab::Cache> cache = MakeCache(size, &still);
    for (const size_t length : {size_t{256}, size_t{16} << 10}) {
      const size_t count = bench.Size(2 << 20, length);
      for (const ForeignAllocator& library : libraries) {
        const std::string which = absl::StrCat(length, ", ", size, " B, against ", library.name);
        bench.Pair(
            {absl::StrCat("burst of ", which), "ns", library.name, "<=1.0"},
            [&] { return TimeBursts(OfCache{cache.get()}, size, length, count); },
            [&] { return TimeBursts(OfLibrary{&library}, size, length, count); });
        bench.Pair(
            {absl::StrCat("queue of ", which), "ns", library.name, "<=1.0"},
            [&] { return TimeQueue(OfCache{cache.get()}, size, length, count); },
            [&] { return TimeQueue(OfLibrary{&library}, size, length, count); });
      }
    }
  }
}

}  // namespace
}  // namespace mxa::bench

int main(int argc, char** argv) { return mxa::bench::AgainstLibraries(argc, argv, &mxa::bench::Run); }
