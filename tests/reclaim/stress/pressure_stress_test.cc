// SPDX-License-Identifier: Apache-2.0
//
// The background reclaimer under a load that grows and shrinks and a pressure that comes and goes: memory follows the
// load, the reclaimer keeps to its share of a processor, and no reader notices.
//
//   MXA_STRESS_SECONDS=60 MXA_STRESS_SEED=7 bazel run --config=opt //tests/reclaim/stress:pressure_stress_test
//
// Properties, each asserted in every round: no load or walk finds what it should not, or misses what stays; invariants of
// arrays, cache and arena; resident bytes <= 1.3 x live + slack once the load has been low for a while; the reclaimer's
// processor time <= duty limit x time + its last slice. Over a run: idle memory and pressure have each given bytes back,
// and shrinkers were asked.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "reclaim/background.h"
#include "reclaim/rcu.h"
#include "reclaim/retire.h"
#include "reclaim/shrinker_registry.h"
#include "slab/arena.h"
#include "slab/cache_source.h"
#include "tests/reclaim/fakes.h"
#include "tests/reclaim/stress/load.h"
#include "tests/support/random.h"
#include "tests/support/thread_group.h"
#include "xarray/node_cache.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MXA_SANITIZED 1
#else
#define MXA_SANITIZED 0
#endif

namespace mxa::reclaim::stress {
namespace {

constexpr size_t kPlaces = MXA_SANITIZED != 0 ? 6'000 : 60'000;  // 576 bytes each, in each array
constexpr double kMostOverLive = 1.3;
constexpr uint64_t kSlackBytes = uint64_t{3} << 20;
constexpr double kDutyPercent = MXA_SANITIZED != 0 ? 15 : 2;  // less than it would take
// For memory to follow: far more than it takes, on a machine that does other things too.
constexpr absl::Duration kQuiet = absl::Seconds(MXA_SANITIZED != 0 ? 60 : 20);

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 0);
}

// As a test sets it.
class ScheduledPressure : public PressureSource {
 public:
  struct Schedule {
    std::atomic<PressureLevel> level{PressureLevel::kNone};
  };
  explicit ScheduledPressure(const Schedule& schedule) : schedule_(schedule) {}
  const std::string& name() const override { return name_; }
  const std::string& problem() const override { return problem_; }
  PressureReading Read() override {
    const PressureLevel level = schedule_.level;
    return {level, level == PressureLevel::kNone ? 0 : uint64_t{64} << 20};
  }

 private:
  const Schedule& schedule_;
  const std::string name_ = "schedule";
  const std::string problem_;
};

