// SPDX-License-Identifier: Apache-2.0
//
// How many bytes does an entry take, everything counted, against other containers of 64-bit indices?
//
// Baselines: absl::btree_map, absl::flat_hash_map, std::map, JudyL (left out if it is not installed), TBB's
// concurrent_hash_map, cds_lfht with as many buckets as entries.
// Held equal: the indices, stored in random order, and the values of 8 bytes; each container is made in a process of its
// own, and what counts is by how much that process's resident pages grew, with malloc_trim before and after. For ours
// that holds the arena's side tables, the sheaves and the reclaimer's thread. Counts of pages, not times: one repetition
// is enough. 16 M are stored only where an entry's bytes depend on how many there are.
// Goals: that of 9.3 bytes a dense entry is a row of xarray_write_bench; these are information. Random 64-bit indices are
// the worst there is for a tree without path compression.
#include <malloc.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench/support/array_side.h"
#include "bench/support/bench.h"
#include "bench/support/child.h"
#include "bench/support/index_set.h"
#include "bench/support/judy_side.h"
#include "bench/support/lfht_side.h"
#include "bench/support/map_side.h"
#include "bench/support/tbb_side.h"

namespace mxa::bench {
namespace {

template <typename Side>
double BytesAnEntry(const IndexSet& set) {
  return InChild(1, [&set] {
    malloc_trim(0);  // what the parent held free
    const double before = ResidentBytes();
    auto* side = new Side(set.size());  // not destroyed: the process ends
    for (const uint64_t index : set.shuffled) side->Store(index, EntryFor(index));
    Side::Settle();
    malloc_trim(0);
    return std::vector<double>{(ResidentBytes() - before) / static_cast<double>(set.size())};
  })[0];
}

// `all`: against every peer, not only those whose bytes depend on how many entries there are.
void CompareBytes(Bench& bench, const IndexSet& set, bool all) {
  const std::string name = absl::StrCat("bytes an entry, ", set.name);
  if (!bench.Wants(name)) return;
  const double ours = BytesAnEntry<ArraySide>(set);
  const auto row = [&]<typename Side>() {
    bench.Single({name, "bytes", Side::kName, ""}, ours, BytesAnEntry<Side>(set));
  };
  row.template operator()<MapSide<BTree>>();
  row.template operator()<MapSide<FlatHash>>();
  if (JudyLibrary::IsThere()) row.template operator()<JudySide>();
  if (!all) return;
  row.template operator()<MapSide<RedBlackTree>>();
  row.template operator()<TbbSide>();
  row.template operator()<LfhtSide>();
}

}  // namespace
}  // namespace mxa::bench

int main(int argc, char** argv) {
  using namespace mxa::bench;
  Bench bench(argc, argv);
  const size_t million = bench.Size(size_t{1} << 20, 3200);
  CompareBytes(bench, Dense("dense 1 M", million), /*all=*/true);
  CompareBytes(bench, Clustered("clustered 1 M", million), /*all=*/true);
  CompareBytes(bench, Sparse("64-bit 1 M", million), /*all=*/true);
  if (!bench.smoke()) CompareBytes(bench, Dense("dense 16 M", size_t{16} << 20), /*all=*/false);
  if (!JudyLibrary::IsThere()) bench.Note("JudyL is left out: libJudy.so.1 cannot be loaded");
  return bench.Finish();
}
