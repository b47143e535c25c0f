// SPDX-License-Identifier: Apache-2.0
//
// Everything at once, for a while: actors of every kind on caches of every kind, and an audit of everything each time
// they have rested.
//
//   MXA_STRESS_SECONDS=600 MXA_STRESS_SEED=7 bazel run --config=opt //tests/slab/stress:slab_stress_test
//
// Properties: what a reader holds stays as it was until its section ends; nothing is handed out twice, lost, moved
// wrongly, or destroyed other than once; a pass sees no free object; and at every audit the counts agree and the
// invariants hold (population.h, cache.h, arena.h, page_pool.h). A run that did too little of anything has failed, too.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "tests/slab/stress/actor.h"
#include "tests/slab/stress/referee.h"
#include "tests/slab/stress/world.h"
#include "tests/support/thread_group.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MXA_SANITIZED 1
#else
#define MXA_SANITIZED 0
#endif

namespace mxa::slab::stress {
namespace {

using Clock = std::chrono::steady_clock;

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 0);
}

constexpr auto kBetweenAudits = std::chrono::milliseconds(700);
constexpr absl::Duration kLongestStep = absl::Seconds(120);  // an actor that takes longer hangs

// What a run must have done at the least to say anything.
constexpr struct {
  Op op;
  uint64_t least;
} kLeast[] = {
    {Op::kAllocate, 10000}, {Op::kAllocateFailed, 10}, {Op::kFree, 1000},
    {Op::kFreeRcu, 10000},  {Op::kDestroyed, 10000},   {Op::kBulkAllocate, 20},
    {Op::kBulkFree, 20},    {Op::kPrefill, 20},        {Op::kFromPrefilled, 100},
    {Op::kSend, 500},       {Op::kReceive, 500},       {Op::kThread, 10},
    {Op::kIdle, 3},         {Op::kRead, 10000},        {Op::kOutlived, 50},
    {Op::kMove, 500},       {Op::kPass, 20},           {Op::kShrink, 3},
    {Op::kBarrier, 3},      {Op::kLook, 20},           {Op::kRound, 20},
    {Op::kCache, 3},        {Op::kPool, 20},           {Op::kArm, 10},
    {Op::kAudit, 3},        {Op::kCritical, 20},       {Op::kHandler, 5},
};

class SlabStressTest : public testing::Test {
 protected:
  void Run(uint64_t seconds, uint64_t seed) {
    StartReferee(seed);
    BecomeActor("auditor");
    const uint64_t grace_periods = reclaim::GracePeriods();
    std::vector<Actor> actors;
    for (auto kind : {&Mutators, &Readers, &Keepers}) {
      for (Actor& actor : kind()) actors.push_back(std::move(actor));
    }
    {
      World world(actors.size());
      tests::ThreadGroup threads;
      tests::Random random(seed);
      for (const Actor& actor : actors) {
        threads.Start(actor.name(), [&world, &actor, own = random.Next()] { actor.Run(world, own); });
      }
      const auto end = Clock::now() + std::chrono::seconds(seconds);
      for (bool last = false; !last;) {
        absl::SleepFor(absl::FromChrono(kBetweenAudits));  // the actors' time
        if (!world.gate().Pause(kLongestStep)) {
          std::fprintf(stderr, "an actor hangs\n");
          std::abort();
        }
        last = Clock::now() >= end || Violations() > 0;
        world.Audit(/*deep=*/random.OneIn(4));
        if (last) world.done().store(true);
        world.gate().Resume(/*for_good=*/last);
      }
      threads.JoinAll();
      world.Audit(/*deep=*/false);
      page_faults_ = world.page_faults().GetCounters().failures;
      allocation_faults_ = world.allocation_faults().GetCounters().failures;
      vetoes_ = world.vetoer().vetoes();
      for (const auto& population : world.populations()) {
        const CountValues counts = population->cache().Stats().counts;
        critical_slabs_ += counts[slab::Count::kCriticalSlab];
        guarded_ += counts[slab::Count::kGuarded];
      }
    }
    grace_periods_ = reclaim::GracePeriods() - grace_periods;
  }

  void Print() const {
    for (size_t i = 0; i < kOps; ++i) {
      const Op op = static_cast<Op>(i);
      std::printf("%-16s %12llu\n", OpName(op), static_cast<unsigned long long>(Figure(op)));
    }
    std::printf("%-16s %12llu\n", "grace periods", static_cast<unsigned long long>(grace_periods_));
    std::printf("%-16s %12llu\n", "page faults", static_cast<unsigned long long>(page_faults_));
    std::printf("%-16s %12llu\n", "alloc faults", static_cast<unsigned long long>(allocation_faults_));
    std::printf("%-16s %12llu\n", "vetoes", static_cast<unsigned long long>(vetoes_));
    std::printf("%-16s %12llu\n", "critical slabs", static_cast<unsigned long long>(critical_slabs_));
    std::printf("%-16s %12llu\n", "guarded", static_cast<unsigned long long>(guarded_));
    std::printf("%-16s %12llu\n", "violations", static_cast<unsigned long long>(Violations()));
  }

  uint64_t grace_periods_ = 0;
  uint64_t page_faults_ = 0;
  uint64_t allocation_faults_ = 0;
  uint64_t vetoes_ = 0;
  uint64_t critical_slabs_ = 0;
  uint64_t guarded_ = 0;
};

TEST_F(SlabStressTest, NoInvariantBreaksWhateverHappensAtOnce) {
  Run(FromEnvironment("MXA_STRESS_SECONDS", MXA_SANITIZED != 0 ? 15 : 10),
      FromEnvironment("MXA_STRESS_SEED", static_cast<uint64_t>(Clock::now().time_since_epoch().count())));
  Print();
  ASSERT_EQ(Violations(), 0u);
  for (const auto& [op, least] : kLeast) EXPECT_GE(Figure(op), least) << "of " << OpName(op) << ": inconclusive";
  EXPECT_GE(grace_periods_, 20u);
  EXPECT_GE(page_faults_, 10u);
  EXPECT_GE(allocation_faults_, 10u);
  EXPECT_GE(vetoes_, 10u);
  EXPECT_GE(critical_slabs_, 1u);
  EXPECT_GE(guarded_, 1u);
}

}  // namespace
}  // namespace mxa::slab::stress
