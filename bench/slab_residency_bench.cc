// SPDX-License-Identifier: Apache-2.0
//
// How much memory does a cache hold after most of its objects were freed at random and a pass has packed the rest?
//
// Baseline: the bytes of the live objects. Ours: every resident page of the arena, its side table included, as the
// kernel tells (mincore), with the sheaves of the thread still filled as the pass left them.
// For information: glibc after the same frees and malloc_trim(0), the resident pages of a child process that does
// nothing else; no allocator that cannot move objects does much better.
// Held equal: object size, number, which objects are freed. Counts of pages, not times: one repetition is enough.
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "bench/support/bench.h"
#include "bench/support/stream.h"
#include "bench/support/table_of_objects.h"

namespace mxa::bench {
namespace {

constexpr size_t kSize = 576;
constexpr uint64_t kSeed = 99;

struct Case {
  size_t percent;
  const char* goal;
};
constexpr Case kCases[] = {{50, "<=1.03"}, {90, "<=1.03"}, {99, "<=1.10"}};

double ResidentBytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  MXA_CHECK(file != nullptr, "no /proc");
  long pages = 0;
  long resident = 0;
  MXA_CHECK(std::fscanf(file, "%ld %ld", &pages, &resident) == 2, "statm reads otherwise than expected");
  std::fclose(file);
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double GlibcResident(size_t count, size_t to_free) {
  std::vector<void*> objects(count);
  const std::vector<uint32_t> order = Shuffled(count, kSeed);
  std::memset(static_cast<void*>(objects.data()), 1, objects.size() * sizeof(void*));
  const double before = ResidentBytes();
  for (void*& object : objects) {
    object = std::malloc(kSize);
    MXA_CHECK(object != nullptr, "no memory");
    std::memset(object, 1, kSize);
  }
  for (size_t i = 0; i < to_free; ++i) std::free(objects[order[i]]);
  malloc_trim(0);
  return ResidentBytes() - before;
}

// In a child, which is forked while the process has one thread.
double GlibcResidentInChild(size_t count, size_t to_free) {
  int ends[2];
  MXA_CHECK(pipe(ends) == 0, "no pipe");
  const pid_t child = fork();
  MXA_CHECK(child >= 0, "no child");
  if (child == 0) {
    const double bytes = GlibcResident(count, to_free);
    _exit(write(ends[1], &bytes, sizeof(bytes)) == sizeof(bytes) ? 0 : 1);
  }
  double bytes = 0;
  MXA_CHECK(read(ends[0], &bytes, sizeof(bytes)) == sizeof(bytes), "the child died");
  waitpid(child, nullptr, 0);
  close(ends[0]);
  close(ends[1]);
  return bytes;
}

double OursResident(size_t count, size_t to_free) {
  TableOfObjects objects(kSize, count);
  const std::vector<uint32_t> order = Shuffled(count, kSeed);
  for (size_t i = 0; i < to_free; ++i) objects.Free(order[i]);
  MXA_CHECK(objects.cache().Compact().ok(), "no pass");
  return static_cast<double>(objects.arena().Residency().total());
}

void Run(Bench& bench) {
  const size_t count = bench.Size(1'000'000, 5000);
  // The children first: the pass starts threads.
  std::vector<double> glibc;
  for (const Case& c : kCases) glibc.push_back(GlibcResidentInChild(count, count * c.percent / 100));
  for (size_t i = 0; i < std::size(kCases); ++i) {
    const size_t to_free = count * kCases[i].percent / 100;
    const double live = static_cast<double>((count - to_free) * kSize);
    const std::string what = absl::StrCat("resident after ", kCases[i].percent, " % freed at random");
    bench.Single({absl::StrCat(what, " and a pass"), "MB", "live bytes", kCases[i].goal},
                 OursResident(count, to_free) / 1e6, live / 1e6);
    bench.Single({absl::StrCat(what, ", glibc trimmed"), "MB", "live bytes", ""}, glibc[i] / 1e6, live / 1e6);
  }
}

}  // namespace
}  // namespace mxa::bench

int main(int argc, char** argv) {
  mxa::bench::Bench bench(argc, argv);
  mxa::bench::Run(bench);
  return bench.Finish();
}
