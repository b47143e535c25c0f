// SPDX-License-Identifier: Apache-2.0
//
// Arrays and maps that end while the mover is about to lock them: the memory they were in is watched for a while after
// their end, and nobody may write to it.
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <new>

#include "absl/strings/str_format.h"
#include "slab/arena.h"
#include "tools/mxa/clock.h"
#include "tools/torture/read_scope.h"
#include "tools/torture/scenarios.h"
#include "tools/torture/threads.h"
#include "tools/torture/world.h"
#include "xarray/movable_map.h"

namespace mxa::torture {
namespace {

using Array = XArray<Value>;
using Map = MovableMap<uint64_t>;

constexpr size_t kPlaces = 4;
constexpr uint64_t kWatchNs = 40'000;

// Where a T is made and ends, over and over. All zero, as it is kept in between, is what a mutex looks like that can be
// locked: who is about to, does, and shows.
template <typename T>
class Place {
 public:
  template <typename... Arguments>
  T* Make(Arguments&... arguments) {
    return new (memory_) T(arguments...);
  }
  void End(T* thing) {
    thing->~T();
    std::memset(memory_, 0, sizeof(memory_));
  }
  // Whether it is as End left it.
  bool IsUntouched() const {
    return std::all_of(std::begin(memory_), std::end(memory_), [](const volatile unsigned char& c) { return c == 0; });
  }

 private:
  alignas(T) unsigned char memory_[sizeof(T)] = {};
};

class Endings final : public Scenario {
 public:
  explicit Endings(World&)
      : arena_(slab::Arena::Create({.reserve_bytes = size_t{64} << 20}).value()),
        nodes_(xarray::NodeCache::Create(arena_.get()).value()),
        values_(Map::CreateCache(arena_.get()).value()) {}

  std::vector<ActorSpec> Actors(World&) override {
    return {StatelessActor("arrayender", [this](World& world, tool::Random& random) { EndArrays(world, random); }),
            StatelessActor("mapender", [this](World& world, tool::Random& random) { EndMaps(world, random); }),
            StatelessActor("endmover", [this](World&, tool::Random& random) {
              slab::Cache& cache = random.OneIn(2) ? nodes_->slabs() : values_->slabs();
              const auto pass = cache.Compact({.mode = slab::CompactOptions::Mode::kMoveEverything});
              if (pass.ok()) Count(Figure::kPasses);
            })};
  }

 private:
  // Few entries each, so that the mover meets many of them.
  void EndArrays(World& world, tool::Random& random) {
    for (Place<Array>& place : arrays_) {
      Array* array = place.Make(*nodes_);
      for (uint64_t i = 0; i < 4; ++i) array->Store(random.Below(1000), i).status().IgnoreError();
      Delay(random, 20'000);
      place.End(array);
      Watch(world, place, "an array");
    }
    Count(Figure::kArraysMade, kPlaces);
  }

  void EndMaps(World& world, tool::Random& random) {
    for (Place<Map>& place : maps_) {
      Map* map = place.Make(*values_, *nodes_);
      for (uint64_t i = 0; i < 4; ++i) map->Store(random.Below(1000), i).status().IgnoreError();
      Delay(random, 20'000);
      place.End(map);
      Watch(world, place, "a map");
    }
    Count(Figure::kArraysMade, kPlaces);
  }

  template <typename T>
  static void Watch(World& world, const Place<T>& place, const char* what) {
    const uint64_t until = tool::NowNs() + kWatchNs;
    do {
      if (place.IsUntouched()) continue;
      world.errors().Report(Error::kElement, absl::StrFormat("somebody wrote to %s that had ended", what));
      return;
    } while (tool::NowNs() < until);
  }

  std::unique_ptr<slab::Arena> arena_;
  std::unique_ptr<xarray::NodeCache> nodes_;
  std::unique_ptr<xarray::ValueCache> values_;
  std::array<Place<Array>, kPlaces> arrays_;
  std::array<Place<Map>, kPlaces> maps_;
};

}  // namespace

std::unique_ptr<Scenario> MakeEndings(World& world) { return std::make_unique<Endings>(world); }

}  // namespace mxa::torture
