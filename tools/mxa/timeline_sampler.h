// SPDX-License-Identifier: Apache-2.0
//
// A thread that cuts a run into intervals, measures the memory at the end of each, and looks at the slabs while passes run.
//
// Threads: everything from one thread; the sampler's own asks the population what any thread may ask.
// Intervals begin short and double when there are many: a run of minutes is told in as many as one of seconds.
#ifndef MXA_TOOLS_MXA_TIMELINE_SAMPLER_H_
#define MXA_TOOLS_MXA_TIMELINE_SAMPLER_H_

#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "base/mutex.h"
#include "tools/mxa/compaction.h"
#include "tools/mxa/population.h"
#include "tools/mxa/readers.h"
#include "tools/mxa/timeline.h"

namespace mxa::tool {

class TimelineSampler {
 public:
  // `readers` keep intervals and have begun; both outlive this.
  TimelineSampler(Population& population, Readers& readers);
  ~TimelineSampler() { Stop(); }
  TimelineSampler(const TimelineSampler&) = delete;
  TimelineSampler& operator=(const TimelineSampler&) = delete;

  // Between these the slabs are looked at again and again.
  void BeginCompaction();
  void EndCompaction();

  // Ends the last interval and joins the thread. To be called while the readers still run.
  void Stop();

  // REQUIRES: Stop has been called, and the readers have stopped.
  Timeline Take(const Compaction& compaction);

 private:
  static constexpr absl::Duration kLookEvery = absl::Milliseconds(5);
  static constexpr absl::Duration kFirstInterval = absl::Milliseconds(25);
  static constexpr size_t kIntervalsBeforeDoubling = 160;
  static constexpr size_t kMostLooks = 32;

  void Run();
  void EndInterval(uint64_t now_ns);
  void Look();
  Timeline::Map MapNow(const char* name);
  Timeline::Map MapDuring();
  double SecondsAt(uint64_t ns) const;

  Population& population_;
  Readers& readers_;
  const uint64_t begun_ns_;
  uint64_t compaction_begun_ns_ = 0;
  uint64_t compaction_ended_ns_ = 0;
  Timeline::Map before_;
  Timeline::Map after_;
  // The sampler's thread's until it is joined.
  std::vector<Timeline::Interval> intervals_;
  std::vector<Timeline::Map> looks_;
  size_t look_every_ = 1;
  size_t looks_left_out_ = 0;

  Mutex mutex_;
  CondVar changed_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_compacting_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_TIMELINE_SAMPLER_H_
