// SPDX-License-Identifier: Apache-2.0
#include "xarray/memory_report.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "reclaim/rcu.h"
#include "slab/arena.h"
#include "slab/cache.h"
#include "xarray/node.h"
#include "xarray/node_cache.h"
#include "xarray/node_walk.h"
#include "xarray/pause_interval.h"

namespace mxa::xarray {
namespace {

void CountEntry(Entry entry, ArrayMemory& memory) {
  if (entry == kZero) ++memory.reserved;
  if (entry != kNull && !IsInternal(entry)) ++memory.entries;
}

// Slabs are aligned to their size, so that the address of a node says which slab it lies in.
using NodesBySlab = absl::flat_hash_map<uintptr_t, size_t>;

void CountNode(const NodeMet& met, const slab::Arena& arena, ArrayMemory& memory, NodesBySlab& nodes_by_slab) {
  ArrayMemory::Level& level = memory.levels[met.height];
  ++level.nodes;
  for (const Entry entry : met.slots) {
    if (entry != kNull) ++level.slots_in_use;
    CountEntry(entry, memory);
  }
  if (arena.InGuards(met.node)) {
    ++memory.guarded;
  } else {
    ++nodes_by_slab[reinterpret_cast<uintptr_t>(met.node) / memory.slab_size];
  }
}

void CountSlabs(const NodesBySlab& nodes_by_slab, const slab::Cache& cache, ArrayMemory& memory) {
  absl::flat_hash_set<uintptr_t> regions;
  for (const auto& [slab, nodes] : nodes_by_slab) regions.insert(slab * memory.slab_size / slab::kRegionSize);
  memory.regions = regions.size();
  memory.slabs = nodes_by_slab.size();
  for (const slab::SlabView& view : cache.Slabs()) {
    const auto ours = nodes_by_slab.find(view.address / memory.slab_size);
    if (ours == nodes_by_slab.end()) continue;
    if (view.live == 1) ++memory.alone;
    // Fewer live ones than the walk met: some have been retired since.
    const size_t live = std::max<size_t>(view.live, ours->second);
    memory.share_bytes +=
        static_cast<double>(memory.slab_size) * static_cast<double>(ours->second) / static_cast<double>(live);
  }
}

std::string Counted(size_t count, const char* what) { return absl::StrCat(count, " ", what, count == 1 ? "" : "s"); }

std::string Megabytes(double bytes) { return absl::StrFormat("%.1f MB", bytes / 1e6); }

}  // namespace

size_t ArrayMemory::nodes() const {
  size_t nodes = 0;
  for (const Level& level : levels) nodes += level.nodes;
  return nodes;
}

size_t ArrayMemory::node_bytes() const { return nodes() * sizeof(Node); }

double ArrayMemory::bytes_per_entry() const {
  return entries == 0 ? 0 : static_cast<double>(node_bytes()) / static_cast<double>(entries);
}

double ArrayMemory::leaf_fill() const {
  const Level& leaves = levels[1];
  return leaves.nodes == 0 ? 0 : static_cast<double>(leaves.slots_in_use) / static_cast<double>(leaves.nodes * kSlots);
}

size_t ArrayMemory::slabs_needed() const { return (nodes() - guarded + slab_capacity - 1) / slab_capacity; }

double ArrayMemory::savable_bytes() const {
  const double packed = static_cast<double>((nodes() - guarded) * slab_size) / static_cast<double>(slab_capacity);
  return std::max(0.0, share_bytes - packed);
}

ArrayMemory ReportMemory(const ArrayCore& array) {
  const slab::Cache& cache = array.nodes().slabs();
  const slab::CacheShape shape = cache.Shape();
  ArrayMemory memory;
  memory.slab_size = shape.units_per_slab * slab::kUnitSize;
  memory.slab_capacity = shape.objects_per_slab;
  NodesBySlab nodes_by_slab;
  NodeWalk walk(array);
  NodeMet met;
  for (bool is_more = true; is_more;) {
    reclaim::ReadSection section;
    for (unsigned slots = 0; is_more && slots < kPauseInterval; slots += kSlots) {
      is_more = walk.Next(met);
      if (is_more) CountNode(met, cache.arena(), memory, nodes_by_slab);
    }
  }
  if (memory.nodes() == 0) CountEntry(array.anchor().head(), memory);
  CountSlabs(nodes_by_slab, cache, memory);
  return memory;
}

std::string MemoryText(const ArrayMemory& memory) {
  std::string text =
      absl::StrFormat("%u entries, %u reserved, in %s: %u bytes, %.1f an entry\n", memory.entries, memory.reserved,
                      Counted(memory.nodes(), "node"), memory.node_bytes(), memory.bytes_per_entry());
  for (unsigned height = 1; height <= kMaxHeight; ++height) {
    const ArrayMemory::Level& level = memory.levels[height];
    if (level.nodes == 0) continue;
    const uint64_t slots = uint64_t{level.nodes} * kSlots;
    absl::StrAppendFormat(&text, "height %u: %s, %u of %u slots in use (%.1f %%)\n", height,
                          Counted(level.nodes, "node"), level.slots_in_use, slots,
                          100 * static_cast<double>(level.slots_in_use) / static_cast<double>(slots));
  }
  if (memory.nodes() == 0) return text;
  absl::StrAppendFormat(&text, "in %s of %u bytes in %s; %s would do\n", Counted(memory.slabs, "slab"),
                        memory.slab_size, Counted(memory.regions, "region"), Counted(memory.slabs_needed(), "slab"));
  absl::StrAppendFormat(&text, "answers for %s of them; a pass may save up to %s; %s alone in a slab\n",
                        Megabytes(memory.share_bytes), Megabytes(memory.savable_bytes()),
                        Counted(memory.alone, "node"));
  return text;
}

}  // namespace mxa::xarray
