// SPDX-License-Identifier: Apache-2.0
//
// What do inserts, overwrites and erases cost against other containers of 64-bit indices, on dense, clustered and random
// ones?
//
// Baselines without synchronization, ours with its lock held over all operations: absl::btree_map, absl::flat_hash_map,
// std::map, JudyL (left out if it is not installed). With it, ours with its lock inside each: flat_hash_map and btree_map
// behind an absl::Mutex (dense 1 M against btree_map is in xarray_write_bench), TBB's concurrent_hash_map, cds_lfht.
// Held equal: indices, their order, values; absl::Hash in all hash tables; malloc for all but ours. One million goes into
// an empty container in ascending order, is overwritten and erased at random, and goes into a new one at random; 16 M go in
// ascending and are overwritten and erased at random; and of 16 M that stay, one is overwritten, erased and put back. Time
// is the writing thread's processor time: it does not hold what ours and cds_lfht leave to a grace period and to the thread
// that waits for it, on either side. cds_lfht has its buckets made beforehand. What is there after each step is CHECKed by a
// sample.
// So that the whole of it takes some minutes: three rounds (two of random 64-bit indices) behind one that is thrown away,
// and peers are left out where they would take most of the time to show what fewer indices have shown. The notes name them.
// Goals: as those of xarray_write_bench; random 64-bit indices are information, as in xarray_peers_read_bench.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "base/check.h"
#include "bench/support/array_side.h"
#include "bench/support/bench.h"
#include "bench/support/index_set.h"
#include "bench/support/judy_side.h"
#include "bench/support/lfht_side.h"
#include "bench/support/map_side.h"
#include "bench/support/rounds.h"
#include "bench/support/tbb_side.h"

namespace mxa::bench {
namespace {

constexpr char kHeld[] = ", one lock";
constexpr char kEach[] = ", a lock each";

// What does the writing to a side: the side itself, or what holds its lock.
template <typename Side>
struct Directly {
  using Container = Side;
  static constexpr const char* kName = Side::kName;
  explicit Directly(Side& side) : side_(side) {}
  void Store(uint64_t index, uint64_t value) { side_.Store(index, value); }
  void Erase(uint64_t index) { side_.Erase(index); }

