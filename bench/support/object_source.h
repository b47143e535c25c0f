// SPDX-License-Identifier: Apache-2.0
//
// Where a measured loop gets its objects: one of our caches or a general allocator, by the same two calls.
//
// Either is one call out of line an allocation and one a free; a library's goes through a pointer.
#ifndef MXA_BENCH_SUPPORT_OBJECT_SOURCE_H_
#define MXA_BENCH_SUPPORT_OBJECT_SOURCE_H_

#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "bench/support/foreign_allocator.h"
#include "slab/cache.h"

namespace mxa::bench {

struct OfCache {
  slab::Cache* cache;
  void* Allocate(size_t) const { return cache->Allocate(); }
  void Free(void* object) const { cache->Free(object); }
};

struct OfLibrary {
  const ForeignAllocator* library;
  void* Allocate(size_t size) const { return library->allocate(size); }
  void Free(void* object) const { library->release(object); }
};

// Allocates as a user does, who writes to what it gets.
template <typename Source>
void* AllocateWritten(const Source& source, size_t size) {
  void* object = source.Allocate(size);
  MXA_CHECK(object != nullptr, "no memory");
  *static_cast<volatile uint64_t*>(object) = 1;
  return object;
}

}  // namespace mxa::bench

#endif  // MXA_BENCH_SUPPORT_OBJECT_SOURCE_H_
