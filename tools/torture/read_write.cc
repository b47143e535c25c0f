// SPDX-License-Identifier: Apache-2.0
//
// Readers of single entries, who judge each by the ledger, and writers who take the entries to their next versions.
#include <memory>
#include <vector>

#include "tools/torture/scenarios.h"
#include "tools/torture/world.h"

namespace mxa::torture {
namespace {

constexpr int kBatch = 32;  // operations a step

class Reader final : public Actor {
 public:
  explicit Reader(World& world) : seen_(world.population().places()) {}
  void Step(World& world, tool::Random& random) override {
    for (int i = 0; i < kBatch; ++i) {
      world.population().Read(random.Below(world.population().places()), seen_, random);
    }
  }

 private:
  SeenVersions seen_;
};

void Write(World& world, tool::Random& random) {
  for (int i = 0; i < kBatch; ++i) world.population().Write(random.Below(world.population().places()), random);
}

class ReadWrite final : public Scenario {
 public:
  std::vector<ActorSpec> Actors(World& world) override {
    ActorSpec reader{.name = "reader", .count = world.options().readers, .make = [](World& w) {
                       return std::make_unique<Reader>(w);
                     }};
    return {reader, StatelessActor("writer", &Write, absl::ZeroDuration(), world.options().writers)};
  }
  std::vector<Minimum> Minima() const override {
    return {{Figure::kReads, 500}, {Figure::kUpdates, 500}, {Figure::kOutlived, 1}};
  }
};

}  // namespace

std::unique_ptr<Scenario> MakeReadWrite(World&) { return std::make_unique<ReadWrite>(); }

}  // namespace mxa::torture
