// SPDX-License-Identifier: Apache-2.0
#include "slab/sheaf.h"

#include <new>

namespace mxa::slab {

Sheaf* Sheaf::New(CacheCore* cache, size_t capacity) {
  void* memory = ::operator new(sizeof(Sheaf) + capacity * sizeof(void*), std::nothrow);
  if (memory == nullptr) return nullptr;
  Sheaf* sheaf = new (memory) Sheaf;
  sheaf->cache = cache;
  sheaf->capacity = static_cast<uint32_t>(capacity);
  return sheaf;
}

void Sheaf::Delete(Sheaf* sheaf) {
  sheaf->~Sheaf();
  ::operator delete(sheaf);
}

}  // namespace mxa::slab
