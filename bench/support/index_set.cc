// SPDX-License-Identifier: Apache-2.0
#include "bench/support/index_set.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "bench/support/stream.h"

namespace mxa::bench {
namespace {

constexpr uint64_t kSeed = 2024;

IndexSet Ordered(const std::string& name, std::vector<uint64_t> ascending) {
  IndexSet set{name, std::move(ascending), {}};
  set.shuffled.reserve(set.size());
  for (const uint32_t place : bench::Shuffled(set.size(), kSeed)) set.shuffled.push_back(set.ascending[place]);
  return set;
}

// `count` different random numbers of so many bits, ascending.
std::vector<uint64_t> Different(size_t count, unsigned bits) {
  // The generator's low bits are poor: a number of 64 bits is put together from two.
  Stream high(kSeed, 32);
  Stream low(kSeed + 1, 32);
  std::vector<uint64_t> numbers;
  while (numbers.size() < count) {
    while (numbers.size() < count) numbers.push_back((high.Next() << 32 | low.Next()) >> (64 - bits));
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  }
  return numbers;
}

}  // namespace

IndexSet Dense(const std::string& name, size_t count) {
  std::vector<uint64_t> ascending(count);
  for (size_t i = 0; i < count; ++i) ascending[i] = i;
  return Ordered(name, std::move(ascending));
}

IndexSet Clustered(const std::string& name, size_t count) {
  constexpr size_t kRun = 16;
  const size_t runs = count / kRun;
  const unsigned bits = static_cast<unsigned>(std::bit_width(runs * 64 - 1));
  std::vector<uint64_t> ascending;
  ascending.reserve(runs * kRun);
  for (const uint64_t run : Different(runs, bits)) {
    for (uint64_t i = 0; i < kRun; ++i) ascending.push_back(run * kRun + i);
  }
  return Ordered(name, std::move(ascending));
}

IndexSet Sparse(const std::string& name, size_t count) { return Ordered(name, Different(count, 64)); }

std::vector<uint64_t> MarkedOf(const IndexSet& set) {
  std::vector<uint64_t> marked;
  for (size_t i = 0; i < set.size(); i += 100) marked.push_back(set.ascending[i]);
  return marked;
}

}  // namespace mxa::bench
