// SPDX-License-Identifier: Apache-2.0
//
// Tells whether a grace period ended too early: none of the read sections that were open before it may be open after it.
//
//   const SectionSnapshot before = SectionSnapshot::Take();
//   reclaim::Synchronize();
//   before.CheckPassed(errors, "Synchronize");
//
// Each thread's section number is odd between the beginning and the end of its section (T1 of threads.h). It becomes odd
// inside the RCU section and even before its end, so that a number that was odd before a grace period is another one after
// it, whatever the order in which others see it: the grace period orders both.
// Threads: any; a snapshot is one thread's.
#ifndef MXA_TOOLS_TORTURE_GRACE_ORACLE_H_
#define MXA_TOOLS_TORTURE_GRACE_ORACLE_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "tools/torture/errors.h"

namespace mxa::torture {

class SectionSnapshot {
 public:
  // Of nothing.
  SectionSnapshot() = default;
  // Of the sections that are open now, the calling thread's own one not counted.
  static SectionSnapshot Take();

  // Reports Error::kOracle for the first section that is still open. True when there is none. `by` says whose grace period
  // it was.
  bool CheckPassed(Errors& errors, const char* by) const;

  size_t open() const { return open_.size(); }

 private:
  std::vector<std::pair<size_t, uint64_t>> open_;  // record and section number
};

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_GRACE_ORACLE_H_
