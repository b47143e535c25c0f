// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/ledger.h"

namespace mxa::tool {
namespace {

size_t CountOf(const Kept& kept) {
  size_t count = 0;
  for (const std::vector<uint64_t>& indices : kept) count += indices.size();
  return count;
}

}  // namespace

Ledger::Ledger(const Kept& kept) : entries_(CountOf(kept)), ranges_(kept.size()) {
  array_of_.reserve(entries_.size());
  size_t next = 0;
  for (size_t array = 0; array < kept.size(); ++array) {
    ranges_[array].first = next;
    for (const uint64_t index : kept[array]) {
      entries_[next++].index_ = index;
      array_of_.push_back(static_cast<uint32_t>(array));
    }
    ranges_[array].last = next;
  }
}

}  // namespace mxa::tool
