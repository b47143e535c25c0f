// SPDX-License-Identifier: Apache-2.0
//
// The steps are numbered as in xarray/README.md, which says who races with each.
#include "xarray/node_mover.h"

#include <sched.h>

#include <utility>

#include "base/check.h"
#include "base/planted_bug.h"
#include "base/schedule_point.h"
#include "reclaim/rcu.h"
#include "xarray/detach.h"
#include "xarray/replace_node.h"

namespace mxa::xarray {
namespace {

using reclaim::MoveResult;
using reclaim::MoveTarget;

constexpr size_t kObjectsAhead = 4;  // source and destination are asked for this many moves before
constexpr size_t kLinksAhead = 2;  // what points to the source, and its array's lock: their addresses are in its header
constexpr size_t kHeadersAhead = 8;  // CanFree needs only headers
constexpr size_t kRetriedAtMost = 4096;

void PrefetchForWrite(const void* address) { __builtin_prefetch(address, 1, 3); }

void PrefetchNodeForWrite(const void* object) {
  if (object == nullptr) return;
  for (size_t line = 0; line < sizeof(Node); line += 64) PrefetchForWrite(static_cast<const char*>(object) + line);
}

// The lines the move writes outside the node: the array's lock, and the slot or the head that points to the node.
void PrefetchLinks(const void* object) {
  if (object == nullptr) return;
  const Node* node = static_cast<const Node*>(object);
  const ArrayAnchor* owner = node->owner();
  if (owner == nullptr || owner == RetiredOwner()) return;
  PrefetchForWrite(owner->LockAddress());
  const Node* parent = node->ParentHint();
  PrefetchForWrite(parent != nullptr ? parent->SlotAddress(node->offset()) : static_cast<const void*>(owner));
}

void PrefetchAhead(absl::Span<void* const> objects, size_t i, const MoveTarget& target) {
  if (i + kObjectsAhead < objects.size()) PrefetchNodeForWrite(objects[i + kObjectsAhead]);
  PrefetchNodeForWrite(target.destination(kObjectsAhead));
  if (i + kLinksAhead < objects.size()) PrefetchLinks(objects[i + kLinksAhead]);
}

MoveResult ResultForOwner(const ArrayAnchor* owner) {
  return owner == RetiredOwner() ? MoveResult::kGone : MoveResult::kBusy;
}

// A planted bug: publishes `copy` in the place of `node`, with nothing in it.
void PublishEmptyLocked(ArrayAnchor& anchor, const Node& node, Node* copy) ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor) {
  copy->Join(&anchor, node.ParentLocked(), node.height(), node.offset());
  PublishInPlaceOfLocked(anchor, node, copy);
  MXA_SCHEDULE_POINT("planted.published");
}

}  // namespace

bool NodeMover::CanFree(absl::Span<void*> objects) {
  for (size_t i = 0; i < objects.size(); ++i) {
    if (i + kHeadersAhead < objects.size()) __builtin_prefetch(objects[i + kHeadersAhead]);
    if (objects[i] == nullptr) continue;
    const ArrayAnchor* owner = static_cast<const Node*>(objects[i])->owner();
    if (owner == nullptr || owner == RetiredOwner()) objects[i] = nullptr;
  }
  return true;
}

