// SPDX-License-Identifier: Apache-2.0
//
// A handler sees every point that is reached, by name, on the thread that reached it.
#include "base/schedule_point.h"

#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace mxa {
namespace {

std::vector<std::string>& Reached() {
  static auto& reached = *new std::vector<std::string>;
  return reached;
}
std::thread::id& LastThread() {
  static auto& last = *new std::thread::id;
  return last;
}

void Record(const char* point) {
  Reached().push_back(point);
  LastThread() = std::this_thread::get_id();
}

TEST(SchedulePointTest, DoesNothingWithoutAHandler) {
  Reached().clear();
  MXA_SCHEDULE_POINT("nobody.listens");
  EXPECT_TRUE(Reached().empty());
}

TEST(SchedulePointTest, CallsTheHandlerUntilItIsRemoved) {
  Reached().clear();
  EXPECT_EQ(SetScheduleHandlerForTest(&Record), nullptr);
  MXA_SCHEDULE_POINT("a");
  MXA_SCHEDULE_POINT("b");
  EXPECT_EQ(SetScheduleHandlerForTest(nullptr), &Record) << "returns the handler before";
  MXA_SCHEDULE_POINT("c");
  EXPECT_EQ(Reached(), (std::vector<std::string>{"a", "b"}));
}

TEST(SchedulePointTest, RunsOnTheThreadThatReachesThePoint) {
  SetScheduleHandlerForTest(&Record);
  std::thread::id other;
  std::thread([&] {
    other = std::this_thread::get_id();
    MXA_SCHEDULE_POINT("there");
  }).join();
  EXPECT_EQ(LastThread(), other);
  SetScheduleHandlerForTest(nullptr);
}

}  // namespace
}  // namespace mxa
