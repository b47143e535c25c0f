// SPDX-License-Identifier: Apache-2.0
#include "tests/support/order_oracle.h"

#include <algorithm>
#include <iterator>

namespace mxa::tests {

using xarray::Entry;
using xarray::kNull;
using xarray::OrderMask;

OrderOracle::Map::iterator OrderOracle::Find(uint64_t index) {
  auto found = map_.upper_bound(index);
  if (found == map_.begin()) return map_.end();
  --found;
  return LastOf(found->first, found->second) >= index ? found : map_.end();
}

OrderOracle::Map::iterator OrderOracle::FindFrom(uint64_t index) {
  const auto found = Find(index);
  return found != map_.end() ? found : map_.lower_bound(index);
}

Entry OrderOracle::Load(uint64_t index) {
  const auto found = Find(index);
  return found == map_.end() ? kNull : xarray::AsRead(found->second.entry);
}

void OrderOracle::Store(uint64_t index, Entry entry) {
  const auto found = Find(index);
  if (entry == kNull) {
    if (found != map_.end()) map_.erase(found);
  } else if (found == map_.end()) {
    map_[index] = {0, entry, 0};
  } else {
    found->second.entry = entry;
  }
}

OrderOracle::Told OrderOracle::StoreOrder(uint64_t index, unsigned order, Entry entry) {
  const uint64_t first = index & ~OrderMask(order);
  const uint64_t last = index | OrderMask(order);
  if (const auto at = Find(first); at != map_.end() && at->second.order > order) SplitToward(first, order);
  unsigned marks = 0;
  Told told;
  for (auto at = map_.lower_bound(first); at != map_.end() && at->first <= last; at = map_.erase(at)) {
    marks |= at->second.marks;
    if (at->second.entry != xarray::kZero) told.emplace_back(at->first, at->second.entry);
  }
  map_[first] = {order, entry, marks};
  return told;
}

bool OrderOracle::InsertOrder(uint64_t index, unsigned order, Entry entry) {
  const auto next = FindFrom(index & ~OrderMask(order));
  if (next != map_.end() && next->first <= (index | OrderMask(order))) return false;
  StoreOrder(index, order, entry);
  return true;
}

OrderOracle::Told OrderOracle::StoreRange(uint64_t first, uint64_t last, Entry entry) {
  Cut(first);
  Cut(last + 1);
  Told told;
  for (;;) {
    unsigned order = xarray::kMaxOrder;
    while ((first & OrderMask(order)) != 0 || OrderMask(order) > last - first) --order;
    for (const auto& one : StoreOrder(first, order, entry)) told.push_back(one);
    if (first + OrderMask(order) == last) return told;
    first += OrderMask(order) + 1;
  }
}

OrderOracle::Told OrderOracle::EraseRange(uint64_t first, uint64_t last) {
  Cut(first);
  Cut(last + 1);
  Told told;
  for (auto at = map_.lower_bound(first); at != map_.end() && at->first <= last; at = map_.erase(at)) {
    if (at->second.entry != xarray::kZero) told.emplace_back(at->first, at->second.entry);
  }
  return told;
}

std::optional<unsigned> OrderOracle::GetOrder(uint64_t index) {
  const auto found = Find(index);
  if (found == map_.end()) return std::nullopt;
  return found->second.order;
}

bool OrderOracle::Split(uint64_t index, unsigned order) {
  const auto found = Find(index);
  if (found == map_.end()) return false;
  if (found->second.order <= order) return true;
  const uint64_t last = LastOf(found->first, found->second);
  Held piece = found->second;
  piece.order = order;
  uint64_t first = found->first;
  for (map_.erase(found);; first += OrderMask(order) + 1) {
    map_[first] = piece;
    if (first + OrderMask(order) == last) return true;
  }
}

bool OrderOracle::SplitToward(uint64_t index, unsigned order) {
  auto found = Find(index);
  if (found == map_.end()) return false;
  while (found->second.order > order) {
    Split(index, found->second.order - 1);
    found = Find(index);
  }
  return true;
}

void OrderOracle::Cut(uint64_t index) {
  for (auto found = Find(index); found != map_.end() && found->first != index; found = Find(index)) {
    Split(index, found->second.order - 1);
  }
}

}  // namespace mxa::tests
