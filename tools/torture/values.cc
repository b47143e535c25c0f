// SPDX-License-Identifier: Apache-2.0
//
// Maps whose values move: one that stays, with readers that judge every value, and others that end while their values are
// being moved.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "slab/arena.h"
#include "tools/torture/read_scope.h"
#include "tools/torture/scenarios.h"
#include "tools/torture/threads.h"
#include "tools/torture/versioned.h"
#include "tools/torture/world.h"
#include "xarray/movable_map.h"

namespace mxa::torture {
namespace {

constexpr uint64_t kIndices = 256;

// Says twice what it is, so that parts of two show.
struct Price {
  uint64_t index;
  uint64_t version;
  uint64_t check;
};
Price MakePrice(uint64_t index, uint64_t version) { return {index, version, tool::Mix64(index ^ version)}; }
bool IsWhole(const Price& price) { return price.check == tool::Mix64(price.index ^ price.version); }

using Map = MovableMap<Price>;

class Values final : public Scenario {
 public:
  explicit Values(World& world)
      : nodes_(world.nodes()),
        arena_(slab::Arena::Create({.reserve_bytes = size_t{64} << 20}).value()),
        cache_(Map::CreateCache(arena_.get()).value()),
        places_(kIndices) {
    map_ = std::make_unique<Map>(*cache_, nodes_);
  }
  ~Values() override { map_.reset(); }

  std::vector<ActorSpec> Actors(World&) override {
    return {StatelessActor("pricer", [this](World& world, tool::Random& random) { Write(world, random); }),
            StatelessActor("pricereader", [this](World& world, tool::Random& random) { Read(world, random); }),
            StatelessActor("briefmap", [this](World& world, tool::Random& random) { Brief(world, random); }),
            StatelessActor("valuemover", [this](World& world, tool::Random& random) { Move(world, random); })};
  }

  void Audit(World& world) override {
    if (const absl::Status status = map_->CheckInvariants(); !status.ok()) {
      world.errors().Report(Error::kAudit, absl::StrFormat("values: %s", std::string(status.message())));
    }
    cache_->slabs().FreeRcuBarrier();
    if (const absl::Status status = cache_->slabs().CheckInvariants(); !status.ok()) {
      world.errors().Report(Error::kAudit, absl::StrFormat("values: %s", std::string(status.message())));
    }
    if (const size_t live = cache_->slabs().Stats().live; live != map_->size()) {
      world.errors().Report(Error::kLeak, absl::StrFormat("%u values live, %u in the map", live, map_->size()));
    }
  }

 private:
  // Odd versions are there, even ones are not.
  void Write(World& world, tool::Random& random) {
    for (int i = 0; i < 32; ++i) {
      const uint64_t index = random.Below(kIndices);
      const uint64_t committed = places_[index].committed();
      const bool is_there = committed % 2 == 1;
      const uint64_t next = committed + (is_there && random.OneIn(2) ? 2 : 1);
      Note("price", index, next);
      places_[index].Begin(next);
      bool done = true;
      if (next % 2 == 0) {
        done = map_->Erase(index);
      } else if (is_there && random.OneIn(2)) {
        const absl::Status status = map_->Update(index, [&](Price& price) { price = MakePrice(index, next); });
        done = !absl::IsNotFound(status);
        if (absl::IsResourceExhausted(status)) continue;
      } else {
        const absl::StatusOr<bool> replaced = map_->Store(index, MakePrice(index, next));
        if (!replaced.ok()) continue;
        done = *replaced == is_there;
      }
      places_[index].Commit(next);
      Count(Figure::kUpdates);
      if (!done) {
        world.errors().Report(Error::kVersion, absl::StrFormat("value %u was not as its only writer left it", index));
      }
    }
  }

  void Read(World& world, tool::Random& random) {
    for (int i = 0; i < 32; ++i) {
      const uint64_t index = random.Below(kIndices);
      ReadScope section;
      const uint64_t committed = places_[index].committed();
      const Price* price = map_->Find(index);
      const uint64_t begun = places_[index].begun();
      Count(Figure::kReads);
      if (price == nullptr) {
        if (begun != committed || committed % 2 == 0) continue;
        world.errors().Report(Error::kVanished, absl::StrFormat("value %u, version %u, has vanished", index, begun));
        continue;
      }
      const uint64_t version = price->version;
      section.Hold(random);
      if (price->version != version || !IsWhole(*price) || price->index != index || version < committed ||
          version > begun) {
        world.errors().Report(Error::kElement,
                              absl::StrFormat("value %u is that of %u, version %u and then %u, of %u to %u", index,
                                              price->index, version, price->version, committed, begun));
      }
    }
  }

  void Brief(World&, tool::Random& random) {
    Map map(*cache_, nodes_);
    for (uint64_t i = 1 + random.Below(30); i > 0; --i) map.Store(i, MakePrice(i, 1)).status().IgnoreError();
    if (random.OneIn(2)) map.Erase(1 + random.Below(20));
    Count(Figure::kArraysMade);
  }

  void Move(World&, tool::Random& random) {
    slab::CompactOptions options;
    options.mode = slab::CompactOptions::Mode::kMoveEverything;
    options.batch_objects = 1 + random.Below(300);
    const absl::StatusOr<slab::CompactStats> pass = cache_->slabs().Compact(options);
    if (!pass.ok()) return;
    Count(Figure::kPasses);
    Count(Figure::kMoves, pass->objects_moved);
  }

  xarray::NodeCache& nodes_;
  std::unique_ptr<slab::Arena> arena_;
  std::unique_ptr<xarray::ValueCache> cache_;
  std::unique_ptr<Map> map_;
  std::vector<Versioned> places_;
};

}  // namespace

std::unique_ptr<Scenario> MakeValues(World& world) { return std::make_unique<Values>(world); }

}  // namespace mxa::torture
