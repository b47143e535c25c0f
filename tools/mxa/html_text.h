// SPDX-License-Identifier: Apache-2.0
//
// Words and numbers for pages: what HTML reserves is escaped, sizes and counts read well.
//
// Threads: any.
#ifndef MXA_TOOLS_MXA_HTML_TEXT_H_
#define MXA_TOOLS_MXA_HTML_TEXT_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace mxa::tool {

std::string Escaped(absl::string_view text);

// 1234567 -> 1,234,567.
std::string WithCommas(uint64_t value);

// Three digits or so: 35.8 MB (powers of ten), 1.28 M, 830 ns. Number and unit stay on one line.
std::string ByteText(double bytes);
std::string CountText(double count);
std::string NanosecondText(double ns);

// 40.0 MB -> 40 MB.
std::string WithoutZeros(std::string text);

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_HTML_TEXT_H_
