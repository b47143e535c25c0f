// SPDX-License-Identifier: Apache-2.0
//
// What does an object cost when a million are allocated and then freed, the first time and again?
//
// Cold: the process's first million, pages from the system included. Warm: the same once more. Each repetition has a
// child process of its own, so that cold is cold for every side.
// Baselines: glibc's malloc and free; jemalloc, mimalloc and tcmalloc where installed (foreign_allocator.h).
// Held equal: sizes, frees in the order of allocation, one call out of line for each allocation and each free, one word
// written to each object.
// Goals: none in design.md; whoever gives memory back between the bursts pays for it in the warm row.
#include <cstddef>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench/support/bench.h"
#include "bench/support/child.h"
#include "bench/support/foreign_allocator.h"
#include "bench/support/object_source.h"
#include "bench/support/still_objects.h"

namespace mxa::bench {
namespace {

// Nanoseconds an object, in this order: allocation cold, free cold, allocation warm, free warm.
constexpr const char* kPhases[] = {"allocate, cold", "free, cold", "allocate, warm", "free, warm"};

template <typename Source>
std::vector<double> TimePhases(Source source, size_t size, size_t count) {
  std::vector<void*> objects(count);
  for (void*& object : objects) object = &objects;  // its pages are no allocator's cost
  std::vector<double> figures;
  while (figures.size() < std::size(kPhases)) {
    const ThreadStopwatch allocating;
    for (void*& object : objects) object = AllocateWritten(source, size);
    figures.push_back(allocating.NsPer(count));
    const ThreadStopwatch freeing;
    for (void* object : objects) source.Free(object);
    figures.push_back(freeing.NsPer(count));
  }
  return figures;
}

std::vector<double> Ours(size_t size, size_t count) {
  return InChild(std::size(kPhases), [&] {
    StillObjects still;
    const std::unique_ptr<slab::Cache> cache = MakeCache(size, &still);
    return TimePhases(OfCache{cache.get()}, size, count);
  });
}

std::vector<double> Theirs(const ForeignAllocator& library, size_t size, size_t count) {
  return InChild(std::size(kPhases), [&] { return TimePhases(OfLibrary{&library}, size, count); });
}

void Run(Bench& bench, const std::vector<ForeignAllocator>& libraries) {
  const size_t count = bench.Size(1'000'000, 2000);
  const int pairs = bench.smoke() ? 1 : 5;
  for (const size_t size : {size_t{64}, size_t{576}}) {
    for (const ForeignAllocator& library : libraries) {
      const std::string which = absl::StrCat(size, " B, against ", library.name);
      std::vector<double> ours[std::size(kPhases)];
      std::vector<double> theirs[std::size(kPhases)];
      for (int pair = 0; pair < pairs && bench.Wants(which); ++pair) {
        const std::vector<double> one = Ours(size, count);
        const std::vector<double> other = Theirs(library, size, count);
        for (size_t i = 0; i < std::size(kPhases); ++i) {
          ours[i].push_back(one[i]);
          theirs[i].push_back(other[i]);
        }
      }
      for (size_t i = 0; i < std::size(kPhases) && bench.Wants(which); ++i) {
        bench.Measured({absl::StrCat(kPhases[i], ", ", which), "ns", library.name, ""}, ours[i], theirs[i]);
      }
    }
  }
}

}  // namespace
}  // namespace mxa::bench

int main(int argc, char** argv) { return mxa::bench::AgainstLibraries(argc, argv, &mxa::bench::Run); }
