// SPDX-License-Identifier: Apache-2.0
//
// Neighbouring slots of a node that look alike, which dumps show as one, and the words for what is in them.
//
// Threads: the array lock is held.
#ifndef MXA_XARRAY_SLOT_RUN_H_
#define MXA_XARRAY_SLOT_RUN_H_

#include <cstdint>
#include <string>

#include "xarray/entry.h"
#include "xarray/node.h"

namespace mxa::xarray {

struct SlotRun {
  unsigned first;
  unsigned last;
  Entry first_entry;
  Entry last_entry;
  unsigned marks;        // bit m: mark m; the same for all of them
  bool is_tied = false;  // one entry takes them all
};

// Of a node of `height`, how many slots lead to indices below 2^64, and the lowest and highest index behind one.
unsigned UsableSlots(unsigned height);
uint64_t FirstIndexOf(uint64_t node_first, unsigned height, unsigned offset);
uint64_t LastIndexOf(uint64_t node_first, unsigned height, unsigned offset);

// Whether a walk may go down by `entry`, found below a node of height `above`: in a broken tree it could go round for
// ever.
bool LeadsDown(Entry entry, unsigned above);

// The longest run from slot `first` on: nothing, reserved, values, or pointers, with the same marks. A node, an entry of
// several slots, and what is none of these, is one by itself.
SlotRun RunFrom(const Node& node, unsigned slots, unsigned first);

// `7`, or `7..9`.
std::string RangeText(uint64_t first, uint64_t last);
// `value 5`, `3 values, 5 .. 9`, `value 5, one entry`, `nothing`; without marks.
std::string RunText(const SlotRun& run);
// ` marks 1 0 1`, and no text at all when there are none.
std::string MarksText(unsigned marks);

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_SLOT_RUN_H_
