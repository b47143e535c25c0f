// SPDX-License-Identifier: Apache-2.0
//
// Other allocators in the same process: glibc's, and those of libraries that can be loaded beside it.
//
// Debian: libjemalloc2, libmimalloc2.0, libtcmalloc-minimal4. A library that is not installed is left out. Loaded so
// that its symbols replace nobody else's; under a sanitizer none is loaded, since those take over malloc themselves.
#ifndef MXA_BENCH_SUPPORT_FOREIGN_ALLOCATOR_H_
#define MXA_BENCH_SUPPORT_FOREIGN_ALLOCATOR_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "bench/support/bench.h"

namespace mxa::bench {

struct ForeignAllocator {
  std::string name;
  void* (*allocate)(size_t bytes);
  void (*release)(void* object);
  // Gives back to the system what this thread and the library hold free, as far as the library offers it.
  std::function<void()> purge;
};

// glibc's malloc first. `missing` gets a line for each library that is left out.
//
// These libraries keep their thread state in static TLS, of which glibc sets little aside for libraries loaded late:
// restarts the program once with GLIBC_TUNABLES set so that there is enough. To be called first in main.
std::vector<ForeignAllocator> LoadForeignAllocators(char** argv, std::vector<std::string>& missing);

// The main function of a bench that measures against these: calls `run` with those that could be loaded, and notes which
// could not.
int AgainstLibraries(int argc, char** argv, void (*run)(Bench& bench, const std::vector<ForeignAllocator>& libraries));

}  // namespace mxa::bench

#endif  // MXA_BENCH_SUPPORT_FOREIGN_ALLOCATOR_H_
