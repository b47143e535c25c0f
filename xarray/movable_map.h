// SPDX-License-Identifier: Apache-2.0
//
// MovableMap<T>: a sparse map from 64-bit indices to values of T, read under RCU while the values move in memory, and
// the nodes that lead to them.
//
//   mxa::MovableMap<Quote> quotes;
//   quotes.Insert(7, {.bid = 99, .ask = 101}).IgnoreError();
//   quotes.Update(7, [](Quote& quote) { ++quote.bid; }).IgnoreError();   // readers see the old quote or the new one, whole
//   quotes.Read(7, [](const Quote& quote) { Use(quote); });
//
// The map owns its values: nobody else holds a pointer to one beyond a read section, so all of them can move, and a map
// that has lost most of its values at random gives their memory back (DefaultCache().slabs().Compact(), or whoever runs
// passes for all caches).
// Threads (row runs at once with column; "lock": one after the other, by the map's own lock):
//                            Find Read Get Contains cursor   Insert Store Update Erase SetMark ...   destroy
//   Find Read ... cursor     yes                             yes                                     no
//   Insert Store ...         yes                             lock                                    no
//   destroy                  no                              no                                      no
//   a pass                   yes                             yes (the mover only tries the lock)     yes
// Progress: readers never wait; a reader restarts at most as often as nodes leave the tree meanwhile, as in XArray.
// A value that is found is what was at the index at one moment of the call. It stays readable until the read section
// ends, and does not change: what is updated, replaced or moved meanwhile is another copy.
// Why values cannot be changed in place: a reader, or the mover, may be reading them.
#ifndef MXA_XARRAY_MOVABLE_MAP_H_
#define MXA_XARRAY_MOVABLE_MAP_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/check.h"
#include "reclaim/fork_hold.h"
#include "reclaim/rcu.h"
#include "xarray/cursor.h"
#include "xarray/map_value.h"
#include "xarray/mark.h"
#include "xarray/movable_map_core.h"
#include "xarray/node_cache.h"
#include "xarray/range.h"
#include "xarray/value_cache.h"

namespace mxa {

using xarray::Mark;

// Whether a T can be moved by copying its bytes while others read it. Readers then read the old bytes and the new ones
// at the same time, and the old ones end without a destructor.
//
// A trivially copyable type has no mutable members that readers write to: what one writes to one copy is missing in the
// other. Specialize it to true for a type that is not trivially copyable if all of this holds:
//   * its bytes mean the same at another address: nothing points into them, they themselves included. (A unique_ptr or a
//     vector does; a std::string does not, as a short one points to itself.)
//   * nothing that can be done to a const T writes to its bytes.
//   * its destructor may run on another thread, after a grace period.
template <typename T>
inline constexpr bool kMovesWhileRead = std::is_trivially_copyable_v<T>;

namespace xarray {

// Stands for "a pointer to a T in a MovableMap" as an element of ranges.
template <typename T>
class ValueOf;

template <typename T>
struct ElementTraits<ValueOf<T>> {
  using Element = const T*;

  static constexpr size_t kOffset = MapValue::OffsetFor(alignof(T));
  static const T* FromValue(const MapValue* value) {
    return value == nullptr ? nullptr : static_cast<const T*>(value->At(kOffset));
  }
  static Element FromEntry(Entry entry) { return FromValue(EntryValue(entry)); }
};

}  // namespace xarray

template <typename T>
class MovableMap {
  static_assert(std::is_object_v<T> && !std::is_const_v<T> && !std::is_volatile_v<T>,
                "MovableMap<T> holds plain values of T");
  static_assert(
      std::is_trivially_copyable_v<T> || kMovesWhileRead<T>,
      "MovableMap<T> copies the bytes of a T while others read it: T must be trivially copyable, or be one of "
      "the types for which mxa::kMovesWhileRead<T> has been set to true (xarray/movable_map.h says what that "
      "asks of T). Values that must not move go into an OwningXArray<T>");
  static_assert(std::is_nothrow_move_constructible_v<T>,
                "MovableMap<T> builds its values without a way to fail: T's move (or copy) constructor must be there, "
                "and noexcept");
  static_assert(std::is_nothrow_destructible_v<T>, "the destructor of a T in a MovableMap must be noexcept");

  using Traits = xarray::ElementTraits<xarray::ValueOf<T>>;

