// SPDX-License-Identifier: Apache-2.0
#include "reclaim/one_by_one.h"

#include <cstddef>
#include <cstdint>

namespace mxa::reclaim {
namespace {

constexpr size_t kAhead = 4;
constexpr size_t kRetriedAtMost = 8192;  // of one slab

}  // namespace

bool OneByOne::CanFree(absl::Span<void*> objects) {
  for (size_t i = 0; i < objects.size(); ++i) {
    if (i + 2 * kAhead < objects.size()) __builtin_prefetch(objects[i + 2 * kAhead]);
    if (objects[i] != nullptr && !MayMove(objects[i])) objects[i] = nullptr;
  }
  return true;
}

void OneByOne::Reclaim(absl::Span<void*> objects, MoveTarget& target) {
  uint64_t again[kRetriedAtMost / 64] = {};  // phase 2 allocates nothing
  bool any_again = false;
  for (size_t i = 0; i < objects.size(); ++i) {
    if (objects[i] == nullptr) continue;
    target.BetweenObjects();
    void* destination = target.destination();
    if (target.unpin_only() || destination == nullptr) {
      target.Settle(objects[i], MoveResult::kBusy);
      continue;
    }
    if (i + kAhead < objects.size() && objects[i + kAhead] != nullptr) Prefetch(objects[i + kAhead]);
    const MoveResult result = Move(objects[i], destination);
    if (result == MoveResult::kBusy && i < kRetriedAtMost) {
      again[i / 64] |= uint64_t{1} << (i % 64);
      any_again = true;
    } else {
      target.Settle(objects[i], result);
    }
  }
  if (!any_again) return;
  for (size_t i = 0; i < objects.size() && i < kRetriedAtMost; ++i) {
    if ((again[i / 64] >> (i % 64) & 1) == 0) continue;
    target.BetweenObjects();
    void* destination = target.destination();
    const bool stays = target.unpin_only() || destination == nullptr;
    target.Settle(objects[i], stays ? MoveResult::kBusy : Move(objects[i], destination));
  }
}

}  // namespace mxa::reclaim
