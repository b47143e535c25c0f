// SPDX-License-Identifier: Apache-2.0
//
// One line on a terminal that says what is going on and for how long; nothing where there is no terminal.
//
// Threads: Begin, Advance and Clear from one thread; a thread of its own redraws, so that long steps need not call it.
#ifndef MXA_TOOLS_MXA_PROGRESS_H_
#define MXA_TOOLS_MXA_PROGRESS_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "absl/strings/string_view.h"
#include "base/mutex.h"

namespace mxa::tool {

class Progress {
 public:
  // Draws on standard error if `wanted` and that is a terminal.
  explicit Progress(bool wanted);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // What goes on from now on, of how many steps if that is known.
  void Begin(absl::string_view what, uint64_t steps = 0);

  // Relaxed: only shown.
  void Advance(uint64_t steps) { done_.fetch_add(steps, std::memory_order_relaxed); }

  // Takes the line away, until the next Begin.
  void Clear();

 private:
  void Draw();
  void DrawLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const bool enabled_;
  std::atomic<uint64_t> done_{0};
  Mutex mutex_;
  std::string what_ ABSL_GUARDED_BY(mutex_);
  uint64_t steps_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t begun_ns_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread drawer_;
};

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_PROGRESS_H_
