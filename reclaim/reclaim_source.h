// SPDX-License-Identifier: Apache-2.0
//
// Something that holds more memory than it needs, and can give the difference back: what the background reclaimer looks
// at.
#ifndef MXA_RECLAIM_RECLAIM_SOURCE_H_
#define MXA_RECLAIM_RECLAIM_SOURCE_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace mxa::reclaim {

// What giving back costs, cheapest first: sources are asked in this order.
enum class ReclaimCost : uint8_t {
  kGivesBack,  // what is empty goes; nothing is touched
  kMoves,      // objects are copied; none is lost
  kDrops,      // what goes has to be made again
};

struct ReclaimHeld {
  uint64_t held_bytes = 0;  // all of it
  uint64_t idle_bytes = 0;  // of this, what it could do without, as far as one can say
};

struct ReclaimBudget {
  uint64_t wanted_bytes = ~uint64_t{0};
  // Return after about this much work, where the work can be cut.
  absl::Duration slice = absl::InfiniteDuration();
  // Once true, return with what has been done; null: never.
  const std::atomic<bool>* cancel = nullptr;

  // Relaxed: a request, not a message.
  bool cancelled() const { return cancel != nullptr && cancel->load(std::memory_order_relaxed); }
};

struct ReclaimGain {
  uint64_t bytes = 0;
  // Processor time that it spent on other threads than the caller's, if it knows of any.
  absl::Duration cpu_elsewhere = absl::ZeroDuration();
};

class ReclaimSource {
 public:
  virtual ~ReclaimSource() = default;

  virtual const std::string& name() const = 0;
  virtual ReclaimCost cost() const = 0;

  // Context: no lock held. Cheap: called some times a second.
  virtual ReclaimHeld Held() = 0;

  // Gives back up to about `budget.wanted_bytes`.
  //
  // Context: no lock held; may wait for grace periods, and run passes. It does not fork, nor add or remove itself.
  virtual ReclaimGain Reclaim(const ReclaimBudget& budget) = 0;
};

}  // namespace mxa::reclaim

#endif  // MXA_RECLAIM_RECLAIM_SOURCE_H_
