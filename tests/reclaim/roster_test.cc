// SPDX-License-Identifier: Apache-2.0
//
// One thread at a time inside a member, none after it was removed, and nobody waits for anybody but who removes it.
#include "reclaim/roster.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/support/random.h"
#include "tests/support/thread_group.h"

namespace mxa::reclaim {
namespace {

constexpr absl::Duration kNow = absl::Seconds(7);

std::shared_ptr<RosterMember> Make(const std::string& name) { return std::make_shared<RosterMember>(name); }

TEST(RosterTest, ListsInOrderOfArrival) {
  Roster roster;
  const auto a = Make("a");
  const auto b = Make("b");
  roster.Add(a);
  roster.Add(b);
  ASSERT_EQ(roster.size(), 2u);
  EXPECT_EQ(roster.Members()[0]->name(), "a");
  EXPECT_EQ(roster.Members()[1]->name(), "b");
  roster.Remove(*a);
  EXPECT_EQ(roster.Members(), std::vector<std::shared_ptr<RosterMember>>{b});
  roster.Remove(*b);
}

TEST(RosterTest, ASecondVisitorStaysOutsideAndIsToldWhoIsInside) {
  Roster roster;
  const auto a = Make("a");
  roster.Add(a);
  {
    const RosterVisit first(roster, *a, kNow);
    EXPECT_TRUE(first.inside());
    const RosterVisit second(roster, *a, 2 * kNow);
    EXPECT_FALSE(second.inside());
    ASSERT_EQ(roster.Occupied().size(), 1u);
    EXPECT_EQ(roster.Occupied()[0].name, "a");
    EXPECT_EQ(roster.Occupied()[0].since, kNow) << "the second has changed nothing";
  }
  EXPECT_TRUE(roster.Occupied().empty());
  EXPECT_TRUE(RosterVisit(roster, *a, kNow).inside()) << "the second has not left for the first, nor stayed";
  roster.Remove(*a);
}

TEST(RosterTest, NobodyEntersWhatWasRemoved) {
  Roster roster;
  const auto a = Make("a");
  roster.Add(a);
  const auto seen = roster.Members();
  roster.Remove(*a);
  EXPECT_FALSE(RosterVisit(roster, *seen[0], kNow).inside());
}

TEST(RosterTest, RemovalWaitsForWhoIsInsideThatOneAndForNobodyElse) {
  Roster roster;
  const auto a = Make("a");
  const auto b = Make("b");
  roster.Add(a);
  roster.Add(b);
  std::atomic<bool> inside{false};
  std::atomic<bool> leave{false};
  std::atomic<bool> removed{false};
  tests::ThreadGroup threads;
  threads.Start("inside", [&] {
    const RosterVisit visit(roster, *a, kNow);
    inside = visit.inside();
    while (!leave) std::this_thread::yield();
  });
  while (!inside) std::this_thread::yield();
  roster.Remove(*b);  // at once
  threads.Start("remover", [&] {
    roster.Remove(*a);
    removed = true;
  });
  absl::SleepFor(absl::Milliseconds(20));  // may only make a bug more likely to show
  EXPECT_FALSE(removed);
  leave = true;
  threads.JoinAll();
  EXPECT_TRUE(removed);
}

// Members come and go while others visit them; each says what it is called for, and that it is never called afterwards.
struct Guarded : RosterMember {
  Guarded() : RosterMember("guarded") {}
  std::atomic<int> inside{0};
  std::atomic<bool> gone{false};
};

TEST(RosterThreadsTest, NeverTwoInsideAndNobodyAfterwards) {
  Roster roster;
  std::atomic<bool> done{false};
  std::atomic<uint64_t> visits{0};
  std::atomic<uint64_t> errors{0};
  tests::ThreadGroup threads;
  for (int i = 0; i < 3; ++i) {
    threads.Start("visitor", [&] {
      while (!done) {
        for (const auto& member : roster.Members()) {
          auto& guarded = static_cast<Guarded&>(*member);
          const RosterVisit visit(roster, guarded, kNow);
          if (!visit.inside()) continue;
          if (guarded.inside.fetch_add(1) != 0 || guarded.gone) ++errors;
          if (++visits % 16 == 0) std::this_thread::yield();
          if (guarded.gone) ++errors;
          guarded.inside.fetch_sub(1);
        }
      }
    });
  }
  for (int i = 0; i < 2; ++i) {
    threads.Start("comer and goer", [&, i] {
      tests::Random random(tests::TestSeed(static_cast<uint64_t>(i) + 1));
      for (int round = 0; round < 2000; ++round) {
        const auto member = std::make_shared<Guarded>();
        roster.Add(member);
        if (random.OneIn(2)) std::this_thread::yield();
        roster.Remove(*member);
        member->gone = true;
        if (member->inside != 0) ++errors;
      }
      done = true;
    });
  }
  threads.JoinAll();
  EXPECT_EQ(errors, 0u);
  EXPECT_GT(visits, 100u);
  EXPECT_EQ(roster.size(), 0u);
}

TEST(RosterDeathTest, NamesMisuse) {
  Roster roster;
  const auto a = Make("a");
  roster.Add(a);
  EXPECT_DEATH(roster.Add(a), "added twice");
  EXPECT_DEATH(
      {
        const RosterVisit visit(roster, *a, kNow);
        roster.Remove(*a);
      },
      "by a thread that is inside it");
  EXPECT_DEATH(
      {
        Roster other;
        other.Remove(*a);
      },
      "a roster that it is not on");
  EXPECT_DEATH(
      {
        Roster gone;
        gone.Add(Make("b"));
      },
      "destroyed while somebody is on it");
  roster.Remove(*a);
  EXPECT_DEATH(roster.Remove(*a), "not listed");
}

}  // namespace
}  // namespace mxa::reclaim
