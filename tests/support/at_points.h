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
    {
      MutexLock lock(&TheMutex());
      Actions() = std::move(actions);
    }
    SetScheduleHandlerForTest(&Handle);
  }
  AtPoints(const AtPoints&) = delete;
  AtPoints& operator=(const AtPoints&) = delete;
  ~AtPoints() {
    SetScheduleHandlerForTest(nullptr);
    // A thread of the library's may still be in the handler.
    MutexLock lock(&TheMutex());
    for (const auto& [point, action] : Actions()) ADD_FAILURE() << point << " was never reached";
    Actions().clear();
  }

 private:
  static Mutex& TheMutex() {
    static auto& mutex = *new Mutex;
    return mutex;
  }
  static std::map<std::string, std::function<void()>>& Actions() {
    static auto& actions = *new std::map<std::string, std::function<void()>>;
    return actions;
  }
  static void Handle(const char* point) {
    std::function<void()> action;
    {
      MutexLock lock(&TheMutex());
      const auto found = Actions().find(point);
      if (found == Actions().end()) return;
      action = std::move(found->second);
      Actions().erase(found);
    }
    action();
  }
};

}  // namespace mxa::test

#endif  // MXA_TESTS_SUPPORT_AT_POINTS_H_
