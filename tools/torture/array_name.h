// SPDX-License-Identifier: Apache-2.0
//
// Names of arrays, for whoever says which array's lock is held.
//
// Threads: any.
#ifndef MXA_TOOLS_TORTURE_ARRAY_NAME_H_
#define MXA_TOOLS_TORTURE_ARRAY_NAME_H_

#include <string>

namespace mxa::torture {

// Names the array whose anchor is at `anchor` for as long as it lives. Takes a lock of its own, for a short while.
class [[nodiscard]] ArrayName {
 public:
  ArrayName(const void* anchor, std::string name);
  ~ArrayName();
  ArrayName(const ArrayName&) = delete;
  ArrayName& operator=(const ArrayName&) = delete;

 private:
  const void* const anchor_;
};

// The address, and the name if it has one.
std::string DescribeArray(const void* anchor);

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_ARRAY_NAME_H_
