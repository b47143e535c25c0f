// SPDX-License-Identifier: Apache-2.0
//
// An object with a name and a number that is found without a lock, held by counted references, and moved when nobody
// holds it: a small dentry.
//
// Invariants:
//   E1  constructed state: no owner, no references. An object of the cache is in it whenever no table has it.
//   E2  in a table: owner is the table, which holds one reference. Owner and link change under the table's lock.
//   E3  while anybody but the table holds a reference it stays where it is.
//   E4  moved: the reference word is kMoved for good, and moved_to is the copy. Removed: the count is 0 for good once the
//       last reference is gone.
// Threads: a finder, in a read section, follows next() and may call Take(); who holds a reference reads and changes the
// rest; owner, moves and links are the table's.
// Why a generation in the reference word: the mover copies first and closes the object to finders then. One that came
// and went in between leaves the same count, and perhaps another object.
#ifndef MXA_EXAMPLES_COUNTED_TABLE_COUNTED_OBJECT_H_
#define MXA_EXAMPLES_COUNTED_TABLE_COUNTED_OBJECT_H_

#include <atomic>
#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"
#include "base/check.h"
#include "base/schedule_point.h"

namespace mxa::examples {

class CountedTable;

// The owner of objects that have left their table, by removal or by move.
inline CountedTable* GoneOwner() { return reinterpret_cast<CountedTable*>(uintptr_t{1}); }

class CountedObject {
 public:
  static constexpr size_t kLongestName = 71;

  CountedObject() = default;  // the constructed state
  CountedObject(const CountedObject&) = delete;
  CountedObject& operator=(const CountedObject&) = delete;

  // --- For who holds a reference.

  absl::string_view name() const { return {name_, name_length_}; }
  uint64_t number() const { return number_; }
  // What changes while references are held is atomic: the mover may be reading it for a copy that it will throw away.
  // Relaxed: a count, by itself.
  uint64_t uses() const { return uses_.load(std::memory_order_relaxed); }
  void AddUse() { uses_.fetch_add(1, std::memory_order_relaxed); }

  // --- References.

  enum class Taken : uint8_t { kYes, kMoved, kRemoved };

  // Takes a reference, unless the object is another by now (ask moved_to()) or none.
  // REQUIRES: a read section, in which the object was found, or a reference.
  Taken Take() {
    // ORDER(moved-word) acquire; pairs with the release in CloseAsMoved. Who finds it moved finds the copy, whole.
    uint64_t word = references_.load(std::memory_order_acquire);
    for (;;) {
      if (word == kMoved) return Taken::kMoved;
      if (CountOf(word) == 0) return Taken::kRemoved;
      MXA_CHECK(CountOf(word) < kMostReferences, "too many references to an object");
      MXA_SCHEDULE_POINT("object.before_take");
      // ORDER(reference) acquire; pairs with the release in Drop: what former holders did is seen.
      // ORDER(moved-word) acquire on failure; as above.
      if (references_.compare_exchange_weak(word, word + 1 + kGeneration, std::memory_order_acquire,
                                            std::memory_order_acquire)) {
        return Taken::kYes;
      }
    }
  }
  // Gives a reference back; true if it was the last, and the object is the caller's to free after a grace period.
  [[nodiscard]] bool Drop() {
    // ORDER(reference) release, for who holds it next, or copies it; and acquire, so that the last one sees what all did.
    return CountOf(references_.fetch_sub(1, std::memory_order_acq_rel)) == 1;
  }

  // The copy of an object that has moved. Relaxed: ordered by the word that says so.
  CountedObject* moved_to() const { return moved_to_.load(std::memory_order_relaxed); }

  // --- For its table; "Locked": under the table's lock.

  // ORDER(object-owner) acquire; pairs with the release in SetOwnerLocked. Who sees a table sees it made.
  CountedTable* owner() const { return owner_.load(std::memory_order_acquire); }
  // ORDER(object-owner) release; pairs with the acquire in owner().
  void SetOwnerLocked(CountedTable* owner) { owner_.store(owner, std::memory_order_release); }

  // The next object of the same bucket; counted_table.cc follows it and changes it.
  const std::atomic<CountedObject*>& next() const { return next_; }
  std::atomic<CountedObject*>& next() { return next_; }

  uint64_t hash() const { return hash_; }

  // From E1 to an object with one reference, the table's. Nobody else can reach it.
  void Init(absl::string_view name, uint64_t hash, uint64_t number) {
    std::memcpy(name_, name.data(), name.size());
    name_length_ = static_cast<uint8_t>(name.size());
    hash_ = hash;
    number_ = number;
    uses_.store(0, std::memory_order_relaxed);        // relaxed: the link orders it
    references_.store(1, std::memory_order_relaxed);  // relaxed: the link orders it
  }
  // Back to E1: it was never linked, or its grace period has passed. Relaxed: what comes next, the cache orders.
  void Reset() {
    owner_.store(nullptr, std::memory_order_relaxed);
    references_.store(0, std::memory_order_relaxed);
    next_.store(nullptr, std::memory_order_relaxed);
    moved_to_.store(nullptr, std::memory_order_relaxed);
  }

  // Whether only the table holds it, as far as can be seen now.
  // ORDER(reference) acquire; pairs with the release in Drop: a copy made after this has what the last holder did.
  bool IsUnreferenced(uint64_t& word) const {
    word = references_.load(std::memory_order_acquire);
    return word != kMoved && CountOf(word) == 1;
  }
  // Makes `copy`, which is in E1, say what this object says. What a finder changes meanwhile is in it or not.
  void CopyToLocked(CountedObject& copy) const {
    copy.Init(name(), hash_, number_);
    copy.uses_.store(uses(), std::memory_order_relaxed);  // relaxed: CloseAsMoved orders it
    copy.next_.store(next_.load(std::memory_order_relaxed), std::memory_order_relaxed);  // relaxed: under the lock
  }
  // From now on finders go to `copy`; false, and nothing has happened, if any came since IsUnreferenced said `word`.
  bool CloseAsMovedLocked(uint64_t word, CountedObject* copy) {
    moved_to_.store(copy, std::memory_order_relaxed);  // relaxed: read only by who sees the word
    // ORDER(moved-word) release; pairs with the acquires in Take. Relaxed on failure: nothing is read by it.
    if (references_.compare_exchange_strong(word, kMoved, std::memory_order_release, std::memory_order_relaxed)) {
      return true;
    }
    moved_to_.store(nullptr, std::memory_order_relaxed);  // relaxed: as above
    return false;
  }

 private:
  static constexpr uint64_t kGeneration = uint64_t{1} << 32;
  static constexpr uint64_t kMoved = ~uint64_t{0};
  static constexpr uint32_t kMostReferences = uint32_t{1} << 30;
  static uint32_t CountOf(uint64_t word) { return static_cast<uint32_t>(word); }

  std::atomic<CountedTable*> owner_{nullptr};
  std::atomic<uint64_t> references_{0};  // the count, and above it how many were ever taken
  std::atomic<CountedObject*> next_{nullptr};
  std::atomic<CountedObject*> moved_to_{nullptr};
  uint64_t hash_ = 0;
  uint64_t number_ = 0;
  std::atomic<uint64_t> uses_{0};
  uint8_t name_length_ = 0;
  char name_[kLongestName];
};
static_assert(sizeof(CountedObject) == 128);

}  // namespace mxa::examples

#endif  // MXA_EXAMPLES_COUNTED_TABLE_COUNTED_OBJECT_H_
