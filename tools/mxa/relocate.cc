// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/relocate.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tools/mxa/clock.h"
#include "tools/mxa/compaction.h"
#include "tools/mxa/error_log.h"
#include "tools/mxa/input_stream.h"
#include "tools/mxa/keep.h"
#include "tools/mxa/read_steps.h"
#include "tools/mxa/timeline_sampler.h"
#include "tools/mxa/trace_input.h"
#include "tools/mxa/tree_input.h"
#include "tools/mxa/walk_speed.h"
#include "tools/mxa/writers.h"

namespace mxa::tool {
namespace {

absl::StatusOr<Workload> ReadInput(const RelocateOptions& options) {
  if (options.trace.empty()) return ReadTree(options.tree, options.max_entries);
  absl::StatusOr<std::unique_ptr<InputStream>> stream = InputStream::Open(options.trace);
  if (!stream.ok()) return stream.status();
  return ReadTrace(**stream, options.format, options.max_entries);
}

double SecondsSince(uint64_t begun_ns) { return static_cast<double>(NowNs() - begun_ns) / 1e9; }

// One run, phase after phase.
class Run {
 public:
  Run(const RelocateOptions& options, Progress& progress) : progress_(progress) { report_.options = options; }

  absl::StatusOr<Report> Go() {
    if (absl::Status status = Load(); !status.ok()) return status;
    report_.before = MeasureFootprint(*population_, population_->ledger().size());
    report_.speed_before = MeasureWalkSpeed(*population_, options().seed);
    Relocate();
    Settle();
    report_.speed_after = MeasureWalkSpeed(*population_, options().seed);
    Judge();
    return std::move(report_);
  }

 private:
  const RelocateOptions& options() const { return report_.options; }

  absl::Status Load() {
    progress_.Begin(absl::StrCat("reading ", options().input()));
    uint64_t begun_ns = NowNs();
    absl::StatusOr<Workload> workload = ReadInput(options());
    if (!workload.ok()) return workload.status();
    report_.read_input_seconds = SecondsSince(begun_ns);
    report_.notice = workload->notice;
    report_.arrays_loaded = workload->arrays.size();
    report_.entries_loaded = workload->entries();

    absl::StatusOr<std::unique_ptr<Population>> population = Population::Create();
    if (!population.ok()) return population.status();
    population_ = std::move(*population);
    progress_.Begin("loading", workload->entries());
    begun_ns = NowNs();
    if (absl::Status status = population_->Load(*workload, progress_); !status.ok()) return status;
    report_.load_seconds = SecondsSince(begun_ns);

    progress_.Begin("dropping", workload->entries());
    begun_ns = NowNs();
    const Kept kept = options().trace.empty() ? KeepArrays(*workload, options().keep, options().seed)
                                              : KeepMostRecent(*workload, options().keep);
    population_->Drop(*workload, kept, options().seed, progress_);
    report_.drop_seconds = SecondsSince(begun_ns);
    return absl::OkStatus();
  }

  // Little to read is read often enough in less time.
  double PhaseSeconds() const {
    if (options().phase_seconds >= 0) return options().phase_seconds;
    return std::clamp(static_cast<double>(population_->ledger().size()) / 40'000, 0.2, 1.5);
  }

  void EndPhase(Phase phase, uint64_t begun_ns) { report_.phase_ns[static_cast<size_t>(phase)] = NowNs() - begun_ns; }

  void ReadUndisturbed(Phase phase) {
    const uint64_t begun_ns = NowNs();
    absl::SleepFor(absl::Seconds(PhaseSeconds()));
    EndPhase(phase, begun_ns);
  }

  // Readers, and writers if asked for, run from before the compaction until after it.
  void Relocate() {
    Readers readers(*population_, errors_, /*keeps_intervals=*/!options().html.empty());
    Writers writers(*population_, errors_);
    progress_.Begin("reading before the compaction");
    readers.Start(options().readers, options().seed);
    writers.Start(options().writers, options().seed);
    std::optional<TimelineSampler> sampler;
    if (!options().html.empty()) sampler.emplace(*population_, readers);
    ReadUndisturbed(Phase::kBefore);

    progress_.Begin("compacting under readers");
    Compaction compaction(population_->nodes());
    if (sampler.has_value()) sampler->BeginCompaction();
    const uint64_t begun_ns = NowNs();
    readers.Enter(Phase::kDuring);
    absl::Status status = compaction.Pack();
    if (status.ok()) status = compaction.MoveUntil(begun_ns + static_cast<uint64_t>(options().seconds * 1e9));
    if (status.ok() && options().order) status = compaction.PutInOrder();
    readers.Enter(Phase::kAfter);
    EndPhase(Phase::kDuring, begun_ns);
    if (sampler.has_value()) sampler->EndCompaction();
    if (!status.ok()) report_.problems.push_back(absl::StrCat("compaction failed: ", status.message()));
    report_.moves = compaction.stats();
    report_.moves_wall_ns = compaction.wall_ns();
    report_.longest_lock_ns = compaction.longest_lock_ns();

    progress_.Begin("reading after the compaction");
    ReadUndisturbed(Phase::kAfter);
    if (sampler.has_value()) sampler->Stop();
    writers.Stop();
    readers.Stop();
    if (sampler.has_value()) report_.timeline = sampler->Take(compaction);
    for (size_t i = 0; i < kPhases; ++i) report_.reads[i] = readers.Total(static_cast<Phase>(i));
    report_.writes = writers.writes();
    report_.writes_refused = writers.refused();
  }

  // What writers and endless moves left apart is packed once more; without them the compaction under readers has to
  // suffice.
  void Settle() {
    progress_.Begin("checking");
    population_->AwaitRetired();
    if (options().writers != 0 || options().seconds > 0) {
      Compaction compaction(population_->nodes());
      absl::Status status = compaction.Pack();
      if (status.ok() && options().order) status = compaction.PutInOrder();
      if (!status.ok()) report_.problems.push_back(absl::StrCat("compaction at rest failed: ", status.message()));
      report_.settling_moves = compaction.stats().objects_moved;
    }
    report_.after = MeasureFootprint(*population_, Sweep(*population_, errors_));
  }

  void Judge() {
    report_.reader_errors = errors_.count();
    report_.first_error = errors_.first();
    if (report_.reader_errors != 0) {
      report_.problems.push_back(absl::StrCat(report_.reader_errors, " wrong reads, the first: ", report_.first_error));
    }
    if (absl::Status status = population_->CheckInvariants(); !status.ok()) {
      report_.problems.push_back(absl::StrCat("broken invariant: ", status.message()));
    }
    const uint64_t most = MostResidentWhenPacked(report_.after);
    if (report_.after.resident_bytes > most) {
      report_.problems.push_back(
          absl::StrFormat("memory did not come back: %d bytes are resident for %d live ones, at most %d may be",
                          report_.after.resident_bytes, report_.after.live_packed_bytes, most));
    }
  }

  Progress& progress_;
  Report report_;
  ErrorLog errors_;
  std::unique_ptr<Population> population_;
};

}  // namespace

absl::StatusOr<Report> Relocate(const RelocateOptions& options, Progress& progress) {
  return Run(options, progress).Go();
}

}  // namespace mxa::tool
