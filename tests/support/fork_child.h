// SPDX-License-Identifier: Apache-2.0
//
// Runs code in the child of a fork and tells how that went; a child that hangs is ended by an alarm.
//
//   EXPECT_EQ(InChild([] { return Works() ? "" : "it does not work"; }), "");
//
// Threads: any; the others of the process go on meanwhile. Tests that use it are tagged `notsan`: TSan ends a child that
// starts a thread where one of the parent's had its stack.
#ifndef MXA_TESTS_SUPPORT_FORK_CHILD_H_
#define MXA_TESTS_SUPPORT_FORK_CHILD_H_

#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "absl/synchronization/mutex.h"
#include "reclaim/rcu.h"

namespace mxa::tests {

// Far more than a child needs on a machine that does other things too.
inline constexpr unsigned kChildSeconds = 60;

// Returns "" when `body` did in the child, and else what it returned or how the child ended.
template <typename Body>
std::string InChild(Body body) {
  // A debug build of Abseil keeps the order of all locks behind a lock that cannot be held over a fork.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  int ends[2];
  if (pipe(ends) != 0) return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    alarm(kChildSeconds);
    const std::string result = body();
    _exit(write(ends[1], result.data(), result.size()) == static_cast<ssize_t>(result.size()) ? 0 : 1);
  }
  close(ends[1]);
  if (child < 0) return "no fork";
  reclaim::OfflineScope offline;
  std::string result;
  char buffer[512];
  for (ssize_t bytes; (bytes = read(ends[0], buffer, sizeof(buffer))) > 0;) {
    result.append(buffer, static_cast<size_t>(bytes));
  }
  close(ends[0]);
  int status = 0;
  if (waitpid(child, &status, 0) != child) return "no child";
  if (WIFSIGNALED(status)) return "ended by signal " + std::to_string(WTERMSIG(status));
  if (WEXITSTATUS(status) != 0) return "exit " + std::to_string(WEXITSTATUS(status));
  return result;
}

}  // namespace mxa::tests

#endif  // MXA_TESTS_SUPPORT_FORK_CHILD_H_
