// SPDX-License-Identifier: Apache-2.0
//
// What a run of the torture bench was asked for.
//
// Threads: plain data.
#ifndef MXA_TOOLS_TORTURE_OPTIONS_H_
#define MXA_TOOLS_TORTURE_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/planted_bug.h"

namespace mxa::torture {

struct Options {
  double seconds = 10;
  uint64_t seed = 1;
  std::vector<std::string> scenarios = {"mixed"};
  std::string shape = "mixed";  // shape.h
  uint64_t readers = 2;
  uint64_t writers = 2;
  double stutter_seconds = 2;  // between two pauses at which everybody rests
  double stall_seconds = 30;   // a step that takes longer is a stall
  bool perturb = true;         // delays at schedule points, where there are such
  bool single_threaded = false;
  uint64_t steps = 20'000;  // of a single-threaded run, in place of seconds
  PlantedBug planted = PlantedBug::kNone;
  bool expects_enough = true;  // too little work is worth its own verdict
};

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_OPTIONS_H_
