// SPDX-License-Identifier: Apache-2.0
//
// What does moving a node cost, drain and grace period included, against copying it?
//
// Baseline: a loop that copies every node, 576 bytes, from where it lies, in order of address, to places packed as a
// pass packs them (113 in 64 KiB), which the kernel has backed before. `pages included`: for information, the same with
// the costs of pages that a pass has too: the places are backed as they are written to, and as much is given back
// afterwards, a batch at a time.
// Held equal: number of nodes, their places, order, size. A repetition is one pass that moves everything; it leaves the
// nodes where the next repetition finds them, so ours and the copy take turns on the same tree.
// Goals: design.md, section 7.
#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "bench/support/bench.h"
#include "bench/support/dense_array.h"
#include "bench/support/node_walk.h"
#include "benchmark/benchmark.h"
#include "slab/arena.h"
#include "slab/cache.h"

namespace mxa::bench {
namespace {

constexpr size_t kNodesPerSlab = slab::kUnitSize / sizeof(xarray::Node);
constexpr size_t kBatchSlabs = 36;  // about what a pass gives back at a time

// Where the copies go.
class Places {
 public:
  explicit Places(size_t nodes) : bytes_((nodes / kNodesPerSlab + 1) * slab::kUnitSize) {
    start_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MXA_CHECK(start_ != MAP_FAILED, "no memory");
    madvise(start_, bytes_, MADV_NOHUGEPAGE);
    std::memset(start_, 1, bytes_);
  }
  ~Places() { munmap(start_, bytes_); }
  Places(const Places&) = delete;
  Places& operator=(const Places&) = delete;

  void* At(size_t node) const {
    return static_cast<char*>(start_) + node / kNodesPerSlab * slab::kUnitSize +
           node % kNodesPerSlab * sizeof(xarray::Node);
  }
  void GiveBack(size_t slab, size_t slabs) {
    char* from = static_cast<char*>(start_) + slab * slab::kUnitSize;
    MXA_CHECK(madvise(from, slabs * slab::kUnitSize, MADV_DONTNEED) == 0, "cannot give pages back");
  }
  size_t slabs() const { return bytes_ / slab::kUnitSize; }

 private:
  const size_t bytes_;
  void* start_;
};

double TimeCopy(const std::vector<const xarray::Node*>& nodes, const Places& places) {
  const Stopwatch watch;
  for (size_t i = 0; i < nodes.size(); ++i)
    std::memcpy(places.At(i), static_cast<const void*>(nodes[i]), sizeof(xarray::Node));
  benchmark::ClobberMemory();
  return watch.NsPer(nodes.size());
}

double TimeCopyWithPages(const std::vector<const xarray::Node*>& nodes) {
  Places places(nodes.size());
  places.GiveBack(0, places.slabs());
  const Stopwatch watch;
  for (size_t i = 0; i < nodes.size(); ++i)
    std::memcpy(places.At(i), static_cast<const void*>(nodes[i]), sizeof(xarray::Node));
  benchmark::ClobberMemory();
  for (size_t slab = 0; slab + kBatchSlabs <= places.slabs(); slab += kBatchSlabs) places.GiveBack(slab, kBatchSlabs);
  return watch.NsPer(nodes.size());
}

// Nanoseconds a node moved by one pass that moves everything.
double TimePass(slab::Cache& cache, slab::CompactStats& total) {
  const Stopwatch watch;
  const auto stats = cache.Compact({.mode = slab::CompactOptions::Mode::kMoveEverything});
  MXA_CHECK(stats.ok() && stats->objects_moved > 0, "a pass over live nodes moves some");
  const double ns = watch.NsPer(stats->objects_moved);
  total.Add(*stats);
  return ns;
}

// `nodes` says where the nodes lie now.
void Compare(Bench& bench, slab::Cache& cache, const std::function<std::vector<const xarray::Node*>()>& nodes,
             const std::string& what, const std::string& goal) {
  slab::CompactStats total;
  const std::string name = absl::StrCat("move a node, ", what);
  {
    const Places places(nodes().size());
    bench.Pair(
        {name, "ns", "bare copy", goal}, [&] { return TimePass(cache, total); },
        [&] { return TimeCopy(nodes(), places); });
  }
  bench.Pair(
      {absl::StrCat(name, ", pages included"), "ns", "copy to fresh pages", ""}, [&] { return TimePass(cache, total); },
      [&] { return TimeCopyWithPages(nodes()); });
  if (total.objects_moved == 0) return;
  const auto per_node = [&](uint64_t ns) { return static_cast<double>(ns) / static_cast<double>(total.objects_moved); };
  bench.Note(absl::StrCat(what, ": of each node's time, ", static_cast<int>(per_node(total.move_ns)),
                          " ns were inside Reclaim and ", static_cast<int>(per_node(total.work_ns)),
                          " ns work of the pass's thread; ", total.skipped(), " not moved in ", total.passes,
                          " passes"));
  bench.Single({absl::StrCat("nodes a grace period, ", what), "nodes", "one", ">=1000"},
               static_cast<double>(total.objects_moved) / static_cast<double>(total.grace_periods), 1);
}

void LargeArray(Bench& bench, unsigned bits, const std::string& what) {
  DenseArray array(bits);
  Compare(
      bench, array.slabs(),
      [&] {
        std::vector<const xarray::Node*> nodes;
        AppendNodes(array.core().anchor().head(), nodes);
        SortByAddress(nodes);
        return nodes;
      },
      what, "<=2.0");
}

void SmallArrays(Bench& bench, size_t count) {
  NodeHome home;
  std::vector<std::unique_ptr<xarray::ArrayCore>> arrays(count);
  for (auto& array : arrays) {
    array = std::make_unique<xarray::ArrayCore>(*home.nodes);
    for (uint64_t index = 0; index < xarray::kSlots; ++index)
      MXA_CHECK(array->Store(index, EntryFor(index)).ok(), "no memory");
  }
  Compare(
      bench, home.nodes->slabs(),
      [&] {
        std::vector<const xarray::Node*> nodes;
        for (const auto& array : arrays) AppendNodes(array->anchor().head(), nodes);
        SortByAddress(nodes);
        return nodes;
      },
      "100 k arrays of 64 entries", "<=3.0");
}

}  // namespace
}  // namespace mxa::bench

int main(int argc, char** argv) {
  using namespace mxa::bench;
  Bench bench(argc, argv);
  LargeArray(bench, bench.smoke() ? 13 : 20, "1 M entries");
  if (!bench.smoke()) LargeArray(bench, 24, "16 M entries");
  SmallArrays(bench, bench.Size(100'000, 200));
  return bench.Finish();
}
