// SPDX-License-Identifier: Apache-2.0
//
// A walk over the entries of an array in ascending order, marked ones or all.
//
// Invariants:
//   K1  next_ is the smallest index that has not been looked at; ended_ when there is none left.
//   K2  node_, when not null, is or was a node of the tree whose slots cover next_, and height_ is its height; both are
//       null and 0 in the restart state, in which the next step begins at the head.
// Threads: one thread's; runs at once with writers of the array and with the mover.
// Why it keeps no path: a node knows its parent, and a parent that has left the tree says retry.
#ifndef MXA_XARRAY_CURSOR_H_
#define MXA_XARRAY_CURSOR_H_

#include <cstdint>

#include "xarray/anchor.h"
#include "xarray/array_core.h"
#include "xarray/entry.h"
#include "xarray/mark.h"
#include "xarray/node.h"

namespace mxa::xarray {

class Cursor {
 public:
  // Begins at `first`.
  Cursor(const ArrayCore& array, uint64_t first) : anchor_(&array.anchor()), next_(first) {}

  // The first entry at or behind the index looked at next that is not beyond `last`, or null.
  //
  // Every index up to `last` is looked at once: an entry that is there during the whole walk is met. A null answer ends
  // nothing: a later call with a larger `last` goes on.
  // REQUIRES: the read section (or the array lock) in which the cursor began, or began anew after Pause, is still open.
  Entry Next(uint64_t last) {
    // Within a leaf, and not its last slot: one load and no more.
    if (height_ == 1 && next_ <= last) {
      const unsigned offset = OffsetAt(next_, 1);
      const Entry entry = node_->slot(offset);
      if (offset != kSlots - 1 && entry != kNull && !IsInternal(entry)) {
        index_ = next_++;
        return entry;
      }
    }
    return NextSlow(last);
  }

  // As Next, for entries that carry `mark`. Mark and entry are read one after the other: an entry stored in between
  // under an index whose mark was just seen is met too.
  Entry NextMarked(Mark mark, uint64_t last);

  // Of the entry met last. REQUIRES: there was one.
  uint64_t index() const { return index_; }

  // Lets go of the tree; the next step begins at the head, behind the last index looked at. To be called before the
  // section ends.
  void Pause() { Restart(); }

 private:
  friend class ArrayCorePeer;  // tests/support

  Entry NextSlow(uint64_t last);
  Entry MeetInHead(Entry head);
  Entry Meet(Entry entry);
  void Enter(Entry node_entry) {
    node_ = EntryNode(node_entry);
    height_ = HeightBits(node_entry);
  }
  void LeaveSlot();
  void LeaveNode();
  void PassOver(uint64_t last_passed, bool leaves_node);
  void Restart() {
    node_ = nullptr;
    height_ = 0;
  }

  const ArrayAnchor* anchor_;
  const Node* node_ = nullptr;
  uint64_t next_;
  uint64_t index_ = 0;
  unsigned height_ = 0;
  bool ended_ = false;
};

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_CURSOR_H_
