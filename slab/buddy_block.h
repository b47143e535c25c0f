// SPDX-License-Identifier: Apache-2.0
//
// One block of up to 32 units, cut buddy-wise: which of its units are free, and which runs of it are out.
//
// Invariants:
//   B1  a unit is free, part of exactly one run that is out, or coming back; only the first unit of a run that is out
//       has a length.
//   B2  a run is a power of two of units, aligned to its size.
// Threads: none of its own; the page pool locks.
// Why not a list a size: merging is then a search, while here two buddies are merged as soon as their bits are set.
#ifndef MXA_SLAB_BUDDY_BLOCK_H_
#define MXA_SLAB_BUDDY_BLOCK_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace mxa::slab {

class BuddyBlock {
 public:
  static constexpr size_t kMostUnits = 32;

  // A block of which every unit is free. `units` is a power of two up to kMostUnits.
  explicit BuddyBlock(size_t units) : units_(units), free_(Mask(0, units)) {}

  size_t free_units() const { return static_cast<size_t>(std::popcount(free_)); }
  bool whole() const { return free_units() == units_; }

  // A place for a run, and the size of the free buddy it would be cut from; 0 when there is none.
  struct Fit {
    size_t size = 0;
    size_t first = 0;
  };
  // The first place in the smallest free buddy that has room for `units`, so that large ones last.
  Fit Find(size_t units) const {
    for (size_t size = units; size <= units_; size *= 2) {
      const uint32_t places = FreeBuddies(size);
      if (places == 0) return {};
      // Of a buddy that merges with its neighbour, both halves. (A shift by the whole width would be undefined.)
      const uint32_t merged = size == units_ ? 0 : FreeBuddies(2 * size);
      const uint32_t halves = size == units_ ? 0 : merged | merged << size;
      if (const uint32_t alone = places & ~halves; alone != 0) {
        return {size, static_cast<size_t>(std::countr_zero(alone))};
      }
    }
    return {};
  }

  void Take(size_t first, size_t units) {
    free_ &= ~Mask(first, units);
    out_[first] = static_cast<uint8_t>(units);
  }

  // How long the run is that is out and begins at `first`; 0 when there is none.
  size_t OutAt(size_t first) const { return out_[first]; }

  // A run comes back in two steps: first it is no longer out, then, when its units are clean, they are free.
  void BeginReturn(size_t first) { out_[first] = 0; }
  void EndReturn(size_t first, size_t units) { free_ |= Mask(first, units); }

  bool IsFree(size_t unit) const { return (free_ >> unit & 1) != 0; }

  // B1, B2.
  bool Sound() const {
    uint32_t seen = free_;
    for (size_t i = 0; i < units_; ++i) {
      const size_t units = out_[i];
      if (units == 0) continue;
      if (!std::has_single_bit(units) || i % units != 0 || i + units > units_) return false;
      if ((seen & Mask(i, units)) != 0) return false;
      seen |= Mask(i, units);
    }
    return (free_ & ~Mask(0, units_)) == 0;
  }

 private:
  static uint32_t Mask(size_t first, size_t units) {
    return static_cast<uint32_t>(((uint64_t{1} << units) - 1) << first);
  }
  // Bit i: a buddy of `size` units, all free, begins at unit i.
  uint32_t FreeBuddies(size_t size) const {
    uint32_t starts = free_;
    for (size_t covered = 1; covered < size; covered *= 2) starts &= starts >> covered;
    const uint32_t aligned = ~uint32_t{0} / Mask(0, size);
    return starts & aligned;
  }

  size_t units_;
  uint32_t free_;
  std::array<uint8_t, kMostUnits> out_{};
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_BUDDY_BLOCK_H_
