// SPDX-License-Identifier: Apache-2.0
//
// What do loads and walks cost against other containers of 64-bit indices, on dense, clustered and random ones?
//
// Baselines without synchronization, ours inside one section: absl::btree_map, absl::flat_hash_map, std::map, JudyL (left
// out if it is not installed), and for ascending dense indices the walk that checks nothing (bare_tree.h; for random ones
// see xarray_load_bench). With it, ours with a section each: flat_hash_map and btree_map behind an absl::Mutex that loads
// take as readers, TBB's concurrent_hash_map, liburcu's cds_lfht.
// Held equal: indices, their order, values; every container is filled in ascending order, which suits trees, and those of
// a table are there at once; one thread; absl::Hash in all hash tables; malloc for all but ours. Each turn's sum is
// CHECKed. A marked walk of theirs goes over a second set that holds the marked indices (btree_set, std::set, Judy1) and
// looks each up, as a user without marks would; walks of flat_hash_map are in no order.
// Goals: to be no slower. Information: the bare walk, and random 64-bit indices, where a tree of 64 slots a node goes down
// eleven levels, most of them through nodes that hold one entry.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/check.h"
#include "bench/support/array_side.h"
#include "bench/support/bare_tree.h"
#include "bench/support/bench.h"
#include "bench/support/index_set.h"
#include "bench/support/judy_side.h"
#include "bench/support/lfht_side.h"
#include "bench/support/map_side.h"
#include "bench/support/rounds.h"
#include "bench/support/tbb_side.h"

