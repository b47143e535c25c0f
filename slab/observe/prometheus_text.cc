// SPDX-License-Identifier: Apache-2.0
#include "slab/observe/prometheus_text.h"

#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "slab/observe/names.h"
#include "slab/observe/result_names.h"

namespace mxa::slab::observe {
namespace {

class Writer {
 public:
  explicit Writer(const Snapshot& snapshot) : snapshot_(snapshot) {
    for (const std::string& name : UniqueNames(snapshot)) labels_.push_back(EscapedLabel(name));
  }

  // Begins a family of series; all that is added until the next belongs to it.
  void Family(const char* name, const char* type, const char* help) {
    name_ = absl::StrCat("mxa_slab_", name);
    absl::StrAppend(&text_, "# HELP ", name_, " ", help, "\n# TYPE ", name_, " ", type, "\n");
  }

  void Add(absl::string_view labels, uint64_t value) { absl::StrAppend(&text_, name_, "{", labels, "} ", value, "\n"); }

  // One series a cache.
  void EachCache(absl::FunctionRef<uint64_t(const CacheSnapshot&)> value) {
    EachCache([&](const CacheSnapshot& cache, const std::string& label) { Add(label, value(cache)); });
  }
  void EachCacheSeconds(absl::FunctionRef<uint64_t(const CacheSnapshot&)> ns) {
    EachCache([&](const CacheSnapshot& cache, const std::string& label) {
      const uint64_t value = ns(cache);
      absl::StrAppendFormat(&text_, "%s{%s} %d.%09d\n", name_, label, value / 1'000'000'000, value % 1'000'000'000);
    });
  }
  void EachCache(absl::FunctionRef<void(const CacheSnapshot&, const std::string& label)> add) {
    for (size_t i = 0; i < labels_.size(); ++i) {
      add(snapshot_.caches[i], absl::StrCat("cache=\"", labels_[i], "\""));
    }
  }
  void EachArena(absl::FunctionRef<void(const ArenaSnapshot&, const std::string& label)> add) {
    for (size_t i = 0; i < snapshot_.arenas.size(); ++i) {
      add(snapshot_.arenas[i], absl::StrCat("arena=\"", i, "\""));
    }
  }

  std::string Take() { return std::move(text_); }

