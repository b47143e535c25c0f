// SPDX-License-Identifier: Apache-2.0
//
// The report as a table for people.
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "reclaim/movable.h"
#include "tools/mxa/report.h"

namespace mxa::tool {
namespace {

// 1234567 -> 1,234,567.
std::string Grouped(uint64_t value) {
  std::string digits = absl::StrCat(value);
  for (size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

std::string Grouped(double value) { return Grouped(static_cast<uint64_t>(value + 0.5)); }

std::string Micros(uint64_t ns) { return absl::StrFormat("%.1f", static_cast<double>(ns) / 1e3); }

// A title and up to three columns, aligned right.
void Row(std::string& table, absl::string_view title, absl::string_view first, absl::string_view second = "",
         absl::string_view third = "") {
  std::string line = absl::StrFormat("  %-34s %16s %16s %16s", title, first, second, third);
  line.erase(line.find_last_not_of(' ') + 1);
  absl::StrAppend(&table, line, "\n");
}

void Head(std::string& table, absl::string_view title, absl::string_view first = "", absl::string_view second = "",
          absl::string_view third = "") {
  std::string line = absl::StrFormat("%-36s %16s %16s %16s", title, first, second, third);
  line.erase(line.find_last_not_of(' ') + 1);
  absl::StrAppend(&table, "\n", line, "\n");
}

void Footprints(std::string& table, const Footprint& before, const Footprint& after) {
  const auto row = [&](absl::string_view title, uint64_t Footprint::*field) {
    Row(table, title, Grouped(before.*field), Grouped(after.*field));
  };
  Head(table, "memory", "before", "after");
  row("arrays", &Footprint::arrays);
  row("entries", &Footprint::entries);
  row("nodes", &Footprint::nodes);
  row("slabs held (64 KiB)", &Footprint::slabs_held);
  row("slabs needed", &Footprint::slabs_needed);
  row("bytes resident (by the kernel)", &Footprint::resident_bytes);
  row("bytes live, packed", &Footprint::live_packed_bytes);
  const auto ratio = [](const Footprint& footprint) {
    return footprint.nodes == 0 ? std::string("-") : absl::StrFormat("%.3f", footprint.resident_over_live());
  };
  Row(table, "resident / live", ratio(before), ratio(after));
  row("2 MiB regions held", &Footprint::regions_held);
  row("2 MiB regions needed", &Footprint::regions_needed);
}

void Moves(std::string& table, const Report& report) {
  const slab::CompactStats& moves = report.moves;
  const auto skipped = [&](reclaim::MoveResult result) { return Grouped(moves.results[static_cast<size_t>(result)]); };
  Head(table, "moves");
  Row(table, "nodes moved", Grouped(moves.objects_moved));
  Row(table, "skipped: busy", skipped(reclaim::MoveResult::kBusy));
  Row(table, "skipped: pinned", skipped(reclaim::MoveResult::kPinned));
  Row(table, "skipped: gone", skipped(reclaim::MoveResult::kGone));
  Row(table, "slabs refused", Grouped(moves.slabs_refused));
  Row(table, "passes", Grouped(moves.passes));
  Row(table, "nodes per grace period", Grouped(report.nodes_per_grace_period()));
  Row(table, "ns per node, waits included", absl::StrFormat("%.1f", report.per_node(report.moves_wall_ns)));
  Row(table, "ns per node, work / move only", absl::StrFormat("%.1f", report.per_node(moves.work_ns)),
      absl::StrFormat("%.1f", report.per_node(moves.move_ns)));
  Row(table, "longest slice, us, all / undisturbed", Micros(moves.longest_slice_ns),
      Micros(moves.longest_own_slice_ns));
  Row(table, "longest lock hold, us", Micros(report.longest_lock_ns));
  if (report.settling_moves != 0) Row(table, "nodes moved at rest, at the end", Grouped(report.settling_moves));
}

void Speeds(std::string& table, const Report& report) {
  const auto row = [&](absl::string_view title, double WalkSpeed::*field) {
    Row(table, title, absl::StrFormat("%.2f", report.speed_before.*field),
        absl::StrFormat("%.2f", report.speed_after.*field));
  };
  Head(table, "one thread, nothing else going on", "before", "after");
  row("walk, ns an entry", &WalkSpeed::walk_ns);
  row("random load, ns", &WalkSpeed::load_ns);
}

void Reads(std::string& table, const Report& report) {
  const auto row = [&](absl::string_view title, auto value) {
    Row(table, title, value(Phase::kBefore), value(Phase::kDuring), value(Phase::kAfter));
  };
  const auto quantile = [&](double fraction) {
    return [&report, fraction](Phase phase) { return Grouped(report.in(phase).point_ns.Quantile(fraction)); };
  };
  Head(table, "readers", "before", "during", "after");
  row("seconds", [&](Phase phase) {
    return absl::StrFormat("%.3f", static_cast<double>(report.phase_ns[static_cast<size_t>(phase)]) / 1e9);
  });
  row("reads", [&](Phase phase) { return Grouped(report.in(phase).reads); });
  row("reads per second", [&](Phase phase) { return Grouped(report.per_second(phase)); });
  row("point read p50, ns", quantile(0.5));
  row("point read p99, ns", quantile(0.99));
  row("point read p99.9, ns", quantile(0.999));
  Row(table, "reader threads", Grouped(report.options.readers));
  Row(table, "reader errors", Grouped(report.reader_errors));
  if (report.options.writers != 0) {
    Row(table, "writer threads", Grouped(report.options.writers));
    Row(table, "writes", Grouped(report.writes));
    if (report.writes_refused != 0) Row(table, "writes refused, no memory", Grouped(report.writes_refused));
  }
}

}  // namespace

std::string TableOf(const Report& report) {
  std::string table =
      absl::StrFormat("%s: %s arrays, %s entries, loaded in %.1f s; %s entries kept\n", report.options.input(),
                      Grouped(report.arrays_loaded), Grouped(report.entries_loaded),
                      report.read_input_seconds + report.load_seconds, Grouped(report.before.entries));
  if (!report.notice.empty()) absl::StrAppend(&table, "note: ", report.notice, "\n");
  Footprints(table, report.before, report.after);
  Moves(table, report);
  Speeds(table, report);
  Reads(table, report);
  return table;
}

}  // namespace mxa::tool
