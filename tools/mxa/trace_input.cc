// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/trace_input.h"

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "tools/mxa/line_reader.h"

namespace mxa::tool {
namespace {

// Collects distinct blocks and when each was touched last.
class BlockSet {
 public:
  explicit BlockSet(uint64_t max_entries) : max_entries_(max_entries) {}

  absl::Status Touch(const Request& request) {
    if (request.count == 0) return absl::OkStatus();
    const auto [device, is_new] = devices_.try_emplace(request.device, workload_.arrays.size());
    if (is_new) {
      workload_.arrays.push_back({.name = request.device, .dense = 0, .blocks = {}, .last_touch = {}});
      positions_.emplace_back();
    }
    WorkloadArray& array = workload_.arrays[device->second];
    auto& positions = positions_[device->second];
    for (uint64_t i = 0; i < request.count; ++i) {
      if (touches_ == std::numeric_limits<uint32_t>::max()) {
        return absl::InvalidArgumentError("more block touches than can be counted (2^32)");
      }
      const auto [position, fresh] =
          positions.try_emplace(request.first + i, static_cast<uint32_t>(array.blocks.size()));
      if (fresh) {
        if (entries_ == max_entries_) {
          return absl::InvalidArgumentError(
              absl::StrCat("more than ", max_entries_, " distinct blocks; see --max-entries"));
        }
        ++entries_;
        array.blocks.push_back(position->first);
        array.last_touch.push_back(0);
      }
      array.last_touch[position->second] = touches_++;
    }
    return absl::OkStatus();
  }

  uint64_t entries() const { return entries_; }
  Workload Take() { return std::move(workload_); }

 private:
  const uint64_t max_entries_;
  uint64_t entries_ = 0;
  uint32_t touches_ = 0;
  Workload workload_;
  absl::flat_hash_map<std::string, size_t> devices_;
  std::vector<absl::flat_hash_map<uint64_t, uint32_t>> positions_;  // block -> where it is in the array's blocks
};

}  // namespace

absl::StatusOr<Workload> ReadTrace(InputStream& stream, TraceFormat format, uint64_t max_entries) {
  BlockSet blocks(max_entries);
  LineReader lines(stream);
  const auto at_line = [&](uint64_t number, absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat(stream.name(), ":", number, ": ", what));
  };
  uint64_t empty_line = 0;  // number of the first one behind the last line with content
  while (true) {
    absl::string_view line;
    absl::StatusOr<bool> more = lines.Next(&line);
    if (!more.ok()) return more.status();
    if (!*more) break;
    if (absl::StripAsciiWhitespace(line).empty()) {
      if (empty_line == 0) empty_line = lines.number();
      continue;
    }
    if (empty_line != 0) return at_line(empty_line, "empty line");
    if (lines.number() == 1 && IsTraceHeader(format, line)) continue;
    absl::StatusOr<Request> request = ParseTraceLine(format, line);
    if (!request.ok()) return at_line(lines.number(), request.status().message());
    if (absl::Status status = blocks.Touch(*request); !status.ok()) return at_line(lines.number(), status.message());
  }
  if (blocks.entries() == 0)
    return absl::InvalidArgumentError(absl::StrCat(stream.name(), ": no block is touched in it"));
  return blocks.Take();
}

}  // namespace mxa::tool
