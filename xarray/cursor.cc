// SPDX-License-Identifier: Apache-2.0
//
// One walk for both ways and all filters; what differs is a policy (cursor_policies.h).
#include "xarray/cursor.h"

#include <bit>

#include "base/check.h"
#include "base/planted_bug.h"
#include "base/schedule_point.h"
#include "reclaim/context.h"
#include "reclaim/rcu.h"
#include "xarray/cursor_policies.h"

namespace mxa::xarray {
namespace {

using walk::AnyEntry;
using walk::Down;
using walk::IsPresent;
using walk::ManyMarks;
using walk::OneMark;
using walk::SlotMask;
using walk::Up;

// The mark of a filter that asks for one and no more.
bool IsOneMark(const MarkFilter& filter, Mark& mark) {
  for (Mark one : kAllMarks) {
    mark = one;
    if (filter == MarkFilter().With(one)) return true;
  }
  return false;
}

}  // namespace

Entry Cursor::NextSlow(uint64_t last) { return Walk<Up>(AnyEntry{}, last); }
Entry Cursor::PrevSlow(uint64_t first) { return Walk<Down>(AnyEntry{}, first); }

Entry Cursor::NextMarked(Mark mark, uint64_t last) { return Walk<Up>(OneMark{mark}, last); }
Entry Cursor::PrevMarked(Mark mark, uint64_t first) { return Walk<Down>(OneMark{mark}, first); }

Entry Cursor::NextMatching(MarkFilter filter, uint64_t last) {
  if (filter.IsAny()) return Next(last);
  if (Mark mark; IsOneMark(filter, mark)) return Walk<Up>(OneMark{mark}, last);
  return Walk<Up>(ManyMarks{filter}, last);
}

Entry Cursor::PrevMatching(MarkFilter filter, uint64_t first) {
  if (filter.IsAny()) return Prev(first);
  if (Mark mark; IsOneMark(filter, mark)) return Walk<Down>(OneMark{mark}, first);
  return Walk<Down>(ManyMarks{filter}, first);
}

template <typename Way, typename Filter>
Entry Cursor::Walk(const Filter& filter, uint64_t bound) {
  MXA_SCHEDULE_POINT("cursor.step");
  if (way() != (Way::kIsUp ? kUp : kDown)) Turn<Way>();
  while (!ended_ && !Way::IsBeyond(next_, bound)) {
    MXA_SCHEDULE_POINT("cursor.look");
    if (node_ == nullptr) {
      MXA_DCHECK(reclaim::InReadSection() || reclaim::tls_context.array_locks > 0, "a cursor outside a read section");
      MXA_SCHEDULE_POINT("cursor.head");
      [[maybe_unused]] uint64_t before = 0;
      if constexpr (!Filter::kIsAny) before = anchor_->mark_word();
      const Entry head = anchor_->head();
      if (!IsNode(head)) {
        if (!IsPresent(head) || Way::IsBeyond(0, bound) || (Way::kIsUp && next_ != 0)) return Miss();
        if constexpr (!Filter::kIsAny) {
          MXA_SCHEDULE_POINT("cursor.head_seen");
          // The bits are this entry's only if no tree came in between (A3), and no other entry.
          const uint64_t after = anchor_->mark_word();
          MXA_SCHEDULE_POINT("cursor.head_marks_seen");
          if (!ArrayAnchor::SameGeneration(before, after) || anchor_->head() != head) continue;
          if (!filter.Passes(after)) return Miss();
        }
        next_ = 0;
        return Meet<Way>(head, bound);
      }
      if (const uint64_t last = MaxIndex(HeightBits(head)); next_ > last) {
        if (Way::IsBeyond(last, bound) || Way::kIsUp) return Miss();
        next_ = last;
      }
      Enter(head);
    }
    unsigned offset = OffsetAt(next_, height());
    if constexpr (!Filter::kIsAny) {
      const unsigned distance = Way::Distance(filter.Candidates(*node_, height()), offset);
      // A node that has left the tree says nothing about now, neither that marks are there nor that none are.
      if (node_->IsRetired() && !PlantedBugIs(PlantedBug::kMarkOfMovedNode)) {
        Restart();
        continue;
      }
      if (distance == kSlots) {
        LeaveNode<Way>();
        continue;
      }
      if (distance != 0) {
        next_ = Way::Advance(next_, height(), distance);
        if (Way::IsBeyond(next_, bound)) return Miss();
        offset = OffsetAt(next_, height());
      }
      MXA_SCHEDULE_POINT("cursor.mark_seen");
    }
    const Entry entry = node_->slot(offset);
    if (IsPresent(entry)) {
      if (Way::kIsUp && height() > 1 && !is_unmet_ && index_ < next_ && (index_ ^ next_) <= SlotMask(height())) {
        LeaveSlot<Way>();  // met already, at index_, on another way
        continue;
      }
      if constexpr (!Filter::kIsAny) {
        MXA_SCHEDULE_POINT("cursor.entry_seen");
        // The marks once more, between two looks at the slot: those seen before may have been of an entry that is gone.
        // Here an absence counts at every height: the bits are the entry's own.
        const uint64_t word = filter.Candidates(*node_, 1);
        if (node_->slot(offset) != entry && !PlantedBugIs(PlantedBug::kMarkOfAnotherEntry)) continue;
        if ((word >> offset & 1) == 0) {
          LeaveSlot<Way>();
          continue;
        }
      }
      return Meet<Way>(entry, bound);
    }
    if (IsNode(entry)) {
      if (Filter::kIsAny && height() == 2) PrefetchLeafBehind<Way>(offset);
      Enter(entry);
    } else if (entry == kRetry && !PlantedBugIs(PlantedBug::kIteratorMissesRetry)) {
      Restart();
    } else if (Filter::kIsAny && entry == kNull) {
      PassNulls<Way>(offset);
    } else if (IsSibling(entry)) {
      Entry met;
      if (PassSibling<Way>(filter, offset, entry, bound, met)) return met;
    } else {
      LeaveSlot<Way>();
    }
  }
  return Miss();
}

// Asks for the leaf that comes after the one in slot `offset`: what a leaf holds is passed in less time than the next one
// takes to come, and leaves lie where the slabs had a place.
template <typename Way>
void Cursor::PrefetchLeafBehind(unsigned offset) {
  if (offset == kSlots - 1 - Way::kFirstOffset) return;
  const unsigned next = static_cast<unsigned>(Way::After(offset));
  const unsigned distance = Way::Distance(node_->used(), next);
  if (distance == kSlots) return;
  const Entry entry = node_->slot(Way::kIsUp ? next + distance : next - distance);
  if (IsNode(entry)) EntryNode(entry)->Prefetch();
}

// Slot `offset` is null: on to the next that is in use, as the node says.
template <typename Way>
void Cursor::PassNulls(unsigned offset) {
  const unsigned distance = Way::Distance(node_->used(), offset);
  MXA_SCHEDULE_POINT("cursor.used_seen");
  // As with marks: a node that has left the tree does not say what is null now.
  if (node_->IsRetired()) {
    Restart();
  } else if (distance == kSlots) {
    LeaveNode<Way>();
  } else if (distance == 0) {
    LeaveSlot<Way>();
  } else {
    next_ = Way::Advance(next_, height(), distance);
  }
}

// Slot `offset` is tied to an entry in another. True when the walk meets that entry here; else it has gone on, or has to
// look at the slot again.
template <typename Way, typename Filter>
bool Cursor::PassSibling(const Filter& filter, unsigned offset, Entry sibling, uint64_t bound, Entry& met) {
  const unsigned first = SiblingOf(sibling);
  const uint64_t first_index = (next_ & ~MaxIndex(height())) + (uint64_t{first} << ((height() - 1) * kSlotBits));
  if (Way::kIsUp && !is_unmet_ && index_ < next_ && index_ >= first_index) {
    LeaveSiblings<Way>(sibling);  // met already
    return false;
  }
  met = sibling;
  if (!node_->ResolveSibling(offset, met)) return false;
  if (met == kRetry) {
    Restart();  // the node is leaving; its first slots say so first
    return false;
  }
  if (!IsPresent(met)) {
    LeaveSlot<Way>();
    return false;
  }
  if constexpr (!Filter::kIsAny) {
    MXA_SCHEDULE_POINT("cursor.sibling_met");
    // As for an entry in its own slot, which is looked at again as well.
    const uint64_t word = filter.Candidates(*node_, 1);
    if (node_->slot(first) != met || node_->slot(offset) != sibling) return false;
    if ((word >> offset & 1) == 0) {
      LeaveSiblings<Way>(sibling);
      return false;
    }
  }
  index_ = Way::LowestMet(first_index, next_, bound);
  is_unmet_ = false;
  LeaveSiblings<Way>(sibling);
  return true;
}

// On behind all the slots of the entry that `sibling`, in one of them, is tied to.
template <typename Way>
void Cursor::LeaveSiblings(Entry sibling) {
  const unsigned first = SiblingOf(sibling);
  const unsigned last = Way::kIsUp ? first + SlotsOfSibling(sibling) - 1 : first;
  const uint64_t slot = (next_ & ~MaxIndex(height())) + (uint64_t{last} << ((height() - 1) * kSlotBits));
  PassOver<Way>(Way::LastOf(slot, SlotMask(height())), last == kSlots - 1 - Way::kFirstOffset);
}

unsigned Cursor::PassMarkedOfLeaf(Mark mark, uint64_t last) {
  if (state_ != kUp + 1 || next_ > last) return 0;
  const uint64_t marks = node_->marks(mark);
  uint64_t word = marks >> OffsetAt(next_, 1);
  if (node_->IsRetired()) return 0;  // the next step meets them in its replacement
  if (last - next_ < kSlots - 1) word &= (uint64_t{2} << (last - next_)) - 1;
  unsigned count = static_cast<unsigned>(std::popcount(word));
  // An entry of several slots has a bit for each. They follow a set bit; the one before the first was met.
  const unsigned offset = OffsetAt(next_, 1);
  for (uint64_t after = word & (word << 1 | 1); after != 0; after &= after - 1) {
    const Entry entry = node_->slot(offset + static_cast<unsigned>(std::countr_zero(after)));
    if (entry == kRetry) return 0;  // as above
    if (IsSibling(entry)) --count;
  }
  // The slots are those that the word was of only if it still is what it was; else the next steps count one by one.
  if (node_->marks(mark) != marks) return 0;
  LeaveNode<Up>();
  return count;
}

template <typename Way>
Entry Cursor::Meet(Entry entry, uint64_t bound) {
  // Above the leaves it takes all the indices of its slot.
  index_ = node_ == nullptr ? next_ : Way::LowestMet(next_ & ~SlotMask(height()), next_, bound);
  is_unmet_ = false;
  if (node_ == nullptr) {
    PassOver<Way>(next_, false);  // the entry in the head
  } else {
    LeaveSlot<Way>();
  }
  return entry;
}

// Takes this way, from index_ on; the first step looks at index_ itself.
template <typename Way>
void Cursor::Turn() {
  const bool is_first = way() == kStart;
  state_ = Way::kIsUp ? kUp : kDown;
  node_ = nullptr;
  ended_ = !is_first && index_ == Way::kEnd;
  next_ = is_first ? index_ : Way::After(index_);
}

template <typename Way>
void Cursor::LeaveSlot() {
  PassOver<Way>(Way::LastOf(next_, SlotMask(height())), OffsetAt(next_, height()) == kSlots - 1 - Way::kFirstOffset);
}

template <typename Way>
void Cursor::LeaveNode() {
  PassOver<Way>(Way::LastOf(next_, MaxIndex(height())), true);
}

// All up to `last_passed` has been looked at, and if `leaves_node`, all that node_ covers.
template <typename Way>
void Cursor::PassOver(uint64_t last_passed, bool leaves_node) {
  if (last_passed == Way::kEnd) {
    ended_ = true;
    Restart();
    return;
  }
  next_ = Way::After(last_passed);
  if (!leaves_node) return;
  // To the node above that covers next_. One that has left the tree meanwhile says retry. No parent: the top, or what
  // was the top once; the head knows whether there is more by now.
  for (const Node* above = node_->parent(); above != nullptr; above = above->parent()) {
    const unsigned height = above->height();
    if (OffsetAt(next_, height) == Way::kFirstOffset) continue;
    EnterAbove(above, height);
    return;
  }
  Restart();
}

}  // namespace mxa::xarray
