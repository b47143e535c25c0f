// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/torture_page.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "tools/mxa/html_style.h"
#include "tools/mxa/html_text.h"
#include "tools/torture/report_text.h"

namespace mxa::tool {
namespace {

using torture::Figure;
using torture::PipeCounts;

void AppendCard(std::string& page, absl::string_view value, absl::string_view what, absl::string_view kind = "") {
  absl::StrAppendFormat(&page, "<li><b class=\"%s\">%s</b><span>%s</span></li>\n", kind, Escaped(value), Escaped(what));
}

void AppendCards(std::string& page, const torture::Report& report) {
  absl::StrAppend(&page, "<ul class=\"cards\">\n");
  AppendCard(page, WithCommas(report.total_errors()), "violations", report.total_errors() == 0 ? "good" : "bad");
  const auto figure = [&](Figure which, absl::string_view what) {
    AppendCard(page, WithCommas(report.figure(which)), what);
  };
  figure(Figure::kReads, "elements looked at");
  figure(Figure::kOutlived, "of them replaced while they were held");
  figure(Figure::kUpdates, "updates");
  figure(Figure::kMoves, "nodes moved");
  AppendCard(page, WithCommas(report.grace_periods), "grace periods");
  AppendCard(page, NanosecondText(report.longest_latency * 1e9), "the longest grace period seen");
  absl::StrAppend(&page, "</ul>\n");
}

// The counts of a pipe; those from `bad_from` on are violations.
void AppendPipe(std::string& page, absl::string_view title, absl::string_view note, const PipeCounts::Buckets& buckets,
                size_t bad_from) {
  absl::StrAppendFormat(&page, "<section>\n<h2>%s</h2>\n<p class=\"note\">%s</p>\n<table>\n<tr>", title, note);
  for (size_t i = 0; i < buckets.size(); ++i) absl::StrAppendFormat(&page, "<th>%d</th>", i);
  absl::StrAppend(&page, "</tr>\n<tr>");
  for (size_t i = 0; i < buckets.size(); ++i) {
    const char* kind = i >= bad_from && buckets[i] != 0 ? "bad" : "";
    absl::StrAppendFormat(&page, "<td class=\"%s\">%s</td>", kind, WithCommas(buckets[i]));
  }
  absl::StrAppend(&page, "</tr>\n</table>\n</section>\n");
}

}  // namespace

std::string HtmlOf(const torture::Report& report) {
  const std::string verdict = torture::VerdictName(report.verdict());
  std::string page = absl::StrCat(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>mxa torture: ",
      verdict, "</title>\n<style>", kHtmlStyle, "</style>\n</head>\n<body>\n<main>\n<h1>", verdict,
      "</h1>\n<p class=\"lede\">", absl::StrFormat("%.1f s of torture: ", report.seconds),
      Escaped(torture::ParametersOf(report.options)), "</p>\n");
  AppendCards(page, report);
  AppendPipe(page, "Reader Pipe", "How often readers saw an element of this age; from 2 on it is a violation.",
             report.reader_pipe, 2);
  AppendPipe(page, "Reader Batch", "How often so many grace periods ended during a read section.", report.reader_batch,
             PipeCounts::kOldest + 1);
  AppendPipe(page, "Free-Block Circulation", "How many elements came to this age.", report.circulation,
             PipeCounts::kOldest + 1);
  absl::StrAppend(&page, "<section><details open=\"\"><summary>The lines of the terminal</summary>\n<pre>",
                  Escaped(torture::SummaryOf(report)), "</pre></details></section>\n</main>\n</body>\n</html>\n");
  return page;
}

}  // namespace mxa::tool