// Drops what it has, fails, stops, or takes its time; has something again later.
class MoodyShrinker : public Shrinker {
 public:
  explicit MoodyShrinker(uint64_t seed) : random_(seed) {}
  size_t Count(int) override { return random_.Below(10'000); }
  absl::StatusOr<Scanned> Scan(const ScanRequest& request) override {
    ++scans_;
    switch (random_.Below(8)) {
      case 0:
        return absl::UnavailableError("not now");
      case 1:
        return Scanned{.stop = true};
      case 2:
        absl::SleepFor(absl::Milliseconds(1));
        return Scanned{};
      default:
        return Scanned{.objects = request.objects, .bytes = 10 * request.objects};
    }
  }
  uint64_t scans() const { return scans_; }

 private:
  tests::Random random_;
  std::atomic<uint64_t> scans_{0};
};

class PressureStressTest : public testing::Test {
 protected:
  PressureStressTest() {
    std::vector<std::unique_ptr<PressureSource>> sources;
    sources.push_back(std::make_unique<ScheduledPressure>(schedule_));
    reclaimer_ = std::make_unique<BackgroundReclaimer>(BackgroundOptions{.idle_start_bytes = uint64_t{2} << 20,
                                                                         .idle_start_percent = 15,
                                                                         .idle_stop_bytes = uint64_t{1} << 20,
                                                                         .idle_stop_percent = 5,
                                                                         .duty_percent = kDutyPercent,
                                                                         .period = absl::Milliseconds(50),
                                                                         .shrinkers = &shrinkers_},
                                                       std::make_unique<PressureMonitor>(std::move(sources)));
    source_handle_ = reclaimer_->AddSource(source_);
  }

  uint64_t LiveBytes() const { return nodes_->slabs().Stats().live * nodes_->slabs().Shape().stride; }
  bool FollowsTheLoad() const {
    const double allowed = kMostOverLive * static_cast<double>(LiveBytes()) + static_cast<double>(kSlackBytes);
    return static_cast<double>(arena_->Residency().total()) <= allowed;
  }

  // While a pass is under way, the places that its nodes move to count as live.
  bool FollowsTheLoadAtRest() const {
    return reclaimer_->Status().inside.empty() && FollowsTheLoad() && reclaimer_->Status().inside.empty();
  }

  // Writers and readers at work for a while.
  void Churn(unsigned percent, absl::Duration time) {
    percent_ = percent;
    changing_ = true;
    absl::SleepFor(time);
    changing_ = false;
  }

  // Brings the load there and waits until the writers rest.
  void Settle(unsigned percent) {
    percent_ = percent;
    settling_ = static_cast<int>(Load::kWriters);
    ++settle_round_;
    while (settling_ > 0) absl::SleepFor(absl::Milliseconds(1));
  }

  void StartThreads(uint64_t seed) {
    tests::Random seeds(seed);
    for (size_t writer = 0; writer < Load::kWriters; ++writer) {
      threads_.Start("writer", [this, writer, random = tests::Random(seeds.Next())]() mutable {
        int settled = 0;
        while (!done_) {
          if (settle_round_ != settled) {
            settled = settle_round_;
            load_.Settle(writer, percent_, random);
            --settling_;
          } else if (changing_) {
            for (int i = 0; i < 200; ++i) load_.Write(writer, percent_, random);
          } else {
            absl::SleepFor(absl::Milliseconds(1));
          }
        }
      });
    }
    for (int reader = 0; reader < 2; ++reader) {
      threads_.Start("reader", [this, random = tests::Random(seeds.Next())]() mutable {
        while (!done_) {
          for (int i = 0; i < 500; ++i) load_.Read(random);
          load_.Walk(random);
          if (random.OneIn(50)) absl::SleepFor(absl::Milliseconds(1));
        }
      });
    }
  }

  // Stops the reclaimer, says what it did, and checks everything that the writers' rest lets one check.
  void Pause() {
    reclaimer_->Stop();
    const BackgroundStatus status = reclaimer_->Status();
    const double spent = absl::ToDoubleSeconds(status.cpu - status.totals.longest_slice_cpu);
    EXPECT_LE(spent, kDutyPercent / 100 * absl::ToDoubleSeconds(status.running) + 0.005) << ToString(status);
    most_cpu_percent_ = std::max(most_cpu_percent_, status.cpu_percent);
    RetireBarrier();
    EXPECT_EQ(load_.Verify(), "");
    EXPECT_TRUE(nodes_->slabs().CheckInvariants().ok()) << nodes_->slabs().CheckInvariants();
    EXPECT_TRUE(arena_->CheckInvariants().ok()) << arena_->CheckInvariants();
    EXPECT_EQ(load_.errors(), 0u);
  }

  // One swing of the load; with `pressed` memory is short as it shrinks, otherwise only idle.
  void Round(bool pressed) {
    ASSERT_TRUE(reclaimer_->Start().ok());
    Settle(90);
    Churn(90, absl::Milliseconds(200));
    highest_ = std::max<uint64_t>(highest_, arena_->Residency().total());
    schedule_.level = pressed ? PressureLevel::kHigh : PressureLevel::kNone;
    Churn(50, absl::Milliseconds(200));
    Churn(7, absl::Milliseconds(100));
    Settle(7);  // last: now they rest
    if (pressed) schedule_.level = PressureLevel::kCritical;
    // Not by absl::Now, which jumps when somebody sets the clock.
    const auto start = std::chrono::steady_clock::now();
    const auto waited = [&] { return absl::FromChrono(std::chrono::steady_clock::now() - start); };
    // Waiting for it, rather than for a fixed time: the other way round a busy machine would fail the test.
    bool follows = FollowsTheLoadAtRest();
    for (; !follows && waited() < kQuiet; follows = FollowsTheLoadAtRest()) absl::SleepFor(absl::Milliseconds(5));
    EXPECT_TRUE(follows) << arena_->Residency().total() << " bytes resident, " << LiveBytes() << " live\n"
                         << ToString(reclaimer_->Status());
    longest_wait_ = std::max(longest_wait_, waited());
    schedule_.level = PressureLevel::kNone;
    Pause();
  }

  ScheduledPressure::Schedule schedule_;
  ShrinkerRegistry shrinkers_;
  std::unique_ptr<slab::Arena> arena_ = slab::Arena::Create({.reserve_bytes = uint64_t{1} << 30}).value();
  std::unique_ptr<xarray::NodeCache> nodes_ = xarray::NodeCache::Create(arena_.get()).value();
  Load load_{*nodes_, kPlaces};
  slab::ArenaSource source_{*arena_, "nodes"};
  std::unique_ptr<BackgroundReclaimer> reclaimer_;
  SourceHandle source_handle_;

  std::atomic<bool> done_{false};
  std::atomic<bool> changing_{false};
  std::atomic<unsigned> percent_{0};
  std::atomic<int> settle_round_{0};
  std::atomic<int> settling_{0};
  tests::ThreadGroup threads_;

  uint64_t highest_ = 0;
  absl::Duration longest_wait_ = absl::ZeroDuration();
  double most_cpu_percent_ = 0;
};

TEST_F(PressureStressTest, MemoryFollowsTheLoadAndNobodyNotices) {
  const uint64_t seconds = FromEnvironment("MXA_STRESS_SECONDS", 20);
  const uint64_t seed = FromEnvironment("MXA_STRESS_SEED", static_cast<uint64_t>(absl::GetCurrentTimeNanos()));
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  StartThreads(seed);
  uint64_t scans = 0;
  int rounds = 0;
  for (const absl::Time end = absl::Now() + absl::Seconds(seconds); rounds < 2 || absl::Now() < end; ++rounds) {
    MoodyShrinker shrinker(seed + static_cast<uint64_t>(rounds));  // comes and goes
    ShrinkerHandle handle = shrinkers_.Register(shrinker, {.name = "moody", .batch = 32});
    Round(/*pressed=*/rounds % 2 == 1);
    handle.Reset();
    scans += shrinker.scans();
    if (HasFailure()) break;
  }
  done_ = true;
  threads_.JoinAll();
  const BackgroundStatus status = reclaimer_->Status();
  const slab::CompactStats passes = nodes_->slabs().TotalCompactStats();
  std::printf("%d rounds, %llu loads, %llu steps, %llu writes\n", rounds,
              static_cast<unsigned long long>(load_.loads()), static_cast<unsigned long long>(load_.steps()),
              static_cast<unsigned long long>(load_.writes()));
  std::printf("resident at the most %llu bytes; at most %s until it had followed; %llu nodes moved in %llu passes\n",
              static_cast<unsigned long long>(highest_), absl::FormatDuration(longest_wait_).c_str(),
              static_cast<unsigned long long>(passes.objects_moved), static_cast<unsigned long long>(passes.passes));
  std::printf("the reclaimer's processor at the most %.2f %% of one in a round\n%s", most_cpu_percent_,
              ToString(status).c_str());
  EXPECT_GT(status.totals.idle_bytes, 0u);
  EXPECT_GT(status.totals.pressed_bytes, 0u);
  EXPECT_GT(scans, 0u);
  EXPECT_GT(load_.loads(), 10'000u);
  EXPECT_GT(passes.objects_moved, 1'000u);
}

}  // namespace
}  // namespace mxa::reclaim::stress
