// SPDX-License-Identifier: Apache-2.0
//
// Moves every node of every array whenever the test's thread comes to a schedule point of an operation, in tests that
// know nothing of it.
//
// Linked into a test by mxa_cc_motion_test (tools/build/mxa.bzl), as NAME_everywhere. The points (operation_points.h) are:
//   array.unlocked    the end of every operation that took the array's lock, and of each hold of one that dropped it
//   ....step          the beginning of every other one that has points: each step of a cursor is one
//   the others        inside operations, where they look twice or have dropped the lock. Of one that is in a read
//                     section, only when it comes there first: it begins again when its nodes move, and would for ever
// A load that goes its fast path keeps nothing for the next call, which finds what has moved by then. Under an array's
// lock nothing can move, so that what a LockedArray does is one operation.
//
// Nodes are moved by hand, not by passes, and their old places retired: that needs no grace period, so that it can be
// done again and again inside one read section. For tests that move nothing themselves, install no schedule handler and
// count no free nodes; death tests fork, and are left out. Threads: only the one that runs the tests moves anything.
#ifndef MXA_TESTS_SUPPORT_EVERYWHERE_ENVIRONMENT_H_
#define MXA_TESTS_SUPPORT_EVERYWHERE_ENVIRONMENT_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "gtest/gtest.h"
#include "slab/cache.h"

namespace mxa::tests {

class EverywhereEnvironment : public testing::Environment {
 public:
  // Of one point.
  struct Count {
    uint64_t times = 0;      // that the test's thread came to it
    uint64_t nodes = 0;      // moved there
    uint64_t locked = 0;     // times that it held an array's lock or must not reclaim: nothing moved
    uint64_t again = 0;      // times that the operation had come there before: likewise
    uint64_t postponed = 0;  // times that too many old places waited for the end of the section: likewise
  };

  void SetUp() override;
  // Also says how much has moved at each point; a test that gave nothing to move is no failure.
  void TearDown() override;

  // By name, since SetUp. Empty when schedule points are not compiled in.
  static std::map<std::string, Count> Counts();

 private:
  static void OnPoint(const char* point);

  // Whether something may move at `point` now.
  bool MayMove(const char* point, Count& count);
  void MoveAll(Count& count);
  void MoveNodes(slab::Cache& cache, Count& count);

  std::map<std::string, Count> counts_;
  std::set<std::string> seen_;  // since the operation began
};

}  // namespace mxa::tests

#endif  // MXA_TESTS_SUPPORT_EVERYWHERE_ENVIRONMENT_H_
