// SPDX-License-Identifier: Apache-2.0
//
// Runs passes all the time while tests run that know nothing of it.
//
// Linked into a test by mxa_cc_motion_test (tools/build/mxa.bzl), as NAME_compactor: one pass that moves everything after
// the other, and the test's thread is stopped now and then wherever it is, so that passes overtake it.
// For tests that neither move objects themselves nor count moves. Death tests fork, and are left out.
#ifndef MXA_TESTS_SUPPORT_PASS_ENVIRONMENT_H_
#define MXA_TESTS_SUPPORT_PASS_ENVIRONMENT_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <thread>

#include "gtest/gtest.h"
#include "tests/support/stalls.h"

namespace mxa::tests {

class PassEnvironment : public testing::Environment {
 public:
  void SetUp() override;
  // Also says how much has moved; a test that gave nothing to move is no failure.
  void TearDown() override;

 private:
  void MoveAll();

  std::thread passes_;
  std::optional<Stalls> stalls_;
  std::atomic<bool> stop_{false};
  uint64_t rounds_ = 0;   // over all caches
  uint64_t objects_ = 0;  // moved; both by the thread of the passes, and read behind its end
};

}  // namespace mxa::tests

#endif  // MXA_TESTS_SUPPORT_PASS_ENVIRONMENT_H_
