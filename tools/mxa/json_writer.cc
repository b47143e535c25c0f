// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/json_writer.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/check.h"

namespace mxa::tool {
namespace {

// Length of the UTF-8 sequence at the start of `text`, or 0 when it is none.
size_t Utf8Length(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  size_t length = 0;
  uint32_t code = 0;
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) length = 2, code = lead & 0x1fu;
  if (lead >= 0xe0 && lead < 0xf0) length = 3, code = lead & 0x0fu;
  if (lead >= 0xf0 && lead < 0xf5) length = 4, code = lead & 0x07u;
  if (length == 0 || length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3fu);
  }
  const bool too_long = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool no_character = code > 0x10ffff || (code >= 0xd800 && code < 0xe000);
  return too_long || no_character ? 0 : length;
}

}  // namespace

std::string JsonQuoted(absl::string_view text) {
  std::string out(1, '"');
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    const char c = text[0];
    if (length == 0) {
      absl::StrAppend(&out, "\\ufffd");
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&out, "\\u%04x", static_cast<unsigned>(c));
    } else {
      out.append(text.data(), length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
  return out;
}

void JsonWriter::Key(absl::string_view key) {
  MXA_CHECK(depth_ > 0, "a field outside an object");
  absl::StrAppend(&text_, first_ ? "\n" : ",\n", std::string(static_cast<size_t>(depth_) * 2, ' '), JsonQuoted(key),
                  ": ");
  first_ = false;
}

void JsonWriter::BeginObject() {
  MXA_CHECK(text_.empty(), "only one outermost object");
  text_ += '{';
  depth_ = 1;
  first_ = true;
}

void JsonWriter::BeginObject(absl::string_view key) {
  Key(key);
  text_ += '{';
  ++depth_;
  first_ = true;
}

void JsonWriter::EndObject() {
  MXA_CHECK(depth_ > 0, "no object is open");
  --depth_;
  if (!first_) absl::StrAppend(&text_, "\n", std::string(static_cast<size_t>(depth_) * 2, ' '));
  text_ += '}';
  first_ = false;
}

void JsonWriter::Unsigned(absl::string_view key, uint64_t value) {
  Key(key);
  absl::StrAppend(&text_, value);
}

void JsonWriter::Field(absl::string_view key, int value) {
  Key(key);
  absl::StrAppend(&text_, value);
}

void JsonWriter::Field(absl::string_view key, bool value) {
  Key(key);
  absl::StrAppend(&text_, value ? "true" : "false");
}

void JsonWriter::Field(absl::string_view key, double value) {
  Key(key);
  absl::StrAppend(&text_, std::isfinite(value) ? absl::StrFormat("%.3f", value) : "null");
}

void JsonWriter::Field(absl::string_view key, absl::string_view value) {
  Key(key);
  text_ += JsonQuoted(value);
}

std::string JsonWriter::Take() {
  MXA_CHECK(depth_ == 0 && !text_.empty(), "an object is still open");
  text_ += '\n';
  return std::exchange(text_, std::string());
}

}  // namespace mxa::tool
