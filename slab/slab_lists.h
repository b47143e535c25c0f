// SPDX-License-Identifier: Apache-2.0
//
// The slabs of a cache that allocations may come from, by occupancy: full, partial in bands, empty.
//
// Invariants: S2 (cache.h): a listed slab is on exactly the list of its live count.
// Threads: none of its own; the cache's lists' lock guards it.
#ifndef MXA_SLAB_SLAB_LISTS_H_
#define MXA_SLAB_SLAB_LISTS_H_

#include <array>
#include <cstddef>
#include <vector>

#include "base/intrusive_list.h"
#include "slab/slab.h"

namespace mxa::slab {

class SlabLists {
 public:
  static constexpr size_t kBands = 16;

  // Puts `slab` on the list of its live count and makes it kListed.
  void Insert(Slab& slab);
  // Takes it off; the caller sets its new state.
  void Remove(Slab& slab);
  // Changes a listed slab's live count and moves it to its new list.
  void SetLive(Slab& slab, uint16_t live);

  // The fullest slab with a free object: partial ones first, then empty ones. Null when there is none.
  Slab* Fullest();

  // Takes off and returns an empty slab while more than `keep` are there, or null.
  Slab* TakeEmpty(size_t keep);
  // Takes off the empty slabs that `wanted` says yes to, and appends them to `taken`.
  template <typename Wanted>
  void TakeEmptyIf(Wanted wanted, std::vector<Slab*>& taken) {
    for (Slab* slab = lists_[kEmpty].front(); slab != nullptr;) {
      Slab* const next = lists_[kEmpty].next(*slab);
      if (wanted(*slab)) {
        Remove(*slab);
        taken.push_back(slab);
      }
      slab = next;
    }
  }
  size_t empty_count() const { return lists_[kEmpty].size(); }

  template <typename Visit>
  void ForEach(Visit visit) {
    for (auto& list : lists_) {
      for (Slab* slab = list.front(); slab != nullptr; slab = list.next(*slab)) visit(*slab);
    }
  }

  bool OnItsList(const Slab& slab) const { return lists_[ListOf(slab)].contains(slab); }

 private:
  // Lists from empty to full: 0 empty, 1 to kBands partial, kFull full.
  static constexpr size_t kEmpty = 0;
  static constexpr size_t kFull = kBands + 1;
  static size_t ListOf(const Slab& slab);

  std::array<IntrusiveList<Slab>, kBands + 2> lists_;
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_SLAB_LISTS_H_
