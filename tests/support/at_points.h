// SPDX-License-Identifier: Apache-2.0
//
// Runs something once at each of several schedule points, on the thread that first reaches it.
//
// Threads: one at a time in a process; ends after everybody who might reach a point has.
// Why not AtPoint, which runs its action on a thread of its own: some actions are about the thread that is there.
#ifndef MXA_TESTS_SUPPORT_AT_POINTS_H_
#define MXA_TESTS_SUPPORT_AT_POINTS_H_

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "base/schedule_point.h"
#include "gtest/gtest.h"

namespace mxa::test {

class AtPoints {
 public:
  explicit AtPoints(std::map<std::string, std::function<void()>> actions) {
    actions_ = std::move(actions);
    SetScheduleHandlerForTest(&Handle);
  }
  AtPoints(const AtPoints&) = delete;
  AtPoints& operator=(const AtPoints&) = delete;
  ~AtPoints() {
    SetScheduleHandlerForTest(nullptr);
    for (const auto& [point, action] : actions_) ADD_FAILURE() << point << " was never reached";
    actions_.clear();
  }

 private:
  static void Handle(const char* point) {
    std::function<void()> action;
    {
      MutexLock lock(&mutex_);
      const auto found = actions_.find(point);
      if (found == actions_.end()) return;
      action = std::move(found->second);
      actions_.erase(found);
    }
    action();
  }
  static inline Mutex mutex_;
  static inline std::map<std::string, std::function<void()>> actions_;
};

}  // namespace mxa::test

#endif  // MXA_TESTS_SUPPORT_AT_POINTS_H_
