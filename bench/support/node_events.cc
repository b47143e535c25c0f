// SPDX-License-Identifier: Apache-2.0
#include "bench/support/node_events.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "xarray/entry.h"

namespace mxa::bench {
namespace {

// The nodes of one tree by height and place, and how many slots each has in use.
class Tree {
 public:
  explicit Tree(NodeEvents& events) : events_(events) {}

  // REQUIRES: nothing is at `index`.
  void Store(uint64_t index) {
    const unsigned wanted = xarray::HeightFor(index);
    for (; height_ < wanted; ++height_) {
      // What there was hangs in slot 0 of a new top.
      if (entries_ != 0) Allocate(height_ + 1, 0);
    }
    ++entries_;
    for (unsigned height = 1; height <= height_; ++height) {
      const Key key = KeyOf(height, index);
      const auto found = nodes_.find(key);
      if (found != nodes_.end()) {
        ++found->second.used;
        return;
      }
      Allocate(height, key.second);
    }
  }

  void Erase(uint64_t index) {
    --entries_;
    for (unsigned height = 1; height <= height_; ++height) {
      const auto found = nodes_.find(KeyOf(height, index));
      if (--found->second.used != 0) return;
      events_.nodes.push_back(found->second.number);
      --events_.live;
      nodes_.erase(found);
    }
  }

 private:
  using Key = std::pair<unsigned, uint64_t>;
  struct Node {
    uint32_t number;
    unsigned used;
  };

  static Key KeyOf(unsigned height, uint64_t index) {
    const unsigned bits = height * xarray::kSlotBits;
    return {height, bits >= 64 ? 0 : index >> bits};
  }
  void Allocate(unsigned height, uint64_t place) {
    nodes_[{height, place}] = {events_.total, 1};
    events_.nodes.push_back(events_.total++);
    ++events_.live;
  }

  NodeEvents& events_;
  absl::flat_hash_map<Key, Node> nodes_;
  unsigned height_ = 0;
  uint64_t entries_ = 0;
};

}  // namespace

NodeEvents NodeEventsOf(const tool::Workload& workload, const tool::Kept& kept) {
  NodeEvents events;
  std::vector<Tree> trees;
  for (const tool::WorkloadArray& array : workload.arrays) {
    Tree& tree = trees.emplace_back(events);
    for (uint64_t index = 0; index < array.dense; ++index) tree.Store(index);
    for (const uint64_t index : array.blocks) tree.Store(index);
  }
  for (size_t a = 0; a < trees.size(); ++a) {
    const tool::WorkloadArray& array = workload.arrays[a];
    if (kept[a].empty()) {
      for (uint64_t index = 0; index < array.dense; ++index) trees[a].Erase(index);
    }
    std::vector<uint32_t> order(array.blocks.size());
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(),
              [&](uint32_t x, uint32_t y) { return array.last_touch[x] < array.last_touch[y]; });
    for (const uint32_t position : order) {
      const uint64_t index = array.blocks[position];
      if (!std::binary_search(kept[a].begin(), kept[a].end(), index)) trees[a].Erase(index);
    }
  }
  return events;
}

}  // namespace mxa::bench
