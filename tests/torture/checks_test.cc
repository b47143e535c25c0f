// SPDX-License-Identifier: Apache-2.0
//
// Each check of the torture bench notices what it is there to notice, and nothing else: fed by hand, with right and wrong.
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "reclaim/shrinker_registry.h"
#include "slab/arena.h"
#include "tools/torture/array_name.h"
#include "tools/torture/droppables.h"
#include "tools/torture/element_pool.h"
#include "tools/torture/errors.h"
#include "tools/torture/grace_oracle.h"
#include "tools/torture/mailbox.h"
#include "tools/torture/perturbation.h"
#include "tools/torture/pipe_counts.h"
#include "tools/torture/population.h"
#include "tools/torture/read_scope.h"
#include "tools/torture/threads.h"
#include "tools/torture/walk_check.h"
#include "tools/torture/watchdog.h"
#include "tools/torture/world.h"
#include "xarray/locked_xarray.h"
#include "xarray/node_cache.h"

namespace mxa::torture {
namespace {

using testing::HasSubstr;
using Way = WalkCheck::Way;

// --- The age pipe.

TEST(PipeCountsTest, AnAgeAboveOneIsTooOldUpToTheLastBucket) {
  for (uint32_t age = 0; age <= PipeCounts::kOldest + 5; ++age) {
    PipeCounts pipe;
    EXPECT_EQ(pipe.See(age, 0), age <= 1) << age;
    EXPECT_EQ(pipe.too_old(), age <= 1 ? 0u : 1u) << age;
    EXPECT_EQ(pipe.seen()[std::min(age, PipeCounts::kOldest)], 1u);
  }
  EXPECT_TRUE(PipeCounts::SelfTest());
}

TEST(PipeCountsTest, BatchesAndAgesReachedAreNoErrors) {
  PipeCounts pipe;
  pipe.See(0, 7);
  pipe.Reach(9);
  EXPECT_EQ(pipe.too_old(), 0u);
  EXPECT_EQ(pipe.batches()[7], 1u);
  EXPECT_EQ(pipe.reached()[9], 1u);
}

#if MXA_HOOKS
TEST(PipeCountsTest, ASumWithoutTheLastBucketFailsTheSelfTest) {
  PlantBugForTest(PlantedBug::kCheckerSkipsLastBucket);
  EXPECT_FALSE(PipeCounts::SelfTest());
  PlantBugForTest(PlantedBug::kNone);
}
#endif

// --- The oracle.

// A reader that stays in its section until it is told to go on.
class HeldReader {
 public:
  HeldReader() : thread_([this] { Run(); }) {
    while (!in_.load()) absl::SleepFor(absl::Milliseconds(1));
  }
  ~HeldReader() {
    Leave();
    thread_.join();
  }
  void Leave() {
    leave_.store(true);
    while (in_.load()) absl::SleepFor(absl::Milliseconds(1));
  }

 private:
  void Run() {
    const ThreadScope self("held reader");
    {
      ReadScope section;
      in_.store(true);
      while (!leave_.load()) absl::SleepFor(absl::Milliseconds(1));
    }
    in_.store(false);
  }

