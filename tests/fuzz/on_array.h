// SPDX-License-Identifier: Apache-2.0
//
// An operation as a step asks for it: on the array, or on what holds its lock.
#ifndef MXA_TESTS_FUZZ_ON_ARRAY_H_
#define MXA_TESTS_FUZZ_ON_ARRAY_H_

#include "tests/fuzz/array_program.h"
#include "xarray/array_core.h"
#include "xarray/locked_array.h"

namespace mxa::fuzz {

template <typename Operation>
auto OnArray(xarray::ArrayCore& array, const Step& step, Operation operation) {
  if (!step.locked) return operation(array);
  xarray::LockedArray locked(array);
  return operation(locked);
}

}  // namespace mxa::fuzz

#endif  // MXA_TESTS_FUZZ_ON_ARRAY_H_
