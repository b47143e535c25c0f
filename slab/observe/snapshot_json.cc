// SPDX-License-Identifier: Apache-2.0
//
// One list of fields serves both ways (the ...Fields functions), so that what is written is what is read.
#include "slab/observe/snapshot_json.h"

#include <algorithm>
#include <limits>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "slab/arena.h"
#include "slab/observe/result_names.h"

namespace mxa::slab::observe {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kKind = "mxa slab snapshot";
constexpr uint64_t kVersion = 1;

class Out {
 public:
  explicit Out(Json& json) : json_(json) { json_ = Json::object(); }

  template <typename Value>
  void Field(const char* key, const Value& value) {
    json_[key] = value;
  }
  template <typename Value>
  void Optional(const char* key, const Value& value) {
    Field(key, value);
  }
  template <typename Describe>
  void Object(const char* key, Describe describe) {
    Out inner(json_[key]);
    describe(inner);
  }
  template <typename Element, typename Describe>
  void List(const char* key, const std::vector<Element>& list, Describe describe) {
    Json& array = json_[key] = Json::array();
    for (const Element& element : list) {
      Out inner(array.emplace_back());
      describe(inner, element);
    }
  }
  void Bytes(const char* key, const std::vector<uint8_t>& bytes) { json_[key] = bytes; }
  void Check(bool, const char*) {}

 private:
  Json& json_;
};

class In {
 public:
  // Keeps the first error in `status`; `where` names this object in it.
  In(const Json& json, std::string where, absl::Status& status)
      : json_(json), where_(std::move(where)), status_(status) {
    if (!json_.is_object()) Fail("", "is no object");
  }

  template <typename Value>
  void Field(const char* key, Value& value) {
    if (const Json* found = Find(key)) Read(*found, key, value);
  }
  template <typename Value>
  void Optional(const char* key, Value& value) {
    if (json_.is_object() && json_.contains(key)) Field(key, value);
  }
  template <typename Describe>
  void Object(const char* key, Describe describe) {
    const Json* found = Find(key);
    if (found == nullptr) return;
    In inner(*found, absl::StrCat(where_, key, "."), status_);
    describe(inner);
  }
  template <typename Element, typename Describe>
  void List(const char* key, std::vector<Element>& list, Describe describe) {
    const Json* found = Find(key);
    if (found == nullptr) return;
    if (!found->is_array()) return Fail(key, "is no list");
    for (const Json& element : *found) {
      In inner(element, absl::StrCat(where_, key, "[", list.size(), "]."), status_);
      describe(inner, list.emplace_back());
      if (!status_.ok()) return;
    }
  }
  void Bytes(const char* key, std::vector<uint8_t>& bytes) {
    const Json* found = Find(key);
    if (found == nullptr) return;
    if (!found->is_array()) return Fail(key, "is no list");
    for (const Json& element : *found) Read(element, key, bytes.emplace_back());
  }
  void Check(bool possible, const char* key) {
    if (!possible) Fail(key, "is impossible");
  }

 private:
  const Json* Find(const char* key) {
    if (!json_.is_object()) return nullptr;
    const auto found = json_.find(key);
    if (found != json_.end()) return &*found;
    Fail(key, "is missing");
    return nullptr;
  }
  void Read(const Json& json, const char* key, std::string& value) {
    if (!json.is_string()) return Fail(key, "is no string");
    value = json.get<std::string>();
  }
  void Read(const Json& json, const char* key, bool& value) {
    if (!json.is_boolean()) return Fail(key, "is neither true nor false");
    value = json.get<bool>();
  }
  template <typename Number>
  void Read(const Json& json, const char* key, Number& value) {
    static_assert(std::is_unsigned_v<Number>);
    if (!json.is_number_unsigned() || json.get<uint64_t>() > std::numeric_limits<Number>::max()) {
      return Fail(key, "is no whole number that fits");
    }
    value = static_cast<Number>(json.get<uint64_t>());
  }
  void Fail(const char* key, const char* what) {
    status_.Update(absl::InvalidArgumentError(absl::StrCat("'", where_, key, "' ", what)));
  }

