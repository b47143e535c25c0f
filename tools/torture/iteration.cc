// SPDX-License-Identifier: Apache-2.0
//
// Walks of all kinds over entries that come and go: one thread adds entries of one order and marks some, one removes them,
// all nodes move, and each entry says which place it is of.
// The idea is that of the iteration check among the regression tests of Linux's radix tree, here with an answer: what a
// walk may meet, and must, is known.
#include <memory>
#include <vector>

#include "tools/torture/iteration_track.h"
#include "tools/torture/scenarios.h"
#include "tools/torture/threads.h"
#include "tools/torture/world.h"

namespace mxa::torture {
namespace {

class Iteration final : public Scenario {
 public:
  explicit Iteration(World& world) : single_(world, 0), of_many_(world, 7) {}

  std::vector<ActorSpec> Actors(World&) override {
    const auto each = [this](int times, void (IterationTrack::*act)(tool::Random&)) {
      return [this, times, act](World&, tool::Random& random) {
        for (int i = 0; i < times; ++i) ((random.OneIn(2) ? single_ : of_many_).*act)(random);
      };
    };
    return {StatelessActor("adder", each(32, &IterationTrack::AddSome)),
            StatelessActor("remover", each(32, &IterationTrack::RemoveSome)),
            StatelessActor("iterator", each(1, &IterationTrack::Walk), absl::ZeroDuration(), 2),
            StatelessActor("iterranger", each(1, &IterationTrack::Range)),
            StatelessActor("itermover", &Move, absl::Microseconds(500))};
  }

  void Audit(World&) override {
    single_.Audit();
    of_many_.Audit();
  }

  std::vector<Minimum> Minima() const override {
    return {{Figure::kWalks, 5}, {Figure::kMarkedWalks, 5}, {Figure::kCursorSteps, 1000}, {Figure::kCursorPauses, 20}};
  }

 private:
  // So that the scenario says something by itself as well.
  static void Move(World& world, tool::Random& random) {
    slab::CompactOptions options;
    options.mode = slab::CompactOptions::Mode::kMoveEverything;
    options.batch_objects = 1 + random.Below(64);
    Note("pass", options.batch_objects);
    const absl::StatusOr<slab::CompactStats> pass = world.nodes().slabs().Compact(options);
    if (!pass.ok()) return;  // another pass is under way, or there is no memory
    Count(Figure::kPasses);
    Count(Figure::kMoves, pass->objects_moved);
    Count(Figure::kMovesSkipped, pass->skipped());
  }

  IterationTrack single_;
  IterationTrack of_many_;
};

}  // namespace

std::unique_ptr<Scenario> MakeIteration(World& world) { return std::make_unique<Iteration>(world); }

}  // namespace mxa::torture