  std::atomic<bool> in_{false};
  std::atomic<bool> leave_{false};
  std::thread thread_;
};

TEST(GraceOracleTest, ASectionThatIsStillOpenIsReported) {
  const ThreadScope self("test");
  Errors errors;
  HeldReader reader;
  const SectionSnapshot before = SectionSnapshot::Take();
  EXPECT_EQ(before.open(), 1u);
  EXPECT_FALSE(before.CheckPassed(errors, "nothing"));
  EXPECT_EQ(errors.count(Error::kOracle), 1u);
  EXPECT_THAT(errors.first(), HasSubstr("held reader"));
}

TEST(GraceOracleTest, ASectionThatHasEndedOrBegunSinceIsNot) {
  const ThreadScope self("test");
  Errors errors;
  auto reader = std::make_unique<HeldReader>();
  const SectionSnapshot before = SectionSnapshot::Take();
  reader.reset();
  const HeldReader next;  // may have taken the record over
  EXPECT_TRUE(before.CheckPassed(errors, "a grace period"));
  EXPECT_EQ(errors.total(), 0u);
}

TEST(GraceOracleTest, RealGracePeriodsPass) {
  const ThreadScope self("test");
  Errors errors;
  std::atomic<bool> end{false};
  std::thread reader([&end] {
    const ThreadScope scope("reader");
    while (!end.load()) const ReadScope section;
  });
  for (int i = 0; i < 200; ++i) {
    const SectionSnapshot before = SectionSnapshot::Take();
    reclaim::Synchronize();
    before.CheckPassed(errors, "Synchronize");
  }
  end.store(true);
  const reclaim::OfflineScope offline;
  reader.join();
  EXPECT_EQ(errors.total(), 0u);
}

// --- The mailbox.

TEST(MailboxTest, ALetterFromASectionThatHasNotEndedIsReported) {
  Errors errors;
  Mailbox mailbox;
  ASSERT_TRUE(mailbox.Post(3, 8));
  EXPECT_EQ(mailbox.Collect(), 1u);
  EXPECT_EQ(mailbox.Deliver(), 1u);
  EXPECT_TRUE(mailbox.Open(3, errors));
  EXPECT_EQ(errors.count(Error::kMailbox), 1u);
}

TEST(MailboxTest, ALetterFromASectionThatHasEndedIsNot) {
  Errors errors;
  Mailbox mailbox;
  ASSERT_TRUE(mailbox.Post(3, 8));
  EXPECT_FALSE(mailbox.Open(3, errors));  // has not been collected
  EXPECT_EQ(mailbox.Deliver(), 0u);
  EXPECT_EQ(mailbox.Collect(), 1u);
  EXPECT_FALSE(mailbox.Open(3, errors));
  mailbox.NoteEnd(3, 8);
  EXPECT_EQ(mailbox.Deliver(), 1u);
  EXPECT_FALSE(mailbox.Post(3, 9));  // the last one is still on its way
  EXPECT_TRUE(mailbox.Open(3, errors));
  EXPECT_TRUE(mailbox.Post(3, 9));
  EXPECT_EQ(errors.total(), 0u);
}

// --- Walks.

const std::vector<uint64_t> kAnchors = {0, 5, 9, 64, 4096};

std::string FaultOf(const std::vector<uint64_t>& met, Way way = Way::kUp, uint64_t first = 0, uint64_t last = 5000,
                    uint64_t most = 100, bool only_anchors = false) {
  WalkCheck check(kAnchors, first, last, way, most, only_anchors);
  for (const uint64_t index : met) {
    if (const std::optional<std::string> fault = check.Met(index)) return *fault;
  }
  return check.AtEnd().value_or("");
}

TEST(WalkCheckTest, RightWalksAreRight) {
  EXPECT_EQ(FaultOf({0, 5, 9, 64, 4096}), "");
  EXPECT_EQ(FaultOf({0, 1, 5, 7, 9, 64, 70, 4096, 4999}), "");
  EXPECT_EQ(FaultOf({4096, 64, 11, 9, 5, 0}, Way::kDown), "");
  EXPECT_EQ(FaultOf({5, 9}, Way::kUp, 1, 63), "");
  EXPECT_EQ(FaultOf({}, Way::kUp, 10, 63), "");
}

TEST(WalkCheckTest, WrongWalksAreWrong) {
  EXPECT_THAT(FaultOf({0, 9, 64, 4096}), HasSubstr("missed 5"));
  EXPECT_THAT(FaultOf({5, 9, 64, 4096}), HasSubstr("missed 0"));
  EXPECT_THAT(FaultOf({0, 5, 9, 64}), HasSubstr("missed 4096"));
  EXPECT_THAT(FaultOf({}), HasSubstr("missed 0"));
  EXPECT_THAT(FaultOf({0, 5, 5, 9}), HasSubstr("met 5 behind 5"));
  EXPECT_THAT(FaultOf({0, 5, 9, 7}), HasSubstr("met 7 behind 9"));
  EXPECT_THAT(FaultOf({0, 5, 9, 0}), HasSubstr("met 0 behind 9"));
  EXPECT_THAT(FaultOf({4096, 64, 5}, Way::kDown), HasSubstr("missed 9"));
  EXPECT_THAT(FaultOf({4096, 4097}, Way::kDown), HasSubstr("met 4097 behind 4096"));
  EXPECT_THAT(FaultOf({5, 64}, Way::kUp, 1, 63), HasSubstr("outside"));
  EXPECT_THAT(FaultOf({0, 1, 2, 3, 4}, Way::kUp, 0, 5000, 4), HasSubstr("no end"));
  EXPECT_THAT(FaultOf({0, 3}, Way::kUp, 0, 5000, 100, /*only_anchors=*/true), HasSubstr("not marked"));
}

// --- The watchdog.

#if MXA_HOOKS
TEST(DescribeThreadsTest, SaysWhoHoldsAndWhoAwaitsWhichArraysLock) {
  Errors errors;
  const Perturbation perturbation(1, /*delays=*/false, errors);
  XArray<Value> named;
  XArray<Value> other;
  const ArrayName name(&named.core().anchor(), "the one that is named");
  const auto described = [](const XArray<Value>& array) { return DescribeArray(&array.core().anchor()); };
  EXPECT_THAT(described(named), HasSubstr("the one that is named"));
  std::atomic<bool> held{false};
  std::atomic<bool> release{false};
  std::thread holder([&] {
    const ThreadScope self("holder");
    const LockedXArray<Value> first(other);
    const LockedXArray<Value> second(named);
    held.store(true);
    while (!release.load()) absl::SleepFor(absl::Milliseconds(1));
  });
  while (!held.load()) absl::SleepFor(absl::Milliseconds(1));
  std::thread waiter([&] {
    const ThreadScope self("waiter");
    named.Erase(7);
  });
  std::string text;
  for (int i = 0; i < 30'000 && text.find("waits for the lock") == std::string::npos; ++i) {
    absl::SleepFor(absl::Milliseconds(1));
    text = DescribeThreads();
  }
  release.store(true);
  holder.join();
  waiter.join();
  const size_t of_waiter = text.find("waiter: ");
  ASSERT_NE(of_waiter, std::string::npos) << text;
  const std::string by_holder = text.substr(0, of_waiter);
  EXPECT_THAT(by_holder, HasSubstr("holder: "));
  EXPECT_THAT(by_holder, HasSubstr("holds the lock of " + described(named)));
  EXPECT_THAT(by_holder, HasSubstr("holds the lock of " + described(other)));
  EXPECT_THAT(text.substr(of_waiter), HasSubstr("waits for the lock of " + described(named) + ", held by holder\n"));
  EXPECT_THAT(text.substr(of_waiter), testing::Not(HasSubstr("holds the lock")));
}

TEST(DescribeThreadsTest, ALockThatWasLetGoIsNeitherHeldNorAwaited) {
  Errors errors;
  const Perturbation perturbation(1, /*delays=*/false, errors);
  const ThreadScope self("test");
  XArray<Value> array;
  ASSERT_TRUE(array.Store(7, 7).ok());
  EXPECT_THAT(DescribeThreads(), testing::Not(HasSubstr("the lock of")));
}
#endif

// --- Elements, versions, the ledger.

class PopulationTest : public testing::Test {
 protected:
  PopulationTest()
      : arena_(slab::Arena::Create({.reserve_bytes = size_t{64} << 20}).value()),
        nodes_(xarray::NodeCache::Create(arena_.get()).value()),
        elements_(*arena_, errors_),
        population_({{0, 1, 2, 3, 4, 5, 6, 7, 64, 65}}, *nodes_, elements_, errors_, random_) {}

