// SPDX-License-Identifier: Apache-2.0
//
// Addresses for one guard pool, as an arena would set them aside.
#ifndef MXA_TESTS_SLAB_GUARD_GUARDED_RANGE_H_
#define MXA_TESTS_SLAB_GUARD_GUARDED_RANGE_H_

#include <sys/mman.h>

#include <cstddef>

#include "base/check.h"
#include "slab/guard/guard_pool.h"

namespace mxa::tests {

class GuardedRange {
 public:
  explicit GuardedRange(size_t objects) : bytes_(slab::GuardPool::BytesFor(objects)) {
    start_ = mmap(nullptr, bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    MXA_CHECK(start_ != MAP_FAILED, "no addresses for a guard pool");
  }
  ~GuardedRange() { munmap(start_, bytes_); }
  GuardedRange(const GuardedRange&) = delete;
  GuardedRange& operator=(const GuardedRange&) = delete;

  void* start() const { return start_; }
  size_t bytes() const { return bytes_; }

 private:
  const size_t bytes_;
  void* start_ = nullptr;
};

// A range and a pool in it.
struct TestGuardPool {
  explicit TestGuardPool(size_t objects, const slab::GuardOptions& options = {})
      : range(objects), pool(range.start(), range.bytes(), options) {}

  GuardedRange range;
  slab::GuardPool pool;
};

}  // namespace mxa::tests

#endif  // MXA_TESTS_SLAB_GUARD_GUARDED_RANGE_H_
