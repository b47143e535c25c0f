// SPDX-License-Identifier: Apache-2.0
//
// A walk over the entries of an array: up, down, or index by index; all of them or those a filter lets pass.
//
// Invariants:
//   K1  walking up, next_ is the smallest index that has not been looked at; walking down, the largest; ended_ when
//       there is none left.
//   K2  node_, when not null, is or was a node of the tree, and the low bits of state_ are its height. Its slots cover
//       next_ walking up or down, index_ stepping. Null and 0 are the restart state, in which the next step begins at
//       the head.
//   K3  index_ is the index met or stepped to last, the start before that; the way is kStart until the first step.
// Threads: one thread's; runs at once with writers of the array and with the mover.
// Why it keeps no path: a node knows its parent, and a parent that has left the tree says retry.
// Why the way lies beside the height in one word: the fast paths ask for both by one comparison.
#ifndef MXA_XARRAY_CURSOR_H_
#define MXA_XARRAY_CURSOR_H_

#include <cstdint>

#include "base/schedule_point.h"
#include "xarray/anchor.h"
#include "xarray/array_core.h"
#include "xarray/entry.h"
#include "xarray/mark.h"
#include "xarray/mark_filter.h"
#include "xarray/node.h"

namespace mxa::xarray {

// The first step of a cursor looks at `start` itself, whatever the step. A step of another kind than the one before
// goes on from index(), which it does not look at again, and begins at the head.
// An entry of several indices is met once on a way, up or down, at the lowest of its indices that the step may look at: so
// that of a walk whose start or bound lies inside it is not its first. Index by index it is met at each. What is left of
// one that is split, or stored over in part, after it was met may be met as well: it is other entries by then.
class Cursor {
 public:
  Cursor(const ArrayCore& array, uint64_t start) : anchor_(&array.anchor()), next_(start), index_(start) {}

  // --- Up and down.
  //
  // Every index up (down) to the bound is looked at once: an entry that is there during the whole walk is met. A null
  // answer ends nothing: a later call with a wider bound goes on.
  // REQUIRES: the read section (or the array lock) in which the cursor began, or began anew after Pause, is still open.

  // The next entry that is not beyond `last`, or null.
  Entry Next(uint64_t last) {
    MXA_SCHEDULE_POINT("cursor.step");
    // Within a leaf, and not its last slot: one load and no more.
    if (state_ == kUp + 1 && next_ <= last) {
      const unsigned offset = OffsetAt(next_, 1);
      const Entry entry = node_->slot(offset);
      if (offset != kSlots - 1 && entry != kNull && !IsInternal(entry)) {
        index_ = next_++;
        return entry;
      }
    }
    return OnCopy([last](Cursor& copy) { return copy.NextSlow(last); });
  }
  // The next entry downward that is not below `first`, or null.
  Entry Prev(uint64_t first) {
    MXA_SCHEDULE_POINT("cursor.step");
    if (state_ == kDown + 1 && next_ >= first) {
      const unsigned offset = OffsetAt(next_, 1);
      const Entry entry = node_->slot(offset);
      if (offset != 0 && entry != kNull && !IsInternal(entry)) {
        index_ = next_--;
        return entry;
      }
    }
    return OnCopy([first](Cursor& copy) { return copy.PrevSlow(first); });
  }

  // As Next and Prev, for entries that carry `mark`. The entry carried it at one moment of the call; only one that was
  // erased and stored again in between, the same word at the same index, may have been without it.
  Entry NextMarked(Mark mark, uint64_t last);
  Entry PrevMarked(Mark mark, uint64_t first);

  // As NextMarked and PrevMarked, for entries that `filter` lets pass. Each mark was, or was not, the entry's at one
  // moment of the call, which need not be the same for all of them.
  Entry NextMatching(MarkFilter filter, uint64_t last);
  Entry PrevMatching(MarkFilter filter, uint64_t first);

  // --- Index by index.

