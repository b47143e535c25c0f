// SPDX-License-Identifier: Apache-2.0
//
// The single reads that reader threads are made of, each in one read section and each judged at once.
//
// Threads: any number at once, also with writers and a pass of the mover.
#ifndef MXA_TOOLS_MXA_READ_STEPS_H_
#define MXA_TOOLS_MXA_READ_STEPS_H_

#include <cstddef>
#include <cstdint>

#include "tools/mxa/error_log.h"
#include "tools/mxa/ledger.h"
#include "tools/mxa/population.h"

namespace mxa::tool {

// Reads the kept entry number `entry`. With `ns`: how long opening the section and loading took.
void ReadEntry(const Population& population, size_t entry, ErrorLog& log, uint64_t* ns = nullptr);

// Reads a place that has been dropped.
void ReadDropped(const Population& population, Place place, ErrorLog& log);

// Walks over all entries, or all marked ones, from kept entry number `first` on, as far as one section may. Returns how
// many it met.
size_t ScanFrom(const Population& population, size_t first, bool marked, ErrorLog& log);

// Reads everything once, in each of these ways, and returns how many entries there are. REQUIRES: no writer is at work.
uint64_t Sweep(const Population& population, ErrorLog& log);

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_READ_STEPS_H_
