// SPDX-License-Identifier: Apache-2.0
//
// The untyped array: a sparse map from 64-bit indices to entries in a tree of nodes that may move.
//
// Structure, locking and the table of orderings: xarray/README.md. Invariants X1 to X9: xarray_invariants.h.
// Threads (row runs at once with column; "lock": one after the other, by the array's own lock):
//                 readers   writers   destroy
//   readers       yes       yes       no
//   writers       yes       lock      no
//   a pass        yes       yes       yes
// Readers: Load, LoadInSection, GetMark, GetOrder, HasMarked, empty, Cursor. Writers: the rest.
#ifndef MXA_XARRAY_ARRAY_CORE_H_
#define MXA_XARRAY_ARRAY_CORE_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/schedule_point.h"
#include "reclaim/rcu.h"
#include "xarray/anchor.h"
#include "xarray/entry.h"
#include "xarray/id_limit.h"
#include "xarray/mark.h"
#include "xarray/node.h"
#include "xarray/node_cache.h"
#include "xarray/place.h"

namespace mxa::xarray {

class Ida;
class LockedArray;
class LockedNode;
class NodeReserve;

class ArrayCore {
 public:
  explicit ArrayCore(NodeCache& nodes) : nodes_(&nodes), user_(nodes.use().user) {}

  // Drops everything and waits until no mover holds the array pinned.
  // REQUIRES: no reader or writer is inside; passes may be.
  ~ArrayCore() { TearDown(); }
  ArrayCore(const ArrayCore&) = delete;
  ArrayCore& operator=(const ArrayCore&) = delete;

  // The entry at `index`, or null; a reserved index reads as null.
  //
  // Context: any thread, also in a signal handler of a registered one; lock-free.
  // Ordering: what a writer did before it stored the entry is visible.
  Entry Load(uint64_t index) const {
    reclaim::ReadSection section;
    return LoadInSection(index);
  }

  // As Load. REQUIRES: a read section is open on this thread.
  Entry LoadInSection(uint64_t index) const;

  // As LoadInSection for each of `indices`, into as many `entries`; the misses of several walks overlap. Each entry was
  // there at some moment of the call, not all at one. REQUIRES: a read section is open on this thread.
  void LoadManyInSection(absl::Span<const uint64_t> indices, Entry* entries) const;

  // Stores `entry` at `index`, kNull erases (a reservation too), and returns what was there. Marks of a present entry
  // are kept.
  //
  // REQUIRES: IsStorable(entry).    (CHECKed)
  // Context: takes the array lock; allocates under it without reclaim, and outside it with; never waits for a grace
  // period itself.
  // Errors: kResourceExhausted when no node can be allocated; the array is as it was.
  absl::StatusOr<Entry> Store(uint64_t index, Entry entry);

  // As Store when nothing is at `index`; kNull reserves it.
  // Errors: kAlreadyExists, also when the index is reserved; as Store.
  absl::Status Insert(uint64_t index, Entry entry);

  // As Store when `expected` is what Load would return; returns what was there, so that success is
  // `result == expected`. So an expected null is found at a reserved index as well.
  absl::StatusOr<Entry> CompareExchange(uint64_t index, Entry expected, Entry desired);

  // Stores entry_at(i) at indices[i] for all i, or nothing; `replaced` is told what Store would have returned. Readers
  // see one entry after the other come; other writers see all or none. Indices that do not ascend are sorted first, in
  // memory of the heap's. Of two indices of one entry, the higher one's store is the later.
  //
  // REQUIRES: no index comes twice; no entry is kNull, and each is IsStorable.    (CHECKed, the latter when it is its turn)
  // Context: as Store, with the lock held throughout, also while the two functions are called: they must not use the
  // array, wait or allocate from movable caches.
  // Errors: as Store.
  absl::Status StoreMany(absl::Span<const uint64_t> indices, absl::FunctionRef<Entry(size_t)> entry_at,
                         absl::FunctionRef<void(size_t, Entry)> replaced);

  // Removes what is at `index`, its marks first, or a reservation, and returns it. Allocates nothing, cannot fail.
  // Context: takes the array lock.
  Entry Erase(uint64_t index);

  // --- Entries of several indices: one of order n takes the 2^n indices that agree above the lowest n bits. It is one
  // entry: what is done at any of its indices is done to it as a whole, Store, Erase and marks alike, and readers see it
  // happen at all of them at once. What is done to an order or a range is done to just these indices: an entry that goes
  // beyond them is split.

  // Told of an entry and the lowest index it had.
  using Told = absl::FunctionRef<void(uint64_t index, Entry entry)>;

  // Stores `entry` at the 2^order indices around `index`, in place of what is there, of which `replaced` is told. The new
  // entry carries each mark that one of those it replaces carried. What is left of one of a higher order stays, in pieces
  // as large as they can be, with its marks.
  //
  // REQUIRES: order <= kMaxOrder; entry != kNull and IsStorable.    (CHECKed)
  // Context: as Store, with the lock held while `replaced` is called: it must not use the array, wait or allocate from
  // movable caches.
  // Errors: as Store.
  absl::Status StoreOrder(uint64_t index, unsigned order, Entry entry, Told replaced);

