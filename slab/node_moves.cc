// SPDX-License-Identifier: Apache-2.0
#include "slab/node_moves.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "absl/strings/str_format.h"
#include "slab/victims.h"

namespace mxa::slab {
namespace {

using Mode = CompactOptions::Mode;
using Choice = SlabStore::Choice;

// What balancing knows of one node.
struct Load {
  size_t live = 0;            // objects, with those already on their way here
  std::vector<Choice> slabs;  // that hold an object; the emptiest first
  size_t next = 0;            // the first of them that stays so far
};

std::vector<PlannedMove> Balance(const std::vector<Choice>& listed, size_t capacity, size_t nodes) {
  std::vector<Load> loads(nodes);
  for (const Choice& choice : listed) {
    Load& load = loads[static_cast<size_t>(choice.node)];
    load.live += choice.live;
    if (choice.live != 0) load.slabs.push_back(choice);
  }
  for (Load& load : loads) {
    std::sort(load.slabs.begin(), load.slabs.end(), [](const Choice& a, const Choice& b) {
      return std::make_tuple(a.live, a.region, a.slab) < std::make_tuple(b.live, b.region, b.slab);
    });
  }
  std::vector<PlannedMove> moves;
  const auto less_live = [](const Load& a, const Load& b) { return a.live < b.live; };
  for (;;) {
    const auto [emptiest, fullest] = std::minmax_element(loads.begin(), loads.end(), less_live);
    const size_t difference = fullest->live - emptiest->live;
    // Whoever gets objects is the emptiest, so from then on it has at most a slab's more than the emptiest. A node that
    // has more than that got none: what it has is in slabs that can go.
    if (difference < capacity || fullest->next == fullest->slabs.size()) return moves;
    const Choice& choice = fullest->slabs[fullest->next];
    if (choice.live >= difference) return moves;  // would only change their places
    ++fullest->next;
    fullest->live -= choice.live;
    emptiest->live += choice.live;
    moves.push_back({choice.slab, static_cast<int>(emptiest - loads.begin())});
  }
}

std::vector<PlannedMove> To(int node, const std::vector<Slab*>& slabs) {
  std::vector<PlannedMove> moves;
  for (Slab* slab : slabs) moves.push_back({slab, node});
  return moves;
}

}  // namespace

absl::Status CheckNodes(const CompactOptions& options, size_t nodes) {
  if (options.mode != Mode::kMoveToNode) return absl::OkStatus();
  const int count = static_cast<int>(nodes);
  if (options.to_node < 0 || options.to_node >= count) {
    return absl::InvalidArgumentError(
        absl::StrFormat("to_node is %d, and there are nodes 0 to %d", options.to_node, count - 1));
  }
  if (options.from_node < kAnyNode || options.from_node >= count) {
    return absl::InvalidArgumentError(
        absl::StrFormat("from_node is %d, and there are nodes 0 to %d", options.from_node, count - 1));
  }
  if (options.from_node == options.to_node) {
    return absl::InvalidArgumentError(absl::StrFormat("from_node and to_node are both %d", options.to_node));
  }
  return absl::OkStatus();
}

std::vector<PlannedMove> PlanMoves(const std::vector<Choice>& listed, size_t capacity, const CompactOptions& options,
                                   size_t nodes) {
  std::vector<PlannedMove> moves;
  std::vector<Choice> some;
  switch (options.mode) {
    case Mode::kPack:
    case Mode::kMoveEverything:
    case Mode::kOrder:
      for (int node = 0; node < static_cast<int>(nodes); ++node) {
        some.clear();
        std::copy_if(listed.begin(), listed.end(), std::back_inserter(some),
                     [&](const Choice& choice) { return choice.node == node; });
        const std::vector<PlannedMove> here = To(node, ChooseVictims(some, capacity, options));
        moves.insert(moves.end(), here.begin(), here.end());
      }
      return moves;
    case Mode::kMoveToNode:
      std::copy_if(listed.begin(), listed.end(), std::back_inserter(some), [&](const Choice& choice) {
        return choice.node != options.to_node && (options.from_node == kAnyNode || choice.node == options.from_node);
      });
      return To(options.to_node, ChooseVictims(some, capacity, options));
    case Mode::kEvacuate:
      for (int node = 0; node < static_cast<int>(nodes); ++node) {
        for (const Choice& choice : listed) {
          if (choice.node == node && choice.slab->ReachesInto(options.range_begin, options.range_end))
            moves.push_back({choice.slab, node});
        }
      }
      return moves;
    case Mode::kBalance:
      moves = Balance(listed, capacity, nodes);
      std::stable_sort(moves.begin(), moves.end(),
                       [](const PlannedMove& a, const PlannedMove& b) { return a.to < b.to; });
      return moves;
  }
  return moves;
}

}  // namespace mxa::slab
