// SPDX-License-Identifier: Apache-2.0
//
// Cuts a pass's work into slices, lets others run between them, and keeps to a share of one core. Waiting does not count
// as work.
//
// Threads: the pass's own.
#ifndef MXA_SLAB_SLICES_H_
#define MXA_SLAB_SLICES_H_

#include <cstdint>

#include "reclaim/movable.h"
#include "slab/cache_stats.h"
#include "slab/compact_options.h"

namespace mxa::slab {

class Slices final : public reclaim::Pacer {
 public:
  // REQUIRES: duty_percent is in [1, 100].
  Slices(const CompactOptions& options, CompactStats& stats);

  bool IsDue() const override;
  // Ends the slice when it has used up its time: yields, and sleeps what the duty asks for, or until the pass is cancelled.
  void Offer() override;

  // Around waiting. A pass begins and ends outside a slice.
  void Begin();
  void End();

  // In all slices so far. Called inside one.
  uint64_t worked_ns() const;
  // All between slices so far.
  uint64_t rested_ns() const { return rested_ns_; }

 private:
  void Rest(uint64_t worked_ns);

  const CompactOptions& options_;
  CompactStats& stats_;
  const uint64_t limit_cycles_;
  uint64_t start_cycles_ = 0;
  uint64_t start_ns_ = 0;
  long switches_ = 0;
  uint64_t rested_ns_ = 0;
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_SLICES_H_
