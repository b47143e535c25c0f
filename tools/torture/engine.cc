// SPDX-License-Identifier: Apache-2.0
#include "tools/torture/engine.h"

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "base/check.h"
#include "reclaim/rcu.h"
#include "tools/mxa/clock.h"
#include "tools/torture/actor.h"
#include "tools/torture/gate.h"
#include "tools/torture/threads.h"
#include "tools/torture/world.h"

namespace mxa::torture {
namespace {

// An actor with its name, pace and seed, ready to run.
struct Part {
  std::string name;
  absl::Duration pace;
  uint64_t seed;
  std::unique_ptr<Actor> actor;
};

class Engine {
 public:
  explicit Engine(const Options& options) : options_(options), random_(options.seed ^ 0x746f7274), world_(options) {
    for (const ScenarioKind* kind : ChosenKinds()) scenarios_.push_back(kind->make(world_));
    for (const auto& scenario : scenarios_) {
      for (const ActorSpec& spec : scenario->Actors(world_)) Add(spec);
    }
  }

  Report Go() {
    const uint64_t began_ns = tool::NowNs();
    RunThreads();
    Report report;
    report.seconds = static_cast<double>(tool::NowNs() - began_ns) / 1e9;
    return report;
  }

 private:
  std::vector<const ScenarioKind*> ChosenKinds() const {
    std::vector<const ScenarioKind*> kinds;
    for (const std::string& name : options_.scenarios) {
      if (name == "mixed") {
        for (const ScenarioKind& kind : ScenarioKinds()) {
          if (kind.in_mixed) kinds.push_back(&kind);
        }
        continue;
      }
      kinds.push_back(ScenarioByName(name));
      MXA_CHECK(kinds.back() != nullptr, "no such scenario");
    }
    return kinds;
  }

  void Add(const ActorSpec& spec) {
    for (size_t i = 0; i < spec.count; ++i) {
      parts_.push_back({.name = spec.count == 1 ? spec.name : absl::StrFormat("%s %d", spec.name, i + 1),
                        .pace = spec.pace,
                        .seed = random_.Next(),
                        .actor = spec.make(world_)});
    }
  }

  void RunPart(Gate& gate, const Part& part) {
    const ThreadScope thread(part.name);
    tool::Random random(part.seed);
    while (!world_.ended()) {
      ThisThread().BeginStep(tool::NowNs());
      part.actor->Step(world_, random);
      ThisThread().EndStep();
      gate.Checkpoint(part.pace);
    }
    gate.Leave();
  }

  void RunThreads() {
    const ThreadScope self("auditor");
    Gate gate(parts_.size());
    std::vector<std::thread> threads;
    for (const Part& part : parts_) threads.emplace_back([this, &gate, &part] { RunPart(gate, part); });
    const uint64_t end_ns = tool::NowNs() + static_cast<uint64_t>(options_.seconds * 1e9);
    for (bool last = false; !last;) {
      absl::SleepFor(absl::Seconds(std::min(options_.stutter_seconds, options_.seconds)));
      MXA_CHECK(gate.Pause(absl::Seconds(options_.stall_seconds)), "an actor hangs");
      last = tool::NowNs() >= end_ns || world_.errors().total() != 0;
      Audit();
      if (last) world_.End();
      gate.Resume(/*for_good=*/last);
    }
    const reclaim::OfflineScope offline;
    for (std::thread& thread : threads) thread.join();
  }

  void Audit() {
    Count(Figure::kPauses);
    world_.BeginAudit();
    for (const auto& scenario : scenarios_) scenario->Audit(world_);
    world_.EndAudit();
  }

  const Options& options_;
  tool::Random random_;
  World world_;
  std::vector<std::unique_ptr<Scenario>> scenarios_;
  std::vector<Part> parts_;

 public:
  World& world() { return world_; }
};

}  // namespace

Report RunTorture(const Options& options) {
  ResetThreads();
  Engine engine(options);
  Report report = engine.Go();
  report.options = options;
  report.figures = SumFigures();
  for (size_t i = 0; i < kErrors; ++i) report.errors[i] = engine.world().errors().count(static_cast<Error>(i));
  report.first_error = engine.world().errors().first();
  report.first_operations = engine.world().errors().first_operations();
  return report;
}

}  // namespace mxa::torture
