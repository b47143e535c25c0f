// SPDX-License-Identifier: Apache-2.0
//
// The numbered lines of an input stream, without their ends (LF or CR LF).
//
// Threads: one.
#ifndef MXA_TOOLS_MXA_LINE_READER_H_
#define MXA_TOOLS_MXA_LINE_READER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/mxa/input_stream.h"

namespace mxa::tool {

class LineReader {
 public:
  explicit LineReader(InputStream& stream) : stream_(stream), buffer_(kBuffer) {}

  // False at the end; else `line` is the next line, valid until the next call. The last line needs no end.
  // Errors: what the stream says, or kInvalidArgument `NAME:LINE: the line is too long`.
  absl::StatusOr<bool> Next(absl::string_view* line);

  // Of the line delivered last, counted from 1.
  uint64_t number() const { return number_; }

 private:
  static constexpr size_t kBuffer = size_t{256} << 10;  // also the longest line

  InputStream& stream_;
  std::vector<char> buffer_;
  size_t begin_ = 0;  // what has been read and not delivered: [begin_, end_)
  size_t end_ = 0;
  bool at_end_ = false;
  uint64_t number_ = 0;
};

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_LINE_READER_H_
