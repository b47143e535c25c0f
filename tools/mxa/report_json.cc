// SPDX-License-Identifier: Apache-2.0
//
// The report as JSON. Keys are stable: programs read them.
#include "absl/strings/string_view.h"
#include "reclaim/movable.h"
#include "tools/mxa/json_writer.h"
#include "tools/mxa/report.h"

namespace mxa::tool {
namespace {

void Write(JsonWriter& json, absl::string_view key, const Footprint& footprint) {
  json.BeginObject(key);
  json.Field("arrays", footprint.arrays);
  json.Field("entries", footprint.entries);
  json.Field("nodes", footprint.nodes);
  json.Field("slabs_held", footprint.slabs_held);
  json.Field("slabs_needed", footprint.slabs_needed);
  json.Field("resident_bytes", footprint.resident_bytes);
  json.Field("live_packed_bytes", footprint.live_packed_bytes);
  json.Field("resident_over_live", footprint.resident_over_live());
  json.Field("regions_held", footprint.regions_held);
  json.Field("regions_needed", footprint.regions_needed);
  json.EndObject();
}

void WriteMoves(JsonWriter& json, const Report& report) {
  const slab::CompactStats& moves = report.moves;
  const auto skipped = [&](reclaim::MoveResult result) { return moves.results[static_cast<size_t>(result)]; };
  json.BeginObject("moves");
  json.Field("nodes_moved", moves.objects_moved);
  json.Field("skipped", moves.skipped());
  json.BeginObject("skipped_by_reason");
  json.Field("busy", skipped(reclaim::MoveResult::kBusy));
  json.Field("pinned", skipped(reclaim::MoveResult::kPinned));
  json.Field("gone", skipped(reclaim::MoveResult::kGone));
  json.Field("refused_slabs", moves.slabs_refused);
  json.EndObject();
  json.Field("passes", moves.passes);
  json.Field("batches", moves.batches);
  json.Field("grace_periods", moves.grace_periods);
  json.Field("nodes_per_grace_period", report.nodes_per_grace_period());
  json.Field("slabs_released", moves.slabs_released);
  json.Field("ns_per_node", report.per_node(report.moves_wall_ns));
  json.Field("work_ns_per_node", report.per_node(moves.work_ns));
  json.Field("move_ns_per_node", report.per_node(moves.move_ns));
  json.Field("longest_slice_us", static_cast<double>(moves.longest_slice_ns) / 1e3);
  json.Field("longest_own_slice_us", static_cast<double>(moves.longest_own_slice_ns) / 1e3);
  json.Field("longest_lock_us", static_cast<double>(report.longest_lock_ns) / 1e3);
  json.Field("settling_moves", report.settling_moves);
  json.EndObject();
}

void WriteReaders(JsonWriter& json, const Report& report) {
  const Histogram& during = report.in(Phase::kDuring).point_ns;
  const Histogram& before = report.in(Phase::kBefore).point_ns;
  json.BeginObject("readers");
  json.Field("count", report.options.readers);
  json.Field("errors", report.reader_errors);
  json.Field("first_error", report.first_error);
  json.Field("reads_before", report.in(Phase::kBefore).reads);
  json.Field("reads_during", report.in(Phase::kDuring).reads);
  json.Field("reads_after", report.in(Phase::kAfter).reads);
  json.Field("per_second", report.per_second(Phase::kDuring));
  json.Field("per_second_before", report.per_second(Phase::kBefore));
  json.Field("per_second_after", report.per_second(Phase::kAfter));
  json.Field("p50_ns", during.Quantile(0.5));
  json.Field("p99_ns", during.Quantile(0.99));
  json.Field("p999_ns", during.Quantile(0.999));
  json.Field("p50_ns_before", before.Quantile(0.5));
  json.Field("p99_ns_before", before.Quantile(0.99));
  json.Field("p999_ns_before", before.Quantile(0.999));
  json.EndObject();
}

}  // namespace

std::string JsonOf(const Report& report) {
  JsonWriter json;
  json.BeginObject();
  json.Field("input", report.options.input());
  json.Field("keep", report.options.keep);
  json.Field("seed", report.options.seed);
  json.BeginObject("loaded");
  json.Field("arrays", report.arrays_loaded);
  json.Field("entries", report.entries_loaded);
  json.Field("read_input_seconds", report.read_input_seconds);
  json.Field("load_seconds", report.load_seconds);
  json.Field("drop_seconds", report.drop_seconds);
  json.EndObject();
  Write(json, "before", report.before);
  Write(json, "after", report.after);
  WriteMoves(json, report);
  WriteReaders(json, report);
  json.BeginObject("speed");
  json.Field("walk_ns_before", report.speed_before.walk_ns);
  json.Field("walk_ns_after", report.speed_after.walk_ns);
  json.Field("load_ns_before", report.speed_before.load_ns);
  json.Field("load_ns_after", report.speed_after.load_ns);
  json.EndObject();
  json.BeginObject("writers");
  json.Field("count", report.options.writers);
  json.Field("writes", report.writes);
  json.Field("refused", report.writes_refused);
  json.EndObject();
  json.BeginObject("phase_seconds");
  json.Field("before", static_cast<double>(report.phase_ns[0]) / 1e9);
  json.Field("during", static_cast<double>(report.phase_ns[1]) / 1e9);
  json.Field("after", static_cast<double>(report.phase_ns[2]) / 1e9);
  json.EndObject();
  json.Field("exit_status", report.exit_status());
  json.EndObject();
  return json.Take();
}

}  // namespace mxa::tool
