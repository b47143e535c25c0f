// SPDX-License-Identifier: Apache-2.0
//
// What tests may do to an array and its cursors that users may not.
#ifndef MXA_TESTS_SUPPORT_ARRAY_CORE_PEER_H_
#define MXA_TESTS_SUPPORT_ARRAY_CORE_PEER_H_

#include <cstdint>

#include "xarray/array_core.h"
#include "xarray/cursor.h"

namespace mxa::xarray {

class ArrayCorePeer {
 public:
  static Entry Head(const ArrayCore& array) { return array.anchor_.head(); }
  static unsigned Height(const ArrayCore& array) { return IsNode(Head(array)) ? HeightBits(Head(array)) : 0; }

  // The node of `height` on the path of `index`, or null.
  static Node* NodeAt(const ArrayCore& array, uint64_t index, unsigned height) {
    Entry entry = Head(array);
    if (!IsNode(entry) || index > MaxIndex(HeightBits(entry))) return nullptr;
    while (IsNode(entry) && HeightBits(entry) > height) {
      entry = EntryNode(entry)->SlotLocked(OffsetAt(index, HeightBits(entry)));
    }
    return IsNode(entry) && HeightBits(entry) == height ? EntryNode(entry) : nullptr;
  }

  // Puts a hand-made tree in place; the test takes it out again before the array ends.
  static void SetHead(ArrayCore& array, Entry entry) {
    ArrayLock lock(array.anchor_);
    array.anchor_.PublishHead(entry);
  }

  // What the destructor does before the memory goes; may be called again.
  static void TearDown(ArrayCore& array) { array.TearDown(); }

  static const Node* CursorNode(const Cursor& cursor) { return cursor.node_; }
};

}  // namespace mxa::xarray

#endif  // MXA_TESTS_SUPPORT_ARRAY_CORE_PEER_H_
