// SPDX-License-Identifier: Apache-2.0
//
// What libFuzzer calls: bytes in, a program run, and its text and an abort if a cache did anything but what the model of
// its objects says. With MXA_FUZZ_PRINT=1 every program is printed before it runs, as one that crashes says nothing itself.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/cache_machine.h"
#include "tests/fuzz/cache_program.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool prints = std::getenv("MXA_FUZZ_PRINT") != nullptr;
  const mxa::fuzz::CacheProgram program = mxa::fuzz::DecodeCacheProgram({data, size});
  if (prints) std::fprintf(stderr, "%s", program.ToString().c_str());
  const absl::Status status = mxa::fuzz::RunCacheProgram(program);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::abort();
}
