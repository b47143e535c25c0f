// SPDX-License-Identifier: Apache-2.0
#include "tools/torture/engine.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "base/check.h"
#include "reclaim/rcu.h"
#include "tools/mxa/clock.h"
#include "tools/torture/gate.h"
#include "tools/torture/perturbation.h"
#include "tools/torture/replay.h"
#include "tools/torture/threads.h"
#include "tools/torture/watchdog.h"
#include "tools/torture/world.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MXA_TORTURE_SLOWDOWN 20
#else
#define MXA_TORTURE_SLOWDOWN 1
#endif

namespace mxa::torture {
namespace {

constexpr uint64_t kMostBacklog = 4'000'000;  // elements retired and not called back
constexpr double kSecondsToEnd = 10;          // for steps, once a violation has been found
constexpr uint64_t kStepsBetweenAudits = 1000;
constexpr absl::Duration kRestInCrowd = absl::Microseconds(50);  // for each actor a processor has, from so many on:
constexpr size_t kCrowd = 4;
constexpr size_t kManyScenarios = 5;
constexpr size_t kAlwaysCalled = 2;  // the first of the list: those who read, write and move

// An actor with its name, pace and seed, ready to run.
struct Part {
  std::string name;
  absl::Duration pace;
  uint64_t seed;
  std::unique_ptr<Actor> actor;
  size_t scenario;        // its number in this run
  bool is_called = true;  // works until the next pause; changed while all rest
};

void Plant([[maybe_unused]] PlantedBug bug) {
#if MXA_HOOKS
  PlantBugForTest(bug);
#else
  MXA_CHECK(bug == PlantedBug::kNone, "this build has no planted bugs");
#endif
}

int PlantedRuns() {
#if MXA_HOOKS
  return PlantedBugRunsForTest();
#else
  return 0;
#endif
}

class Engine {
 public:
  Engine(const Options& options, Listener& listener, absl::Span<const ScenarioKind> kinds)
      : options_(options), listener_(listener), random_(options.seed ^ 0x746f7274), world_(options, errors_) {
    for (const ScenarioKind* kind : Chosen(kinds)) scenarios_.push_back(kind->make(world_));
    for (size_t scenario = 0; scenario < scenarios_.size(); ++scenario) {
      for (const ActorSpec& spec : scenarios_[scenario]->Actors(world_)) Add(spec, scenario);
    }
    MXA_CHECK(!parts_.empty(), "nobody takes part");
  }

  void Go() {
    const ThreadScope self("auditor");
    const Watchdog watchdog([this] { return errors_.total() == 0 ? options_.stall_seconds : kSecondsToEnd; },
                            [this](const std::string& description) { Stall(description); });
    began_ns_ = tool::NowNs();
    Plant(options_.planted);
    if (!PipeCounts::SelfTest()) errors_.Report(Error::kChecker, "the age pipe does not notice what it is fed");
    options_.single_threaded ? RunSteps() : RunThreads();
    if (errors_.total() == 0) Audit();
    planted_runs_ = PlantedRuns();
    Plant(PlantedBug::kNone);
    ended_ns_ = tool::NowNs();
  }

  Report Tell() {
    Report report;
    report.options = options_;
    report.seconds = static_cast<double>((ended_ns_ == 0 ? tool::NowNs() : ended_ns_) - began_ns_) / 1e9;
    report.figures = SumFigures();
    for (size_t i = 0; i < kErrors; ++i) report.errors[i] = errors_.count(static_cast<Error>(i));
    report.first_error = errors_.first();
    report.first_operations = errors_.first_operations();
    report.planted_runs = ended_ns_ == 0 ? PlantedRuns() : planted_runs_;
    report.digest = digest_;
    report.grace_periods = reclaim::GracePeriods() - grace_periods_before_;
    report.backlog = world_.elements().retired() - world_.elements().called_back();
    report.longest_latency = world_.longest_latency();
    report.reader_pipe = world_.pipe().seen();
    report.reader_batch = world_.pipe().batches();
    report.circulation = world_.pipe().reached();
    if (options_.expects_enough && ended_ns_ != 0) report.shortfalls = Shortfalls(report);
    return report;
  }

  bool found_nothing() const { return errors_.total() == 0; }

