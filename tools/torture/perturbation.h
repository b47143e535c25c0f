// SPDX-License-Identifier: Apache-2.0
//
// Delays at the library's schedule points, so that threads meet where they hardly ever would; and the grace-period oracle at
// every grace period there is. Meanwhile each thread's record says which array locks it holds.
//
// Each thread draws from a seed of its own. It has a priority, which it loses for another at change points; threads of low
// priority are held up at most points, others in the narrow windows only: between copying and publishing, unlinking and
// retiring, loading and looking again. (Priorities with few change points: Burckhardt et al., 2010.)
// In builds without schedule points it does nothing.
// Threads: one at a time in a process; made and ended while no other thread is in the library.
#ifndef MXA_TOOLS_TORTURE_PERTURBATION_H_
#define MXA_TOOLS_TORTURE_PERTURBATION_H_

#include <cstdint>

#include "base/schedule_point.h"
#include "tools/torture/errors.h"

namespace mxa::torture {

class Perturbation {
 public:
  // `delays` false: the oracle alone.
  Perturbation(uint64_t seed, bool delays, Errors& errors);
  ~Perturbation();
  Perturbation(const Perturbation&) = delete;
  Perturbation& operator=(const Perturbation&) = delete;

  // Whether the build has schedule points, and planted bugs.
  static bool IsPossible() { return MXA_HOOKS != 0; }

  // Whether `point` lies in one of the narrow windows.
  static bool IsNarrow(const char* point);

 private:
  static void OnPoint(const char* point);
};

// The part of it that a single-threaded run has as well: notes where the thread is, and asks the oracle.
void LookAtGracePeriod(const char* point, Errors& errors);

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_PERTURBATION_H_