void NodeMover::Reclaim(absl::Span<void*> objects, MoveTarget& target) {
  uint64_t again[kRetriedAtMost / 64] = {};  // Reclaim allocates nothing
  bool any_again = false;
  StartTimer();
  for (size_t i = 0; i < objects.size(); ++i) {
    if (objects[i] == nullptr) continue;
    BetweenNodes(target);
    void* destination = target.destination_for(objects[i]);
    if (target.unpin_only() || destination == nullptr) {
      target.Settle(objects[i], MoveResult::kBusy);
      continue;
    }
    PrefetchAhead(objects, i, target);
    const MoveResult result = Move(static_cast<Node*>(objects[i]), static_cast<Node*>(destination));
    if (result == MoveResult::kBusy && i < kRetriedAtMost) {
      again[i / 64] |= uint64_t{1} << (i % 64);
      any_again = true;
    } else {
      target.Settle(objects[i], result);
    }
  }
  for (size_t i = 0; any_again && i < objects.size() && i < kRetriedAtMost; ++i) {
    if ((again[i / 64] >> (i % 64) & 1) == 0) continue;
    BetweenNodes(target);
    void* destination = target.destination_for(objects[i]);
    const bool stays = target.unpin_only() || destination == nullptr;
    target.Settle(objects[i],
                  stays ? MoveResult::kBusy : Move(static_cast<Node*>(objects[i]), static_cast<Node*>(destination)));
  }
  StopTimer(CycleClock::Now());
  if (pinned_ != nullptr) Unpin();
}

// Who rests holds no array pinned.
void NodeMover::BetweenNodes(MoveTarget& target) {
  const uint64_t now = CycleClock::Now();
  StopTimer(now);
  timed_from_ = now;
  if (!target.IsSliceOver(now)) return;
  if (pinned_ != nullptr) Unpin();
  target.BetweenObjects();
  StartTimer();
}

bool NodeMover::Order(absl::Span<void* const> objects, absl::Span<reclaim::OrderKey> keys) {
  // A node that has an owner now stays as it is until the section ends, and so do those above it: each was alive when the
  // one below was.
  reclaim::ReadSection section;
  for (size_t i = 0; i < objects.size(); ++i) {
    if (i + kHeadersAhead < objects.size()) __builtin_prefetch(objects[i + kHeadersAhead]);
    const Node* node = static_cast<const Node*>(objects[i]);
    const ArrayAnchor* owner = node->owner();
    if (owner == nullptr || owner == RetiredOwner()) continue;
    uint64_t index = 0;
    unsigned height = node->height();
    const unsigned above = kMaxHeight - height;
    for (const Node* at = node; const Node* parent = at->parent(); at = parent, ++height) {
      if (height >= kMaxHeight) break;  // has been replaced, and says something else by now
      index |= uint64_t{at->offset()} << (height * kSlotBits);
    }
    keys[i] = {owner, index, above};
  }
  return true;
}

MoveResult NodeMover::Move(Node* node, Node* destination) {
  // Step 1. Who owns it?
  ArrayAnchor* anchor = node->owner();
  if (anchor == nullptr || anchor == RetiredOwner()) return ResultForOwner(anchor);
  MXA_SCHEDULE_POINT("mover.before_pin");

  // Step 2. Pin the owner, then see that it still was the owner when the pin could be seen. Neighbours often have one owner,
  // so the pin stays for the next node: of an array that was pinned before, step 1 saw that. Nobody waits for long: the
  // nodes of an array that ends are passed by, and the pin goes to the next owner, or with the slab.
  if (anchor != pinned_) {
    if (pinned_ != nullptr) Unpin();
    Pin(anchor);
    const ArrayAnchor* owner = node->owner();
    if (owner != anchor) {
      Unpin();
      return ResultForOwner(owner);
    }
    StartTimer();  // it may have woken who waited for the array before
  }
  MXA_SCHEDULE_POINT("mover.after_pin");
  const MoveResult result = MovePinned(anchor, node, destination);
  MXA_SCHEDULE_POINT("mover.after_unlock");
  return result;
}