  // As StoreOrder when nothing is at any of the indices. Errors: kAlreadyExists, reservations counting; as Store.
  absl::Status InsertOrder(uint64_t index, unsigned order, Entry entry);

  // Stores `entry` at first..last as the fewest entries that cover it, each of an order of its own and, from now on, for
  // itself. All or nothing for other writers; readers see one after the other come.
  // REQUIRES: first <= last; as StoreOrder.    (CHECKed)
  // Context, Errors: as StoreOrder.
  absl::Status StoreRange(uint64_t first, uint64_t last, Entry entry, Told replaced);

  // Removes all that is at first..last, reservations too, and tells `removed` of the entries. Needs memory only when an
  // entry goes beyond the range and is split. The lock is dropped now and then: what others store in the range meanwhile
  // may stay.
  // REQUIRES: first <= last.    (CHECKed)
  // Context, Errors: as StoreOrder.
  absl::Status EraseRange(uint64_t first, uint64_t last, Told removed);

  // The order of the entry, or the reservation, at `index`; nothing when there is none.
  // Context: any thread; lock-free; opens a read section of its own.
  std::optional<unsigned> GetOrder(uint64_t index) const;

  // Makes 2^(n - order) entries of `order`, the same and with the same marks, of the one of order n at `index`. No reader
  // sees a difference. Does nothing when n <= order.
  // Context: as Store. Memory: nothing within a node, that is, if n / 6 == order / 6; else all the nodes of the new
  // entries.
  // Errors: kNotFound when nothing is there; as Store.
  absl::Status Split(uint64_t index, unsigned order);

  // As Split, but only the entry at `index` comes to be of `order`, and those beside it stay as large as they can: at most
  // one node for each six orders, and one entry for each.
  absl::Status SplitToward(uint64_t index, unsigned order);

  // Makes sure that a Store at `index` needs no memory: an index where nothing is becomes reserved. It reads as null and
  // is skipped by cursors, but it is in use: the array is not empty and Insert refuses it.
  // Context, Errors: as Store. An index that is in use already is no error.
  absl::Status Reserve(uint64_t index);

  // Takes a reservation back; false when the index is not reserved, or an entry has been stored there since.
  // Context: takes the array lock; allocates nothing.
  bool Release(uint64_t index);

  // Stores `entry`, kNull reserves, at the lowest index of `limit` where nothing is, reserved ones counting as in use,
  // and returns that index. `id`, if not null, is written before the entry can be read, so that it may lie in what the
  // entry points to; on failure it is not written.
  //
  // REQUIRES: IsStorable(entry).    (CHECKed)
  // Context: as Store. Time: one walk down and at most one up and down again, however many indices are in use.
  // Errors: kOutOfRange when no index of `limit` is free; kResourceExhausted when no node can be allocated. Either way
  // the array is as it was.
  absl::StatusOr<uint64_t> Allocate(Entry entry, IdLimit limit = {}, uint64_t* id = nullptr);

  // As Allocate, but looks from `state.next` on first, and from the limit's beginning only when nothing is free there:
  // an index that was given back is handed out again as late as possible. `state` then says what comes behind the
  // returned index; on failure it is as it was.
  absl::StatusOr<CyclicId> AllocateCyclic(Entry entry, IdLimit limit, CyclicState& state, uint64_t* id = nullptr);

  // Whether the entry at `index` carries `mark`. Opens a read section of its own.
  bool GetMark(uint64_t index, Mark mark) const;
  // False when there is no entry at `index`, or it is reserved. Context: takes the array lock.
  bool SetMark(uint64_t index, Mark mark);
  // Context: takes the array lock.
  void ClearMark(uint64_t index, Mark mark);
  // Whether any entry carries `mark`.
  bool HasMarked(Mark mark) const { return ArrayAnchor::IsMarked(anchor_.mark_word(), mark); }

  bool empty() const { return anchor_.head() == kNull; }

  // Drops all entries; what they point to is the user's. Context: takes the array lock, for as long as there are nodes
  // to retire.
  void Clear();

  const ArrayAnchor& anchor() const { return anchor_; }
  NodeCache& nodes() const { return *nodes_; }

 private:
  friend class ArrayCorePeer;  // tests/support
  friend class Ida;            // several steps under one lock
  friend class LockedArray;    // likewise, the user's
  friend class LockedNode;     // likewise, from a node

  // array_load_inl.h
  template <unsigned kHeight>
  Entry LoadBelow(uintptr_t slots, unsigned offset, uint64_t index) const;
  template <unsigned kHeight>
  Entry LoadFromTop(uintptr_t slots, uint64_t index) const;

  // array_load_many.cc
  void LoadGroup(absl::Span<const uint64_t> indices, Entry* entries) const;

