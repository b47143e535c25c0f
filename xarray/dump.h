// SPDX-License-Identifier: Apache-2.0
//
// Prints a tree: as text, and as a graph that Graphviz draws.
//
// Both are cut where they grow too long, also while they are made: an array of any size, and a broken one, costs no more
// than what is shown.
#ifndef MXA_XARRAY_DUMP_H_
#define MXA_XARRAY_DUMP_H_

#include <cstddef>
#include <string>

#include "xarray/array_core.h"

namespace mxa::xarray {

// One line a node and one a run of slots that look alike, holes included, from the lowest index on and at most
// `max_lines` of them; `...` follows when there is more:
//
//   array 0x7ffc4cf0 marks 1 0 0
//     0..4095: node 0x7f01ce40 height 2 offset 0 count 2 marks 2 0 0 full 1
//       0..63: node 0x7f01d080 height 1 offset 0 count 64 marks 0 0 0 full ffffffffffffffff
//         0..63: 64 values, 0 .. 63
//       64..127: node 0x7f01d2c0 height 1 offset 1 count 1 marks 4 0 0 full 4
//         64..65: nothing
//         66: pointer 0x55d0 marks 1 0 0
//         67..127: nothing
//       128..4095: nothing
//
// Context: takes the array lock, for about a microsecond a line.
std::string Dump(const ArrayCore& array, size_t max_lines = 1000);

// A directed graph in Graphviz's language, for `dot -Tsvg`: one record a node, which shows the indices it covers, its
// address, height, count, mark words and slots in use; an edge is labelled with the slot it starts from. The nodes next
// to the head come first, at most `max_nodes` of them; a record says how many of its children are not shown, and the
// graph's label that it was cut.
//
// Context: takes the array lock, for about ten microseconds a node.
std::string DumpGraphviz(const ArrayCore& array, size_t max_nodes = 200);

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_DUMP_H_
