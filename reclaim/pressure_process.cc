// SPDX-License-Identifier: Apache-2.0
#include "reclaim/pressure_process.h"

#include <unistd.h>

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "reclaim/kernel_file.h"

namespace mxa::reclaim {
namespace {

// A source of one figure in one file.
class FigureSource : public PressureSource {
 public:
  FigureSource(const char* kind, std::string path) : path_(std::move(path)), name_(absl::StrCat(kind, " ", path_)) {}

  const std::string& name() const final { return name_; }
  const std::string& problem() const final { return problem_; }

  PressureReading Read() final {
    problem_.clear();
    absl::StatusOr<uint64_t> bytes = uint64_t{0};
    const absl::StatusOr<std::string> text = ReadKernelFile(path_);
    if (text.ok()) {
      bytes = Parse(*text);
    } else {
      bytes = text.status();
    }
    if (bytes.ok()) return Judge(*bytes);
    problem_ = bytes.status().ToString();
    return {};
  }

 private:
  virtual absl::StatusOr<uint64_t> Parse(const std::string& text) const = 0;
  virtual PressureReading Judge(uint64_t bytes) const = 0;

  const std::string path_;
  const std::string name_;
  std::string problem_;
};

class RssSource : public FigureSource {
 public:
  RssSource(const std::string& proc, uint64_t target_bytes, const PressureMarks& marks)
      : FigureSource("rss", absl::StrCat(proc, "/self/statm")), target_bytes_(target_bytes), marks_(marks) {}

 private:
  absl::StatusOr<uint64_t> Parse(const std::string& text) const override {
    const std::vector<absl::string_view> words = absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty());
    uint64_t pages = 0;
    if (words.size() < 2 || !absl::SimpleAtoi(words[1], &pages)) {
      return absl::InvalidArgumentError("statm has no second number");
    }
    return pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  }
  PressureReading Judge(uint64_t bytes) const override { return JudgeUsage(bytes, target_bytes_, marks_); }

  const uint64_t target_bytes_;
  const PressureMarks marks_;
};

class FreeMemorySource : public FigureSource {
 public:
  FreeMemorySource(const std::string& proc, uint64_t floor_bytes)
      : FigureSource("free memory", absl::StrCat(proc, "/meminfo")), floor_bytes_(floor_bytes) {}

 private:
  absl::StatusOr<uint64_t> Parse(const std::string& text) const override {
    return FindKernelNumber(text, "MemAvailable");
  }
  PressureReading Judge(uint64_t available) const override {
    if (available >= floor_bytes_) return {};
    PressureReading reading;
    reading.level = available < floor_bytes_ / 4   ? PressureLevel::kCritical
                    : available < floor_bytes_ / 2 ? PressureLevel::kHigh
                                                   : PressureLevel::kSome;
    reading.wanted_bytes = floor_bytes_ + floor_bytes_ / 8 - available;
    return reading;
  }

  const uint64_t floor_bytes_;
};

}  // namespace

std::unique_ptr<PressureSource> MakeRssSource(const std::string& proc, uint64_t target_bytes,
                                              const PressureMarks& marks) {
  return std::make_unique<RssSource>(proc, target_bytes, marks);
}

std::unique_ptr<PressureSource> MakeFreeMemorySource(const std::string& proc, uint64_t floor_bytes) {
  return std::make_unique<FreeMemorySource>(proc, floor_bytes);
}

}  // namespace mxa::reclaim
