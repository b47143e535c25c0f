// SPDX-License-Identifier: Apache-2.0
//
// Who holds up a grace period, and for at least how long, as whoever waits for it sees by looking now and then.
//
// The time is from the first look that met the section, so it is never too long. Readers keep no clock and notice
// nothing. Threads: one owner's.
#ifndef MXA_SLAB_GRACE_WATCH_H_
#define MXA_SLAB_GRACE_WATCH_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "slab/contiguous_verdict.h"

namespace mxa::slab {

class GraceWatch {
 public:
  // Looks once. Sections that are not there any more are forgotten.
  void Look();
  // Names the one that was seen first; false, and nothing written, when the last look met none.
  bool Describe(ContiguousVerdict& verdict) const;

 private:
  struct Seen {
    std::string name;
    absl::Time since;
  };
  std::map<std::pair<int64_t, uint64_t>, Seen> seen_;  // by thread and section
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_GRACE_WATCH_H_
