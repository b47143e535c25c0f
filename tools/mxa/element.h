// SPDX-License-Identifier: Apache-2.0
//
// What the entries point to: 24 bytes that prove by themselves which array, index and generation they belong to.
//
// An element is filled before it is stored and never changed until a grace period after it was taken out; then it is
// wiped. So a reader that meets anything else than a whole element for the place it looked at has met a bug.
// Threads: written by the one thread that made it, before it is published; read by all.
#ifndef MXA_TOOLS_MXA_ELEMENT_H_
#define MXA_TOOLS_MXA_ELEMENT_H_

#include <cstdint>

#include "tools/mxa/random.h"

namespace mxa::tool {

struct Element {
  uint64_t index = 0;
  uint32_t array = 0;
  uint32_t generation = 0;
  uint64_t checksum = 0;
};
static_assert(sizeof(Element) == 24);

// Never 0 for the wiped element: all zero is torn.
constexpr uint64_t ElementChecksum(uint32_t array, uint64_t index, uint32_t generation) {
  return Mix64(Mix64(index + 0x6d786121) ^ ((uint64_t{array} << 32) | generation));
}
static_assert(ElementChecksum(0, 0, 0) != 0);

constexpr Element MakeElement(uint32_t array, uint64_t index, uint32_t generation) {
  return Element{index, array, generation, ElementChecksum(array, index, generation)};
}

constexpr bool IsWhole(const Element& element) {
  return element.checksum == ElementChecksum(element.array, element.index, element.generation);
}

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_ELEMENT_H_
