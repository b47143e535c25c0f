// SPDX-License-Identifier: Apache-2.0
//
// Lines over time as inline SVG: axes, marked spans, a label at the end of each line.
//
// Threads: any.
#ifndef MXA_TOOLS_MXA_HTML_CHART_H_
#define MXA_TOOLS_MXA_HTML_CHART_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace mxa::tool {

struct ChartLine {
  std::string name;
  std::string style;                              // a class of the page's style sheet: line-a, line-b or line-c
  std::vector<std::pair<double, double>> points;  // seconds and value
};

struct ChartSpan {
  double begin = 0;
  double end = 0;
  std::string style;  // span-phase or span-pass
};

struct Chart {
  std::string id;           // of the element, unique on the page
  std::string title;        // also what screen readers say
  std::string description;  // likewise: what is to be seen
  double seconds = 1;       // the time axis goes from 0 to there
  bool is_log = false;      // values by their powers of ten
  std::function<std::string(double)> label;
  std::vector<ChartLine> lines;
  std::vector<ChartSpan> spans;
};

// An <svg> that is as wide as its place. The script finds the time axis in data-left, data-right and data-seconds.
std::string SvgOf(const Chart& chart);

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_HTML_CHART_H_
