// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "tools/mxa/clock.h"

namespace mxa::tool {

Progress::Progress(bool wanted) : enabled_(wanted && isatty(STDERR_FILENO) != 0) {
  if (enabled_) drawer_ = std::thread([this] { Draw(); });
}

Progress::~Progress() {
  if (!enabled_) return;
  {
    MutexLock lock(&mutex_);
    stop_ = true;
  }
  drawer_.join();
  Clear();
}

void Progress::Begin(absl::string_view what, uint64_t steps) {
  if (!enabled_) return;
  MutexLock lock(&mutex_);
  what_ = std::string(what);
  steps_ = steps;
  begun_ns_ = NowNs();
  done_.store(0, std::memory_order_relaxed);
  DrawLocked();
}

void Progress::Clear() {
  if (!enabled_) return;
  MutexLock lock(&mutex_);
  what_.clear();
  absl::FPrintF(stderr, "\r\033[K");
}

void Progress::DrawLocked() {
  if (what_.empty()) return;
  std::string line = what_;
  if (steps_ != 0) {
    const uint64_t done = std::min(done_.load(std::memory_order_relaxed), steps_);
    absl::StrAppendFormat(&line, " %3d %%", done * 100 / steps_);
  }
  absl::FPrintF(stderr, "\r%s, %.1f s\033[K", line, static_cast<double>(NowNs() - begun_ns_) / 1e9);
}

void Progress::Draw() {
  MutexLock lock(&mutex_);
  while (!mutex_.AwaitWithTimeout(absl::Condition(&stop_), absl::Milliseconds(200))) DrawLocked();
}

}  // namespace mxa::tool
