// SPDX-License-Identifier: Apache-2.0
//
// Objects with debug records in plain memory, as a slab would hold them.
#ifndef MXA_TESTS_SLAB_DEBUG_DEBUG_OBJECTS_H_
#define MXA_TESTS_SLAB_DEBUG_DEBUG_OBJECTS_H_

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include "slab/debug/object_debug.h"

namespace mxa::tests {

class DebugObjects {
 public:
  DebugObjects(slab::ObjectDebug::Config config, size_t count)
      : alignment_(config.alignment), debug_(WithSlab(std::move(config))), memory_(NewMemory(count)) {
    for (size_t i = 0; i < count; ++i) debug_.OnNewSlabObject((*this)[i]);
  }

  char* operator[](size_t i) const { return memory_.get() + i * debug_.layout().stride + debug_.layout().prefix; }
  slab::ObjectDebug& debug() { return debug_; }

 private:
  struct Delete {
    std::align_val_t alignment;
    void operator()(char* memory) const { operator delete(memory, alignment); }
  };

  slab::ObjectDebug::Config WithSlab(slab::ObjectDebug::Config config) {
    config.slab_of = [this](const void*) { return memory_.get(); };
    return config;
  }
  std::unique_ptr<char, Delete> NewMemory(size_t count) const {
    const auto alignment = std::align_val_t{alignment_};
    return {static_cast<char*>(operator new(count* debug_.layout().stride, alignment)), Delete{alignment}};
  }

  const size_t alignment_;
  slab::ObjectDebug debug_;
  std::unique_ptr<char, Delete> memory_;
};

}  // namespace mxa::tests

#endif  // MXA_TESTS_SLAB_DEBUG_DEBUG_OBJECTS_H_
