// SPDX-License-Identifier: Apache-2.0
#include "bench/support/foreign_allocator.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "base/tsan.h"

namespace mxa::bench {
namespace {

#if MXA_TSAN || defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

struct Library {
  const char* name;
  const char* file;
  const char* allocate;
  const char* release;
};
constexpr Library kLibraries[] = {
    {"jemalloc", "libjemalloc.so.2", "malloc", "free"},
    {"mimalloc", "libmimalloc.so.2", "mi_malloc", "mi_free"},
    {"tcmalloc", "libtcmalloc_minimal.so.4", "tc_malloc", "tc_free"},
};

void RestartWithMoreTls(char** argv) {
  constexpr char kTunables[] = "GLIBC_TUNABLES";
  if (std::getenv(kTunables) != nullptr) return;
  setenv(kTunables, "glibc.rtld.optional_static_tls=32768", 1);
  execv("/proc/self/exe", argv);  // returns only when it failed: then libraries may be missing below
}

}  // namespace

std::vector<ForeignAllocator> LoadForeignAllocators(char** argv, std::vector<std::string>& missing) {
  std::vector<ForeignAllocator> found = {{"glibc malloc", &std::malloc, &std::free}};
  if (kSanitized) return found;
  RestartWithMoreTls(argv);
  for (const Library& library : kLibraries) {
    // Deep binding: what the library calls by the name of malloc is its own.
    void* handle = dlopen(library.file, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    if (handle == nullptr) {
      missing.push_back(absl::StrCat(library.name, " is left out: ", dlerror()));
      continue;
    }
    auto allocate = reinterpret_cast<void* (*)(size_t)>(dlsym(handle, library.allocate));
    auto release = reinterpret_cast<void (*)(void*)>(dlsym(handle, library.release));
    if (allocate == nullptr || release == nullptr) {
      missing.push_back(absl::StrCat(library.name, " is left out: no ", library.allocate));
      continue;
    }
    found.push_back({library.name, allocate, release});
  }
  return found;
}

}  // namespace mxa::bench
