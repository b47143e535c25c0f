// SPDX-License-Identifier: Apache-2.0
//
// What an input says is to be loaded: arrays with the indices that have entries.
//
// Threads: built by one thread, then only read.
#ifndef MXA_TOOLS_MXA_WORKLOAD_H_
#define MXA_TOOLS_MXA_WORKLOAD_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace mxa::tool {

struct WorkloadArray {
  std::string name;  // file or device, for messages

  // A file: indices 0 .. dense-1. A device: the blocks in the order they were first touched, and when each was touched
  // last.
  uint64_t dense = 0;
  std::vector<uint64_t> blocks;
  std::vector<uint32_t> last_touch;

  uint64_t entries() const { return dense + blocks.size(); }
};

struct Workload {
  std::vector<WorkloadArray> arrays;
  std::string notice;  // one line worth saying about the input, or empty

  uint64_t entries() const {
    uint64_t sum = 0;
    for (const WorkloadArray& array : arrays) sum += array.entries();
    return sum;
  }
};

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_WORKLOAD_H_
