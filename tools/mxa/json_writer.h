// SPDX-License-Identifier: Apache-2.0
//
// Writes JSON into a string: objects, numbers, strings; nesting and commas are its business.
//
//   JsonWriter json;
//   json.BeginObject();
//   json.Field("errors", uint64_t{0});
//   json.EndObject();
//   std::string text = json.Take();
//
// Threads: one.
#ifndef MXA_TOOLS_MXA_JSON_WRITER_H_
#define MXA_TOOLS_MXA_JSON_WRITER_H_

#include <concepts>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace mxa::tool {

// `text` in double quotes. What is not UTF-8 (file names may be anything) becomes U+FFFD.
std::string JsonQuoted(absl::string_view text);

class JsonWriter {
 public:
  // Opens an object: the outermost one, or the value of `key`.
  void BeginObject();
  void BeginObject(absl::string_view key);
  void EndObject();

  void Field(absl::string_view key, std::unsigned_integral auto value) { Unsigned(key, static_cast<uint64_t>(value)); }
  void Field(absl::string_view key, absl::string_view value);
  void Field(absl::string_view key, const char* value) { Field(key, absl::string_view(value)); }
  void Field(absl::string_view key, int value);
  void Field(absl::string_view key, bool value);
  void Field(absl::string_view key, double value);  // three decimals; null when it is not finite

  // What was written, with a line end. REQUIRES: every object has been ended.    (CHECKed)
  std::string Take();

 private:
  void Unsigned(absl::string_view key, uint64_t value);
  void Key(absl::string_view key);

  std::string text_;
  int depth_ = 0;
  bool first_ = true;  // in the object that is open
};

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_JSON_WRITER_H_
