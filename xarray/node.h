// SPDX-License-Identifier: Apache-2.0
//
// One node of the tree: a header line and 64 slots on eight lines of their own.
//
// Invariants:
//   N1  constructed state: no owner, no parent, no marks, no slot full or in use, all slots null; an object of the node
//       cache is in it whenever it is not in a tree or retired.
//   N2  in a tree: owner is the array's anchor, parent and offset name the one slot that points here.
//   N3  retired: owner is RetiredOwner(), all 64 slots say retry; parent is what it was when the node left.
//   N4  height and offset never change between publication and N1: a node keeps its place in the index space all its
//       life.
//   N5  a sibling word, generation included, is written to a slot at most once between publication and N3.
// Threads: writers hold the array lock ("Locked": slots, marks, parent, used and full words and ties change under it
// alone, and the last two are read under it alone); readers touch slots, and on the way up, for marks or past null slots the
// header, under RCU.
// "Init" is for a node that no other thread can reach yet.
// Why not the header beside the slots: a walk would fetch two lines a level; with the height in the pointer it needs
// one.
#ifndef MXA_XARRAY_NODE_H_
#define MXA_XARRAY_NODE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/check.h"
#include "base/planted_bug.h"
#include "base/schedule_point.h"
#include "base/tsan.h"
#include "xarray/entry.h"
#include "xarray/mark.h"

namespace mxa::xarray {

class ArrayAnchor;

inline constexpr uint8_t kCanaryFree = 0x5f;  // constructed, in no tree
inline constexpr uint8_t kCanaryLive = 0xa1;  // allocated; stays until the grace period after its retirement has passed

// The owner of nodes that have left their tree.
inline ArrayAnchor* RetiredOwner() { return reinterpret_cast<ArrayAnchor*>(uintptr_t{1}); }

class alignas(64) Node {
 public:
  Node() = default;  // the constructed state
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // --- Slots.

  // For readers: never touches the header line, except under TSan, which sees a missing grace period by the canary
  // only.
  Entry slot(unsigned offset) const {
    // ORDER(publish) acquire; pairs with the release in PublishSlot. What a writer built before it published it is
    // visible.
    // ORDER(retry) acquire; pairs with the release in StoreRetry. Who reads retry finds the replacement from the head.
    const Entry entry = slots_[offset].load(std::memory_order_acquire);
#if MXA_TSAN
    MXA_CHECK(canary_ == kCanaryLive, "a reader is in a node whose grace period has passed");
#endif
    return entry;
  }
  // As node->slot(offset), for the address of a node's slots, which is one instruction a level less than the node's
  // own.
  static Entry SlotAt(uintptr_t slots, unsigned offset) {
#if MXA_TSAN
    return reinterpret_cast<const Node*>(slots - kSlotsAt)->slot(offset);
#else
    // ORDER(publish), ORDER(retry) acquire, as in slot().
    return reinterpret_cast<const std::atomic<Entry>*>(slots)[offset].load(std::memory_order_acquire);
#endif
  }
  // For readers that found the sibling `entry` in slot `offset`: the word of the entry that the slot belongs to. False
  // when it belonged to it no longer: then look at the slot again.
  // The slot is read a second time: as a sibling word comes once (N5), it was there all the while, and what the other slot
  // held in between was this one's.
  bool ResolveSibling(unsigned offset, Entry& entry) const {
    MXA_SCHEDULE_POINT("node.sibling_seen");
    const Entry first = slot(SiblingOf(entry));
    MXA_SCHEDULE_POINT("node.sibling_resolved");
    if (slot(offset) != entry && !PlantedBugIs(PlantedBug::kSiblingNotRechecked)) return false;
    entry = first;
    return true;
  }
  static void PrefetchSlotAt(uintptr_t slots, unsigned offset) {
    __builtin_prefetch(reinterpret_cast<const std::atomic<Entry>*>(slots) + offset);
  }
  static constexpr uintptr_t kSlotsAt = 64;

  // Relaxed: the lock orders it.
  Entry SlotLocked(unsigned offset) const { return slots_[offset].load(std::memory_order_relaxed); }
  // Relaxed: the publication of this node orders it.
  void InitSlot(unsigned offset, Entry entry) { slots_[offset].store(entry, std::memory_order_relaxed); }
  // ORDER(publish) release; pairs with the acquire in slot().
  void PublishSlot(unsigned offset, Entry entry) { slots_[offset].store(entry, std::memory_order_release); }
  // ORDER(retry) release; pairs with the acquire in slot(). The replacement was published before.
  void StoreRetry(unsigned offset) { slots_[offset].store(kRetry, std::memory_order_release); }
  // For who does that to all of them.
  void* SlotsForRetry() { return slots_; }

