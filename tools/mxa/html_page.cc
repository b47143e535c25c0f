// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/html_page.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/mxa/html_chart.h"
#include "tools/mxa/html_map.h"
#include "tools/mxa/html_style.h"
#include "tools/mxa/html_text.h"

namespace mxa::tool {
namespace {

using Interval = Timeline::Interval;

std::string Headline(const Report& report) {
  return absl::StrFormat("From %s to %s of memory while readers go on",
                         ByteText(static_cast<double>(report.before.resident_bytes)),
                         ByteText(static_cast<double>(report.after.resident_bytes)));
}

std::string Lede(const Report& report) {
  return absl::StrFormat(
      "The index of %s: %s entries loaded, %s kept, %s live nodes. %s moves under %d lock-free readers and %d writers.",
      Escaped(report.options.input()), WithCommas(report.entries_loaded), WithCommas(report.before.entries),
      WithCommas(report.before.nodes), WithCommas(report.moves.objects_moved), report.options.readers,
      report.options.writers);
}

void AppendCard(std::string& page, absl::string_view title, absl::string_view value, absl::string_view more,
                absl::string_view style = "") {
  absl::StrAppend(&page, "<li><span>", title, "</span><b class=\"", style, "\">", value, "</b><span>", more,
                  "</span></li>\n");
}

void AppendCards(std::string& page, const Report& report) {
  const Histogram& before = report.in(Phase::kBefore).point_ns;
  const Histogram& during = report.in(Phase::kDuring).point_ns;
  const auto p99 = [](const Histogram& times) { return NanosecondText(static_cast<double>(times.Quantile(0.99))); };
  absl::StrAppend(&page, "<ul class=\"cards\">\n");
  AppendCard(page, "resident / live",
             absl::StrFormat("%.2f → %.2f", report.before.resident_over_live(), report.after.resident_over_live()),
             absl::StrFormat("%s of live nodes", ByteText(static_cast<double>(report.after.live_packed_bytes))));
  AppendCard(page, "slabs held (64 KiB)",
             absl::StrFormat("%s → %s", WithCommas(report.before.slabs_held), WithCommas(report.after.slabs_held)),
             absl::StrFormat("%s are needed", WithCommas(report.after.slabs_needed)));
  AppendCard(page, "reads a second, during", CountText(report.per_second(Phase::kDuring)),
             absl::StrFormat("before %s, after %s", CountText(report.per_second(Phase::kBefore)),
                             CountText(report.per_second(Phase::kAfter))));
  AppendCard(page, "p99 of a read, during", p99(during), absl::StrCat("before ", p99(before)));
  AppendCard(page, "wrong reads", WithCommas(report.reader_errors),
             report.problems.empty() ? "every read judged" : "see the problems below",
             report.reader_errors == 0 ? "good" : "bad");
  absl::StrAppend(&page, "</ul>\n");
  for (const std::string& problem : report.problems) {
    absl::StrAppend(&page, "<p class=\"bad\">", Escaped(problem), "</p>\n");
  }
}

// A chart of this run, its passes marked, without lines yet.
Chart NewChart(const Timeline& timeline) {
  Chart chart;
  chart.seconds = std::max(timeline.end(), 1e-3);
  if (timeline.compaction_end > timeline.compaction_begin) {
    chart.spans.push_back({timeline.compaction_begin, timeline.compaction_end, "span-phase"});
  }
  for (const Timeline::Pass& pass : timeline.passes) chart.spans.push_back({pass.begin, pass.end, "span-pass"});
  return chart;
}

template <typename Value>
ChartLine LineOf(const Timeline& timeline, const char* name, const char* style, Value value, bool at_end = false) {
  ChartLine line = {name, style, {}};
  for (const Interval& interval : timeline.intervals) {
    const double figure = static_cast<double>(value(interval));
    if (std::isnan(figure)) continue;
    line.points.emplace_back(at_end ? interval.end : (interval.begin + interval.end) / 2, figure);
  }
  return line;
}

// Not a number where nothing was timed.
auto QuantileOf(uint64_t Interval::*quantile) {
  return [quantile](const Interval& interval) {
    return interval.point_reads_timed == 0 ? std::nan("") : static_cast<double>(interval.*quantile);
  };
}

void AppendChart(std::string& page, const Chart& chart, absl::string_view note) {
  absl::StrAppend(&page, "<section>\n<h2>", chart.title, "</h2>\n<p class=\"note\">", note, "</p>\n", SvgOf(chart),
                  "</section>\n");
}

void AppendCharts(std::string& page, const Timeline& timeline) {
  absl::StrAppend(&page, "<output>Point at a chart for the figures of an interval.</output>\n");
  Chart memory = NewChart(timeline);
  memory.id = "memory";
  memory.title = "Memory of the nodes";
  memory.description = "Resident bytes fall to the live bytes while passes run.";
  memory.label = [](double value) { return ByteText(value); };
  memory.lines = {LineOf(
                      timeline, "resident", "line-a", [](const Interval& i) { return i.resident_bytes; }, true),
                  LineOf(
                      timeline, "live", "line-b", [](const Interval& i) { return i.live_bytes; }, true)};
  AppendChart(page, memory,
              "What the kernel holds for the arena, and what live nodes take; a node that moves takes two places for a "
              "while. Shaded: the compaction; the bars at the bottom are its passes.");

  Chart throughput = NewChart(timeline);
  throughput.id = "throughput";
  throughput.title = "Reads a second";
  throughput.description = "Reads of all readers in each interval, passes or not.";
  throughput.label = [](double value) { return CountText(value); };
  throughput.lines = {LineOf(timeline, "reads/s", "line-a", [](const Interval& i) { return i.reads_per_second(); })};
  AppendChart(page, throughput, "Of all readers together, each interval by itself.");

  Chart latency = NewChart(timeline);
  latency.id = "latency";
  latency.title = "Time of a read";
  latency.description = "Quantiles of a sample of the point reads in each interval, on a logarithmic scale.";
  latency.label = [](double value) { return NanosecondText(value); };
  latency.is_log = true;
  latency.lines = {LineOf(timeline, "p50", "line-a", QuantileOf(&Interval::p50_ns)),
                   LineOf(timeline, "p99", "line-b", QuantileOf(&Interval::p99_ns)),
                   LineOf(timeline, "p99.9", "line-c", QuantileOf(&Interval::p999_ns))};
  AppendChart(page, latency,
              "Opening the section and loading, one point read of 64; logarithmic. Of the few hundred of an interval "
              "p99.9 is the slowest, and where threads outnumber cores it shows the scheduler.");
}

void AppendMaps(std::string& page, const Timeline& timeline) {
  const std::vector<size_t> regions = RegionsOf(timeline.maps);
  absl::StrAppend(
      &page,
      "<section>\n<h2>Where the nodes lie</h2>\n<p class=\"note\">A frame is a region of 2 MiB, a cell a slab of "
      "64 KiB; what is blank in a frame is no slab of nodes, a dashed frame has none.");
  if (regions.size() > kMostFrames) {
    absl::StrAppendFormat(&page, " The first %d of %s regions.", kMostFrames, WithCommas(regions.size()));
  }
  absl::StrAppend(&page, "</p>\n<div class=\"maps\">\n");
  for (const Timeline::Map& map : timeline.maps) {
    absl::StrAppendFormat(&page,
                          "<figure><figcaption><b>%s</b><span>%s slabs at %.2f s</span></figcaption>\n%s</figure>\n",
                          Escaped(map.name), WithCommas(map.slabs.size()), map.at, SvgOf(map, regions));
  }
  absl::StrAppend(&page, "</div>\n<p class=\"legend\"><span>nearly empty</span>");
  for (unsigned i = 0; i < kOccupancies; ++i) absl::StrAppendFormat(&page, "<i class=\"occ-%u\"></i>", i);
  absl::StrAppend(&page, "<span>full</span></p>\n</section>\n");
}

void AppendTables(std::string& page, const Report& report) {
  absl::StrAppend(&page, "<section><details open=\"\"><summary>The table</summary>\n<pre>", Escaped(TableOf(report)),
                  "</pre></details></section>\n",
                  "<section><details><summary>Every interval</summary>\n<table>\n<tr><th>from, s</th><th>to, s</th>"
                  "<th>resident bytes</th><th>live bytes</th><th>reads</th><th>p50, ns</th><th>p99, ns</th>"
                  "<th>p99.9, ns</th></tr>\n");
  for (const Interval& interval : report.timeline.intervals) {
    absl::StrAppendFormat(
        &page,
        "<tr><td>%.3f</td><td>%.3f</td><td>%d</td><td>%d</td><td>%d</td><td>%d</td><td>%d</td><td>%d</td></tr>\n",
        interval.begin, interval.end, interval.resident_bytes, interval.live_bytes, interval.reads, interval.p50_ns,
        interval.p99_ns, interval.p999_ns);
  }
  absl::StrAppend(&page, "</table></details></section>\n");
}

// For the script, and for whoever wants the figures of a page.
std::string DataOf(const Timeline& timeline) {
  std::string data = "{\"intervals\": [";
  for (const Interval& interval : timeline.intervals) {
    absl::StrAppendFormat(
        &data,
        "%s\n{\"begin\": %.6f, \"end\": %.6f, \"resident_bytes\": %d, \"live_bytes\": %d, \"reads\": %d, "
        "\"p50_ns\": %d, \"p99_ns\": %d, \"p999_ns\": %d}",
        &interval == timeline.intervals.data() ? "" : ",", interval.begin, interval.end, interval.resident_bytes,
        interval.live_bytes, interval.reads, interval.p50_ns, interval.p99_ns, interval.p999_ns);
  }
  return absl::StrCat(data, "\n]}");
}

}  // namespace

std::string HtmlOf(const Report& report) {
  std::string page = absl::StrCat(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>mxa relocate: ",
      Escaped(report.options.input()), "</title>\n<style>", kHtmlStyle, "</style>\n</head>\n<body>\n<main>\n<h1>",
      Headline(report), "</h1>\n<p class=\"lede\">", Lede(report), "</p>\n");
  AppendCards(page, report);
  AppendCharts(page, report.timeline);
  AppendMaps(page, report.timeline);
  AppendTables(page, report);
  absl::StrAppend(&page, "</main>\n<script type=\"application/json\" id=\"data\">", DataOf(report.timeline),
                  "</script>\n<script>", kHtmlScript, "</script>\n</body>\n</html>\n");
  return page;
}

}  // namespace mxa::tool
