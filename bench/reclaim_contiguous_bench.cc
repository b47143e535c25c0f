// SPDX-License-Identifier: Apache-2.0
//
// How many blocks come out of memory that is full of holes, and how long does each take?
//
// The recipe is the one that the kernel's compaction is measured by: fill everything with small objects, here tree nodes,
// free three of four in each 2 MiB at random, then allocate blocks until there is none. The arena reserves no more than
// was filled, so that each block has to be made.
// Baselines: of the blocks, those that the free bytes could hold if what lives were packed without a gap; of the times,
// copying as many bytes as live in a block on average, and one grace period.
// Held equal: the number of nodes, their sizes and places, for each block size anew.
// Goals: design.md, section 7.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/check.h"
#include "bench/support/bench.h"
#include "bench/support/dense_array.h"
#include "bench/support/node_walk.h"
#include "benchmark/benchmark.h"
#include "reclaim/rcu.h"
#include "slab/arena.h"
#include "slab/cache.h"
#include "slab/contiguous.h"
#include "xarray/array_core.h"
#include "xarray/node_cache.h"

namespace mxa::bench {
namespace {

// An arena full of nodes of one array, three of four leaves of each region freed.
class HoledArray {
 public:
  explicit HoledArray(size_t bytes)
      : arena_(MakeArena(bytes)), nodes_(xarray::NodeCache::Create(arena_.get()).value()) {
    array_ = std::make_unique<xarray::ArrayCore>(*nodes_);
    uint64_t leaves = 0;
    while (array_->Store(leaves * xarray::kSlots, EntryFor(leaves)).ok()) ++leaves;
    std::mt19937 random(1);
    for (auto& [region, indices] : IndicesByRegion()) {
      std::shuffle(indices.begin(), indices.end(), random);
      for (size_t i = 0; i < indices.size() * 3 / 4; ++i) array_->Erase(indices[i]);
    }
    nodes_->slabs().FreeRcuBarrier();
    live_bytes_ = nodes_->slabs().Stats().live * sizeof(xarray::Node);
  }
  ~HoledArray() {
    for (void* block : blocks_) slab::FreeContiguous(*arena_, block);
  }
  HoledArray(const HoledArray&) = delete;
  HoledArray& operator=(const HoledArray&) = delete;

  size_t FreeBytes() const { return arena_->reserved_bytes() - live_bytes_; }
  size_t live_bytes() const { return live_bytes_; }
  const slab::ContiguousVerdict& last_verdict() const { return verdict_; }

  // Allocates blocks until there is none; the microseconds that each took.
  std::vector<double> AllocateAll(size_t bytes) {
    std::vector<double> us;
    for (;;) {
      const Stopwatch watch;
      const slab::ContiguousResult result = AllocateContiguous(*arena_, bytes, absl::Now() + absl::Seconds(30));
      verdict_ = result.verdict;
      if (result.block == nullptr) return us;
      us.push_back(watch.Seconds() * 1e6);
      blocks_.push_back(result.block);
    }
  }

 private:
  static std::unique_ptr<slab::Arena> MakeArena(size_t bytes) {
    return slab::Arena::Create({.reserve_bytes = bytes, .min_reserve_bytes = bytes}).value();
  }

  std::map<size_t, std::vector<uint64_t>> IndicesByRegion() const {
    std::vector<const xarray::Node*> nodes;
    AppendNodes(array_->anchor().head(), nodes);
    std::map<size_t, std::vector<uint64_t>> indices;
    uint64_t leaf = 0;
    for (const xarray::Node* node : nodes) {
      if (node->height() != 1) continue;
      indices[arena_->RegionOf(arena_->SlabOf(node))].push_back(leaf++ * xarray::kSlots);
    }
    return indices;
  }

  std::unique_ptr<slab::Arena> arena_;
  std::unique_ptr<xarray::NodeCache> nodes_;
  std::unique_ptr<xarray::ArrayCore> array_;
  size_t live_bytes_ = 0;
  std::vector<void*> blocks_;
  slab::ContiguousVerdict verdict_;
};

double CopyAndGracePeriodUs(size_t bytes) {
  const std::vector<char> from(bytes, 1);
  std::vector<char> to(bytes);
  std::vector<double> us;
  for (int i = 0; i < 21; ++i) {
    const Stopwatch watch;
    std::memcpy(to.data(), from.data(), bytes);
    benchmark::ClobberMemory();
    reclaim::Synchronize();
    us.push_back(watch.Seconds() * 1e6);
  }
  return Median(us);
}

void Run(Bench& bench, size_t arena_bytes, size_t block_bytes, const std::string& what) {
  if (!bench.Wants(what)) return;
  HoledArray array(arena_bytes);
  const size_t could = array.FreeBytes() / block_bytes;
  const double copied =
      static_cast<double>(array.live_bytes()) * static_cast<double>(block_bytes) / static_cast<double>(arena_bytes);
  std::vector<double> us = array.AllocateAll(block_bytes);
  MXA_CHECK(!us.empty(), "no block at all");
  std::sort(us.begin(), us.end());
  bench.Single({what, "blocks", "free bytes", ">=0.98"}, static_cast<double>(us.size()), static_cast<double>(could));
  const double baseline = CopyAndGracePeriodUs(static_cast<size_t>(copied));
  const auto percentile = [&](double p) {
    return us[std::min(us.size() - 1, static_cast<size_t>(p * static_cast<double>(us.size())))];
  };
  bench.Single({absl::StrCat(what, ", time of one, median"), "us", "copy, grace period", ""}, percentile(0.5),
               baseline);
  bench.Single({absl::StrCat(what, ", time of one, p99"), "us", "copy, grace period", ""}, percentile(0.99), baseline);
  bench.Single({absl::StrCat(what, ", time of one, longest"), "us", "copy, grace period", ""}, us.back(), baseline);
  bench.Note(absl::StrCat(what, ": the next one: ", array.last_verdict().Text()));
}

}  // namespace
}  // namespace mxa::bench

int main(int argc, char** argv) {
  using namespace mxa::bench;
  Bench bench(argc, argv);
  const size_t arena_bytes = bench.Size(size_t{256} << 20, size_t{16} << 20);
  Run(bench, arena_bytes, size_t{2} << 20, "blocks of 2 MiB");
  Run(bench, arena_bytes, size_t{64} << 10, "blocks of 64 KiB");
  Run(bench, arena_bytes, bench.Size(size_t{8} << 20, size_t{4} << 20),
      bench.smoke() ? "blocks of 4 MiB" : "blocks of 8 MiB");
  return bench.Finish();
}
