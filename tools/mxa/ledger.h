// SPDX-License-Identifier: Apache-2.0
//
// What every kept entry may be seen as right now: the generations between which a true read must lie.
//
// Generations are even while the entry is present and odd while it is not. Before a writer stores or erases it says so
// (begun), and afterwards too (committed); what a read finds must be a generation from what was committed before it to
// what was begun after it.
//
// Invariants:
//   L1  committed <= begun <= committed + 2, and both belong to the one writer of the entry.
//   L2  a stable entry is present in every generation; only stable entries are marked, and every marked one is marked
//       all the time.
//   L3  entries of an array are neighbours, in ascending order of index.
// Threads: built by one; then Begin and Commit of an entry by its one writer, everything else by all.
#ifndef MXA_TOOLS_MXA_LEDGER_H_
#define MXA_TOOLS_MXA_LEDGER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tools/mxa/keep.h"
#include "tools/mxa/random.h"

namespace mxa::tool {

constexpr bool IsPresent(uint32_t generation) { return generation % 2 == 0; }

// Chosen by place, so that nothing need be kept for it: three of four entries are never erased, of these one of eight
// is marked.
constexpr uint64_t PlaceHash(uint32_t array, uint64_t index) { return Mix64(index * 0x9e3779b97f4a7c15 + array + 1); }
constexpr bool IsStable(uint32_t array, uint64_t index) { return PlaceHash(array, index) % 4 != 0; }
constexpr bool IsMarked(uint32_t array, uint64_t index) {
  return IsStable(array, index) && (PlaceHash(array, index) >> 8) % 8 == 0;
}

class LedgerEntry {
 public:
  uint64_t index() const { return index_; }

  // ORDER(ledger-begin) release; pairs with acquire in Begun. A reader that meets the generation in the array has got
  // the pointer to it by acquire, so this store happened before its call of Begun, whatever the order of the pair;
  // release keeps it before the store.
  void Begin(uint32_t generation) { begun_.store(generation, std::memory_order_release); }
  // ORDER(ledger-begin) acquire; pairs with release in Begin.
  uint32_t Begun() const { return begun_.load(std::memory_order_acquire); }

  // ORDER(ledger-commit) release; pairs with acquire in Committed: a load after that sees the array no older than this
  // generation.
  void Commit(uint32_t generation) { committed_.store(generation, std::memory_order_release); }
  // ORDER(ledger-commit) acquire; pairs with release in Commit.
  uint32_t Committed() const { return committed_.load(std::memory_order_acquire); }

 private:
  friend class Ledger;
  uint64_t index_ = 0;
  std::atomic<uint32_t> begun_{0};
  std::atomic<uint32_t> committed_{0};
};
static_assert(sizeof(LedgerEntry) == 16);

// The entries [first, last) of an array.
struct LedgerRange {
  size_t first = 0;
  size_t last = 0;
  size_t size() const { return last - first; }
};

class Ledger {
 public:
  // All of `kept` are present, in generation 0.
  explicit Ledger(const Kept& kept);

  size_t size() const { return entries_.size(); }
  LedgerEntry& entry(size_t i) { return entries_[i]; }
  const LedgerEntry& entry(size_t i) const { return entries_[i]; }

  uint32_t array_of(size_t i) const { return array_of_[i]; }
  size_t arrays() const { return ranges_.size(); }
  const LedgerRange& range(uint32_t array) const { return ranges_[array]; }

  bool IsStableEntry(size_t i) const { return IsStable(array_of_[i], entries_[i].index()); }
  bool IsMarkedEntry(size_t i) const { return IsMarked(array_of_[i], entries_[i].index()); }

 private:
  std::vector<LedgerEntry> entries_;
  std::vector<uint32_t> array_of_;
  std::vector<LedgerRange> ranges_;  // by array
};

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_LEDGER_H_
