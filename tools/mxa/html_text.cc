// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/html_text.h"

#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace mxa::tool {
namespace {

std::string Scaled(double value, absl::string_view unit) {
  constexpr absl::string_view kPrefixes[] = {"", "k", "M", "G", "T"};
  size_t prefix = 0;
  while (value >= 999.5 && prefix + 1 < std::size(kPrefixes)) {
    value /= 1000;
    ++prefix;
  }
  const int digits = prefix == 0 ? 0 : value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return absl::StrFormat("%.*f\u00a0%s%s", digits, value, kPrefixes[prefix], unit);
}

}  // namespace

std::string Escaped(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

std::string WithCommas(uint64_t value) {
  std::string digits = absl::StrCat(value);
  for (size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

std::string ByteText(double bytes) { return Scaled(bytes, "B"); }

std::string CountText(double count) { return std::string(absl::StripSuffix(Scaled(count, ""), "\u00a0")); }

std::string NanosecondText(double ns) {
  if (ns < 999.5) return absl::StrFormat("%.0f\u00a0ns", ns);
  if (ns < 999.5e3) return absl::StrFormat("%.*f\u00a0µs", ns < 9995 ? 2 : ns < 99950 ? 1 : 0, ns / 1e3);
  return absl::StrFormat("%.*f\u00a0ms", ns < 9.995e6 ? 2 : 1, ns / 1e6);
}

std::string WithoutZeros(std::string text) {
  const size_t point = text.find('.');
  if (point == std::string::npos) return text;
  size_t end = point + 1;
  while (end < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[end]))) ++end;
  size_t keep = end;
  while (keep > point + 1 && text[keep - 1] == '0') --keep;
  if (keep == point + 1) keep = point;
  return text.erase(keep, end - keep);
}

}  // namespace mxa::tool
