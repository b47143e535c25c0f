// SPDX-License-Identifier: Apache-2.0
#include "bench/support/judy_side.h"

#include <dlfcn.h>

namespace mxa::bench {
namespace {

template <typename Function>
bool Find(void* handle, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(handle, name));
  return function != nullptr;
}

}  // namespace

JudyLibrary JudySide::library_;

bool JudyLibrary::IsThere() {
  static const bool there = [] {
    void* const handle = dlopen("libJudy.so.1", RTLD_NOW | RTLD_LOCAL);
    JudyLibrary& library = JudySide::library_;
    return handle != nullptr && Find(handle, "JudyLGet", library.get) && Find(handle, "JudyLIns", library.insert) &&
           Find(handle, "JudyLDel", library.erase) && Find(handle, "JudyLFirst", library.first) &&
           Find(handle, "JudyLNext", library.next) && Find(handle, "JudyLFreeArray", library.free) &&
           Find(handle, "Judy1Set", library.set1) && Find(handle, "Judy1First", library.first1) &&
           Find(handle, "Judy1Next", library.next1) && Find(handle, "Judy1FreeArray", library.free1);
  }();
  return there;
}

JudySide::~JudySide() {
  library_.free(&array_, nullptr);
  library_.free1(&marked_, nullptr);
}

uint64_t JudySide::Sum() const {
  uint64_t sum = 0;
  unsigned long index = 0;
  for (void** value = library_.first(array_, &index, nullptr); value != nullptr;
       value = library_.next(array_, &index, nullptr)) {
    sum += reinterpret_cast<uintptr_t>(*value);
  }
  return sum;
}

uint64_t JudySide::SumMarked() const {
  uint64_t sum = 0;
  unsigned long index = 0;
  for (int found = library_.first1(marked_, &index, nullptr); found != 0;
       found = library_.next1(marked_, &index, nullptr)) {
    sum += Load(index);
  }
  return sum;
}

}  // namespace mxa::bench