 private:
  const Snapshot& snapshot_;
  std::vector<std::string> labels_;  // escaped, by cache
  std::string name_;
  std::string text_;
};

void AddObjectsAndSlabs(Writer& out) {
  out.Family("objects", "gauge", "Objects by state; together all that the slabs have room for.");
  out.EachCache([&](const CacheSnapshot& cache, const std::string& label) {
    out.Add(absl::StrCat(label, ",state=\"live\""), cache.stats.live);
    out.Add(absl::StrCat(label, ",state=\"cached\""), cache.stats.cached);
    out.Add(absl::StrCat(label, ",state=\"retired\""), cache.stats.retired);
    out.Add(absl::StrCat(label, ",state=\"free\""), cache.stats.free);
  });
  out.Family("object_bytes", "gauge", "Bytes an object takes, alignment included.");
  out.EachCache([](const CacheSnapshot& cache) -> uint64_t { return cache.shape.stride; });
  out.Family("slab_bytes", "gauge", "Bytes a slab.");
  out.EachCache([](const CacheSnapshot& cache) -> uint64_t { return cache.slab_bytes; });
  out.Family("slabs", "gauge", "Slabs held.");
  out.EachCache([](const CacheSnapshot& cache) -> uint64_t { return cache.stats.slabs; });
  out.Family("slabs_needed", "gauge", "The fewest slabs that could hold the live objects.");
  out.EachCache([](const CacheSnapshot& cache) -> uint64_t { return cache.stats.slabs_needed(); });
  out.Family("empty_slabs", "gauge", "Slabs held without an allocated object.");
  out.EachCache([](const CacheSnapshot& cache) -> uint64_t { return cache.stats.empty_slabs; });
  out.Family("slabs_created_total", "counter", "Slabs taken from the arena.");
  out.EachCache([](const CacheSnapshot& cache) { return cache.stats.slabs_created; });
  out.Family("slabs_released_total", "counter", "Slabs given back to the arena.");
  out.EachCache([](const CacheSnapshot& cache) { return cache.stats.slabs_released; });
  out.Family("path_total", "counter", "How often each path was taken.");
  out.EachCache([&](const CacheSnapshot& cache, const std::string& label) {
    for (size_t i = 0; i < kCountNames.size(); ++i) {
      out.Add(absl::StrCat(label, ",path=\"", kCountNames[i], "\""), cache.stats.counts.values[i]);
    }
  });
}

void AddPasses(Writer& out) {
  out.Family("compact_passes_total", "counter", "Passes over the cache.");
  out.EachCache([](const CacheSnapshot& cache) { return cache.moves.passes; });
  out.Family("compact_batches_total", "counter", "Batches of these passes.");
  out.EachCache([](const CacheSnapshot& cache) { return cache.moves.batches; });
  out.Family("compact_grace_periods_total", "counter", "Grace periods that passes waited for.");
  out.EachCache([](const CacheSnapshot& cache) { return cache.moves.grace_periods; });
  out.Family("compact_objects_total", "counter", "Objects that passes tried to move, by what became of them.");
  out.EachCache([&](const CacheSnapshot& cache, const std::string& label) {
    for (size_t i = 0; i < kResultNames.size(); ++i) {
      out.Add(absl::StrCat(label, ",result=\"", kResultNames[i], "\""), cache.moves.results[i]);
    }
  });
  out.Family("compact_slabs_refused_total", "counter", "Slabs whose owner refused the pass.");
  out.EachCache([](const CacheSnapshot& cache) { return cache.moves.slabs_refused; });
  out.Family("compact_objects_unplaced_total", "counter", "Objects that stayed for want of free places.");
  out.EachCache([](const CacheSnapshot& cache) { return cache.moves.objects_unplaced; });
  out.Family("compact_slabs_released_total", "counter", "Slabs that passes gave back to the arena.");
  out.EachCache([](const CacheSnapshot& cache) { return cache.moves.slabs_released; });
  out.Family("compact_work_seconds_total", "counter", "Time passes worked, waiting left out.");
  out.EachCacheSeconds([](const CacheSnapshot& cache) { return cache.moves.work_ns; });
  out.Family("compact_move_seconds_total", "counter", "Of this, time spent moving objects.");
  out.EachCacheSeconds([](const CacheSnapshot& cache) { return cache.moves.move_ns; });
  out.Family("compact_slept_seconds_total", "counter", "Time passes slept to keep to their duty.");
  out.EachCacheSeconds([](const CacheSnapshot& cache) { return cache.moves.slept_ns; });
  out.Family("compact_slices_total", "counter", "Stretches of work between two chances for others to run.");
  out.EachCache([](const CacheSnapshot& cache) { return cache.moves.slices; });
  out.Family("compact_longest_slice_seconds", "gauge", "Longest stretch of work of a pass.");
  out.EachCacheSeconds([](const CacheSnapshot& cache) { return cache.moves.longest_slice_ns; });
  out.Family("compact_longest_own_slice_seconds", "gauge", "Longest of those that the system did not interrupt.");
  out.EachCacheSeconds([](const CacheSnapshot& cache) { return cache.moves.longest_own_slice_ns; });
}

void AddArenas(Writer& out) {
  out.Family("arena_reserved_bytes", "gauge", "Addresses reserved.");
  out.EachArena([&](const ArenaSnapshot& arena, const std::string& label) { out.Add(label, arena.reserved_bytes); });
  out.Family("arena_regions", "gauge", "Regions of 2 MiB with a slab.");
  out.EachArena([&](const ArenaSnapshot& arena, const std::string& label) { out.Add(label, arena.regions_held); });
  out.Family("arena_units", "gauge", "Units of 64 KiB held by slabs.");
  out.EachArena([&](const ArenaSnapshot& arena, const std::string& label) { out.Add(label, arena.units_held); });
  out.Family("arena_resident_bytes", "gauge", "Bytes resident, as the kernel tells.");
  out.EachArena([&](const ArenaSnapshot& arena, const std::string& label) {
    out.Add(absl::StrCat(label, ",of=\"objects\""), arena.object_bytes);
    out.Add(absl::StrCat(label, ",of=\"descriptors\""), arena.descriptor_bytes);
  });
}

}  // namespace

std::string EscapedLabel(absl::string_view value) {
  return absl::StrReplaceAll(value, {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}});
}

std::string PrometheusText(const Snapshot& snapshot) {
  Writer out(snapshot);
  AddObjectsAndSlabs(out);
  AddPasses(out);
  AddArenas(out);
  return out.Take();
}

}  // namespace mxa::slab::observe
