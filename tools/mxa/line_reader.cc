// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/line_reader.h"

#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace mxa::tool {

absl::StatusOr<bool> LineReader::Next(absl::string_view* line) {
  while (true) {
    const char* start = buffer_.data() + begin_;
    const auto* newline = static_cast<const char*>(memchr(start, '\n', end_ - begin_));
    if (newline != nullptr || (at_end_ && begin_ != end_)) {
      const size_t length = newline != nullptr ? static_cast<size_t>(newline - start) : end_ - begin_;
      begin_ += length + (newline != nullptr ? 1 : 0);
      ++number_;
      *line = absl::string_view(start, length);
      absl::ConsumeSuffix(line, "\r");
      return true;
    }
    if (at_end_) return false;

    memmove(buffer_.data(), start, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    if (end_ == buffer_.size()) {
      return absl::InvalidArgumentError(absl::StrCat(stream_.name(), ":", number_ + 1, ": the line is too long"));
    }
    absl::StatusOr<size_t> got = stream_.Read(buffer_.data() + end_, buffer_.size() - end_);
    if (!got.ok()) return got.status();
    end_ += *got;
    at_end_ = *got == 0;
  }
}

}  // namespace mxa::tool
