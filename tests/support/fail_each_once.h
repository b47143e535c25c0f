// SPDX-License-Identifier: Apache-2.0
//
// Runs a piece of work once for each place at which it can fail, with the 1st, 2nd, ... call failing, until a run has
// nothing left to fail.
//
//   const size_t points = FailEachOnce(faults, [&] { ...; EXPECT_TRUE(cache->CheckInvariants().ok()); });
//   EXPECT_GE(points, 3u);  // that the work asked at all
//
// The work must come to the same state whichever call fails, or set itself up anew each time.
#ifndef MXA_TESTS_SUPPORT_FAIL_EACH_ONCE_H_
#define MXA_TESTS_SUPPORT_FAIL_EACH_ONCE_H_

#include <cstddef>

#include "base/check.h"
#include "base/fault_injector.h"
#include "gtest/gtest.h"

namespace mxa::tests {

// Returns at how many places the work was made to fail. `threads`: whose calls are counted; those of others let
// through are decided by what else is armed. More than `limit` places end the test: work that asks again until it is
// answered yes would never get to the end.
template <typename Work>
size_t FailEachOnce(FaultInjector& faults, Work work, FaultThreads threads = FaultThreads::kThisThread,
                    size_t limit = 10'000) {
  for (size_t points = 0;; ++points) {
    MXA_CHECK(points <= limit, "there is always one more place to fail; does the work retry without end?");
    SCOPED_TRACE(testing::Message() << "while call " << points + 1 << " fails");
    const FailNthScope scope(faults, points + 1, threads);
    work();
    if (!scope.fired()) return points;
  }
}

}  // namespace mxa::tests

#endif  // MXA_TESTS_SUPPORT_FAIL_EACH_ONCE_H_
