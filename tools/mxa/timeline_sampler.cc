// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/timeline_sampler.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "tools/mxa/clock.h"
#include "xarray/node.h"

namespace mxa::tool {

TimelineSampler::TimelineSampler(Population& population, Readers& readers)
    : population_(population), readers_(readers), begun_ns_(NowNs()), before_(MapNow("Before")) {
  thread_ = std::thread([this] { Run(); });
}

double TimelineSampler::SecondsAt(uint64_t ns) const {
  return ns < begun_ns_ ? 0 : static_cast<double>(ns - begun_ns_) / 1e9;
}

void TimelineSampler::BeginCompaction() {
  compaction_begun_ns_ = NowNs();
  MutexLock lock(&mutex_);
  is_compacting_ = true;
  changed_.SignalAll();
}

void TimelineSampler::EndCompaction() {
  compaction_ended_ns_ = NowNs();
  MutexLock lock(&mutex_);
  is_compacting_ = false;
}

void TimelineSampler::Stop() {
  if (!thread_.joinable()) return;
  {
    MutexLock lock(&mutex_);
    stop_ = true;
    changed_.SignalAll();
  }
  thread_.join();
  after_ = MapNow("After");
}

void TimelineSampler::Run() {
  absl::Duration interval = kFirstInterval;
  absl::Time ends = absl::Now() + interval;
  for (;;) {
    bool looks = false;
    bool stops = false;
    {
      MutexLock lock(&mutex_);
      if (!stop_) changed_.WaitWithDeadline(&mutex_, is_compacting_ ? std::min(ends, absl::Now() + kLookEvery) : ends);
      looks = is_compacting_;
      stops = stop_;
    }
    if (looks) Look();
    if (!stops && absl::Now() < ends) continue;
    EndInterval(NowNs());
    if (stops) return;
    if (intervals_.size() % kIntervalsBeforeDoubling == 0) interval *= 2;
    ends = absl::Now() + interval;
  }
}

void TimelineSampler::EndInterval(uint64_t now_ns) {
  readers_.EnterInterval(intervals_.size() + 1);
  const double begin = intervals_.empty() ? 0 : intervals_.back().end;
  Timeline::Interval& ended = intervals_.emplace_back();
  ended.begin = begin;
  ended.end = SecondsAt(now_ns);
  ended.resident_bytes = population_.node_arena().Residency().total();
  ended.live_bytes = population_.nodes().slabs().Stats().live * sizeof(xarray::Node);
}

// Keeps some looks, evenly spread however long it lasts: when there are too many, every other one is dropped.
void TimelineSampler::Look() {
  if (++looks_left_out_ < look_every_) return;
  looks_left_out_ = 0;
  looks_.push_back(MapNow("During"));
  if (looks_.size() < kMostLooks) return;
  for (size_t i = 1; 2 * i < looks_.size(); ++i) looks_[i] = std::move(looks_[2 * i]);
  looks_.resize(looks_.size() / 2);
  look_every_ *= 2;
}

Timeline::Map TimelineSampler::MapNow(const char* name) {
  return {name, SecondsAt(NowNs()), population_.nodes().slabs().Slabs()};
}

// The look with as many slabs as come next to half way from before to after.
Timeline::Map TimelineSampler::MapDuring() {
  if (looks_.empty()) return {"During", compaction_begun_ns_ == 0 ? 0 : SecondsAt(compaction_begun_ns_), {}};
  const auto distance = [this](const Timeline::Map& map) {
    const size_t twice = 2 * map.slabs.size();
    const size_t wanted = before_.slabs.size() + after_.slabs.size();
    return twice > wanted ? twice - wanted : wanted - twice;
  };
  return *std::min_element(looks_.begin(), looks_.end(),
                           [&](const auto& a, const auto& b) { return distance(a) < distance(b); });
}

Timeline TimelineSampler::Take(const Compaction& compaction) {
  Timeline timeline;
  timeline.intervals = std::move(intervals_);
  for (size_t i = 0; i < timeline.intervals.size(); ++i) {
    Timeline::Interval& interval = timeline.intervals[i];
    const PhaseReads reads = readers_.InInterval(i);
    interval.reads = reads.reads;
    interval.point_reads_timed = reads.point_ns.count();
    interval.p50_ns = reads.point_ns.Quantile(0.5);
    interval.p99_ns = reads.point_ns.Quantile(0.99);
    interval.p999_ns = reads.point_ns.Quantile(0.999);
  }
  for (const Compaction::Pass& pass : compaction.passes()) {
    timeline.passes.push_back(
        {SecondsAt(pass.begun_ns), SecondsAt(pass.ended_ns), pass.nodes_moved, pass.slabs_released});
  }
  timeline.compaction_begin = SecondsAt(compaction_begun_ns_);
  timeline.compaction_end = SecondsAt(compaction_ended_ns_);
  timeline.maps = {before_, MapDuring(), after_};
  return timeline;
}

}  // namespace mxa::tool
