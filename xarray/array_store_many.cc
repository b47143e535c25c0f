// SPDX-License-Identifier: Apache-2.0
//
// Many stores under one lock: the nodes they need are counted and at hand before the first, so that all are done or none.
//
// Counting goes by what stays: each node that a store puts in is one of the tree that all of them leave behind, because
// entries are added only. A node of height h is known by its index / 64^h, and ascending indices share one with the index
// before or with none before.
#include <algorithm>
#include <functional>
#include <numeric>
#include <vector>

#include "absl/status/status.h"
#include "base/check.h"
#include "base/schedule_point.h"
#include "xarray/array_core.h"
#include "xarray/node_reserve.h"

namespace mxa::xarray {
namespace {

// Set aside under the lock; more than that takes long enough to let others in.
constexpr size_t kFilledUnderLock = 32;

// The number of the node of `height` that covers `index`, among those of that height.
uint64_t NodeNumber(uint64_t index, unsigned height) {
  return height >= kMaxHeight ? 0 : index >> (height * kSlotBits);
}

bool Ascend(absl::Span<const uint64_t> indices) {
  return std::adjacent_find(indices.begin(), indices.end(), std::greater_equal<uint64_t>()) == indices.end();
}

}  // namespace

absl::Status ArrayCore::StoreMany(absl::Span<const uint64_t> indices, absl::FunctionRef<Entry(size_t)> entry_at,
                                  absl::FunctionRef<void(size_t, Entry)> replaced) {
  if (Ascend(indices)) return StoreAscending(indices, entry_at, replaced);
  std::vector<size_t> order(indices.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return indices[a] < indices[b]; });
  std::vector<uint64_t> sorted;
  sorted.reserve(indices.size());
  for (const size_t i : order) sorted.push_back(indices[i]);
  MXA_CHECK(Ascend(sorted), "StoreMany with an index that comes twice");
  return StoreAscending(
      sorted, [&](size_t i) { return entry_at(order[i]); }, [&](size_t i, Entry entry) { replaced(order[i], entry); });
}

absl::Status ArrayCore::StoreAscending(absl::Span<const uint64_t> indices, absl::FunctionRef<Entry(size_t)> entry_at,
                                       absl::FunctionRef<void(size_t, Entry)> replaced) {
  if (indices.empty()) return absl::OkStatus();
  NodeReserve reserve(*nodes_);  // before the lock: gives back what is left over after it
  for (;;) {
    size_t missing = 0;
    {
      ArrayLock lock(anchor_);
      missing = CountMissingLocked(indices);
      if (missing <= reserve.size() ||
          (missing <= kFilledUnderLock && reserve.Fill(missing, slab::AllocFlags::kNone))) {
        PutManyLocked(indices, entry_at, replaced, reserve);
        return absl::OkStatus();
      }
    }
    // As in Update.
    MXA_SCHEDULE_POINT("store_many.unlocked_fill");
    if (!reserve.Fill(missing, slab::AllocFlags::kMayReclaim)) {
      return absl::ResourceExhaustedError("no memory for the nodes of an array");
    }
  }
}

// How many nodes storing at all of `indices` puts in. REQUIRES: they ascend.
size_t ArrayCore::CountMissingLocked(absl::Span<const uint64_t> indices) const {
  const Entry head = anchor_.HeadLocked();
  const unsigned height = IsNode(head) ? HeightBits(head) : 0;
  const unsigned wanted = std::max(height, HeightFor(indices.back()));
  if (wanted == 0) return 0;
  // What lifts the present tree or entry to the new height: on the path of index 0.
  const unsigned lifted = head == kNull ? 0 : wanted - height;
  size_t missing = lifted;
  for (size_t i = 0; i < indices.size(); ++i) {
    const uint64_t index = indices[i];
    if (i > 0 && NodeNumber(index, 1) == NodeNumber(indices[i - 1], 1)) continue;
    const bool covered = height > 0 && index <= MaxIndex(height);
    const unsigned absent = covered ? FindLocked(index).nodes_missing : wanted;
    for (unsigned h = 1; h <= absent; ++h) {
      const uint64_t number = NodeNumber(index, h);
      if (i > 0 && number == NodeNumber(indices[i - 1], h)) break;  // and so is all above
      if (lifted > 0 && h > height && number == 0) break;           // likewise
      ++missing;
    }
  }
  return missing;
}

void ArrayCore::PutManyLocked(absl::Span<const uint64_t> indices, absl::FunctionRef<Entry(size_t)> entry_at,
                              absl::FunctionRef<void(size_t, Entry)> replaced, NodeReserve& reserve) {
  Node* leaf = nullptr;
  for (size_t i = 0; i < indices.size(); ++i) {
    const uint64_t index = indices[i];
    if (i > 0 && NodeNumber(index, 1) != NodeNumber(indices[i - 1], 1)) leaf = nullptr;
    const unsigned offset = OffsetAt(index, 1);
    const Place place = leaf != nullptr && !IsSibling(leaf->SlotLocked(offset))
                            ? Place{leaf, 0, offset, leaf->SlotLocked(offset)}
                            : FindLocked(index);
    if (place.nodes_missing == 0 && place.node != nullptr && place.node->height() == 1) leaf = place.node;
    const Entry entry = entry_at(i);
    MXA_CHECK(entry != kNull && IsStorable(entry), "not an entry that StoreMany may store");
    PutLocked(index, place, entry, reserve);
    replaced(i, AsRead(place.entry));
  }
}

}  // namespace mxa::xarray
