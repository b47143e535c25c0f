// SPDX-License-Identifier: Apache-2.0
//
// Cuts a pass's work into slices, lets others run between them, and keeps to a share of one core.
//
// A slice is the work between two rests. It goes on over waits, or a pass that waits often would never rest; what is waited
// is no work, and counts as rest that the duty asks for.
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

  // Around the pass.
  void Begin();
  void End();
  // Around each wait.
  void Pause();
  void Resume();

  bool IsDue(uint64_t now) const override;
  // Ends the slice when it has used up its time: yields, and sleeps what the duty asks for, or until the pass is cancelled.
  // Not between Pause and Resume.
  void Offer() override;

  // In all slices so far. Not between Pause and Resume.
  uint64_t worked_ns() const;
  // Between slices so far.
  uint64_t rested_ns() const { return rested_ns_; }

 private:
  void EndSlice();
  void Rest();

  const CompactOptions& options_;
  CompactStats& stats_;
  const uint64_t limit_cycles_;
  uint64_t rested_ns_ = 0;
  // Of this slice, before the last Resume.
  uint64_t worked_ns_ = 0;
  uint64_t waited_ns_ = 0;
  uint64_t left_cycles_;
  bool interrupted_ = false;
  // Since then; or the time of the last Pause.
  uint64_t since_cycles_ = 0;
  uint64_t since_ns_ = 0;
  long switches_ = 0;
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_SLICES_H_
