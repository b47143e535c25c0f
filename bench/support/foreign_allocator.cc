// SPDX-License-Identifier: Apache-2.0
#include "bench/support/foreign_allocator.h"

#include <dlfcn.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <utility>

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
  std::function<void()> (*find_purge)(void* handle);
};

template <typename Function>
Function* Find(void* handle, const char* name) {
  return reinterpret_cast<Function*>(dlsym(handle, name));
}

std::function<void()> FindJemallocPurge(void* handle) {
  auto* control = Find<int(const char*, void*, size_t*, void*, size_t)>(handle, "mallctl");
  if (control == nullptr) return nullptr;
  return [control] {
    control("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
    control("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // 4096: all arenas
  };
}

std::function<void()> FindMimallocPurge(void* handle) {
  auto* collect = Find<void(bool)>(handle, "mi_collect");
  if (collect == nullptr) return nullptr;
  return [collect] { collect(true); };
}

std::function<void()> FindTcmallocPurge(void* handle) {
  auto* idle = Find<void()>(handle, "MallocExtension_MarkThreadIdle");
  auto* release = Find<void()>(handle, "MallocExtension_ReleaseFreeMemory");
  if (idle == nullptr || release == nullptr) return nullptr;
  return [idle, release] {
    idle();
    release();
  };
}

constexpr Library kLibraries[] = {
    {"jemalloc", "libjemalloc.so.2", "malloc", "free", &FindJemallocPurge},
    {"mimalloc", "libmimalloc.so.2", "mi_malloc", "mi_free", &FindMimallocPurge},
    {"tcmalloc", "libtcmalloc_minimal.so.4", "tc_malloc", "tc_free", &FindTcmallocPurge},
};

void RestartWithMoreTls(char** argv) {
  constexpr char kTunables[] = "GLIBC_TUNABLES";
  if (std::getenv(kTunables) != nullptr) return;
  setenv(kTunables, "glibc.rtld.optional_static_tls=32768", 1);
  execv("/proc/self/exe", argv);  // returns only when it failed: then libraries may be missing below
}

}  // namespace

std::vector<ForeignAllocator> LoadForeignAllocators(char** argv, std::vector<std::string>& missing) {
  std::vector<ForeignAllocator> found = {{"glibc malloc", &std::malloc, &std::free, [] { malloc_trim(0); }}};
  if (kSanitized) return found;
  RestartWithMoreTls(argv);
  for (const Library& library : kLibraries) {
    // Deep binding: what the library calls by the name of malloc is its own.
    void* handle = dlopen(library.file, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    if (handle == nullptr) {
      missing.push_back(absl::StrCat(library.name, " is left out: ", dlerror()));
      continue;
    }
    auto* allocate = Find<void*(size_t)>(handle, library.allocate);
    auto* release = Find<void(void*)>(handle, library.release);
    std::function<void()> purge = library.find_purge(handle);
    if (allocate == nullptr || release == nullptr || purge == nullptr) {
      missing.push_back(absl::StrCat(library.name, " is left out: a function is missing"));
      continue;
    }
    found.push_back({library.name, allocate, release, std::move(purge)});
  }
  return found;
}

int AgainstLibraries(int argc, char** argv, void (*run)(Bench& bench, const std::vector<ForeignAllocator>& libraries)) {
  std::vector<std::string> missing;
  const std::vector<ForeignAllocator> libraries = LoadForeignAllocators(argv, missing);
  Bench bench(argc, argv);
  for (const std::string& line : missing) bench.Note(line);
  run(bench, libraries);
  return bench.Finish();
}

}  // namespace mxa::bench