  // Takes all down, in the order in which it may, and expects the memory back.
  static void TakeDown(std::unique_ptr<Engine> engine, Report& report) {
    Errors& errors = engine->errors_;
    engine->parts_.clear();
    engine->scenarios_.clear();
    engine->world_.TakeDown();
    for (size_t i = 0; i < kErrors; ++i) report.errors[i] = errors.count(static_cast<Error>(i));
    report.first_error = errors.first();
  }

 private:
  std::vector<const ScenarioKind*> Chosen(absl::Span<const ScenarioKind> kinds) const {
    std::vector<const ScenarioKind*> chosen;
    for (const std::string& name : options_.scenarios) {
      const size_t before = chosen.size();
      for (const ScenarioKind& kind : kinds) {
        const bool takes_part =
            name == "mixed" ? kind.in_mixed && (kind.replays || !options_.single_threaded) : name == kind.name;
        if (takes_part) chosen.push_back(&kind);
      }
      MXA_CHECK(chosen.size() > before, "no such scenario");
    }
    return chosen;
  }

  void Add(const ActorSpec& spec, size_t scenario) {
    for (size_t i = 0; i < spec.count; ++i) {
      parts_.push_back({.name = spec.count == 1 ? spec.name : absl::StrFormat("%s %d", spec.name, i + 1),
                        .pace = spec.pace,
                        .seed = random_.Next(),
                        .actor = spec.make(world_),
                        .scenario = scenario});
    }
  }

  // Who works until the next pause. A crowd meets everywhere, but each two of them seldom; so of many scenarios all work
  // and then a few, by turns. (Leaving parts of a test out at random: Groce et al., "Swarm testing", 2012.)
  // REQUIRES: all rest, or none has begun.
  void CallParts() {
    std::vector<bool> called(scenarios_.size(), true);
    const bool a_few = scenarios_.size() >= kManyScenarios && turn_++ % 2 == 1;
    for (size_t i = kAlwaysCalled; a_few && i < called.size(); ++i) called[i] = random_.OneIn(4);
    size_t count = 0;
    for (Part& part : parts_) count += part.is_called = called[part.scenario];
    // Where many never rest, each of them does for a little while: otherwise readers that wait for a processor inside their
    // sections hold up the grace periods, and little else happens.
    const size_t crowd = count / std::max(1u, std::thread::hardware_concurrency());
    rest_in_crowd_ = crowd < kCrowd ? absl::ZeroDuration() : static_cast<int64_t>(crowd) * kRestInCrowd;
  }

  void RunPart(Gate& gate, const Part& part) {
    const ThreadScope thread(part.name);
    tool::Random random(part.seed);
    while (!world_.ended()) {
      if (!part.is_called) {
        gate.AwaitPause();
        continue;
      }
      ThisThread().BeginStep(tool::NowNs());
      part.actor->Step(world_, random);
      ThisThread().EndStep();
      { const reclaim::OfflineScope quiescent; }  // for qsbr: the step may have had no section at all
      gate.Checkpoint(std::max(part.pace, rest_in_crowd_));
    }
    gate.Leave();
  }

  void RunThreads() {
    const Perturbation perturbation(options_.seed, options_.perturb, errors_);
    Gate gate(parts_.size());
    CallParts();
    std::vector<std::thread> threads;
    for (const Part& part : parts_) threads.emplace_back([this, &gate, &part] { RunPart(gate, part); });
    const uint64_t end_ns = began_ns_ + static_cast<uint64_t>(options_.seconds * 1e9);
    for (bool last = false; !last;) {
      LetWork(end_ns);
      last = tool::NowNs() >= end_ns || !found_nothing();
      // The watchdog sees to it that this ends.
      if (!found_nothing()) {
        world_.End();
      } else {
        while (!gate.Pause(absl::Seconds(1)) && found_nothing()) continue;
        ThisThread().BeginStep(tool::NowNs());
        if (found_nothing()) {
          Audit();
          CallParts();
        }
        ThisThread().EndStep();
        listener_.OnPause(Tell());
        last = last || !found_nothing();
        if (last) world_.End();
      }
      gate.Resume(/*for_good=*/last);
    }
    const reclaim::OfflineScope offline;
    for (std::thread& thread : threads) thread.join();
  }

