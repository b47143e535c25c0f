// SPDX-License-Identifier: Apache-2.0
//
// What the steps of ArrayCore's operations tell each other: where an index is in the tree, what is to go there, and on what
// condition. Of no use to others.
//
// Threads: plain values. What they say of the tree holds for as long as the array's lock is held.
#ifndef MXA_XARRAY_PLACE_H_
#define MXA_XARRAY_PLACE_H_

#include <cstdint>

#include "xarray/entry.h"
#include "xarray/node.h"

namespace mxa::xarray {

// Where an index is, or would go.
struct Place {
  Node* node;              // the lowest node on its path; null: the head decides
  unsigned nodes_missing;  // to be put in before an entry can be stored there
  unsigned offset;         // of the slot that holds the entry, or would lead to it
  Entry entry;             // what is there
};

// Where an entry of several indices would go, and what is in its way.
struct OrderPlace {
  enum class Kind : uint8_t {
    kHead,     // the head alone, which holds an entry or nothing
    kGrow,     // no node covers its indices yet
    kPath,     // a slot further up is null
    kFree,     // all its slots are null
    kEntry,    // one entry, or a reservation, that takes its indices
    kLarger,   // one that takes more
    kNode,     // one slot, which leads to a node
    kSeveral,  // several slots, not all of them null
  };
  Kind kind;
  Node* node;  // null: kHead or kGrow
  unsigned nodes_missing;
  unsigned offset;  // of its first slot; kLarger: of the present entry's
};

// An entry of several indices that is to be stored, and whether it may take the place of others.
struct OrderUpdate {
  uint64_t index;
  unsigned order;
  Entry entry;
  bool only_free;
};

// What became of an attempt to store one.
enum class Tried : uint8_t { kDone, kInUse, kNoMemory };

// An entry that is split, where it is, and what it shall become.
struct Splitting {
  uint64_t index;  // one of the entry's
  unsigned order;
  Node* node;
  unsigned offset;
  OrderShape shape;
  Entry entry;
};

// Nodes below one another, built in private.
struct Path {
  Node* top;
  Node* bottom;
};

// Decides by what is at an index whether an update takes place.
struct Condition {
  enum class Kind : uint8_t { kAlways, kUnused, kReadsAs };
  bool Holds(Entry found) const {
    return kind == Kind::kAlways || (kind == Kind::kUnused ? found == kNull : AsRead(found) == expected);
  }
  Kind kind;
  Entry expected;
};

// Which slots a search stops at.
enum class Wanted : uint8_t {
  kFree,           // null
  kFreeOrMarked0,  // null, or with an entry that carries mark 0
};

// A free index, and its place.
struct FreePlace {
  uint64_t index;
  Place place;
};

// The indices of a place.
struct Extent {
  uint64_t first;
  uint64_t last;
};

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_PLACE_H_
