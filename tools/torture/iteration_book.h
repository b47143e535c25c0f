// SPDX-License-Identifier: Apache-2.0
//
// What the scenario `iteration` knows of its entries: what each says of itself, and what became of each place.
//
// Threads: a book has one adder and one remover at a time; readers any.
#ifndef MXA_TOOLS_TORTURE_ITERATION_BOOK_H_
#define MXA_TOOLS_TORTURE_ITERATION_BOOK_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/strings/str_format.h"

namespace mxa::torture {

// Anchors lie in every other block, at both its borders too, so that the nodes of the others come and go.
inline constexpr uint64_t kPlacesOfBlock = 64;
inline constexpr uint64_t kIterationPlaces = 7 * kPlacesOfBlock;
constexpr bool IsIterationAnchor(uint64_t place) {
  return place / kPlacesOfBlock % 2 == 0 && place % kPlacesOfBlock % 9 == 0;
}

// What an entry says of itself.
struct ToldByEntry {
  uint64_t place;
  unsigned order;
  uint64_t number;

  uint64_t Value() const { return number << 24 | uint64_t{order} << 16 | place; }
  static ToldByEntry Of(uint64_t value) {
    return {value & 0xffff, static_cast<unsigned>(value >> 16 & 0xff), value >> 24};
  }
  bool IsMarked() const { return number % 2 == 1; }
  std::string ToString() const { return absl::StrFormat("place %u, order %u, number %u", place, order, number); }
};

// What became of one place.
//
//   reader: a = added(); d = removed(); look; r = removing();   // an entry seen is above d; a above d and r: one was there
class BookOfPlace {
 public:
  // By the adder, once it is marked. Release; pairs with the acquire in added(): who sees it finds the entry, or it is being
  // removed.
  void Added(uint64_t number) { added_.store(number, std::memory_order_release); }
  // By the remover, before it removes anything up to `number`, and when it has not. Relaxed: the store into the array, which
  // is a release, comes behind it.
  void BeginRemoving(uint64_t number) { removing_.store(number, std::memory_order_relaxed); }
  // Release; pairs with the acquire in removed(): who sees it does not find the entry.
  void Removed(uint64_t number) { removed_.store(number, std::memory_order_release); }

  uint64_t added() const { return added_.load(std::memory_order_acquire); }
  // Relaxed: what was looked at was read with acquire, so that this load stays behind it.
  uint64_t removing() const { return removing_.load(std::memory_order_relaxed); }
  uint64_t removed() const { return removed_.load(std::memory_order_acquire); }

 private:
  std::atomic<uint64_t> added_{0};
  std::atomic<uint64_t> removing_{0};
  std::atomic<uint64_t> removed_{0};
};

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_ITERATION_BOOK_H_
