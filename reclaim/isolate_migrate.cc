// SPDX-License-Identifier: Apache-2.0
#include "reclaim/isolate_migrate.h"

#include "base/check.h"

namespace mxa::reclaim {

IsolateMigrate::IsolateMigrate(IsolateCallback isolate, MigrateCallback migrate, void* context)
    : isolate_(isolate), migrate_(migrate), context_(context) {
  MXA_CHECK(isolate != nullptr && migrate != nullptr, "mobility with one callback of the two");
}

IsolateMigrate::~IsolateMigrate() {
  MXA_CHECK(private_data_.load(std::memory_order_relaxed) == nullptr,  // relaxed: nobody is inside
            "an adapter ended between isolate and migrate");
}

bool IsolateMigrate::CanFree(absl::Span<void*> objects) {
  void* const private_data = isolate_(context_, objects);
  if (private_data == nullptr) return false;
  // Relaxed: both phases are the same thread's. Atomic so that an adapter of two caches is told of by this check, not by
  // a race.
  void* const before = private_data_.exchange(private_data, std::memory_order_relaxed);
  MXA_CHECK(before == nullptr, "isolated a slab before the last one was migrated: one adapter for two caches?");
  return true;
}

void IsolateMigrate::Reclaim(absl::Span<void*> objects, MoveTarget& target) {
  void* const private_data = private_data_.exchange(nullptr, std::memory_order_relaxed);  // relaxed: as in CanFree
  if (private_data == nullptr) {
    MXA_CHECK(objects.empty(), "phase 2 of objects that have not been isolated");
    return;  // a slab that turned out empty, of which nobody was asked
  }
  migrate_(context_, objects, target, private_data);
}

}  // namespace mxa::reclaim