  // --- Marks.

  // ORDER(mark-word) acquire; pairs with the release in StoreMarks, and keeps the look at the owner that must follow
  // behind it.
  uint64_t marks(Mark mark) const { return marks_[Index(mark)].load(std::memory_order_acquire); }
  // Relaxed: the lock orders it.
  uint64_t MarksLocked(Mark mark) const { return marks_[Index(mark)].load(std::memory_order_relaxed); }
  // Relaxed: the publication of this node orders it.
  void InitMarks(Mark mark, uint64_t word) { marks_[Index(mark)].store(word, std::memory_order_relaxed); }
  // ORDER(mark-word) release; pairs with the acquire in marks(). Who sees a mark sees it on every node above as well.
  void StoreMarks(Mark mark, uint64_t word) { marks_[Index(mark)].store(word, std::memory_order_release); }

  // --- Owner and parent.

  // ORDER(owner) acquire; pairs with the releases in Join and MarkRetired. Who sees an array sees it constructed; who
  // sees that the node has retired finds its replacement from the head.
  ArrayAnchor* owner() const { return owner_.load(std::memory_order_acquire); }
  bool IsRetired() const { return owner() == RetiredOwner(); }
  // ORDER(owner) release; pairs with the acquire in owner().
  void MarkRetired() { owner_.store(RetiredOwner(), std::memory_order_release); }

  // ORDER(parent) acquire; pairs with the release in SetParent. A reader on its way up sees the node above complete.
  Node* parent() const { return parent_.load(std::memory_order_acquire); }
  // Relaxed: the lock orders it.
  Node* ParentLocked() const { return parent_.load(std::memory_order_relaxed); }
  // Relaxed: only a guess where the parent is, for prefetching.
  Node* ParentHint() const { return parent_.load(std::memory_order_relaxed); }
  // ORDER(parent) release; pairs with the acquire in parent().
  void SetParent(Node* parent) { parent_.store(parent, std::memory_order_release); }

  // --- Header fields that readers do not race with (N4).

  unsigned height() const { return height_; }
  // Relaxed: N4; atomic only because the mover's prefetching may look at a node that is being reset.
  unsigned offset() const { return offset_.load(std::memory_order_relaxed); }

  // --- Slots in use. Bit i is set before slot i is stored to and cleared after it is null again: where it is clear, the slot
  // is null.

  // ORDER(used-word) acquire; pairs with the release in SetUsedLocked and ClearUsedLocked, and keeps the look at the owner
  // that must follow behind it.
  uint64_t used() const { return used_.load(std::memory_order_acquire); }
  // Relaxed: the lock orders it.
  uint64_t UsedLocked() const { return used_.load(std::memory_order_relaxed); }
  // ORDER(used-word) release; pairs with the acquire in used(). Who knows of an entry finds its bit.
  void SetUsedLocked(uint64_t bits) { used_.store(UsedLocked() | bits, std::memory_order_release); }
  void ClearUsedLocked(uint64_t bits) { used_.store(UsedLocked() & ~bits, std::memory_order_release); }

  // Bit i is set when nothing is free behind slot i: it holds an entry, or a node in which all bits are set (X8).
  uint64_t FullLocked() const { return full_; }
  bool AllFullLocked() const { return full_ == ~uint64_t{0}; }
  // True when those were the last bits missing.
  bool SetFullLocked(uint64_t bits) {
    full_ |= bits;
    return AllFullLocked();
  }
  // True when no bit was missing.
  bool ClearFullLocked(uint64_t bits) {
    const bool was_all = AllFullLocked();
    full_ &= ~bits;
    return was_all;
  }

  // --- Entries of several slots.

  // A generation for the siblings of one (N5). Wraps after 2^32 of them in one node.
  uint32_t NextTieLocked() { return ++ties_; }
  // How many slots the entry in slot `offset` takes. REQUIRES: it holds an entry.
  unsigned SlotsTakenLocked(unsigned offset) const {
    if (offset == kSlots - 1) return 1;
    const Entry next = SlotLocked(offset + 1);
    return IsSibling(next) && SiblingOf(next) == offset ? SlotsOfSibling(next) : 1;
  }

  // Looks at nothing; for prefetching.
  const void* SlotAddress(unsigned offset) const {
    static_assert(offsetof(Node, slots_) == kSlotsAt, "the header has a line of its own");
    return &slots_[offset];
  }

  // Asks for all of it.
  void Prefetch() const {
    for (size_t line = 0; line < sizeof(Node); line += 64)
      __builtin_prefetch(reinterpret_cast<const char*>(this) + line);
  }

  // --- The life of a node, in order.

