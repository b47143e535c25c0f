// SPDX-License-Identifier: Apache-2.0
//
// What the caches of one program share: who has which addresses, what fails, and what a pass is asked for right now.
//
// Threads: Extents and Complaints from any at once; the rest as its type says.
#ifndef MXA_TESTS_FUZZ_CACHE_WORLD_H_
#define MXA_TESTS_FUZZ_CACHE_WORLD_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "base/fault_injector.h"
#include "base/mutex.h"

namespace mxa::slab {
class Arena;
class PagePool;
}  // namespace mxa::slab

namespace mxa::fuzz {

// The first thing that was not as it should be, from places that cannot return it.
class Complaints {
 public:
  void Add(const char* what, const void* where) {
    MutexLock lock(&mutex_);
    if (status_.ok()) status_ = absl::InternalError(absl::StrFormat("%s: %p", what, where));
  }
  absl::Status status() const {
    MutexLock lock(&mutex_);
    return status_;
  }

 private:
  mutable Mutex mutex_;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

// Memory that is somebody's.
class Extents {
 public:
  // False when a byte of it is somebody's already.
  bool Add(const void* start, size_t bytes) {
    const auto first = reinterpret_cast<uintptr_t>(start);
    MutexLock lock(&mutex_);
    const auto after = ends_.lower_bound(first);
    if (after != ends_.end() && after->first < first + bytes) return false;
    if (after != ends_.begin() && std::prev(after)->second > first) return false;
    ends_.emplace(first, first + bytes);
    return true;
  }
  // False when no extent begins there.
  bool Remove(const void* start) {
    MutexLock lock(&mutex_);
    return ends_.erase(reinterpret_cast<uintptr_t>(start)) == 1;
  }

 private:
  Mutex mutex_;
  std::map<uintptr_t, uintptr_t> ends_ ABSL_GUARDED_BY(mutex_);  // by their beginnings
};

struct CacheWorld {
  slab::Arena* arena = nullptr;
  slab::PagePool* pool = nullptr;  // null: none
  FaultInjector cache_faults;
  FaultInjector arena_faults;
  Extents extents;
  Complaints complaints;
  uint64_t next_id = 1;

  // Of the pass that runs. Relaxed: a request.
  std::atomic<bool> cancel{false};
  // Where nothing may move to, and the only node it may; -1: any.
  uintptr_t closed_begin = 0;
  uintptr_t closed_end = 0;
  int to_node = -1;
};

}  // namespace mxa::fuzz

#endif  // MXA_TESTS_FUZZ_CACHE_WORLD_H_
