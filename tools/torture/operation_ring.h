// SPDX-License-Identifier: Apache-2.0
//
// The last operations of one thread, to be told when something goes wrong.
//
// Threads: written by one; read by others for a message only, which may then mix two operations up.
#ifndef MXA_TOOLS_TORTURE_OPERATION_RING_H_
#define MXA_TOOLS_TORTURE_OPERATION_RING_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_format.h"

namespace mxa::torture {

class OperationRing {
 public:
  static constexpr size_t kKept = 24;

  // `what` lives for ever. `first` and `second` are numbers that come out the same in a run that is replayed: no addresses,
  // no times.
  void Add(const char* what, uint64_t first, uint64_t second) {
    // Relaxed throughout: for messages, and the thread's own digest.
    const uint64_t number = next_.load(std::memory_order_relaxed);
    Operation& operation = operations_[number % kKept];
    operation.what.store(what, std::memory_order_relaxed);
    operation.first.store(first, std::memory_order_relaxed);
    operation.second.store(second, std::memory_order_relaxed);
    next_.store(number + 1, std::memory_order_relaxed);
  }
  uint64_t added() const { return next_.load(std::memory_order_relaxed); }

  // Calls visit(number, what, first, second) for each that is kept, oldest first. Takes no memory.
  template <typename Visit>
  void ForEach(Visit visit) const {
    const uint64_t end = added();
    for (uint64_t i = end > kKept ? end - kKept : 0; i < end; ++i) {
      const Operation& operation = operations_[i % kKept];
      visit(i, operation.what.load(std::memory_order_relaxed), operation.first.load(std::memory_order_relaxed),
            operation.second.load(std::memory_order_relaxed));
    }
  }

  // A line each.
  std::string ToString() const {
    std::string text;
    ForEach([&text](uint64_t number, const char* what, uint64_t first, uint64_t second) {
      absl::StrAppendFormat(&text, "  %d: %s %d %d\n", number, what, first, second);
    });
    return text;
  }

 private:
  struct Operation {
    std::atomic<const char*> what{""};
    std::atomic<uint64_t> first{0};
    std::atomic<uint64_t> second{0};
  };
  std::array<Operation, kKept> operations_;
  std::atomic<uint64_t> next_{0};
};

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_OPERATION_RING_H_