  // What is at index() + 1 (index() - 1), null for a hole; at the start for a first step. Wraps from 2^64-1 to 0 and
  // back, so that it never ends. From one index to the next it costs what Next does, wherever the holes are.
  // REQUIRES: as Next.
  Entry NextIndex() { return StepTo(way() == kStart ? index_ : index_ + 1); }
  Entry PrevIndex() { return StepTo(way() == kStart ? index_ : index_ - 1); }

  // What is at index() now. The cursor stays where it is.
  // REQUIRES: as Next.
  Entry Reload() const;

  // Of the entry met, or of the place stepped to, last; the start before that.
  uint64_t index() const { return index_; }

  // Lets go of the tree; the next step begins at the head, behind the last index looked at. To be called before the
  // section ends.
  void Pause() { Restart(); }

  // After NextMarked, in a leaf: how many more entries of the leaf, up to `last`, carry `mark`; the walk is behind the
  // leaf then. 0 when it stands in none. For CountMarked (count_marked.h), which asks a leaf for all of them at once.
  unsigned PassMarkedOfLeaf(Mark mark, uint64_t last);

 private:
  friend class ArrayCorePeer;  // tests/support

  // The way, to which state_ adds the height.
  static constexpr unsigned kUp = 0;
  static constexpr unsigned kDown = 16;
  static constexpr unsigned kStep = 32;
  static constexpr unsigned kStart = 48;
  static constexpr unsigned kHeightMask = 15;

  unsigned way() const { return state_ & ~kHeightMask; }
  unsigned height() const { return state_ & kHeightMask; }

  // What follows the fast paths works on a copy, so that the compiler may keep a cursor on the stack in registers;
  // otherwise each step waits for the last one's store to next_ (4.0 against 1.1 ns). The other steps are out of line
  // every time, and copies would cost them more.
  template <typename Step>
  Entry OnCopy(Step step) {
    Cursor copy = *this;
    const Entry entry = step(copy);
    *this = copy;
    return entry;
  }

  // cursor.cc
  Entry NextSlow(uint64_t last);
  Entry PrevSlow(uint64_t first);
  template <typename Way, typename Filter>
  Entry Walk(const Filter& filter, uint64_t bound);
  template <typename Way>
  Entry Meet(Entry entry, uint64_t bound);
  template <typename Way>
  void PrefetchLeafBehind(unsigned offset);
  template <typename Way>
  void PassNulls(unsigned offset);
  template <typename Way, typename Filter>
  bool PassSibling(const Filter& filter, unsigned offset, Entry sibling, uint64_t bound, Entry& met);
  template <typename Way>
  void LeaveSiblings(Entry sibling);
  template <typename Way>
  void Turn();
  template <typename Way>
  void LeaveSlot();
  template <typename Way>
  void LeaveNode();
  template <typename Way>
  void PassOver(uint64_t last_passed, bool leaves_node);

  // cursor_step.cc
  Entry StepTo(uint64_t index);

  void Enter(Entry node_entry) {
    node_ = EntryNode(node_entry);
    state_ = way() + HeightBits(node_entry);
  }
  void EnterAbove(const Node* node, unsigned height) {
    node_ = node;
    state_ = way() + height;
  }
  void Restart() {
    node_ = nullptr;
    state_ = way();
  }
  Entry SteppedTo(Entry entry) {
    is_unmet_ = entry == kNull;
    return entry;
  }
  // Nothing up to the bound. While nothing has been met the next step begins at the head: the fast paths do not note that
  // they met something.
  Entry Miss() {
    if (is_unmet_) Restart();
    return kNull;
  }

  const ArrayAnchor* anchor_;
  const Node* node_ = nullptr;
  uint64_t next_;
  uint64_t index_;
  unsigned state_ = kStart;
  bool ended_ = false;
  bool is_unmet_ = true;  // nothing was at index_: it is the start, or a hole that was stepped to
};

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_CURSOR_H_