namespace mxa::bench {
namespace {

constexpr size_t kMostLoads = size_t{2} << 20;

uint64_t SumOf(absl::Span<const uint64_t> indices) {
  return std::accumulate(indices.begin(), indices.end(), uint64_t{0},
                         [](uint64_t sum, uint64_t index) { return sum + EntryFor(index); });
}

// Nanoseconds an entry, of something that sums up the values at `indices`.
template <typename Walk>
double TimeSum(absl::Span<const uint64_t> indices, Walk walk) {
  const ThreadStopwatch watch;
  const uint64_t sum = walk();
  const double time = watch.NsPer(indices.size());
  MXA_CHECK(sum == SumOf(indices), "other values than were stored");
  return time;
}

// What is read in a turn.
struct Reads {
  absl::Span<const uint64_t> random;
  absl::Span<const uint64_t> ascending;
  absl::Span<const uint64_t> all;
  absl::Span<const uint64_t> marked;
};

template <typename View>
double TimeLoads(const View& view, absl::Span<const uint64_t> indices) {
  return TimeSum(indices, [&] {
    uint64_t sum = 0;
    for (const uint64_t index : indices) sum += view.Load(index);
    return sum;
  });
}

template <typename Side>
double TimeWalk(const Side& side, const Reads& reads) {
  if constexpr (requires { side.Sum(); }) return TimeSum(reads.all, [&] { return side.Sum(); });
  return NoFigure();
}

template <typename Side>
double TimeMarked(const Side& side, const Reads& reads) {
  if constexpr (requires { side.SumMarked(); }) return TimeSum(reads.marked, [&] { return side.SumMarked(); });
  return NoFigure();
}

template <typename Side>
std::shared_ptr<Side> Filled(const Reads& reads) {
  auto side = std::make_shared<Side>(reads.all.size());
  for (const uint64_t index : reads.all) side->Store(index, EntryFor(index));
  if constexpr (requires { side->Mark(0); }) {
    for (const uint64_t index : reads.marked) side->Mark(index);
  }
  return side;
}

// Loads and walks.
template <typename Side>
Contender Bare(const Reads& reads) {
  return {Side::kName, [side = Filled<Side>(reads), reads]() -> std::vector<double> {
            return {TimeLoads(*side, reads.random), TimeLoads(*side, reads.ascending), TimeWalk(*side, reads),
                    TimeMarked(*side, reads)};
          }};
}

// Loads only: nobody opens a section for each step of a walk.
template <typename Side>
Contender Synchronized(const Reads& reads) {
  return {Side::kName, [side = Filled<Side>(reads), reads]() -> std::vector<double> {
            return {TimeLoads(*side, reads.random), TimeLoads(*side, reads.ascending)};
          }};
}

void AgainstChase(Bench& bench, const std::string& name, ArraySide& array, absl::Span<const uint64_t> indices) {
  bench.Pair(
      {absl::StrCat("ascending load, one section, ", name), "ns", "bare chase", ""},
      [&] { return TimeLoads(SectionedArray(array), indices); },
      [&] { return TimeLoads(BareTree(array.core()), indices); });
}

void CompareReads(Bench& bench, const IndexSet& set, const char* goal, bool dense) {
  const std::vector<Operation> with_walks = {{"random load, one section", goal},
                                             {"ascending load, one section", goal},
                                             {"iterate", goal},
                                             {"iterate the 1 % marked", goal}};
  const std::vector<Operation> loads = {{"random load, a section each", goal},
                                        {"ascending load, a section each", goal}};
  if (!WantsAny(bench, set.name, with_walks) && !WantsAny(bench, set.name, loads)) return;

  const std::vector<uint64_t> marked = MarkedOf(set);
  const size_t count = std::min(kMostLoads, set.size());
  const Reads reads{set.Shuffled().first(count), set.Ascending().first(count), set.Ascending(), marked};
  const auto array = Filled<ArraySide>(reads);
  const Contender in_one_section = {"", [array, reads]() -> std::vector<double> {
                                      const SectionedArray view(*array);
                                      return {TimeLoads(view, reads.random), TimeLoads(view, reads.ascending),
                                              TimeWalk(*array, reads), TimeMarked(*array, reads)};
                                    }};
  const Contender section_each = {"", [array, reads]() -> std::vector<double> {
                                    return {TimeLoads(*array, reads.random), TimeLoads(*array, reads.ascending)};
                                  }};
  std::vector<Contender> peers;
  if (WantsAny(bench, set.name, with_walks)) {
    peers = {Bare<MarkedMapSide<BTree>>(reads), Bare<MapSide<FlatHash>>(reads),
             Bare<MarkedMapSide<RedBlackTree>>(reads)};
    if (JudyLibrary::IsThere()) peers.push_back(Bare<JudySide>(reads));
    CompareInRounds(bench, set.name, "ns", with_walks, in_one_section, peers);
    if (dense) AgainstChase(bench, set.name, *array, reads.ascending);
  }
  if (!WantsAny(bench, set.name, loads)) return;
  peers = {Synchronized<LockedMapSide<FlatHash>>(reads), Synchronized<LockedMapSide<BTree>>(reads),
           Synchronized<TbbSide>(reads), Synchronized<LfhtSide>(reads)};
  CompareInRounds(bench, set.name, "ns", loads, section_each, peers);
}

}  // namespace
}  // namespace mxa::bench

int main(int argc, char** argv) {
  using namespace mxa::bench;
  Bench bench(argc, argv);
  const size_t million = bench.Size(size_t{1} << 20, 3200);
  // More than 2^18: the bare walk is made for trees of its height.
  CompareReads(bench, Dense("dense 1 M", bench.Size(size_t{1} << 20, 270'000)), "<=1.0", /*dense=*/true);
  CompareReads(bench, Clustered("clustered 1 M", million), "<=1.0", /*dense=*/false);
  CompareReads(bench, Sparse("64-bit 1 M", million), "", /*dense=*/false);
  if (!bench.smoke()) CompareReads(bench, Dense("dense 16 M", size_t{16} << 20), "<=1.0", /*dense=*/true);
  if (!JudyLibrary::IsThere()) bench.Note("JudyL is left out: libJudy.so.1 cannot be loaded");
  return bench.Finish();
}
