// SPDX-License-Identifier: Apache-2.0
//
// JudyL as a container to compare with (array_side.h says what is asked of one), loaded at run time if it is installed
// (Debian: libjudydebian1). It has no synchronization. What is marked stands in a Judy1 beside it.
#ifndef MXA_BENCH_SUPPORT_JUDY_SIDE_H_
#define MXA_BENCH_SUPPORT_JUDY_SIDE_H_

#include <cstddef>
#include <cstdint>

namespace mxa::bench {

// The functions used, as Judy(3) describes them. A word there is an unsigned long; the last argument, where an error would
// go, is null throughout.
struct JudyLibrary {
  void** (*get)(const void* array, unsigned long index, void* error);
  void** (*insert)(void** array, unsigned long index, void* error);
  int (*erase)(void** array, unsigned long index, void* error);
  void** (*first)(const void* array, unsigned long* index, void* error);
  void** (*next)(const void* array, unsigned long* index, void* error);
  unsigned long (*free)(void** array, void* error);
  int (*set1)(void** array, unsigned long index, void* error);
  int (*first1)(const void* array, unsigned long* index, void* error);
  int (*next1)(const void* array, unsigned long* index, void* error);
  unsigned long (*free1)(void** array, void* error);

  // False when the library, or one of these, is missing. To be asked before anything else here is used.
  static bool IsThere();
};

class JudySide {
 public:
  static constexpr char kName[] = "JudyL";

  explicit JudySide(size_t) {}
  ~JudySide();
  JudySide(const JudySide&) = delete;
  JudySide& operator=(const JudySide&) = delete;

  uint64_t Load(uint64_t index) const {
    void** const value = library_.get(array_, index, nullptr);
    return value == nullptr ? 0 : reinterpret_cast<uintptr_t>(*value);
  }
  void Store(uint64_t index, uint64_t value) {
    *library_.insert(&array_, index, nullptr) = reinterpret_cast<void*>(value);
  }
  void Erase(uint64_t index) { library_.erase(&array_, index, nullptr); }
  void Mark(uint64_t index) { library_.set1(&marked_, index, nullptr); }
  uint64_t Sum() const;
  uint64_t SumMarked() const;

  static void Settle() {}

 private:
  friend struct JudyLibrary;
  static JudyLibrary library_;

  void* array_ = nullptr;
  void* marked_ = nullptr;
};

}  // namespace mxa::bench

#endif  // MXA_BENCH_SUPPORT_JUDY_SIDE_H_
