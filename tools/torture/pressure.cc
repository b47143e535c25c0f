// SPDX-License-Identifier: Apache-2.0
//
// A background reclaimer over the nodes of all arrays and a cache that can drop its objects, started and stopped again and
// again, while a signal of pressure comes and goes.
//
// Invariants:
//   P1  Stop ends in time, and behind it no source and no shrinker is called.
//   P2  sources are called by one thread at a time, and asked for no longer a slice than the options say.
//   P3  what the reclaimer has done never becomes less, whoever asks, from one start to the next.
//   P4  its processor time keeps to its share (B1 of reclaim/background.h), and no slice to a multiple of its length.
// Not replayed: its thread runs when it runs.
#include "reclaim/pressure.h"

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/tsan.h"
#include "reclaim/background.h"
#include "reclaim/pressure_monitor.h"
#include "reclaim/rcu.h"
#include "reclaim/shrinker_registry.h"
#include "slab/cache_source.h"
#include "tools/mxa/clock.h"
#include "tools/torture/droppables.h"
#include "tools/torture/read_scope.h"
#include "tools/torture/scenarios.h"
#include "tools/torture/thread_lives.h"
#include "tools/torture/threads.h"
#include "tools/torture/watched_source.h"
#include "tools/torture/world.h"

#if defined(__SANITIZE_ADDRESS__) || MXA_TSAN
#define MXA_TORTURE_SLOW_SLICE 20
#else
#define MXA_TORTURE_SLOW_SLICE 1
#endif

namespace mxa::torture {
namespace {

using reclaim::PressureLevel;

constexpr absl::Duration kSlice = absl::Milliseconds(2);
constexpr double kDutyPercent = 30;
// A slice empties at least a slab, whatever that takes: so only what is far too long is wrong.
constexpr absl::Duration kLongestSlice = absl::Milliseconds(500 * MXA_TORTURE_SLOW_SLICE);
constexpr size_t kPinners = 2;
constexpr size_t kMostPinned = 200;
constexpr uint64_t kLeaves = 3000;  // of the array that grows and shrinks

// Says what it is told to.
class Signal final : public reclaim::PressureSource {
 public:
  struct Told {
    std::atomic<PressureLevel> level{PressureLevel::kNone};
    std::atomic<uint64_t> wanted_bytes{0};
  };
  explicit Signal(const Told& told) : told_(told) {}

  const std::string& name() const override { return name_; }
  const std::string& problem() const override { return problem_; }
  // Relaxed: whatever was said at some time.
  reclaim::PressureReading Read() override {
    const PressureLevel level = told_.level.load(std::memory_order_relaxed);
    if (level == PressureLevel::kNone) return {};
    return {level, told_.wanted_bytes.load(std::memory_order_relaxed)};
  }

 private:
  const Told& told_;
  const std::string name_ = "torture";
  const std::string problem_;
};

reclaim::BackgroundOptions OptionsOf(reclaim::ShrinkerRegistry& shrinkers) {
  return {.idle_start_bytes = uint64_t{256} << 10,
          .idle_start_percent = 10,
          .idle_stop_bytes = uint64_t{128} << 10,
          .idle_stop_percent = 5,
          .pressed_bytes = 1,
          .duty_percent = kDutyPercent,
          .period = absl::Milliseconds(1),
          .slice = kSlice,
          .first_backoff = absl::Milliseconds(2),
          .longest_backoff = absl::Milliseconds(20),
          .shrinkers = &shrinkers};
}

std::unique_ptr<reclaim::PressureMonitor> MonitorOf(const Signal::Told& told) {
  std::vector<std::unique_ptr<reclaim::PressureSource>> sources;
  sources.push_back(std::make_unique<Signal>(told));
  return std::make_unique<reclaim::PressureMonitor>(std::move(sources));
}

class Pressure final : public Scenario {
 public:
  explicit Pressure(World& world)
      : world_(world),
        droppables_(world),
        node_source_(world.nodes().slabs()),
        arena_source_(world.arena(), "torture arena"),
        drop_source_(droppables_.cache()),
        nodes_(node_source_, kSlice, runs_, world.errors()),
        reclaimer_(OptionsOf(shrinkers_), MonitorOf(told_)),
        shrinker_handle_(shrinkers_.Register(droppables_, {.name = "torture", .batch = Droppables::kBatch})),
        node_handle_(reclaimer_.AddSource(nodes_)),
        array_(world.nodes()) {}

  std::vector<ActorSpec> Actors(World&) override;
  void Audit(World& world) override;
  std::vector<Minimum> Minima() const override { return {{Figure::kReclaimerRuns, 0.5}}; }

  Droppables& droppables() { return droppables_; }
  reclaim::ShrinkerRegistry& shrinkers() { return shrinkers_; }