  size_t Stable(bool stable) const {
    for (size_t place = 0; place < population_.places(); ++place) {
      if (population_.ledger().IsStableEntry(place) == stable) return place;
    }
    ADD_FAILURE() << "no such place";
    return 0;
  }
  XArray<Element>& array() { return population_.array(0); }
  uint64_t IndexOf(size_t place) const { return population_.ledger().entry(place).index(); }

  const ThreadScope self_{"test"};
  Errors errors_;
  tool::Random random_{1};
  std::unique_ptr<slab::Arena> arena_;
  std::unique_ptr<xarray::NodeCache> nodes_;
  ElementPool elements_;
  Population population_;
};

TEST_F(PopulationTest, RightReadsAndWritesAreRight) {
  SeenVersions seen(population_.places());
  for (int i = 0; i < 2000; ++i) {
    population_.Write(random_.Below(population_.places()), random_);
    population_.Read(random_.Below(population_.places()), seen, random_);
  }
  population_.Audit();
  EXPECT_EQ(errors_.total(), 0u) << errors_.first();
}

TEST_F(PopulationTest, AnAnchorThatIsGoneIsMissed) {
  SeenVersions seen(population_.places());
  const size_t place = Stable(true);
  Element* element = array().Erase(IndexOf(place));
  population_.Read(place, seen, random_);
  EXPECT_EQ(errors_.count(Error::kVanished), 1u);
  population_.Audit();
  EXPECT_EQ(errors_.count(Error::kVanished), 2u);
  ASSERT_TRUE(array().Store(IndexOf(place), element).ok());
}

TEST_F(PopulationTest, AnOldVersionIsNoticedAndALostUpdateByTheWriter) {
  SeenVersions seen(population_.places());
  const size_t place = Stable(true);
  population_.Write(place, random_);
  Element* old = elements_.New(0, IndexOf(place), 0);
  Element* current = array().Store(IndexOf(place), old).value();
  population_.Read(place, seen, random_);
  EXPECT_EQ(errors_.count(Error::kVersion), 1u);
  EXPECT_THAT(errors_.first(), HasSubstr("stale"));
  population_.Write(place, random_);
  EXPECT_EQ(errors_.count(Error::kVersion), 2u);
  elements_.Free(current);
}

TEST(SeenVersionsTest, VersionsOfAReaderNeverGoBack) {
  SeenVersions seen(2);
  EXPECT_TRUE(seen.See(0, 4));
  EXPECT_TRUE(seen.See(0, 4));
  EXPECT_TRUE(seen.See(1, 2));
  EXPECT_FALSE(seen.See(0, 3));
}

TEST_F(PopulationTest, ElementsOfOtherPlacesAndTornOnesAreNoticed) {
  Element* element = elements_.New(7, 9, 2);
  EXPECT_TRUE(elements_.Check(*element, 7, 9));
  EXPECT_FALSE(elements_.Check(*element, 7, 8));
  EXPECT_FALSE(elements_.Check(*element, 6, 9));
  EXPECT_EQ(errors_.count(Error::kElement), 2u);
  element->checksum ^= 1;
  EXPECT_FALSE(elements_.Check(*element, 7, 9));
  element->checksum ^= 1;
  element->canary = kFreeCanary;
  EXPECT_FALSE(elements_.Check(*element, 7, 9));
  element->canary = kLiveCanary;
  EXPECT_TRUE(elements_.Check(*element, 7, 9));
  elements_.Free(element);
  EXPECT_EQ(errors_.count(Error::kElement), 4u);
}

TEST_F(PopulationTest, ALeakAndASecondRetirementAreNoticed) {
  elements_.AwaitRetired();
  elements_.Audit(population_.places());
  EXPECT_EQ(errors_.total(), 0u) << errors_.first();
  Element* element = elements_.New(7, 9, 2);
  elements_.Audit(population_.places());
  EXPECT_EQ(errors_.count(Error::kLeak), 1u);
  element->state.store(ElementState::kRetired);
  elements_.Free(element);
  EXPECT_EQ(errors_.count(Error::kCallback), 1u);
}

// --- What a shrinker drops.

class DroppablesTest : public testing::Test {
 protected:
  reclaim::ShrinkResult ShrinkAll() { return registry_.Shrink({.priority = 0, .time_limit = absl::Seconds(10)}); }