  // array_core.cc
  Entry LoadFromOtherTop(Entry head, uint64_t index) const;
  Entry LoadSlow(Entry entry, uint64_t index) const;
  // As LoadSlow, for a word that a slot above the leaves held.
  Entry LoadOther(Entry entry, uint64_t index) const {
    // Null, or an entry of several indices.
    return ABSL_PREDICT_TRUE(!IsInternal(entry)) ? entry : LoadSlow(entry, index);
  }
  // Returns what was there, kZero if reserved, whether or not the condition held.
  absl::StatusOr<Entry> Update(uint64_t index, Entry entry, Condition condition);
  absl::StatusOr<Entry> UpdateLocked(uint64_t index, Entry entry, Condition condition)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor_);
  Entry UnpublishAllLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor_);

  // array_store.cc
  Place FindLocked(uint64_t index) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor_);
  void PutLocked(uint64_t index, const Place& place, Entry entry, NodeReserve& reserve)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor_);
  void GrowLocked(uint64_t index, unsigned order, Entry entry, NodeReserve& reserve)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor_);
  Path BuildPath(Node* parent, unsigned top, unsigned bottom, uint64_t index, Entry last, NodeReserve& reserve);

  // array_orders.cc
  OrderPlace FindOrderLocked(uint64_t index, unsigned order) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor_);
  absl::Status UpdateOrder(const OrderUpdate& update, Told replaced);
  Tried TryOrderLocked(const OrderUpdate& update, Told replaced, NodeReserve& reserve, size_t& missing)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor_);
  void PutOrderLocked(uint64_t index, unsigned order, const OrderPlace& place, Entry entry, NodeReserve& reserve,
                      Told replaced) ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor_);
  void ReplaceAllLocked(unsigned order, Entry entry, NodeReserve& reserve, Told replaced)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor_);
  void ReplaceSeveralLocked(uint64_t index, unsigned order, const OrderPlace& place, Entry entry, NodeReserve& reserve,
                            Told replaced) ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor_);

  // array_split.cc
  template <typename Count, typename Make>
  absl::Status SplitBy(uint64_t index, unsigned order, Count count, Make make);
  static Splitting SplittingOf(uint64_t index, unsigned order, Node& node, unsigned offset);
  unsigned CountCutLocked(uint64_t index) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor_);
  void CutLocked(uint64_t index, NodeReserve& reserve) ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor_);
  void SplitLocked(const Splitting& splitting, NodeReserve& reserve) ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor_);
  void SplitTowardLocked(const Splitting& splitting, NodeReserve& reserve) ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor_);

  // array_erase_range.cc
  static Extent ExtentOf(const Place& place, uint64_t index);
  bool EraseSomeLocked(uint64_t& first, uint64_t last, Told removed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor_);
  bool FindUsedLocked(uint64_t& index, uint64_t last, Place& found) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor_);

  // array_store_many.cc
  absl::Status StoreAscending(absl::Span<const uint64_t> indices, absl::FunctionRef<Entry(size_t)> entry_at,
                              absl::FunctionRef<void(size_t, Entry)> replaced);
  size_t CountMissingLocked(absl::Span<const uint64_t> indices) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor_);
  void PutManyLocked(absl::Span<const uint64_t> indices, absl::FunctionRef<Entry(size_t)> entry_at,
                     absl::FunctionRef<void(size_t, Entry)> replaced, NodeReserve& reserve)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor_);

  // array_ids.cc
  bool FindFreeLocked(IdLimit limit, Wanted wanted, FreePlace& found) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor_);
  bool SearchTreeLocked(IdLimit limit, Wanted wanted, FreePlace& found) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor_);
  absl::StatusOr<CyclicId> AllocateFrom(Entry entry, IdLimit limit, CyclicState* state, uint64_t* id);
  bool FindCyclicLocked(IdLimit limit, const CyclicState& state, FreePlace& found, bool& wrapped) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor_);

  // array_erase.cc
  void EraseLocked(const Place& place) ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor_);
  void DropEmptyLocked(Node* node) ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor_);
  void ShrinkLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor_);
  void DropAllLocked(Entry entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor_);
  void RetireDetached(Node* node);
  void TearDown();

  // array_marks.cc
  void SetMarkLocked(uint64_t index, Mark mark) ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor_);
  void ClearMarkLocked(const Place& place, Mark mark) ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor_);

  // array_user.cc; to be called after a change, whether or not there is a user.
  void TellUpdated(Node* node) {
    if (ABSL_PREDICT_FALSE(user_ != nullptr)) TellUser(node);
  }
  // Of each node from `bottom` up to, and without, `end`.
  void TellPath(Node* bottom, const Node* end) {
    if (ABSL_PREDICT_FALSE(user_ != nullptr)) TellUserOfPath(bottom, end);
  }
  // Of `top` and all below, which are new.
  void TellTree(Node* top) {
    if (ABSL_PREDICT_FALSE(user_ != nullptr)) TellUserOfTree(top);
  }
  void TellUser(Node* node);
  void TellUserOfPath(Node* bottom, const Node* end);
  void TellUserOfTree(Node* top);
  void TellUserItLeaves(Node* node);

  // These pointers lie in the lock's line: only writers need them.
  [[no_unique_address]] ArrayAnchor anchor_;
  NodeCache* const nodes_;
  NodeUser* const user_;
};

}  // namespace mxa::xarray

#include "xarray/array_load_inl.h"  // IWYU pragma: keep

#endif  // MXA_XARRAY_ARRAY_CORE_H_