MoveResult NodeMover::MovePinned(ArrayAnchor* anchor, Node* node, Node* destination) {
  // Step 3. Only try: a user may hold the lock for hours. Under it, the owner cannot change any more.
  if (!anchor->TryLock()) return MoveResult::kBusy;
  has_locked_ = true;
  MoveResult result = MoveResult::kMoved;
  const ArrayAnchor* owner = node->owner();
  if (owner == anchor || PlantedBugIs(PlantedBug::kNoOwnerRecheck)) {
    if (!MoveLocked(anchor, node, destination)) result = MoveResult::kBusy;
  } else {
    result = ResultForOwner(owner);
  }
  if (PlantedBugIs(PlantedBug::kHazardClearedEarly)) Unpin();
  MXA_SCHEDULE_POINT("mover.before_unlock");
  anchor->Unlock();
  // A writer has waited: he goes first, as the next node may well be of this array too.
  if (anchor->HasWaiters()) {
    StopTimer(CycleClock::Now());
    sched_yield();
    StartTimer();
  }
  return result;
}

bool NodeMover::MoveLocked(ArrayAnchor* anchor, Node* node, Node* destination) {
  // Step 4. Copy; ask who has linked the node; then the children look up to the copy, which is complete and says what
  // `node` says. From the first of these stores on the move cannot fail.
  if (node->height() > 1) {
    for (unsigned offset = 0; offset < kSlots; ++offset) {
      const Entry entry = node->SlotLocked(offset);
      if (IsNode(entry)) PrefetchForWrite(EntryNode(entry));
    }
  }
  destination->MarkAllocated();
  if (PlantedBugIs(PlantedBug::kRelocationBeforeCopy)) PublishEmptyLocked(*anchor, *node, destination);
  destination->JoinAsCopyOf(*node, anchor);
  if (PlantedBugIs(PlantedBug::kMarksNotCopied)) {
    for (Mark mark : kAllMarks) destination->InitMarks(mark, 0);
  }
  if (use_.user != nullptr && !UserLetsMove(node, destination)) return false;
  AdoptChildrenLocked(destination);

  // Step 5. Publish.
  MXA_SCHEDULE_POINT("mover.before_publish");
  if (PlantedBugIs(PlantedBug::kRelocationUnlocked)) anchor->LetGoForPlantedBug();
  PublishInPlaceOfLocked(*anchor, *node, destination);

  // Step 6. Whoever is still in the old copy restarts. The pass retires it, with its batch.
  MXA_SCHEDULE_POINT("mover.after_publish");
  if (PlantedBugIs(PlantedBug::kNoRetryAfterMove)) {
    node->MarkRetired();
  } else {
    Detach(node);
  }
  if (PlantedBugIs(PlantedBug::kRelocationFreesAtOnce)) node->Reset();
  return true;
}

// False: the copy is in its constructed state again, but for the canary; nobody else has seen it, but the user, who did
// not keep it.
bool NodeMover::UserLetsMove(Node* node, Node* copy) const {
  const bool lets = use_.user->TryMove(NodeView(*node), NodeView(*copy), use_.area_bytes);
  use_.ZeroArea(lets ? *node : *copy);
  if (lets) return true;
  copy->MarkRetired();
  copy->Reset();
  return false;
}

void NodeMover::Pin(const ArrayAnchor* anchor) {
  pinned_ = anchor;
  if (!PlantedBugIs(PlantedBug::kOwnerNotPinned)) pin_.Pin(anchor);
}

void NodeMover::Unpin() {
  pinned_ = nullptr;
  pin_.Unpin();
}

void NodeMover::StopTimer(uint64_t now) {
  if (!std::exchange(has_locked_, false)) return;
  const uint64_t cycles = now > timed_from_ ? now - timed_from_ : 0;
  // Relaxed: a statistic; written by one pass at a time, and a reset that gets lost against it is a sample more.
  if (cycles > longest_lock_.load(std::memory_order_relaxed)) longest_lock_.store(cycles, std::memory_order_relaxed);
}

uint64_t NodeMover::LongestLockNs() const {
  return CycleClock::ToNanoseconds(longest_lock_.load(std::memory_order_relaxed));
}

void NodeMover::ResetLongestLock() { longest_lock_.store(0, std::memory_order_relaxed); }

}  // namespace mxa::xarray