  // Just allocated. CHECKs that it was in the constructed state's canary.
  void MarkAllocated() {
    MXA_CHECK(canary_ == kCanaryFree, "allocated a node that is in use");
    canary_ = kCanaryLive;
  }
  // Going back without ever having joined a tree.
  void MarkFree() {
    MXA_CHECK(canary_ == kCanaryLive, "node freed twice");
    canary_ = kCanaryFree;
  }

  // Becomes a node of `anchor`'s tree, not yet published. The owner comes last: the mover may find it from now on, and
  // then finds the array lock held.
  void Join(ArrayAnchor* anchor, Node* parent, unsigned height, unsigned offset) {
    height_ = static_cast<uint8_t>(height);
    offset_.store(static_cast<uint8_t>(offset), std::memory_order_relaxed);  // the publication orders it
    parent_.store(parent, std::memory_order_relaxed);                        // the publication orders it
    // ORDER(owner) release; pairs with the acquire in owner(), which reaches nodes without going through their tree.
    owner_.store(anchor, std::memory_order_release);
  }

  // Becomes what `from` is, in the same place of the same tree, not yet published. The array lock is held, so that
  // `from` stands still.
  void JoinAsCopyOf(const Node& from, ArrayAnchor* anchor) {
    used_.store(from.UsedLocked(), std::memory_order_relaxed);  // the publication orders it
    full_ = from.full_;
    ties_ = from.ties_;
    for (Mark mark : kAllMarks) InitMarks(mark, from.MarksLocked(mark));
    CopySlots(from);
    Join(anchor, from.ParentLocked(), from.height_, from.offset());
  }

  // Back to the constructed state: the grace period after its retirement has passed.
  void Reset() {
    MXA_CHECK(canary_ == kCanaryLive, "node freed twice");
    MXA_CHECK(owner_.load(std::memory_order_relaxed) == RetiredOwner(), "node freed that is in a tree");
    for (unsigned i = 0; i < kSlots; ++i) InitSlot(i, kNull);
    for (Mark mark : kAllMarks) InitMarks(mark, 0);
    height_ = 0;
    full_ = 0;
    ties_ = 0;
    // Relaxed, all four: no reader is left, and whoever allocates the node gets it through the cache's locks. The
    // mover, which may look at the owner meanwhile, does not look further when it finds null.
    used_.store(0, std::memory_order_relaxed);
    offset_.store(0, std::memory_order_relaxed);
    parent_.store(nullptr, std::memory_order_relaxed);
    owner_.store(nullptr, std::memory_order_relaxed);
    canary_ = kCanaryFree;
  }

  // For invariant checks.
  uint8_t canary() const { return canary_; }

 private:
  static constexpr size_t Index(Mark mark) { return static_cast<size_t>(mark); }

  // Not atomic, and needs not be: nobody writes to `from` under the lock, and nobody else can reach this node. A line at a time,
  // for which gcc uses wide registers; for all of it, its string instruction, which takes half as long again.
  void CopySlots(const Node& from) {
    constexpr size_t kLine = 64;
    auto* to = reinterpret_cast<char*>(slots_);
    const auto* source = reinterpret_cast<const char*>(from.slots_);
#pragma GCC unroll 8
    for (size_t at = 0; at < sizeof(slots_); at += kLine) std::memcpy(to + at, source + at, kLine);
  }

  std::atomic<ArrayAnchor*> owner_{nullptr};  // null: in no tree
  std::atomic<Node*> parent_{nullptr};        // null: the head points here
  std::atomic<uint64_t> marks_[kMarks]{};
  uint8_t height_ = 0;              // 1: slots hold entries
  std::atomic<uint8_t> offset_{0};  // of the parent's slot that points here
  uint8_t canary_ = kCanaryFree;    // plain on purpose: lets TSan see a missing grace period
  uint32_t ties_ = 0;
  uint64_t full_ = 0;  // in this line, as used_ is: a store and an erase write the line anyway
  std::atomic<uint64_t> used_{0};

  alignas(64) std::atomic<Entry> slots_[kSlots]{};
};

static_assert(sizeof(Node) == 576 && alignof(Node) == 64);
static_assert(std::atomic<Entry>::is_always_lock_free && sizeof(std::atomic<Entry>) == sizeof(Entry));

// The bits of an entry that takes `slots` slots, fewer than 64, from `offset` on.
constexpr uint64_t SlotBits(unsigned offset, unsigned slots) { return ((uint64_t{1} << slots) - 1) << offset; }

inline Entry NodeEntry(const Node* node, unsigned height) {
  return reinterpret_cast<uintptr_t>(node) + NodeTag(height);
}
// REQUIRES: IsNode(entry).
inline Node* EntryNode(Entry entry) { return reinterpret_cast<Node*>(entry & ~kNodeAlignMask); }

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_NODE_H_
