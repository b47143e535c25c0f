// SPDX-License-Identifier: Apache-2.0
//
// What the entries point to: an element that proves its place and version, and what has become of it.
//
// The part of tool::Element never changes while a reader may hold it. The canary is no atomic, on purpose: it is written
// when the element is made and when its grace period has passed, so that ThreadSanitizer sees a grace period that is
// missing.
// Threads: written by who makes it, before it is published, and by who is called back; read by all.
#ifndef MXA_TOOLS_TORTURE_ELEMENT_H_
#define MXA_TOOLS_TORTURE_ELEMENT_H_

#include <atomic>
#include <cstdint>

#include "reclaim/retire.h"
#include "tools/mxa/element.h"

namespace mxa::torture {

class ElementPool;
class SectionSnapshot;

enum class ElementState : uint32_t { kFree, kLive, kRetired };

inline constexpr uint64_t kLiveCanary = 0x616c697665656c74;
inline constexpr uint64_t kFreeCanary = 0x6465616465656c74;

struct Element : tool::Element, reclaim::RetireHead {
  uint64_t canary = kFreeCanary;
  std::atomic<ElementState> state{ElementState::kFree};
  std::atomic<uint32_t> incarnation{0};       // how often it was made
  ElementPool* pool = nullptr;                // that it was made by
  const SectionSnapshot* sections = nullptr;  // those open when it was retired; of a sample
};

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_ELEMENT_H_
