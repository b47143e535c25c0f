// SPDX-License-Identifier: Apache-2.0
//
// Many loads at once: walks go down side by side, a level at a time, and each asks for its next line before the others
// take their step, so that the misses of a group overlap instead of following one another.
#include <algorithm>

#include "base/schedule_point.h"
#include "xarray/array_core.h"

namespace mxa::xarray {
namespace {

// As many lines as a core fetches at a time, or a few more.
constexpr size_t kWalks = 24;

}  // namespace

void ArrayCore::LoadManyInSection(absl::Span<const uint64_t> indices, Entry* entries) const {
  for (size_t done = 0; done < indices.size(); done += kWalks) {
    LoadGroup(indices.subspan(done, kWalks), entries + done);
  }
}

// Orderings: head() and Node::SlotAt.
void ArrayCore::LoadGroup(absl::Span<const uint64_t> indices, Entry* entries) const {
  MXA_SCHEDULE_POINT("load_many.step");
  const Entry head = anchor_.head();
  if (!IsNode(head)) {
    for (size_t i = 0; i < indices.size(); ++i) entries[i] = LoadSlow(head, indices[i]);
    return;
  }
  const unsigned height = HeightBits(head);
  uintptr_t slots[kWalks];  // of the node that each walk is in; 0: it has ended
  for (size_t i = 0; i < indices.size(); ++i) {
    entries[i] = kNull;
    slots[i] = indices[i] > MaxIndex(height) ? 0 : head - NodeTag(height) + Node::kSlotsAt;
    if (slots[i] != 0) Node::PrefetchSlotAt(slots[i], OffsetAt(indices[i], height));
  }
  for (unsigned level = height; level > 1; --level) {
    MXA_SCHEDULE_POINT("load_many.level");
    for (size_t i = 0; i < indices.size(); ++i) {
      if (slots[i] == 0) continue;
      const Entry entry = Node::SlotAt(slots[i], OffsetAt(indices[i], level));
      slots[i] = entry - NodeTag(level - 1) + Node::kSlotsAt;
      if (ABSL_PREDICT_FALSE((slots[i] & kNodeAlignMask) != 0)) {
        entries[i] = LoadSlow(entry, indices[i]);
        slots[i] = 0;
      } else {
        Node::PrefetchSlotAt(slots[i], OffsetAt(indices[i], level - 1));
      }
    }
  }
  MXA_SCHEDULE_POINT("load_many.level");
  for (size_t i = 0; i < indices.size(); ++i) {
    if (slots[i] == 0) continue;
    const Entry entry = Node::SlotAt(slots[i], OffsetAt(indices[i], 1));
    entries[i] = ABSL_PREDICT_FALSE(IsInternal(entry)) ? LoadSlow(entry, indices[i]) : entry;
  }
}

}  // namespace mxa::xarray