 private:
  Side& side_;
};
struct Holding : HeldArray {
  using Container = ArraySide;
  static constexpr const char* kName = ArraySide::kName;
  using HeldArray::HeldArray;
};

template <typename Side>
void CheckSample(const Side& side, absl::Span<const uint64_t> indices, bool there) {
  for (size_t i = 0; i < indices.size(); i += 97) {
    MXA_CHECK(side.Load(indices[i]) == (there ? EntryFor(indices[i]) : 0), "not what was written");
  }
}

template <typename Way>
double TimeStores(typename Way::Container& side, absl::Span<const uint64_t> indices) {
  double time;
  {
    Way way(side);
    const ThreadStopwatch watch;
    for (const uint64_t index : indices) way.Store(index, EntryFor(index));
    time = watch.NsPer(indices.size());
  }
  CheckSample(side, indices, true);
  return time;
}

template <typename Way>
double TimeErases(typename Way::Container& side, absl::Span<const uint64_t> indices) {
  double time;
  {
    Way way(side);
    const ThreadStopwatch watch;
    for (const uint64_t index : indices) way.Erase(index);
    time = watch.NsPer(indices.size());
  }
  CheckSample(side, indices, false);
  Way::Container::Settle();
  return time;
}

// Into an empty container and out of it again; `twice`: in ascending order, then into a new one at random.
template <typename Way>
Contender FromEmpty(const IndexSet& set, bool twice) {
  using Side = typename Way::Container;
  return {Way::kName, [&set, twice]() -> std::vector<double> {
            auto side = std::make_unique<Side>(set.size());
            const double ascending = TimeStores<Way>(*side, set.Ascending());
            const double overwrite = TimeStores<Way>(*side, set.Shuffled());
            const double erase = TimeErases<Way>(*side, set.Shuffled());
            side = nullptr;
            Side::Settle();
            if (!twice) return {ascending, overwrite, erase};
            side = std::make_unique<Side>(set.size());
            const double random = TimeStores<Way>(*side, set.Shuffled());
            side = nullptr;
            Side::Settle();
            return {ascending, random, overwrite, erase};
          }};
}

// In a container that stays.
template <typename Way>
Contender InFull(const IndexSet& set) {
  using Side = typename Way::Container;
  auto side = std::make_shared<Side>(set.size());
  for (const uint64_t index : set.ascending) side->Store(index, EntryFor(index));
  return {Way::kName, [side, some = set.Shuffled().first(set.size() / 16)]() -> std::vector<double> {
            const double overwrite = TimeStores<Way>(*side, some);
            const double erase = TimeErases<Way>(*side, some);
            const double random = TimeStores<Way>(*side, some);
            return {random, overwrite, erase};
          }};
}

std::vector<Operation> Named(std::vector<Operation> operations, const char* how) {
  for (Operation& operation : operations) operation.name += how;
  return operations;
}

// What is left out, and how often the others take turns.
struct Peers {
  int rounds = 3;
  bool trees = true;         // std::map, and btree_map
  bool red_black = true;     // std::map
  bool locked = true;        // all that lock each operation
  bool locked_btree = true;  // btree_map among them
};

// `Make<Way>()` yields a contender.
template <typename Maker>
void CompareWrites(Bench& bench, const IndexSet& set, const std::vector<Operation>& operations, Peers wanted,
                   Maker make) {
  std::vector<Contender> peers;
  if (WantsAny(bench, set.name, Named(operations, kHeld))) {
    if (wanted.trees) peers.push_back(make.template operator()<Directly<MapSide<BTree>>>());
    peers.push_back(make.template operator()<Directly<MapSide<FlatHash>>>());
    if (wanted.trees && wanted.red_black) peers.push_back(make.template operator()<Directly<MapSide<RedBlackTree>>>());
    if (JudyLibrary::IsThere()) peers.push_back(make.template operator()<Directly<JudySide>>());
    CompareInRounds(bench, set.name, "ns", Named(operations, kHeld), make.template operator()<Holding>(), peers,
                    wanted.rounds);
  }
  if (wanted.locked && WantsAny(bench, set.name, Named(operations, kEach))) {
    peers = {make.template operator()<Directly<LockedMapSide<FlatHash>>>(),
             make.template operator()<Directly<TbbSide>>(), make.template operator()<Directly<LfhtSide>>()};
    if (wanted.locked_btree) peers.push_back(make.template operator()<Directly<LockedMapSide<BTree>>>());
    CompareInRounds(bench, set.name, "ns", Named(operations, kEach), make.template operator()<Directly<ArraySide>>(),
                    peers, wanted.rounds);
  }
}

void FillAndEmpty(Bench& bench, const IndexSet& set, const char* goal, Peers wanted) {
  const std::vector<Operation> operations = {
      {"insert, ascending", goal}, {"insert, random", goal}, {"overwrite, random", goal}, {"erase, random", goal}};
  CompareWrites(bench, set, operations, wanted, [&set]<typename Way>() { return FromEmpty<Way>(set, /*twice=*/true); });
}

void FillAndEmptyOnce(Bench& bench, const IndexSet& set, const char* goal, Peers wanted) {
  const std::vector<Operation> operations = {
      {"insert, ascending", goal}, {"overwrite, random", goal}, {"erase, random", goal}};
  CompareWrites(bench, set, operations, wanted,
                [&set]<typename Way>() { return FromEmpty<Way>(set, /*twice=*/false); });
}

void WriteInFull(Bench& bench, const IndexSet& set, const char* goal, Peers wanted) {
  const std::vector<Operation> operations = {
      {"insert, random", goal}, {"overwrite, random", goal}, {"erase, random", goal}};
  CompareWrites(bench, set, operations, wanted, [&set]<typename Way>() { return InFull<Way>(set); });
}

}  // namespace
}  // namespace mxa::bench

int main(int argc, char** argv) {
  using namespace mxa::bench;
  Bench bench(argc, argv);
  const size_t million = bench.Size(size_t{1} << 20, 3200);
  const size_t many = bench.Size(size_t{16} << 20, 8000);
  FillAndEmpty(bench, Dense("dense 1 M", million), "<=0.9", {.locked_btree = false});
  FillAndEmpty(bench, Clustered("clustered 1 M", million), "<=0.9", {.red_black = false});
  FillAndEmpty(bench, Sparse("64-bit 1 M", million), "", {.rounds = 2, .red_black = false, .locked = false});
  WriteInFull(bench, Dense("1 M of dense 16 M", many), "<=0.9", {.red_black = false});
  FillAndEmptyOnce(bench, Dense("dense 16 M", many), "<=0.9", {.trees = false, .locked = false});
  bench.Note("std::map is compared on dense 1 M alone: it takes half of the time there already");
  bench.Note(
      "64-bit 1 M takes two rounds and one lock: ours makes some seven nodes for each index, 4 GB in all, each time");
  bench.Note("dense 16 M as a whole leaves btree_map and all that lock each operation to the million of 16 M");
  if (!JudyLibrary::IsThere()) bench.Note("JudyL is left out: libJudy.so.1 cannot be loaded");
  return bench.Finish();
}
