// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/top_screen.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace mxa::tool {
namespace {

using slab::observe::ArenaSnapshot;
using slab::observe::CacheSnapshot;
using slab::observe::Snapshot;

constexpr size_t kNameWidth = 20;

uint64_t HeldBytes(const CacheSnapshot& cache) { return cache.stats.slabs * cache.slab_bytes; }
uint64_t LiveBytes(const CacheSnapshot& cache) { return cache.stats.live * cache.stats.object_size; }

std::string Bytes(uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1000 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
  return unit == 0 ? absl::StrFormat("%d B", bytes) : absl::StrFormat("%.1f %s", value, kUnits[unit]);
}

std::string Count(uint64_t count) {
  if (count < 100'000) return absl::StrCat(count);
  if (count < 1'000'000) return absl::StrFormat("%.1f k", static_cast<double>(count) / 1e3);
  return absl::StrFormat("%.1f M", static_cast<double>(count) / 1e6);
}

// Per second, of a counter that only grows.
std::string Rate(uint64_t now, uint64_t before, double seconds) {
  if (seconds <= 0 || now < before) return "-";
  return Count(static_cast<uint64_t>(static_cast<double>(now - before) / seconds + 0.5));
}

// The name without what a terminal could take for a command, cut.
std::string Shown(const std::string& name) {
  std::string shown;
  for (const char c : name.substr(0, kNameWidth)) shown += static_cast<unsigned char>(c) < ' ' || c == 0x7f ? '?' : c;
  return shown;
}

// How many slabs are how full: a bar a step from empty to full, the tallest for the most.
std::string Occupancy(const CacheSnapshot& cache) {
  constexpr const char* kBars[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const uint64_t most = *std::max_element(cache.occupancy.begin(), cache.occupancy.end());
  std::string bars;
  for (const uint64_t slabs : cache.occupancy) bars += kBars[slabs == 0 ? 0 : 1 + (slabs * 7 + most / 2) / most];
  return bars;
}

const CacheSnapshot* SameCache(const Snapshot* snapshot, const std::string& name) {
  if (snapshot == nullptr) return nullptr;
  const CacheSnapshot* found = nullptr;
  for (const CacheSnapshot& cache : snapshot->caches) {
    if (cache.name != name) continue;
    if (found != nullptr) return nullptr;
    found = &cache;
  }
  return found;
}

std::string CacheLine(const CacheSnapshot& cache, const CacheSnapshot* before, double seconds) {
  const uint64_t live = LiveBytes(cache);
  const uint64_t held = HeldBytes(cache);
  const std::string ratio =
      live == 0 ? "-" : absl::StrFormat("%.2f", static_cast<double>(held) / static_cast<double>(live));
  std::string line = absl::StrFormat("%-20s %9s %10s %10s %6s  %s", Shown(cache.name), Count(cache.stats.live),
                                     Bytes(live), Bytes(held), ratio, Occupancy(cache));
  if (before == nullptr) return line;
  absl::StrAppendFormat(&line, " %8s %8s %8s", Rate(cache.moves.passes, before->moves.passes, seconds),
                        Rate(cache.moves.objects_moved, before->moves.objects_moved, seconds),
                        Rate(cache.stats.slabs_released, before->stats.slabs_released, seconds));
  return line;
}

}  // namespace

std::string TopScreen(const Snapshot& now, const Snapshot* before, double seconds, size_t lines) {
  ArenaSnapshot arenas;
  for (const ArenaSnapshot& arena : now.arenas) {
    arenas.object_bytes += arena.object_bytes;
    arenas.descriptor_bytes += arena.descriptor_bytes;
    arenas.regions_held += arena.regions_held;
  }
  uint64_t live = 0;
  for (const CacheSnapshot& cache : now.caches) live += LiveBytes(cache);
  const uint64_t resident = arenas.object_bytes + arenas.descriptor_bytes;
  std::vector<std::string> screen;
  screen.push_back(absl::StrFormat(
      "process %d: %s resident in arenas, %s live%s; %d regions of 2 MiB", now.pid, Bytes(resident), Bytes(live),
      live == 0 ? "" : absl::StrFormat(" (%.3f)", static_cast<double>(resident) / static_cast<double>(live)),
      arenas.regions_held));
  screen.push_back("");
  screen.push_back(absl::StrFormat("%-20s %9s %10s %10s %6s  %-12s%s", "cache", "live", "live bytes", "held", "ratio",
                                   "slabs 0-100%", before == nullptr ? "" : " passes/s  moved/s slabs/s back"));
  std::vector<const CacheSnapshot*> caches;
  for (const CacheSnapshot& cache : now.caches) caches.push_back(&cache);
  std::stable_sort(caches.begin(), caches.end(),
                   [](const CacheSnapshot* a, const CacheSnapshot* b) { return HeldBytes(*a) > HeldBytes(*b); });
  const size_t room = lines > screen.size() + 1 ? lines - screen.size() - 1 : 0;
  for (size_t i = 0; i < std::min(room, caches.size()); ++i) {
    const CacheSnapshot* same =
        SameCache(&now, caches[i]->name) != nullptr ? SameCache(before, caches[i]->name) : nullptr;
    screen.push_back(CacheLine(*caches[i], same, seconds));
  }
  if (caches.size() > room) screen.push_back(absl::StrFormat("and %d more", caches.size() - room));
  std::string text;
  for (size_t i = 0; i < std::min(lines, screen.size()); ++i) absl::StrAppend(&text, screen[i], "\n");
  return text;
}

}  // namespace mxa::tool
