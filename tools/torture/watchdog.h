// SPDX-License-Identifier: Apache-2.0
//
// Watches that every step comes to its end, and says who waits for whom when one does not.
//
// Threads: made and ended by one; a thread of its own looks around.
#ifndef MXA_TOOLS_TORTURE_WATCHDOG_H_
#define MXA_TOOLS_TORTURE_WATCHDOG_H_

#include <functional>
#include <string>
#include <thread>

#include "base/mutex.h"

namespace mxa::torture {

// All threads that take part: how long they have been in their step, where they were seen last, in which section, with how
// many array locks, what they did; and who holds up the grace period under way. In builds with hooks and under a
// Perturbation also which arrays' locks they hold, and which one they wait for and who holds that.
std::string DescribeThreads();

class Watchdog {
 public:
  // Calls `on_stall` once, with the description, when a step has lasted for as long as `limit` says by then, in seconds.
  Watchdog(std::function<double()> limit, std::function<void(const std::string&)> on_stall);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  void Watch();

  const std::function<double()> limit_;
  const std::function<void(const std::string&)> on_stall_;
  Mutex mutex_;
  CondVar ended_changed_;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_WATCHDOG_H_
