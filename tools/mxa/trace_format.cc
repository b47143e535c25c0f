// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/trace_format.h"

#include <algorithm>
#include <array>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace mxa::tool {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kSector = 512;
constexpr size_t kMostFields = 7;

// The fields of one line, without allocating: traces have millions.
struct Fields {
  std::array<absl::string_view, kMostFields> field;
  size_t count = 0;  // one more than kMostFields: there were too many
};

Fields SplitCommas(absl::string_view line) {
  Fields fields;
  while (true) {
    const size_t comma = line.find(',');
    if (fields.count == kMostFields) {
      ++fields.count;
      return fields;
    }
    fields.field[fields.count++] = absl::StripAsciiWhitespace(line.substr(0, comma));
    if (comma == absl::string_view::npos) return fields;
    line.remove_prefix(comma + 1);
  }
}

Fields SplitBlanks(absl::string_view line) {
  Fields fields;
  for (line = absl::StripLeadingAsciiWhitespace(line); !line.empty(); line = absl::StripLeadingAsciiWhitespace(line)) {
    const auto end = std::find_if(line.begin(), line.end(), absl::ascii_isspace);
    const auto length = static_cast<size_t>(end - line.begin());
    if (fields.count < kMostFields) fields.field[fields.count] = line.substr(0, length);
    if (++fields.count > kMostFields) return fields;
    line.remove_prefix(length);
  }
  return fields;
}

absl::Status Wrong(absl::string_view name, absl::string_view text, absl::string_view wanted) {
  return absl::InvalidArgumentError(
      absl::StrCat(name, " '", absl::CHexEscape(text.substr(0, 40)), "' is not ", wanted));
}

absl::Status WrongCount(const Fields& fields, absl::string_view wanted) {
  if (fields.count > kMostFields) return absl::InvalidArgumentError(absl::StrCat("too many fields, wanted ", wanted));
  return absl::InvalidArgumentError(
      absl::StrCat(fields.count, fields.count == 1 ? " field" : " fields", ", wanted ", wanted));
}

bool IsUnsigned(absl::string_view text, uint64_t* value) {
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit) && absl::SimpleAtoi(text, value);
}

absl::Status ReadUnsigned(absl::string_view name, absl::string_view text, uint64_t* value) {
  if (IsUnsigned(text, value)) return absl::OkStatus();
  return Wrong(name, text, "a whole number");
}

// Pages touched by `size` bytes from `offset` on.
absl::StatusOr<Request> Pages(absl::string_view device, uint64_t offset, uint64_t size) {
  if (size == 0) return Request{std::string(device), offset / kPage, 0};
  if (size - 1 > std::numeric_limits<uint64_t>::max() - offset) {
    return absl::InvalidArgumentError("the request reaches beyond 2^64 bytes");
  }
  const uint64_t first = offset / kPage;
  return Request{std::string(device), first, (offset + (size - 1)) / kPage - first + 1};
}

absl::StatusOr<Request> ParseCloudPhysics(absl::string_view line) {
  const Fields fields = SplitCommas(line);
  if (fields.count != 5) return WrongCount(fields, "5: version,time,op,size,lbn");
  uint64_t ignored = 0, size = 0, lbn = 0;
  if (auto status = ReadUnsigned("version", fields.field[0], &ignored); !status.ok()) return status;
  if (auto status = ReadUnsigned("time", fields.field[1], &ignored); !status.ok()) return status;
  const absl::string_view op = fields.field[2];
  if (op.empty() || op.size() > 2 || !std::all_of(op.begin(), op.end(), absl::ascii_isxdigit)) {
    return Wrong("op", op, "a SCSI command in hexadecimal");
  }
  if (auto status = ReadUnsigned("size", fields.field[3], &size); !status.ok()) return status;
  if (auto status = ReadUnsigned("lbn", fields.field[4], &lbn); !status.ok()) return status;
  if (lbn > std::numeric_limits<uint64_t>::max() / kSector) {
    return absl::InvalidArgumentError("lbn lies beyond 2^64 bytes");
  }
  return Pages("", lbn * kSector, size);
}

absl::StatusOr<Request> ParseArc(absl::string_view line) {
  const Fields fields = SplitBlanks(line);
  if (fields.count != 4) return WrongCount(fields, "4: start nblocks ignore sequence");
  uint64_t ignored = 0;
  Request request;
  if (auto status = ReadUnsigned("start", fields.field[0], &request.first); !status.ok()) return status;
  if (auto status = ReadUnsigned("nblocks", fields.field[1], &request.count); !status.ok()) return status;
  if (auto status = ReadUnsigned("third field", fields.field[2], &ignored); !status.ok()) return status;
  if (auto status = ReadUnsigned("sequence", fields.field[3], &ignored); !status.ok()) return status;
  if (request.count != 0 && request.count - 1 > std::numeric_limits<uint64_t>::max() - request.first) {
    return absl::InvalidArgumentError("the request reaches beyond the largest block number");
  }
  return request;
}

absl::StatusOr<Request> ParseMsr(absl::string_view line) {
  const Fields fields = SplitCommas(line);
  if (fields.count != 7) return WrongCount(fields, "7: Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime");
  uint64_t ignored = 0, offset = 0, size = 0;
  if (auto status = ReadUnsigned("Timestamp", fields.field[0], &ignored); !status.ok()) return status;
  if (fields.field[1].empty()) return absl::InvalidArgumentError("Hostname is empty");
  if (auto status = ReadUnsigned("DiskNumber", fields.field[2], &ignored); !status.ok()) return status;
  const absl::string_view type = fields.field[3];
  if (!absl::EqualsIgnoreCase(type, "read") && !absl::EqualsIgnoreCase(type, "write")) {
    return Wrong("Type", type, "Read or Write");
  }
  if (auto status = ReadUnsigned("Offset", fields.field[4], &offset); !status.ok()) return status;
  if (auto status = ReadUnsigned("Size", fields.field[5], &size); !status.ok()) return status;
  // Clocks of the traced hosts went backwards at times, so this one may be below zero.
  absl::string_view response = fields.field[6];
  absl::ConsumePrefix(&response, "-");
  if (auto status = ReadUnsigned("ResponseTime", response, &ignored); !status.ok()) return status;
  return Pages(absl::StrCat(fields.field[1], ".", fields.field[2]), offset, size);
}

}  // namespace

std::optional<TraceFormat> TraceFormatByName(absl::string_view name) {
  if (name == "cloudphysics") return TraceFormat::kCloudPhysics;
  if (name == "arc") return TraceFormat::kArc;
  if (name == "msr") return TraceFormat::kMsr;
  return std::nullopt;
}

bool IsTraceHeader(TraceFormat format, absl::string_view line) {
  switch (format) {
    case TraceFormat::kCloudPhysics:
      return absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(line), "version,time,op,size,lbn");
    case TraceFormat::kArc:
      return false;
    case TraceFormat::kMsr:
      return absl::StartsWithIgnoreCase(line, "Timestamp,Hostname,");
  }
  return false;
}

absl::StatusOr<Request> ParseTraceLine(TraceFormat format, absl::string_view line) {
  switch (format) {
    case TraceFormat::kCloudPhysics:
      return ParseCloudPhysics(line);
    case TraceFormat::kArc:
      return ParseArc(line);
    case TraceFormat::kMsr:
      return ParseMsr(line);
  }
  return absl::InvalidArgumentError("unknown format");
}

}  // namespace mxa::tool
