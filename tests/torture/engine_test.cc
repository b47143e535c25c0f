// SPDX-License-Identifier: Apache-2.0
//
// A run finds nothing wrong in a library without bugs, whatever the scenario, and has done some work; and it says so when it
// has not, when something is wrong, and when nothing goes on.
#include "tools/torture/engine.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "base/tsan.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/torture/perturbation.h"
#include "tools/torture/threads.h"
#include "tools/torture/world.h"

namespace mxa::torture {
namespace {

Options Brief(std::vector<std::string> scenarios) {
  Options options;
  options.seconds = 1;
  options.stutter_seconds = 0.4;
  options.scenarios = std::move(scenarios);
  options.expects_enough = false;
  return options;
}

void ExpectNothingFound(const Report& report) {
  EXPECT_EQ(report.total_errors(), 0u) << report.first_error << "\n" << report.first_operations;
}

TEST(EngineTest, EachScenarioAloneFindsNothing) {
  for (const ScenarioKind& kind : ScenarioKinds()) {
    if (!kind.in_mixed) continue;  // not in this build
    SCOPED_TRACE(kind.name);
    const Report report = RunTorture(Brief({kind.name}));
    ExpectNothingFound(report);
    EXPECT_GE(report.figure(Figure::kAudits), 2u);
  }
}

TEST(EngineTest, ReadersWritersAndMoversMeet) {
  const Report report = RunTorture(Brief({"readwrite", "movers"}));
  ExpectNothingFound(report);
  for (const Figure figure : {Figure::kReads, Figure::kUpdates, Figure::kPasses, Figure::kMoves}) {
    EXPECT_GT(report.figure(figure), 0u) << FigureName(figure);
  }
}

TEST(EngineTest, FloodsAndTheReclaimerMeetTheMovers) {
  const Report report = RunTorture(Brief({"movers", "floods", "pressure"}));
  ExpectNothingFound(report);
  for (const Figure figure : {Figure::kChainRounds, Figure::kReclaimerRuns, Figure::kDropped}) {
    EXPECT_GT(report.figure(figure), 0u) << FigureName(figure);
  }
}

TEST(EngineTest, EachShapeFindsNothing) {
  for (const char* shape : {"tiny", "small", "wide", "deep"}) {
    SCOPED_TRACE(shape);
    Options options = Brief({"readwrite", "walks", "movers"});
    options.shape = shape;
    ExpectNothingFound(RunTorture(options));
  }
}

Options SingleThreaded(uint64_t seed) {
  Options options = Brief({"readwrite", "movers", "pipe", "walks", "arrays", "iteration", "floods"});
  options.single_threaded = true;
  options.steps = MXA_TSAN != 0 ? 100 : 1500;  // all nodes move, hundreds of times a step
  options.seed = seed;
  return options;
}

TEST(EngineTest, ASingleThreadedRunComesOutTheSameByItsSeed) {
  const Report first = RunTorture(SingleThreaded(7));
  const Report again = RunTorture(SingleThreaded(7));
  const Report other = RunTorture(SingleThreaded(8));
  ExpectNothingFound(first);
  EXPECT_EQ(first.digest, again.digest);
  EXPECT_NE(first.digest, other.digest);
  EXPECT_GT(first.figure(Figure::kMoves), 0u);
}

// A scenario of one actor.
class One final : public Scenario {
 public:
  explicit One(ActorSpec actor, std::vector<Minimum> minima = {})
      : actor_(std::move(actor)), minima_(std::move(minima)) {}
  std::vector<ActorSpec> Actors(World&) override { return {actor_}; }
  std::vector<Minimum> Minima() const override { return minima_; }

 private:
  const ActorSpec actor_;
  const std::vector<Minimum> minima_;
};

std::unique_ptr<Scenario> MakeIdle(World&) {
  return std::make_unique<One>(StatelessActor(
                                   "idle", [](World&, tool::Random&) {}, absl::Milliseconds(1)),
                               std::vector<Minimum>{{Figure::kReads, 1000}});
}

std::unique_ptr<Scenario> MakeAccuser(World&) {
  return std::make_unique<One>(StatelessActor(
      "accuser",
      [](World& world, tool::Random&) {
        Note("looked", 1, 2);
        world.errors().Report(Error::kOrder, "what is to be found");
      },
      absl::Milliseconds(1)));
}

std::unique_ptr<Scenario> MakeSleeper(World&) {
  return std::make_unique<One>(
      StatelessActor("sleeper", [](World&, tool::Random&) { absl::SleepFor(absl::Seconds(20)); }));
}

constexpr ScenarioKind kOdd[] = {
    {"idle", "does nothing", &MakeIdle}, {"accuser", "finds", &MakeAccuser}, {"sleeper", "sleeps", &MakeSleeper}};

TEST(EngineTest, TooLittleWorkIsInconclusive) {
  Options options = Brief({"idle"});
  options.expects_enough = true;
  const Report report = RunTorture(options, nullptr, kOdd);
  EXPECT_EQ(report.verdict(), Verdict::kInconclusive);
  ASSERT_EQ(report.shortfalls.size(), 1u);
  EXPECT_THAT(report.shortfalls[0], testing::HasSubstr("reads: 0"));
}

TEST(EngineTest, AViolationEndsTheRunAndIsTold) {
  Options options = Brief({"idle", "accuser"});
  options.seconds = 60;
  options.expects_enough = true;
  const Report report = RunTorture(options, nullptr, kOdd);
  EXPECT_EQ(report.verdict(), Verdict::kFailure);  // it wins over too little work
  EXPECT_GE(report.errors[static_cast<size_t>(Error::kOrder)], 1u);
  EXPECT_THAT(report.first_error, testing::HasSubstr("order: accuser: what is to be found"));
  EXPECT_THAT(report.first_operations, testing::HasSubstr("looked 1 2"));
  EXPECT_LT(report.seconds, 30);
}

TEST(EngineDeathTest, AStallEndsTheProcess) {
  Options options = Brief({"sleeper"});
  options.stall_seconds = 0.5;
  EXPECT_EXIT(RunTorture(options, nullptr, kOdd), testing::ExitedWithCode(4), "sleeper: .*in its step.*");
}

}  // namespace
}  // namespace mxa::torture
