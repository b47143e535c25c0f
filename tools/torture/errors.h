// SPDX-License-Identifier: Apache-2.0
//
// The error counters of a run, one a kind of violation, and the first violation in words with what its thread did last.
//
// Threads: every function from any thread at once.
#ifndef MXA_TOOLS_TORTURE_ERRORS_H_
#define MXA_TOOLS_TORTURE_ERRORS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "base/mutex.h"

namespace mxa::torture {

// Each is a promise that was broken. errors.cc has their names.
enum class Error : uint8_t {
  kPipe,      // an element aged while a reader held it
  kElement,   // torn, freed, or of another place
  kVersion,   // older than what was committed, newer than what was begun, or older than what this reader saw before
  kVanished,  // an entry that is always there was missed
  kWalk,      // met twice, out of order, unmarked, or without end
  kOracle,    // a grace period ended before a section that it had to wait for
  kMailbox,   // what two readers saw contradicts a grace period between them
  kCallback,  // ran twice, early, or never
  kAudit,     // an invariant does not hold at rest
  kLeak,      // memory or objects that did not come back
  kBacklog,   // retired work piled up, or a grace period took too long
  kMark,      // a mark that was lost, or seen where none was
  kOrder,     // an entry of several indices seen in part
  kId,        // handed out twice, or lost
  kMemory,    // a request for memory that changed something although it failed
  kChild,     // the child of a fork found something wrong
  kChecker,   // a check that does not notice what it is fed
};
inline constexpr size_t kErrors = 17;
const char* ErrorName(Error error);

class Errors {
 public:
  Errors() = default;
  Errors(const Errors&) = delete;
  Errors& operator=(const Errors&) = delete;

  // Counts a violation. The first of all is kept in words, with the operations of the calling thread.
  void Report(Error error, absl::string_view what);

  // Relaxed: counts, shown while the run goes on and judged behind its end.
  uint64_t count(Error error) const { return counts_[static_cast<size_t>(error)].load(std::memory_order_relaxed); }
  uint64_t total() const;

  // Empty when there was none.
  std::string first() const;
  // What the thread of the first violation had done before, oldest first, a line each.
  std::string first_operations() const;

 private:
  std::array<std::atomic<uint64_t>, kErrors> counts_{};
  mutable Mutex mutex_;
  bool any_ ABSL_GUARDED_BY(mutex_) = false;
  std::string first_ ABSL_GUARDED_BY(mutex_);
  std::string first_operations_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_ERRORS_H_
