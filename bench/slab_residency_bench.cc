// SPDX-License-Identifier: Apache-2.0
//
// How much memory is held after most of a million objects were freed at random, with a pass that packs the rest and
// without?
//
// Baseline: the bytes of the live objects. Ours: every resident page of the arena, its side table included, as the
// kernel tells (mincore), with the sheaves of the thread still filled as the pass left them; without a pass, after
// Shrink.
// For information: general allocators after the same frees and their own purge (foreign_allocator.h), the resident
// pages of a child process that does nothing else; no allocator that cannot move objects does much better.
// Held equal: object size, number, which objects are freed, every byte written. Counts of pages, not times: one
// repetition is enough.
// Goals: design.md, section 7.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "bench/support/bench.h"
#include "bench/support/child.h"
#include "bench/support/foreign_allocator.h"
#include "bench/support/stream.h"
#include "bench/support/table_of_objects.h"

namespace mxa::bench {
namespace {

constexpr uint64_t kSeed = 99;

struct Case {
  size_t percent;
  const char* goal;
};
constexpr Case kCases[] = {{50, "<=1.03"}, {90, "<=1.03"}, {99, "<=1.10"}};

double TheirsResident(const ForeignAllocator& library, size_t size, size_t count, size_t to_free) {
  std::vector<void*> objects(count);
  const std::vector<uint32_t> order = Shuffled(count, kSeed);
  for (void*& object : objects) object = &objects;  // its pages are no allocator's
  const double before = ResidentBytes();
  for (void*& object : objects) {
    object = library.allocate(size);
    MXA_CHECK(object != nullptr, "no memory");
    std::memset(object, 1, size);
  }
  for (size_t i = 0; i < to_free; ++i) library.release(objects[order[i]]);
  library.purge();
  return ResidentBytes() - before;
}

double OursResident(size_t size, size_t count, size_t to_free, bool pass) {
  TableOfObjects objects(size, count);
  const std::vector<uint32_t> order = Shuffled(count, kSeed);
  for (size_t i = 0; i < to_free; ++i) objects.Free(order[i]);
  if (pass) {
    MXA_CHECK(objects.cache().Compact().ok(), "no pass");
  } else {
    objects.cache().Shrink();
  }
  return static_cast<double>(objects.arena().Residency().total());
}

void Run(Bench& bench, const std::vector<ForeignAllocator>& libraries) {
  const size_t count = bench.Size(1'000'000, 5000);
  for (const size_t size : {size_t{64}, size_t{576}}) {
    for (const Case& c : kCases) {
      const size_t to_free = count * c.percent / 100;
      const double live = static_cast<double>((count - to_free) * size);
      const std::string what = absl::StrCat("resident, ", size, " B, ", c.percent, " % freed");
      const auto row = [&](const std::string& who, const char* goal, const auto& resident) {
        const std::string name = absl::StrCat(what, ", ", who);
        if (!bench.Wants(name)) return;
        const double bytes = InChild(1, [&] { return std::vector<double>{resident()}; })[0];
        bench.Single({name, "MB", "live bytes", goal}, bytes / 1e6, live / 1e6);
      };
      row("a pass", c.goal, [&] { return OursResident(size, count, to_free, true); });
      row("no pass", "", [&] { return OursResident(size, count, to_free, false); });
      for (const ForeignAllocator& library : libraries) {
        row(library.name, "", [&] { return TheirsResident(library, size, count, to_free); });
      }
    }
  }
}

}  // namespace
}  // namespace mxa::bench

int main(int argc, char** argv) { return mxa::bench::AgainstLibraries(argc, argv, &mxa::bench::Run); }
