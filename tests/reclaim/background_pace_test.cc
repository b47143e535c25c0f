// SPDX-License-Identifier: Apache-2.0
//
// Hysteresis, back-off, duty limit and shrinkers' priority, by the clock.
#include "reclaim/background_pace.h"

#include "gtest/gtest.h"

namespace mxa::reclaim {
namespace {

constexpr absl::Duration kStart = absl::Seconds(100);

class SourcePaceTest : public testing::Test {
 protected:
  bool Due(uint64_t idle, uint64_t held, PressureLevel level = PressureLevel::kNone) {
    return pace_.Due({.held_bytes = held, .idle_bytes = idle}, level, now_, options_);
  }
  const BackgroundOptions options_ = {.idle_start_bytes = 1000,
                                      .idle_start_percent = 20,
                                      .idle_stop_bytes = 400,
                                      .idle_stop_percent = 10,
                                      .pressed_bytes = 50,
                                      .least_gain_bytes = 10,
                                      .first_backoff = absl::Seconds(1),
                                      .longest_backoff = absl::Seconds(6)};
  absl::Duration now_ = kStart;
  SourcePace pace_;
};

TEST_F(SourcePaceTest, StartsOnlyAboveBothMarks) {
  EXPECT_FALSE(Due(0, 0));
  EXPECT_FALSE(Due(999, 1000));
  EXPECT_FALSE(Due(1000, 5001)) << "less than 20 %";
  EXPECT_TRUE(Due(1000, 5000));
}

TEST_F(SourcePaceTest, StopsBelowEitherLowerMarkAndStartsAboveTheUpperOnesOnly) {
  EXPECT_TRUE(Due(1000, 5000));
  EXPECT_TRUE(Due(500, 5000)) << "between the marks: goes on";
  EXPECT_FALSE(Due(499, 5000)) << "less than 10 %";
  EXPECT_FALSE(Due(999, 5000)) << "between the marks: does not start";
  EXPECT_TRUE(Due(1000, 5000));
  EXPECT_FALSE(Due(399, 500)) << "less than 400 bytes";
}

TEST_F(SourcePaceTest, PressureWantsWhatIdlesAtAll) {
  EXPECT_FALSE(Due(49, 1'000'000, PressureLevel::kSome));
  EXPECT_TRUE(Due(50, 1'000'000, PressureLevel::kSome));
  EXPECT_FALSE(Due(50, 1'000'000));
}

TEST_F(SourcePaceTest, BacksOffTwiceAsLongEachTimeUpToTheCap) {
  for (const int seconds : {1, 2, 4, 6, 6}) {
    EXPECT_TRUE(Due(2000, 4000));
    pace_.Record(9, now_, options_);
    EXPECT_EQ(pace_.backoff(), absl::Seconds(seconds));
    now_ += absl::Seconds(seconds) - absl::Nanoseconds(1);
    EXPECT_FALSE(Due(2000, 4000)) << seconds;
    now_ += absl::Nanoseconds(1);
  }
  EXPECT_TRUE(Due(2000, 4000));
  pace_.Record(10, now_, options_);
  EXPECT_TRUE(Due(2000, 4000)) << "it gained something";
  pace_.Record(0, now_, options_);
  EXPECT_EQ(pace_.backoff(), absl::Seconds(1)) << "and the next back-off is a short one";
}

TEST_F(SourcePaceTest, WorsePressureTriesAgainAndTheSameDoesNot) {
  EXPECT_TRUE(Due(2000, 4000, PressureLevel::kSome));
  pace_.Record(0, now_, options_);
  EXPECT_FALSE(Due(2000, 4000, PressureLevel::kSome));
  EXPECT_TRUE(Due(2000, 4000, PressureLevel::kCritical));
  pace_.Record(0, now_, options_);
  EXPECT_FALSE(Due(2000, 4000, PressureLevel::kCritical));
  EXPECT_FALSE(Due(2000, 4000, PressureLevel::kHigh));
}

TEST(DutyPaceTest, RestsInProportionToWork) {
  DutyPace pace(10);
  EXPECT_LT(pace.not_before(), kStart);
  pace.Record(kStart, absl::Milliseconds(10));
  EXPECT_EQ(pace.not_before(), kStart + absl::Milliseconds(100));
  pace.Record(kStart + absl::Milliseconds(100), absl::Milliseconds(1));
  EXPECT_EQ(pace.not_before(), kStart + absl::Milliseconds(110));
}

TEST(DutyPaceTest, KeepsWhatIsOwedAndSavesNothingUp) {
  DutyPace pace(50);
  pace.Record(kStart, absl::Milliseconds(10));
  pace.Record(kStart + absl::Milliseconds(5), absl::Milliseconds(10));  // began too early
  EXPECT_EQ(pace.not_before(), kStart + absl::Milliseconds(40));
  pace.Record(kStart + absl::Hours(1), absl::Milliseconds(10));
  EXPECT_EQ(pace.not_before(), kStart + absl::Hours(1) + absl::Milliseconds(20)) << "after an hour of rest";
}

TEST(ShrinkPaceTest, RisesWithTheLevelAndWithEachRoundThatFellShort) {
  ShrinkPace pace;
  EXPECT_GT(pace.Priority(PressureLevel::kSome), pace.Priority(PressureLevel::kHigh));
  EXPECT_GT(pace.Priority(PressureLevel::kHigh), pace.Priority(PressureLevel::kCritical));
  const int before = pace.Priority(PressureLevel::kHigh);
  pace.Record(/*met=*/false);
  EXPECT_EQ(pace.Priority(PressureLevel::kHigh), before - 1);
  for (int i = 0; i < 100; ++i) pace.Record(/*met=*/false);
  EXPECT_EQ(pace.Priority(PressureLevel::kCritical), 0);
  EXPECT_GT(pace.Priority(PressureLevel::kHigh), 0) << "everything goes at the last level only";
  EXPECT_GT(pace.Priority(PressureLevel::kSome), pace.Priority(PressureLevel::kHigh));
  pace.Record(/*met=*/true);
  EXPECT_EQ(pace.Priority(PressureLevel::kHigh), before);
}

}  // namespace
}  // namespace mxa::reclaim
