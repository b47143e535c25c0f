// SPDX-License-Identifier: Apache-2.0
//
// Runs something once, on a thread of its own, at the first time that anybody reaches a schedule point.
//
// Threads: one at a time in a process; ends after everybody who might reach the point has.
#ifndef MXA_TESTS_SUPPORT_AT_POINT_H_
#define MXA_TESTS_SUPPORT_AT_POINT_H_

#include <cstring>
#include <functional>
#include <thread>
#include <utility>

#include "base/mutex.h"
#include "base/schedule_point.h"
#include "gtest/gtest.h"

namespace mxa::test {

class AtPoint {
 public:
  AtPoint(const char* point, std::function<void()> action) {
    {
      MutexLock lock(&TheMutex());
      point_ = point;
      action_ = std::move(action);
    }
    SetScheduleHandlerForTest(&Handle);
  }
  ~AtPoint() {
    SetScheduleHandlerForTest(nullptr);
    MutexLock lock(&TheMutex());
    EXPECT_EQ(action_, nullptr) << point_ << " was never reached";
  }
  AtPoint(const AtPoint&) = delete;
  AtPoint& operator=(const AtPoint&) = delete;

 private:
  static Mutex& TheMutex() {
    static auto& mutex = *new Mutex;
    return mutex;
  }
  static void Handle(const char* point) {
    std::function<void()> action;
    {
      MutexLock lock(&TheMutex());
      if (action_ == nullptr || std::strcmp(point, point_) != 0) return;
      action = std::exchange(action_, nullptr);
    }
    std::thread(action).join();
  }
  static inline const char* point_ = nullptr;
  static inline std::function<void()> action_;
};

}  // namespace mxa::test

#endif  // MXA_TESTS_SUPPORT_AT_POINT_H_
