// SPDX-License-Identifier: Apache-2.0
//
// Moves the objects of every movable cache while tests run that know nothing of it.
//
// One of the two libraries motion_compactor and motion_everywhere is linked into a test (tools/build/mxa.bzl,
// mxa_cc_motion_test), and sets itself up:
//   compactor    one pass that moves everything after the other, all the time; the test's thread is stopped now and
//                then wherever it is, so that passes overtake it
//   everywhere   the same, but when an operation comes to a schedule point, a pass moves everything before it goes on
// For tests that neither move objects themselves, nor count moves or schedule points. Death tests fork, and are left out.
//
// In a read section no pass can come to its end, so a point there waits until the pass has moved what there is; the next
// pass comes with another section. What a cursor stands in has then moved under it, in each of its sections.
#ifndef MXA_TESTS_SUPPORT_MOTION_ENVIRONMENT_H_
#define MXA_TESTS_SUPPORT_MOTION_ENVIRONMENT_H_

#include <cstdint>
#include <optional>
#include <thread>

#include "base/mutex.h"
#include "gtest/gtest.h"
#include "tests/support/stalls.h"

namespace mxa::tests {

class MotionEnvironment : public testing::Environment {
 public:
  enum class Mode { kCompactor, kEverywhere };

  explicit MotionEnvironment(Mode mode) : mode_(mode) {}

  void SetUp() override;
  // Also says how much has moved; a test that gave nothing to move is no failure.
  void TearDown() override;

 private:
  static void OnPoint(const char* point);

  void Run();
  void MoveAll();
  void MoveNow();

  const Mode mode_;
  std::thread passes_;
  std::optional<Stalls> stalls_;
  Mutex mutex_;
  CondVar changed_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_passing_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t begun_ ABSL_GUARDED_BY(mutex_) = 0;   // rounds over all caches
  uint64_t moved_ ABSL_GUARDED_BY(mutex_) = 0;   // the last of them in which a cache's objects had moved
  uint64_t wanted_ ABSL_GUARDED_BY(mutex_) = 0;  // as far as which operations asked for rounds
  uint64_t objects_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t points_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace mxa::tests

#endif  // MXA_TESTS_SUPPORT_MOTION_ENVIRONMENT_H_
