// SPDX-License-Identifier: Apache-2.0
//
// What is known of a guarded object, and how a misuse of it is told: one line, then who allocated and who freed it.
//
// Threads: everything here works on its arguments alone and is async-signal-safe.
#ifndef MXA_SLAB_GUARD_GUARD_REPORT_H_
#define MXA_SLAB_GUARD_GUARD_REPORT_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "slab/guard/call_stack.h"

namespace mxa::slab {

enum class GuardState : uint8_t {
  kUnused,   // no object yet
  kLive,     // with its user
  kRetired,  // waits for its grace period, readable
  kFreed,    // its page is, or is about to be, out of reach
};

struct GuardRecord {
  static constexpr size_t kNameCapacity = 32;

  const char* object = nullptr;
  size_t size = 0;
  const void* owner = nullptr;
  // A copy, cut to fit: a use after free is told of after the cache may be gone.
  std::array<char, kNameCapacity> cache_name{};
  GuardState state = GuardState::kUnused;
  CallStack allocated;
  CallStack freed;
};

enum class GuardFault {
  kNone,
  kUseAfterFree,  // `address` was accessed
  kOutOfBounds,   // `address` was accessed
  kUnexplained,   // `address` was accessed, in a page without an object or just changing hands
  kDoubleFree,
  kWrongOwner,    // freed to cache `address`
  kWrongPointer,  // `address` was freed
  kNoObject,      // `address` was freed
  kDamaged,       // the byte at `address`, outside the object, was written to
  kLeaked,
};

// Prints `mxa: WHAT: cache NAME, object ADDRESS, SIZE bytes, DETAILS`, then the stacks of the record.
//
// Context: any; async-signal-safe, given that absl::Symbolize is.
void ReportGuardFault(GuardFault fault, const GuardRecord& record, const void* address);

}  // namespace mxa::slab

#endif  // MXA_SLAB_GUARD_GUARD_REPORT_H_
