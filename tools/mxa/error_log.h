// SPDX-License-Identifier: Apache-2.0
//
// Counts what readers found wrong, and keeps the first finding in words.
//
// Threads: every function from any thread at once.
#ifndef MXA_TOOLS_MXA_ERROR_LOG_H_
#define MXA_TOOLS_MXA_ERROR_LOG_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "base/mutex.h"

namespace mxa::tool {

class ErrorLog {
 public:
  void Report(absl::string_view what) {
    // Relaxed: a count that is read when its writers are done, or to be shown.
    if (count_.fetch_add(1, std::memory_order_relaxed) != 0) return;
    MutexLock lock(&mutex_);
    first_ = std::string(what);
  }

  uint64_t count() const { return count_.load(std::memory_order_relaxed); }

  // Empty when there was none.
  std::string first() const {
    MutexLock lock(&mutex_);
    return first_;
  }

 private:
  std::atomic<uint64_t> count_{0};
  mutable Mutex mutex_;
  std::string first_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_ERROR_LOG_H_
