// SPDX-License-Identifier: Apache-2.0
//
// Fills two tables with names, removes nine of ten at random, and lets a pass give the memory back while a finder goes on
// looking. A few objects are held: each keeps its slab.
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "examples/counted_table/counted_table.h"

namespace {

using mxa::examples::CountedCache;
using mxa::examples::CountedTable;
using mxa::examples::Reference;

constexpr uint64_t kNames = 100'000;

std::string NameOf(uint64_t number) { return absl::StrCat("file-", number); }

int Run() {
  const auto cache = CountedCache::Create().value();
  CountedTable tables[2] = {{*cache, 1 << 16}, {*cache, 1 << 16}};
  for (uint64_t number = 0; number < kNames; ++number) {
    if (!tables[number % 2].Insert(NameOf(number), number).ok()) return 1;
  }
  std::mt19937_64 random(1);
  std::vector<uint64_t> left;
  for (uint64_t number = 0; number < kNames; ++number) {
    if (random() % 10 == 0) {
      left.push_back(number);
    } else {
      tables[number % 2].Erase(NameOf(number));
    }
  }
  std::vector<Reference> held;
  for (size_t i = 0; i < left.size(); i += 1000) held.push_back(tables[left[i] % 2].Find(NameOf(left[i])));
  cache->slabs().FreeRcuBarrier();
  const size_t before = cache->slabs().Stats().slabs;

  std::atomic<bool> stop{false};
  std::atomic<uint64_t> wrong{0};
  std::thread finder([&] {
    for (size_t i = 0; !stop; i = (i + 1) % left.size()) {
      const Reference found = tables[left[i] % 2].Find(NameOf(left[i]));
      if (!found || found->number() != left[i]) ++wrong;
    }
  });
  const auto pass = cache->slabs().Compact();
  stop = true;
  finder.join();
  if (!pass.ok()) return 1;

  std::printf("objects left          %zu, of them held %zu\n", left.size(), held.size());
  std::printf("slabs before, after   %zu, %zu\n", before, cache->slabs().Stats().slabs);
  std::printf("moved, stayed         %zu, %zu\n", static_cast<size_t>(pass->objects_moved),
              static_cast<size_t>(pass->skipped()));
  std::printf("found wrongly         %zu\n", static_cast<size_t>(wrong));
  return wrong == 0 ? 0 : 1;
}

}  // namespace

int main() { return Run(); }
