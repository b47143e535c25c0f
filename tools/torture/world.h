// SPDX-License-Identifier: Apache-2.0
//
// What all scenarios of a run share: an arena with a node cache, elements, arrays with a ledger, the published element that
// ages, the error counters.
//
// Arrays of a scenario's own use nodes() too, so that its nodes move with all others.
// Threads: any, but for Audit.
#ifndef MXA_TOOLS_TORTURE_WORLD_H_
#define MXA_TOOLS_TORTURE_WORLD_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/fault_injector.h"
#include "base/mutex.h"
#include "slab/arena.h"
#include "tools/mxa/random.h"
#include "tools/torture/element_pool.h"
#include "tools/torture/errors.h"
#include "tools/torture/options.h"
#include "tools/torture/pipe_counts.h"
#include "tools/torture/population.h"
#include "xarray/node_cache.h"
#include "xarray/xarray.h"

namespace mxa::torture {

class World {
 public:
  World(const Options& options, Errors& errors);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  const Options& options() const { return options_; }
  Errors& errors() { return errors_; }

  slab::Arena& arena() { return *arena_; }
  xarray::NodeCache& nodes() { return *nodes_; }
  ElementPool& elements() { return *elements_; }
  Population& population() { return *population_; }
  PipeCounts& pipe() { return pipe_; }
  // A grace period that took so long; the longest is told at the end.
  void NoteLatency(double seconds);
  double longest_latency() const {
    return static_cast<double>(longest_latency_us_.load(std::memory_order_relaxed)) / 1e6;
  }

  // Of the arena: pages that cannot be had. Armed by scenarios that say so; disarmed at each pause.
  FaultInjector& page_faults() { return page_faults_; }

  // For arrays of a scenario's own: what their elements are called. Never used twice in a run.
  uint32_t NewArrayId() { return next_array_.fetch_add(1, std::memory_order_relaxed); }

  // A scenario that keeps elements in arrays of its own says how many at a pause, in its Audit: what is live and nowhere
  // else has leaked.
  void AddLive(uint64_t elements) { live_elsewhere_ += elements; }

  // Held shared while threads begin and end (thread_lives.h), and alone by who forks.
  Mutex& thread_lives() { return thread_lives_; }

  // Steps that last long look at it now and then and end.
  bool ended() const { return ended_.load(std::memory_order_relaxed); }
  void End() { ended_.store(true, std::memory_order_relaxed); }

  // Takes everything back, and expects the arena to be empty then. REQUIRES: scenarios and actors have ended.
  void TakeDown();

  // What must hold of all that is shared, in two parts with the audits of scenarios between them. REQUIRES: all rest.
  void BeginAudit();
  void EndAudit();

 private:
  uint64_t LiveInPopulation();
  void AuditMemory();

  const Options options_;
  Errors& errors_;
  tool::Random random_;
  PipeCounts pipe_;
  std::atomic<uint64_t> longest_latency_us_{0};
  FaultInjector page_faults_;
  std::unique_ptr<slab::Arena> arena_;
  std::unique_ptr<xarray::NodeCache> nodes_;
  std::unique_ptr<ElementPool> elements_;
  std::unique_ptr<Population> population_;
  Mutex thread_lives_;
  std::atomic<uint32_t> next_array_{1000};
  std::atomic<bool> ended_{false};
  uint64_t live_elsewhere_ = 0;  // since BeginAudit
};

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_WORLD_H_