  const ThreadScope self_{"test"};
  Errors errors_;
  World world_{Options(), errors_};
  reclaim::ShrinkerRegistry registry_;
  Droppables droppables_{world_};
  // It costs nothing to make them again: half of them go at a time.
  const reclaim::ShrinkerHandle handle_ =
      registry_.Register(droppables_, {.name = "test", .seeks = 0, .batch = Droppables::kBatch});
};

TEST_F(DroppablesTest, WhatIsPinnedStaysAndNothingIsReported) {
  droppables_.LetReclaimerCall(true);
  Droppable* pinned = droppables_.Pin(7);
  ASSERT_NE(pinned, nullptr);
  for (size_t place = 100; place < 2100; ++place) droppables_.Unpin(droppables_.Pin(place));
  uint64_t dropped = 0;
  for (int round = 0; round < 1000 && dropped < 2000; ++round) dropped += ShrinkAll().objects;
  EXPECT_EQ(dropped, 2000u);
  droppables_.Audit(dropped);
  droppables_.Unpin(pinned);
  EXPECT_EQ(errors_.total(), 0u) << errors_.first();
}

TEST_F(DroppablesTest, AReclaimerThatHasStoppedIsReported) {
  droppables_.LetReclaimerCall(false);
  ShrinkAll();
  EXPECT_GT(errors_.count(Error::kCallback), 0u);
  EXPECT_THAT(errors_.first(), HasSubstr("that has stopped"));
}

TEST_F(DroppablesTest, ACallWhereReclaimIsNotForbiddenIsReported) {
  droppables_.LetReclaimerCall(true);
  droppables_.Count(reclaim::kAnyNode);
  EXPECT_THAT(errors_.first(), HasSubstr("not forbidden"));
}

TEST_F(DroppablesTest, APinnedObjectThatWasOverwrittenAndDropsThatDoNotAddUpAreReported) {
  Droppable* pinned = droppables_.Pin(7);
  droppables_.Audit(/*dropped_by_reclaimer=*/1);
  EXPECT_EQ(errors_.count(Error::kAudit), 1u);
  pinned->check ^= 1;
  droppables_.Unpin(pinned);
  EXPECT_EQ(errors_.count(Error::kElement), 1u);
}

}  // namespace
}  // namespace mxa::torture
