// SPDX-License-Identifier: Apache-2.0
//
// What the bytes in and around an object must be while it is free or in use, and the first one that is not.
//
// Invariants:
//   D4  free: both red zones hold 0xbb, a poisoned object 0x6b and in its last byte 0xa5.
//   D5  in use: both red zones hold 0xcc. A poisoned object begins its life with 0x5a.
// The values are the customary ones of Linux's slab debugging, so that they are known when seen in a dump. Those of the
// red zones differ by state, so that a write that restores a copied neighbourhood is seen as well.
// Threads: the caller owns the object's bytes (ObjectDebug's state word).
#ifndef MXA_SLAB_DEBUG_OBJECT_BYTES_H_
#define MXA_SLAB_DEBUG_OBJECT_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "slab/debug/object_layout.h"

namespace mxa::slab {

// The first wrong byte.
struct ByteFault {
  const char* what = "";
  ptrdiff_t offset = 0;  // from the start of the object
  uint8_t found = 0;
  uint8_t expected = 0;

  std::string ToString() const;
};

class ObjectBytes {
 public:
  static constexpr uint8_t kRedZoneFree = 0xbb;
  static constexpr uint8_t kRedZoneInUse = 0xcc;
  static constexpr uint8_t kPoison = 0x6b;
  static constexpr uint8_t kPoisonEnd = 0xa5;
  static constexpr uint8_t kUninitialized = 0x5a;

  ObjectBytes(const ObjectLayout& layout, bool red_zones, bool poison)
      : layout_(layout), red_zones_(red_zones), poison_(poison) {}

  void SetFree(void* object) const;
  void SetInUse(void* object) const;

  // Nothing when all bytes are as D4 or D5 says. What is in an object in use is its user's.
  std::optional<ByteFault> FindFault(const void* object, bool in_use) const;

 private:
  void FillRedZones(char* object, uint8_t byte) const;

  const ObjectLayout layout_;
  const bool red_zones_;
  const bool poison_;
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_DEBUG_OBJECT_BYTES_H_