  const Json& json_;
  const std::string where_;
  absl::Status& status_;
};

// In all below, the data are const for Out and not for In.

template <typename Archive, typename Stats>
void StatsFields(Archive& archive, Stats& stats) {
  archive.Field("objects_per_slab", stats.objects_per_slab);
  archive.Field("slabs", stats.slabs);
  archive.Field("empty_slabs", stats.empty_slabs);
  archive.Field("live", stats.live);
  archive.Field("cached", stats.cached);
  archive.Field("retired", stats.retired);
  archive.Field("free", stats.free);
  archive.Field("slabs_created", stats.slabs_created);
  archive.Field("slabs_released", stats.slabs_released);
  archive.Object("paths", [&](auto& paths) {
    for (size_t i = 0; i < kCountNames.size(); ++i) paths.Optional(kCountNames[i], stats.counts.values[i]);
  });
}

template <typename Archive, typename Moves>
void MovesFields(Archive& archive, Moves& moves) {
  archive.Field("passes", moves.passes);
  archive.Field("batches", moves.batches);
  archive.Field("grace_periods", moves.grace_periods);
  archive.Field("objects_moved", moves.objects_moved);
  archive.Object("results", [&](auto& results) {
    for (size_t i = 0; i < kResultNames.size(); ++i) results.Field(kResultNames[i], moves.results[i]);
  });
  archive.Field("slabs_refused", moves.slabs_refused);
  archive.Field("objects_unplaced", moves.objects_unplaced);
  archive.Field("slabs_released", moves.slabs_released);
  archive.Field("work_ns", moves.work_ns);
  archive.Field("move_ns", moves.move_ns);
  archive.Field("slept_ns", moves.slept_ns);
  archive.Field("slices", moves.slices);
  archive.Field("longest_slice_ns", moves.longest_slice_ns);
  archive.Field("longest_own_slice_ns", moves.longest_own_slice_ns);
}

bool IsMap(absl::string_view units) {
  return units.size() == kUnitsPerRegion && units.find_first_not_of("_0123456789#*-.") == absl::string_view::npos;
}

template <typename Archive, typename Cache>
void CacheFields(Archive& archive, Cache& cache) {
  archive.Field("name", cache.name);
  archive.Field("arena", cache.arena);
  archive.Field("object_size", cache.shape.object_size);
  archive.Field("stride", cache.shape.stride);
  archive.Field("units_per_slab", cache.shape.units_per_slab);
  archive.Field("slab_bytes", cache.slab_bytes);
  archive.Field("movable", cache.shape.movable);
  StatsFields(archive, cache.stats);
  archive.Object("compact", [&](auto& inner) { MovesFields(inner, cache.moves); });
  archive.Object("occupancy", [&](auto& inner) {
    for (size_t i = 0; i < kOccupancySteps; ++i) {
      const std::string key = i == 0 ? "empty" : i == kOccupancySteps - 1 ? "full" : absl::StrCat("tenths_", i - 1);
      inner.Field(key.c_str(), cache.occupancy[i]);
    }
  });
  archive.List("map", cache.map, [](auto& inner, auto& map) {
    inner.Field("region", map.region);
    inner.Field("units_used", map.units_used);
    inner.Field("units", map.units);
    inner.Check(IsMap(map.units), "units");
  });
}

template <typename Archive, typename Arena>
void ArenaFields(Archive& archive, Arena& arena) {
  archive.Field("reserved_bytes", arena.reserved_bytes);
  archive.Field("regions_held", arena.regions_held);
  archive.Field("units_held", arena.units_held);
  archive.Field("resident_object_bytes", arena.object_bytes);
  archive.Field("resident_descriptor_bytes", arena.descriptor_bytes);
  archive.Bytes("units_used", arena.units_used);
}

template <typename Archive, typename Data>
void SnapshotFields(Archive& archive, Data& snapshot) {
  archive.Field("pid", snapshot.pid);
  archive.Field("unix_seconds", snapshot.unix_seconds);
  archive.Field("page_size", snapshot.page_size);
  archive.List("arenas", snapshot.arenas, [](auto& inner, auto& arena) { ArenaFields(inner, arena); });
  archive.List("caches", snapshot.caches, [](auto& inner, auto& cache) { CacheFields(inner, cache); });
}

}  // namespace

std::string JsonText(const Snapshot& snapshot) {
  Json json;
  Out out(json);
  out.Field("kind", kKind);
  out.Field("version", kVersion);
  SnapshotFields(out, snapshot);
  return absl::StrCat(json.dump(-1, ' ', false, Json::error_handler_t::replace), "\n");
}

absl::StatusOr<Snapshot> ParseJsonText(absl::string_view text) {
  const Json json = Json::parse(text, /*cb=*/nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return absl::InvalidArgumentError("no JSON, or cut off");
  absl::Status status;
  In in(json, "", status);
  std::string kind;
  uint64_t version = 0;
  in.Optional("kind", kind);
  if (kind != kKind) return absl::InvalidArgumentError("JSON, but no snapshot of caches");
  in.Field("version", version);
  if (status.ok() && version != kVersion) {
    return absl::InvalidArgumentError(absl::StrCat("a snapshot of version ", version, ", not ", kVersion));
  }
  Snapshot snapshot;
  SnapshotFields(in, snapshot);
  if (!status.ok()) return status;
  for (CacheSnapshot& cache : snapshot.caches) {
    cache.shape.objects_per_slab = cache.stats.objects_per_slab;
    cache.stats.object_size = cache.shape.object_size;
  }
  return snapshot;
}

}  // namespace mxa::slab::observe