 private:
  void Live(tool::Random& random);
  void Change(tool::Random& random);
  void Start();
  void Stop();
  void CheckTotals(const reclaim::RoundTotals& now, reclaim::RoundTotals& before);
  void Grow(tool::Random& random);

  World& world_;
  std::atomic<bool> runs_{false};  // between Start and the end of Stop
  Signal::Told told_;
  reclaim::ShrinkerRegistry shrinkers_;
  Droppables droppables_;
  slab::CacheSource node_source_;
  slab::ArenaSource arena_source_;
  slab::CacheSource drop_source_;
  WatchedSource nodes_;
  reclaim::BackgroundReclaimer reclaimer_;
  reclaim::ShrinkerHandle shrinker_handle_;
  reclaim::SourceHandle node_handle_;

  reclaim::RoundTotals seen_by_owner_;
  reclaim::RoundTotals seen_by_asker_;

  XArray<Value> array_;  // one actor's
  std::array<bool, kLeaves> stored_{};
  bool grows_ = true;
};

// Holds objects pinned from step to step.
class Pinner final : public Actor {
 public:
  explicit Pinner(Pressure& shared) : droppables_(shared.droppables()), shrinkers_(shared.shrinkers()) {}
  ~Pinner() override {
    for (Droppable* object : pinned_) droppables_.Unpin(object);
  }

  void Step(World&, tool::Random& random) override {
    for (int i = 0; i < 64; ++i) {
      if (pinned_.size() < kMostPinned && random.OneIn(2)) {
        if (Droppable* object = droppables_.Pin(random.Below(Droppables::kPlaces))) pinned_.push_back(object);
      } else if (!pinned_.empty()) {
        std::swap(pinned_[random.Below(pinned_.size())], pinned_.back());
        droppables_.Unpin(pinned_.back());
        pinned_.pop_back();
      }
    }
    if (random.OneIn(50)) droppables_.ShrinkByHand(shrinkers_, static_cast<int>(random.Below(6)));
  }

