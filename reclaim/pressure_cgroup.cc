// SPDX-License-Identifier: Apache-2.0
#include "reclaim/pressure_cgroup.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "reclaim/kernel_file.h"

namespace mxa::reclaim {
namespace {

// How one version calls its files; null: it has none such.
struct CgroupFiles {
  const char* kind;
  const char* usage;
  const char* limit;
  const char* soft_limit;
  const char* inactive;
  // Counters that rise when a limit was hit, and when somebody was killed or nearly so.
  const char* events;
  absl::Span<const char* const> hits;
  const char* out_of_memory;
};

constexpr const char* kHitsV2[] = {"high", "max"};
constexpr CgroupFiles kV1 = {.kind = "cgroup v1",
                             .usage = "memory.usage_in_bytes",
                             .limit = "memory.limit_in_bytes",
                             .soft_limit = nullptr,
                             .inactive = "total_inactive_file",
                             .events = "memory.failcnt",
                             .hits = {},
                             .out_of_memory = nullptr};
const CgroupFiles kV2 = {.kind = "cgroup v2",
                         .usage = "memory.current",
                         .limit = "memory.max",
                         .soft_limit = "memory.high",
                         .inactive = "inactive_file",
                         .events = "memory.events",
                         .hits = kHitsV2,
                         .out_of_memory = "oom"};

class CgroupSource : public PressureSource {
 public:
  CgroupSource(const CgroupFiles& files, std::string path, const PressureMarks& marks)
      : files_(files), path_(std::move(path)), marks_(marks), name_(absl::StrCat(files.kind, " ", path_)) {}

  const std::string& name() const override { return name_; }
  const std::string& problem() const override { return problem_; }

  PressureReading Read() override {
    problem_.clear();
    const absl::StatusOr<uint64_t> usage = ReadKernelNumber(File(files_.usage));
    const absl::StatusOr<uint64_t> limit = Limit();
    if (!usage.ok() || !limit.ok()) {
      problem_ = (usage.ok() ? limit.status() : usage.status()).ToString();
      return {};
    }
    const bool hit = Rose(CountHits(), hits_);
    const bool killed = Rose(CountKills(), kills_);
    if (*limit == kNoLimit) return {};
    const uint64_t used = *usage - std::min(*usage, Inactive());
    PressureReading reading = JudgeUsage(used, *limit, marks_);
    // The group was at its limit since the last look, wherever it is now. But what there was may have been file pages
    // alone, which have gone: then nothing is asked for.
    if (reading.level != PressureLevel::kNone) {
      if (killed) reading.level = PressureLevel::kCritical;
      if (hit) reading.level = std::max(reading.level, PressureLevel::kHigh);
    }
    return reading;
  }

 private:
  std::string File(const char* name) const { return absl::StrCat(path_, "/", name); }

  absl::StatusOr<uint64_t> Limit() const {
    absl::StatusOr<uint64_t> limit = ReadKernelNumber(File(files_.limit));
    if (!limit.ok() || files_.soft_limit == nullptr) return limit;
    const absl::StatusOr<uint64_t> soft = ReadKernelNumber(File(files_.soft_limit));
    if (soft.ok()) *limit = std::min(*limit, *soft);
    return limit;
  }

  uint64_t Inactive() const {
    const absl::StatusOr<std::string> text = ReadKernelFile(File("memory.stat"));
    return text.ok() ? FindKernelNumber(*text, files_.inactive).value_or(0) : 0;
  }

  std::optional<uint64_t> CountHits() const {
    if (files_.hits.empty()) {
      const absl::StatusOr<uint64_t> count = ReadKernelNumber(File(files_.events));
      return count.ok() ? std::optional<uint64_t>(*count) : std::nullopt;
    }
    const absl::StatusOr<std::string> text = ReadKernelFile(File(files_.events));
    if (!text.ok()) return std::nullopt;
    uint64_t sum = 0;
    for (const char* key : files_.hits) sum += FindKernelNumber(*text, key).value_or(0);
    return sum;
  }

  std::optional<uint64_t> CountKills() const {
    if (files_.out_of_memory == nullptr) return std::nullopt;
    const absl::StatusOr<std::string> text = ReadKernelFile(File(files_.events));
    if (!text.ok()) return std::nullopt;
    return FindKernelNumber(*text, files_.out_of_memory).value_or(0);
  }

  // Whether `count` is more than what was `seen` at the last look; the first look only sees.
  static bool Rose(std::optional<uint64_t> count, std::optional<uint64_t>& seen) {
    if (!count.has_value()) return false;
    const std::optional<uint64_t> before = std::exchange(seen, count);
    return before.has_value() && *count > *before;
  }

  const CgroupFiles& files_;
  const std::string path_;
  const PressureMarks marks_;
  const std::string name_;
  std::string problem_;
  std::optional<uint64_t> hits_;
  std::optional<uint64_t> kills_;
};

}  // namespace

std::unique_ptr<PressureSource> MakeCgroupSource(CgroupVersion version, const std::string& path,
                                                 const PressureMarks& marks) {
  return std::make_unique<CgroupSource>(version == CgroupVersion::kV1 ? kV1 : kV2, path, marks);
}

}  // namespace mxa::reclaim
