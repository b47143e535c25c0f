// SPDX-License-Identifier: Apache-2.0
#include "reclaim/owner_pin.h"

#include <optional>

#include "base/check.h"
#include "base/planted_bug.h"
#include "base/schedule_point.h"
#include "base/tsan.h"
#include "reclaim/rcu.h"

namespace mxa::reclaim {

void OwnerPin::Pin(const void* owner) {
  MXA_DCHECK(pinned_.load(std::memory_order_relaxed) == nullptr, "two pins at once");  // relaxed: this thread's own
  // Relaxed: the fence orders it.
  pinned_.store(owner, std::memory_order_relaxed);
  // ORDER(pin-fence) full; meets the fence in AwaitUnpinned. Theirs came first: the mover's second look finds that the
  // object has left. Ours came first: they find the owner pinned and wait.
  FullFence();
}

void OwnerPin::Unpin() {
  // ORDER(pin-clear) seq_cst, so release too; pairs with the load in Pinned: what the mover did to the owner happens
  // before its end.
  pinned_.store(nullptr, std::memory_order_seq_cst);
  pinned_.notify_all();
}

const void* OwnerPin::Pinned() const {
  // ORDER(pin-clear) seq_cst, so acquire too; pairs with the store in Unpin.
  return pinned_.load(std::memory_order_seq_cst);
}

void OwnerPin::AwaitUnpinned(const void* owner) {
  // ORDER(pin-fence) full; meets the fence in Pin, which says the cases. The caller's last stores took the owner out of
  // its objects.
  FullFence();
  if (Pinned() != owner || PlantedBugIs(PlantedBug::kDestroyerDoesNotWait)) return;
  MXA_SCHEDULE_POINT("owner_pin.found_pinned");
  std::optional<OfflineScope> offline;
  if (!InReadSection()) offline.emplace();
  do {
    MXA_SCHEDULE_POINT("owner_pin.parking");
    // Seq_cst, as in Pinned. It may come back while the owner is pinned once more: then it is looked at again.
    pinned_.wait(owner, std::memory_order_seq_cst);
  } while (Pinned() == owner);
}

}  // namespace mxa::reclaim
