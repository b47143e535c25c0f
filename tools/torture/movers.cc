// SPDX-License-Identifier: Apache-2.0
//
// Passes over the nodes of all arrays: everything, what is sparse, in order; long and short batches, some cancelled.
#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "tools/torture/scenarios.h"
#include "tools/torture/threads.h"
#include "tools/torture/world.h"

namespace mxa::torture {
namespace {

slab::CompactOptions AnyOptions(World& world, tool::Random& random) {
  using Mode = slab::CompactOptions::Mode;
  slab::CompactOptions options;
  options.mode = Mode::kMoveEverything;
  options.batch_objects = 1 + random.Below(random.OneIn(2) ? 16 : 1200);
  options.most_batch_objects = std::max<size_t>(options.batch_objects, 1 + random.Below(4000));
  options.slice_ns = random.OneIn(4) ? 1000 : 1'000'000;
  switch (random.Below(8)) {
    case 0:
      options.mode = Mode::kPack;
      break;
    case 1:
      options.mode = Mode::kOrder;
      break;
    case 2:
      options.mode = Mode::kMoveToNode;
      options.to_node = 0;
      break;
    case 3:
      options.mode = Mode::kBalance;
      break;
    case 4: {
      options.mode = Mode::kEvacuate;
      const std::vector<slab::SlabView> slabs = world.nodes().slabs().Slabs();
      if (slabs.empty()) break;
      options.range_begin = slabs[random.Below(slabs.size())].address;
      options.range_end = options.range_begin + world.nodes().slabs().Shape().units_per_slab * slab::kUnitSize;
      break;
    }
    default:
      break;
  }
  return options;
}

class Movers final : public Scenario {
 public:
  std::vector<ActorSpec> Actors(World& world) override {
    std::vector<ActorSpec> actors = {
        StatelessActor("mover", [this](World& w, tool::Random& random) { Move(w, random); })};
    if (!world.options().single_threaded) {
      actors.push_back(StatelessActor(
          "canceller", [this](World&, tool::Random& random) { cancel_.store(random.OneIn(8)); },
          absl::Milliseconds(3)));
    }
    return actors;
  }
  std::vector<Minimum> Minima() const override { return {{Figure::kPasses, 2}, {Figure::kMoves, 50}}; }

 private:
  void Move(World& world, tool::Random& random) {
    slab::CompactOptions options = AnyOptions(world, random);
    if (random.OneIn(4)) options.cancel = &cancel_;
    Note("pass", static_cast<uint64_t>(options.mode), options.batch_objects);
    const absl::StatusOr<slab::CompactStats> pass = world.nodes().slabs().Compact(options);
    if (pass.ok()) {
      Count(Figure::kPasses);
      Count(Figure::kMoves, pass->objects_moved);
      Count(Figure::kMovesSkipped, pass->skipped());
    } else if (!absl::IsUnavailable(pass.status()) && !absl::IsResourceExhausted(pass.status())) {
      world.errors().Report(Error::kAudit, absl::StrFormat("a pass: %s", std::string(pass.status().message())));
    }
  }

  std::atomic<bool> cancel_{false};
};

}  // namespace

std::unique_ptr<Scenario> MakeMovers(World&) { return std::make_unique<Movers>(); }

}  // namespace mxa::torture