 public:
  // A cache for values of T. Maps that share one share its passes.
  // Errors: kInvalidArgument for a T too large for a slab (256 KiB).
  static absl::StatusOr<std::unique_ptr<xarray::ValueCache>> CreateCache(slab::Arena* arena = nullptr) {
    return xarray::ValueCache::Create({sizeof(T), alignof(T), &EndValue}, arena);
  }
  // The cache that maps of T use unless told otherwise; lives until the process ends.
  static xarray::ValueCache& DefaultCache() {
    ABSL_CONST_INIT static reclaim::Immortal<xarray::ValueCache> cache;
    return cache.Get([] {
      auto created = CreateCache();
      MXA_CHECK(created.ok(), "cannot create the default cache of a MovableMap's values");
      return created->release();
    });
  }

  // REQUIRES: `values` was made by CreateCache of this T.    (CHECKed)
  explicit MovableMap(xarray::ValueCache& values = DefaultCache(),
                      xarray::NodeCache& nodes = xarray::NodeCache::Default())
      : core_(values, nodes) {
    MXA_CHECK(values.kind().end == &EndValue, "a map of one type with the cache of another type's values");
  }
  // Retires all values; those that open read sections hold stay readable. Waits at most for the move of one value and of
  // one node. REQUIRES: no reader or writer is inside; passes may be.
  ~MovableMap() = default;

  // --- Reading.

  // The value at `index`, or null; valid until the section ends, whatever becomes of the index.
  // REQUIRES: a read section is open on this thread.    (CHECKed)
  const T* Find(uint64_t index) const {
    MXA_CHECK(reclaim::InReadSection(), "a value of a movable map looked for outside a read section");
    return FindInSection(index);
  }
  // As Find, unchecked.
  ABSL_ATTRIBUTE_ALWAYS_INLINE const T* FindInSection(uint64_t index) const {
    return Traits::FromValue(core_.Find(index));
  }
  // Calls `read(const T&)` in a read section of its own, if there is a value; says whether there was.
  template <typename Reader>
  bool Read(uint64_t index, Reader read) const {
    reclaim::ReadSection section;
    const T* value = FindInSection(index);
    if (value == nullptr) return false;
    read(*value);
    return true;
  }
  // A copy of the value at `index`. Opens a read section of its own.
  std::optional<T> Get(uint64_t index) const {
    reclaim::ReadSection section;
    const T* value = FindInSection(index);
    return value == nullptr ? std::nullopt : std::optional<T>(*value);
  }
  bool Contains(uint64_t index) const { return core_.array().Load(index) != xarray::kNull; }

  // The values at first..last in order, as a C++ range of {index, const T*} (range.h says what a loop pins), by itself or
  // .Marked(mark), .Matching(filter), .Reversed().
  XArrayRange<xarray::ValueOf<T>> Range(uint64_t first = 0, uint64_t last = ~uint64_t{0}) const {
    return XArrayRange<xarray::ValueOf<T>>(core_.array(), first, last);
  }

  // Exact when no writer is inside.
  size_t size() const { return core_.size(); }
  bool empty() const { return core_.array().empty(); }

  // --- Writing. Nothing of T runs under the map's lock, but for what Update says, and nothing of it may throw.

  // Stores `value` at `index` where nothing is.
  // Errors: kAlreadyExists; kResourceExhausted; the map is unchanged.
  template <typename U = T>
  absl::Status Insert(uint64_t index, U&& value) {
    xarray::MapValue* made = Make(std::forward<U>(value));
    if (made == nullptr) return NoMemory();
    absl::Status status = core_.Insert(index, made);
    if (!status.ok()) Unmake(made);
    return status;
  }
  // Stores `value` at `index`; true if it replaces one. Marks stay.
  // Errors: kResourceExhausted; the map is unchanged.
  template <typename U = T>
  absl::StatusOr<bool> Store(uint64_t index, U&& value) {
    xarray::MapValue* made = Make(std::forward<U>(value));
    if (made == nullptr) return NoMemory();
    absl::StatusOr<bool> replaced = core_.Store(index, made);
    if (!replaced.ok()) Unmake(made);
    return replaced;
  }
  // Puts in place of the value at `index` a copy of it that `change(T&)` has changed: readers see all of the change or
  // nothing of it, other writers come before or after it. Marks stay.
  //
  // Context: `change`, and T's copy constructor, run under the map's lock: they must not throw, use the map, wait, or
  // allocate from movable caches.
  // Errors: kNotFound when nothing is there; kResourceExhausted; the map is unchanged.
  template <typename Change>
  absl::Status Update(uint64_t index, Change change) {
    static_assert(std::is_copy_constructible_v<T>, "Update changes a copy of the value: T must be copy constructible");
    xarray::MapValue* made = core_.Allocate();
    if (made == nullptr) return NoMemory();
    const bool found = core_.Update(index, made, [&change](const void* from, void* to) noexcept {
      change(*new (to) T(*static_cast<const T*>(from)));
    });
    if (found) return absl::OkStatus();
    core_.Free(made);
    return absl::NotFoundError("nothing to update");
  }

