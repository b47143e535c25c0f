// SPDX-License-Identifier: Apache-2.0
#include "slab/order_plan.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "slab/take_back.h"

namespace mxa::slab {
namespace {

// Sorted, merged or copied between two chances for others to run.
constexpr size_t kAtOnce = 4096;

// std::sort in steps: runs, then merges of two runs each.
template <typename T, typename Less>
void SortInSteps(std::vector<T>& items, Less less, reclaim::Pacer& pacer) {
  for (size_t i = 0; i < items.size(); i += kAtOnce) {
    std::sort(items.begin() + static_cast<ptrdiff_t>(i),
              items.begin() + static_cast<ptrdiff_t>(std::min(i + kAtOnce, items.size())), less);
    pacer.Offer();
  }
  std::vector<T> merged(items.size());
  for (size_t run = kAtOnce; run < items.size(); run *= 2) {
    for (size_t first = 0; first < items.size(); first += 2 * run) {
      size_t a = first;
      size_t b = std::min(first + run, items.size());
      const size_t a_end = b;
      const size_t b_end = std::min(first + 2 * run, items.size());
      for (size_t out = first; out < b_end; ++out) {
        const bool from_b = a == a_end || (b < b_end && less(items[b], items[a]));
        merged[out] = items[from_b ? b++ : a++];
        if (out % kAtOnce == 0) pacer.Offer();
      }
    }
    items.swap(merged);
  }
}

}  // namespace

void OrderPlan::ReturnLeft() {
  std::vector<void*> left;
  left.reserve(places_.size());
  for (const auto& [object, place] : places_) left.push_back(place);
  places_.clear();
  cache_.ReturnDestinations(left);
}

absl::Status OrderPlan::Make(absl::Span<const PlannedMove> moves, reclaim::Pacer& pacer) {
  std::vector<Keyed> keyed;
  std::vector<void*> objects;
  std::vector<reclaim::OrderKey> keys;
  for (size_t i = 0; i < moves.size(); ++i) {
    if (!cache_.store().KeysOfPlanned(*moves[i].slab, *cache_.options().movable, objects, keys)) {
      return absl::FailedPreconditionError(
          absl::StrCat("the owner of cache ", cache_.options().name, " gives its objects no order"));
    }
    for (size_t j = 0; j < objects.size(); ++j) {
      if (keys[j].group != nullptr) keyed.push_back({keys[j], objects[j]});
    }
    pacer.Offer();
    // Moves of one node stand together (Nm2).
    if (i + 1 < moves.size() && moves[i + 1].to == moves[i].to) continue;
    const absl::Status status = MakeOn(moves[i].to, keyed, pacer);
    if (!status.ok()) return status;
    keyed.clear();
  }
  return absl::OkStatus();
}

absl::Status OrderPlan::MakeOn(int node, std::vector<Keyed>& keyed, reclaim::Pacer& pacer) {
  SortInSteps(
      keyed, [](const Keyed& a, const Keyed& b) { return a.key < b.key; }, pacer);
  std::vector<void*> places(keyed.size());
  if (!SetAside(node, places)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no memory for a second copy of the objects of cache ", cache_.options().name));
  }
  SortInSteps(
      places, [](const void* a, const void* b) { return a < b; }, pacer);
  for (size_t i = 0; i < keyed.size(); ++i) {
    places_[keyed[i].object] = places[i];
    if (i % kAtOnce == 0) pacer.Offer();
  }
  return absl::OkStatus();
}

bool OrderPlan::SetAside(int node, std::vector<void*>& places) {
  size_t reserved = 0;
  for (;;) {
    reserved += cache_.store().Take(absl::MakeSpan(places).subspan(reserved), node, /*strict=*/true);
    if (reserved == places.size() || !AddSlabTakingBack(cache_, node)) break;
  }
  const auto set_aside = absl::MakeSpan(places).first(reserved);
  cache_.ReserveDestinations(set_aside);
  if (reserved == places.size()) return true;
  cache_.ReturnDestinations(set_aside);
  return false;
}

void OrderPlan::PlacesOf(absl::Span<void* const> objects, std::vector<void*>& places) {
  places.clear();
  for (const void* object : objects) {
    const auto found = places_.find(object);
    places.push_back(found == places_.end() ? nullptr : found->second);
  }
}

void OrderPlan::Taken(absl::Span<void* const> objects) {
  for (const void* object : objects) places_.erase(object);
}

}  // namespace mxa::slab