  // Until the next pause, the end, or the first violation.
  void LetWork(uint64_t end_ns) {
    const uint64_t work_began_ns = tool::NowNs();
    const uint64_t pause_ns = work_began_ns + static_cast<uint64_t>(options_.stutter_seconds * 1e9);
    const reclaim::OfflineScope offline;
    while (tool::NowNs() < std::min(pause_ns, end_ns) && found_nothing()) {
      absl::SleepFor(absl::Milliseconds(10));
      const uint64_t backlog = world_.elements().retired() - world_.elements().called_back();
      if (backlog < kMostBacklog) continue;
      errors_.Report(Error::kBacklog, absl::StrFormat("%d elements wait for a grace period", backlog));
    }
    worked_seconds_ += static_cast<double>(tool::NowNs() - work_began_ns) / 1e9;
  }

  void RunSteps() {
    const auto write = [this](tool::Random& random) {
      world_.population().Write(random.Below(world_.population().places()), random);
    };
    Replay replay(options_.seed, world_.nodes(), write, errors_);
    tool::Random random(options_.seed);
    for (uint64_t step = 0; step < options_.steps && found_nothing(); ++step) {
      const Part& part = parts_[random.Below(parts_.size())];
      ThisThread().BeginStep(tool::NowNs());
      replay.BeginStep();
      part.actor->Step(world_, random);
      replay.EndStep();
      ThisThread().EndStep();
      if (step % kStepsBetweenAudits == kStepsBetweenAudits - 1) Audit();
    }
    digest_ = replay.digest();
    worked_seconds_ = static_cast<double>(tool::NowNs() - began_ns_) / 1e9;
  }

  void Audit() {
    Count(Figure::kPauses);
    world_.BeginAudit();
    for (const auto& scenario : scenarios_) scenario->Audit(world_);
    world_.EndAudit();
    if (world_.pipe().too_old() != 0 && errors_.count(Error::kPipe) == 0) {
      errors_.Report(Error::kChecker, "readers saw elements that were too old, and nobody said so");
    }
  }

  std::vector<std::string> Shortfalls(const Report& report) const {
    std::vector<std::string> shortfalls;
    // One thread meets nobody: how much it does is up to its steps.
    for (const auto& scenario : scenarios_) {
      if (options_.single_threaded) break;
      for (const Minimum& minimum : scenario->Minima()) {
        const double least = minimum.least_per_second * worked_seconds_ / MXA_TORTURE_SLOWDOWN;
        if (static_cast<double>(report.figure(minimum.figure)) >= least) continue;
        shortfalls.push_back(absl::StrFormat("%s: %d, of at least %.0f", FigureName(minimum.figure),
                                             report.figure(minimum.figure), least));
      }
    }
    if (options_.planted != PlantedBug::kNone && report.planted_runs == 0) {
      shortfalls.push_back("the planted bug was never executed");
    }
    return shortfalls;
  }

  // The threads hang: nothing can be taken down any more.
  [[noreturn]] void Stall(const std::string& description) {
    Report report = Tell();
    report.stalled = true;
    listener_.OnStall(report, description);
    _exit(ExitStatus(report.verdict()));
  }

  const Options options_;
  Listener& listener_;
  Errors errors_;
  tool::Random random_;
  World world_;
  std::vector<std::unique_ptr<Scenario>> scenarios_;
  std::vector<Part> parts_;
  const uint64_t grace_periods_before_ = reclaim::GracePeriods();
  uint64_t turn_ = 0;                                    // of calling all or a few
  absl::Duration rest_in_crowd_ = absl::ZeroDuration();  // changed while all rest
  uint64_t began_ns_ = tool::NowNs();
  uint64_t ended_ns_ = 0;
  double worked_seconds_ = 0;
  int planted_runs_ = 0;
  uint64_t digest_ = 0;
};

}  // namespace

void Listener::OnStall(const Report& report, const std::string& description) {
  absl::FPrintF(stderr, "%sEnd of test: %s\n", description, VerdictName(report.verdict()));
}

Report RunTorture(const Options& options, Listener* listener, absl::Span<const ScenarioKind> kinds) {
  ResetThreads();
  Listener silent;
  auto engine = std::make_unique<Engine>(options, listener == nullptr ? silent : *listener, kinds);
  engine->Go();
  Report report = engine->Tell();
  if (engine->found_nothing()) {
    Engine::TakeDown(std::move(engine), report);
  } else {
    // Reachable, so that a leak checker does not count what a broken library may have broken.
    static std::vector<std::unique_ptr<Engine>>* const abandoned = new std::vector<std::unique_ptr<Engine>>;
    abandoned->push_back(std::move(engine));
  }
  return report;
}

}  // namespace mxa::torture
