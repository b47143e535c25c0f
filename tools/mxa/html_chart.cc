// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/html_chart.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/mxa/html_text.h"

namespace mxa::tool {
namespace {

constexpr double kWidth = 1000;
constexpr double kHeight = 230;
constexpr double kLeft = 76;
constexpr double kRight = kWidth - 104;
constexpr double kTop = 14;
constexpr double kBottom = kHeight - 30;
constexpr double kLabelHeight = 16;

// 1, 2 or 5 times a power of ten, so that `range` takes about `steps` of it.
double NiceStep(double range, int steps) {
  const double rough = range / steps;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) return factor * power;
  }
  return 10 * power;
}

// From values to places.
class Scale {
 public:
  explicit Scale(const Chart& chart) : is_log_(chart.is_log) {
    double most = 0;
    double least = 1e300;
    for (const ChartLine& line : chart.lines) {
      for (const auto& [second, value] : line.points) {
        most = std::max(most, value);
        if (value > 0) least = std::min(least, value);
      }
    }
    if (most <= 0) most = least = 1;
    if (is_log_) {
      low_ = std::floor(std::log10(least));
      high_ = std::max(std::ceil(std::log10(most)), low_ + 1);
      for (double power = low_; power <= high_; ++power) ticks_.push_back(std::pow(10, power));
    } else {
      const double step = NiceStep(most, 4);
      high_ = std::ceil(most / step) * step;
      for (double tick = 0; tick <= high_ + step / 2; tick += step) ticks_.push_back(tick);
    }
  }

  double At(double value) const {
    const double place = is_log_ ? std::log10(std::max(value, 1e-3)) : value;
    return kBottom - std::clamp((place - low_) / (high_ - low_), 0.0, 1.0) * (kBottom - kTop);
  }
  const std::vector<double>& ticks() const { return ticks_; }

 private:
  const bool is_log_;
  double low_ = 0;
  double high_ = 1;
  std::vector<double> ticks_;
};

double PlaceOf(double second, const Chart& chart) {
  return kLeft + std::clamp(second / chart.seconds, 0.0, 1.0) * (kRight - kLeft);
}

// Spans that would touch on the page are drawn as one: there can be thousands of passes.
void AppendSpans(std::string& svg, const Chart& chart) {
  for (size_t i = 0; i < chart.spans.size();) {
    const ChartSpan& first = chart.spans[i];
    const double begin = PlaceOf(first.begin, chart);
    double end = std::max(PlaceOf(first.end, chart), begin + 1.5);
    for (++i; i < chart.spans.size() && chart.spans[i].style == first.style; ++i) {
      if (PlaceOf(chart.spans[i].begin, chart) > end + 0.5) break;
      end = std::max(end, PlaceOf(chart.spans[i].end, chart));
    }
    const double top = first.style == "span-pass" ? kBottom - 6 : kTop;
    absl::StrAppendFormat(&svg, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
                          first.style, begin, top, end - begin, kBottom - top);
  }
}

void AppendAxes(std::string& svg, const Chart& chart, const Scale& scale) {
  for (const double tick : scale.ticks()) {
    const double y = scale.At(tick);
    absl::StrAppendFormat(&svg, "<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", kLeft, y,
                          kRight, y);
    absl::StrAppendFormat(&svg, "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", kLeft - 8,
                          y + 4, Escaped(WithoutZeros(chart.label(tick))));
  }
  const double step = NiceStep(chart.seconds, 8);
  for (int i = 0; i * step <= chart.seconds * 1.0001; ++i) {
    const double x = PlaceOf(i * step, chart);
    absl::StrAppendFormat(&svg, "<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", x, kBottom, x,
                          kBottom + 4);
    absl::StrAppendFormat(&svg, "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%g s</text>\n", x,
                          kBottom + 19, i * step);
  }
}

void AppendLines(std::string& svg, const Chart& chart, const Scale& scale) {
  struct Label {
    double y;
    const ChartLine* line;
  };
  std::vector<Label> labels;
  for (const ChartLine& line : chart.lines) {
    if (line.points.empty()) continue;
    absl::StrAppendFormat(&svg, "<polyline class=\"line %s\" points=\"", line.style);
    for (const auto& [second, value] : line.points) {
      absl::StrAppendFormat(&svg, "%.1f,%.1f ", PlaceOf(second, chart), scale.At(value));
    }
    absl::StrAppend(&svg, "\"/>\n");
    labels.push_back({scale.At(line.points.back().second), &line});
  }
  // Each beside its line's end, none over another.
  std::sort(labels.begin(), labels.end(), [](const Label& a, const Label& b) { return a.y < b.y; });
  for (size_t i = 1; i < labels.size(); ++i) labels[i].y = std::max(labels[i].y, labels[i - 1].y + kLabelHeight);
  for (size_t i = labels.size(); i-- > 0;) {
    const double lowest = kBottom - kLabelHeight * static_cast<double>(labels.size() - 1 - i);
    labels[i].y = std::min(labels[i].y, lowest);
  }
  for (const Label& label : labels) {
    absl::StrAppendFormat(&svg, "<text class=\"name %s\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", label.line->style,
                          kRight + 8, label.y + 4, Escaped(label.line->name));
  }
}

}  // namespace

std::string SvgOf(const Chart& chart) {
  std::string svg = absl::StrFormat(
      "<svg class=\"chart\" id=\"%s\" viewBox=\"0 0 %g %g\" role=\"img\" aria-labelledby=\"%s-title %s-text\" "
      "data-left=\"%g\" data-right=\"%g\" data-seconds=\"%.6f\">\n<title id=\"%s-title\">%s</title>\n"
      "<desc id=\"%s-text\">%s</desc>\n",
      chart.id, kWidth, kHeight, chart.id, chart.id, kLeft, kRight, chart.seconds, chart.id, Escaped(chart.title),
      chart.id, Escaped(chart.description));
  const Scale scale(chart);
  AppendSpans(svg, chart);
  AppendAxes(svg, chart, scale);
  AppendLines(svg, chart, scale);
  absl::StrAppendFormat(&svg, "<line class=\"cross\" x1=\"0\" y1=\"%g\" x2=\"0\" y2=\"%g\"/>\n</svg>\n", kTop, kBottom);
  return svg;
}

}  // namespace mxa::tool