  // Removes the value at `index`; false if there was none. Cannot fail.
  bool Erase(uint64_t index) { return core_.Erase(index); }
  // Removes the values at first..last; readers see one after the other go. Cannot fail.
  // REQUIRES: first <= last.    (CHECKed)
  void EraseRange(uint64_t first, uint64_t last) { core_.EraseRange(first, last); }
  // As EraseRange of all there is.
  void Clear() { EraseRange(0, ~uint64_t{0}); }

  // --- Marks: of an index that has a value, whatever value it is.

  bool GetMark(uint64_t index, Mark mark) const { return core_.array().GetMark(index, mark); }
  // False when there is no value at `index`.
  bool SetMark(uint64_t index, Mark mark) { return core_.SetMark(index, mark); }
  void ClearMark(uint64_t index, Mark mark) { core_.ClearMark(index, mark); }
  bool HasMarked(Mark mark) const { return core_.array().HasMarked(mark); }

  // OK, or the number of the invariant that does not hold and where. Takes the lock. REQUIRES: no writer is inside.
  absl::Status CheckInvariants() const { return core_.CheckInvariants(); }

  const xarray::MovableMapCore& core() const { return core_; }

 private:
  template <typename U>
  friend class MovableMapCursor;

  // xarray::ValueKind::end.
  static void EndValue(void* object) {
    auto* value = static_cast<xarray::MapValue*>(object);
    Of(value)->~T();
    value->Reset();
  }

  static T* Of(xarray::MapValue* value) { return static_cast<T*>(value->At(Traits::kOffset)); }

  // Null when there is no memory for it.
  template <typename U>
  xarray::MapValue* Make(U&& value) noexcept {
    xarray::MapValue* made = core_.Allocate();
    if (made != nullptr) new (made->At(Traits::kOffset)) T(std::forward<U>(value));
    return made;
  }
  // Of what was not stored.
  void Unmake(xarray::MapValue* made) {
    Of(made)->~T();
    core_.Free(made);
  }
  static absl::Status NoMemory() { return absl::ResourceExhaustedError("no memory for a value"); }

  xarray::MovableMapCore core_;
};

// Walks a map up or down: all values, or those that carry a mark. As XArrayCursor.
//
// REQUIRES: one read section spans all calls, except across Pause().
template <typename T>
class MovableMapCursor {
 public:
  MovableMapCursor(const MovableMap<T>& map, uint64_t start) : cursor_(map.core_.array(), start) {}

  const T* Next(uint64_t last = ~uint64_t{0}) { return Traits::FromEntry(cursor_.Next(last)); }
  const T* Prev(uint64_t first = 0) { return Traits::FromEntry(cursor_.Prev(first)); }
  const T* NextMarked(Mark mark, uint64_t last = ~uint64_t{0}) {
    return Traits::FromEntry(cursor_.NextMarked(mark, last));
  }
  // What is at index() now: another copy perhaps than the one met, with the same bytes unless a writer came.
  const T* Reload() const { return Traits::FromEntry(cursor_.Reload()); }

  // Of the value met last; the start before that.
  uint64_t index() const { return cursor_.index(); }
  // To be called before the section ends when the walk is to go on in another.
  void Pause() { cursor_.Pause(); }

 private:
  using Traits = xarray::ElementTraits<xarray::ValueOf<T>>;

  xarray::Cursor cursor_;
};

}  // namespace mxa

#endif  // MXA_XARRAY_MOVABLE_MAP_H_
