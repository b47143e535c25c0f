// SPDX-License-Identifier: Apache-2.0
//
// A failed check ends the process with one line that says where and why.
#include "base/check.h"

#include <string>

#include "gtest/gtest.h"

namespace mxa {
namespace {

TEST(CheckTest, EvaluatesItsConditionOnce) {
  int evaluated = 0;
  MXA_CHECK(++evaluated == 1, "holds");
  EXPECT_EQ(evaluated, 1);
}

TEST(CheckTest, IsOneStatement) {
  bool reached = false;
  if (true)
    MXA_CHECK(true, "holds");
  else
    reached = true;
  EXPECT_FALSE(reached);
}

TEST(CheckDeathTest, NamesFileConditionAndMessage) {
  const int answer = 42;
  EXPECT_DEATH(MXA_CHECK(answer == 41, "wrong answer"),
               "mxa: .*check_test.cc:[0-9]+: check failed: answer == 41: wrong answer");
}

TEST(CheckDeathTest, CutsAMessageThatIsTooLong) {
  const std::string message(2000, 'x');
  EXPECT_DEATH(MXA_CHECK(false, message.c_str()), "check failed: false: xxx");
}

TEST(CheckDeathTest, DCheckIsACheckOutsideReleaseBuilds) {
  int evaluated = 0;
#ifdef NDEBUG
  MXA_DCHECK(++evaluated == 7, "never evaluated");
  EXPECT_EQ(evaluated, 0);
#else
  EXPECT_DEATH(MXA_DCHECK(++evaluated == 7, "caught"), "caught");
#endif
}

}  // namespace
}  // namespace mxa
