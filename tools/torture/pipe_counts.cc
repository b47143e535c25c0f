// SPDX-License-Identifier: Apache-2.0
#include "tools/torture/pipe_counts.h"

#include <algorithm>

#include "base/planted_bug.h"

namespace mxa::torture {
namespace {

constexpr uint32_t kOldestSeen = 1;

}  // namespace

void PipeCounts::Add(Counts& counts, uint64_t bucket) {
  counts[std::min<uint64_t>(bucket, kOldest)].fetch_add(1, std::memory_order_relaxed);
}

PipeCounts::Buckets PipeCounts::Values(const Counts& counts) {
  Buckets values{};
  for (size_t i = 0; i < values.size(); ++i) values[i] = counts[i].load(std::memory_order_relaxed);
  return values;
}

bool PipeCounts::See(uint32_t age, uint64_t grace_periods) {
  Add(seen_, age);
  Add(batches_, grace_periods);
  return age <= kOldestSeen;
}

uint64_t PipeCounts::too_old() const {
  const Buckets values = seen();
  const size_t end = PlantedBugIs(PlantedBug::kCheckerSkipsLastBucket) ? kOldest : kOldest + 1;
  uint64_t sum = 0;
  for (size_t age = kOldestSeen + 1; age < end; ++age) sum += values[age];
  return sum;
}

bool PipeCounts::SelfTest() {
  PipeCounts pipe;
  uint64_t expected = 0;
  for (uint32_t age = 0; age <= kOldest + 1; ++age) {
    const bool fine = pipe.See(age, 0);
    if (fine != (age <= kOldestSeen)) return false;
    if (!fine) ++expected;
    if (pipe.too_old() != expected) return false;
  }
  return true;
}

}  // namespace mxa::torture