 private:
  Droppables& droppables_;
  reclaim::ShrinkerRegistry& shrinkers_;
  std::vector<Droppable*> pinned_;
};

std::vector<ActorSpec> Pressure::Actors(World&) {
  return {StatelessActor(
              "presser", [this](World&, tool::Random& random) { Live(random); }, absl::Milliseconds(5)),
          {.name = "pinner",
           .count = kPinners,
           .pace = absl::Microseconds(300),
           .make = [this](World&) { return std::make_unique<Pinner>(*this); }},
          StatelessActor(
              "asker", [this](World&, tool::Random&) { CheckTotals(reclaimer_.Status().totals, seen_by_asker_); },
              absl::Milliseconds(1)),
          StatelessActor(
              "grower", [this](World&, tool::Random& random) { Grow(random); }, absl::Microseconds(300))};
}

// From Start to Stop: nobody is inside the library at a pause, this thread not either.
void Pressure::Live(tool::Random& random) {
  const ThreadLives lives(world_);
  std::optional<WatchedSource> brief;
  reclaim::SourceHandle brief_handle;
  Start();
  for (uint64_t changes = 1 + random.Below(6); changes > 0 && !world_.ended(); --changes) {
    Change(random);
    if (random.OneIn(4)) {
      brief_handle.Reset();  // cancels a slice under way
      reclaim::ReclaimSource& source =
          random.OneIn(2) ? static_cast<reclaim::ReclaimSource&>(arena_source_) : drop_source_;
      brief.emplace(source, kSlice, runs_, world_.errors());
      brief_handle = reclaimer_.AddSource(*brief);
    }
    const reclaim::OfflineScope offline;
    Delay(random, 4'000'000);
  }
  Stop();
  brief_handle.Reset();
  Count(Figure::kReclaimerRuns);
}

void Pressure::Change(tool::Random& random) {
  constexpr std::array<PressureLevel, 4> kLevels = {PressureLevel::kNone, PressureLevel::kSome, PressureLevel::kHigh,
                                                    PressureLevel::kCritical};
  const PressureLevel level = kLevels[random.Below(kLevels.size())];
  const uint64_t wanted_bytes = 1 + random.Below(uint64_t{1} << (10 + random.Below(14)));
  Note("pressure", static_cast<uint64_t>(level), wanted_bytes);
  // Relaxed: read by who looks, whenever that is.
  told_.wanted_bytes.store(wanted_bytes, std::memory_order_relaxed);
  told_.level.store(level, std::memory_order_relaxed);
  if (random.OneIn(2)) reclaimer_.Poke();
}

void Pressure::Start() {
  runs_.store(true, std::memory_order_release);  // pairs with the acquire in WatchedSource
  droppables_.LetReclaimerCall(true);
  const absl::Status status = reclaimer_.Start();
  if (!status.ok() && !absl::IsResourceExhausted(status)) {
    world_.errors().Report(Error::kAudit, absl::StrFormat("the reclaimer: %s", std::string(status.message())));
  }
}

void Pressure::Stop() {
  const uint64_t began_ns = tool::NowNs();
  reclaimer_.Stop();
  runs_.store(false, std::memory_order_release);  // pairs with the acquire in WatchedSource
  droppables_.LetReclaimerCall(false);
  Errors& errors = world_.errors();
  const double seconds = static_cast<double>(tool::NowNs() - began_ns) / 1e9;
  if (seconds > world_.options().stall_seconds / 2) {
    errors.Report(Error::kBacklog, absl::StrFormat("the reclaimer's Stop took %.1f s", seconds));
  }
  const reclaim::BackgroundStatus status = reclaimer_.Status();
  CheckTotals(status.totals, seen_by_owner_);
  if (status.state != reclaim::BackgroundState::kStopped || !status.inside.empty()) {
    errors.Report(Error::kAudit, "a reclaimer that has stopped is at work");
  }
  // A round may begin a slice, and shrinkers, just before its time is over.
  const absl::Duration most =
      kDutyPercent / 100 * status.running + 3 * (status.totals.longest_slice_cpu + kSlice) + kLongestSlice / 10;
  if (status.cpu > most) {
    errors.Report(Error::kAudit,
                  absl::StrFormat("the reclaimer took %s of processor time in %s", absl::FormatDuration(status.cpu),
                                  absl::FormatDuration(status.running)));
  }
}

// P3 and P4. `before` is the caller's.
void Pressure::CheckTotals(const reclaim::RoundTotals& now, reclaim::RoundTotals& before) {
  const auto figures = [](const reclaim::RoundTotals& totals) {
    return std::array<uint64_t, 8>{
        totals.rounds,           totals.slices,
        totals.fruitless,        totals.idle_bytes,
        totals.pressed_bytes,    totals.shrinker_bytes,
        totals.shrinker_objects, static_cast<uint64_t>(absl::ToInt64Nanoseconds(totals.longest_slice_cpu))};
  };
  const std::array<uint64_t, 8> is = figures(now);
  const std::array<uint64_t, 8> was = figures(before);
  for (size_t i = 0; i < is.size(); ++i) {
    if (is[i] >= was[i]) continue;
    world_.errors().Report(Error::kAudit,
                           absl::StrFormat("figure %u of the reclaimer was %u and is %u", i, was[i], is[i]));
  }
  if (now.fruitless > now.slices || now.longest_slice_cpu > kLongestSlice) {
    world_.errors().Report(Error::kAudit,
                           absl::StrFormat("%u of %u slices were fruitless, and one took %s", now.fruitless, now.slices,
                                           absl::FormatDuration(now.longest_slice_cpu)));
  }
  before = now;
}

// A leaf an entry, so that the nodes become many, and then few in many slabs.
void Pressure::Grow(tool::Random& random) {
  if (random.OneIn(100)) grows_ = !grows_;
  for (int i = 0; i < 64; ++i) {
    const uint64_t leaf = random.Below(kLeaves);
    const uint64_t index = leaf * 64 + leaf % 64;
    const std::optional<uint64_t> found = array_.Load(index);
    Count(Figure::kReads);
    if (found.has_value() != stored_[leaf] || found.value_or(leaf) != leaf) {
      world_.errors().Report(Error::kVanished, absl::StrFormat("index %u is not as its only writer left it", index));
    }
    if (grows_ != random.OneIn(8)) {
      if (array_.Store(index, leaf).ok()) {
        stored_[leaf] = true;
        Count(Figure::kUpdates);
      } else {
        Count(Figure::kUpdatesRefused);
      }
    } else if (stored_[leaf]) {
      array_.Erase(index);
      stored_[leaf] = false;
      Count(Figure::kUpdates);
    }
  }
}

void Pressure::Audit(World& world) {
  Errors& errors = world.errors();
  if (const absl::Status status = array_.CheckInvariants(); !status.ok()) {
    errors.Report(Error::kAudit, absl::StrFormat("pressure: %s", std::string(status.message())));
  }
  const reclaim::BackgroundStatus status = reclaimer_.Status();
  droppables_.Audit(status.totals.shrinker_objects);
  for (const reclaim::PressureSourceStatus& trigger : status.triggers) {
    if (!trigger.problem.empty()) errors.Report(Error::kAudit, "the signal of pressure: " + trigger.problem);
  }
  for (const reclaim::ShrinkerStats& shrinker : shrinkers_.Stats()) {
    if (shrinker.errors != 0) errors.Report(Error::kAudit, "a shrinker: " + shrinker.last_error);
  }
}

}  // namespace

std::unique_ptr<Scenario> MakePressure(World& world) { return std::make_unique<Pressure>(world); }

}  // namespace mxa::torture
