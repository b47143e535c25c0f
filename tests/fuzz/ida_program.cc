// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/ida_program.h"

#include <algorithm>
#include <deque>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/fuzz/byte_reader.h"
#include "xarray/node.h"

namespace mxa::fuzz {
namespace {

constexpr uint64_t kLast = ~uint64_t{0};
constexpr uint64_t kStretches[16] = {0,
                                     1024 - 128,
                                     0,
                                     2048 - 64,
                                     uint64_t{63} << 10,
                                     (uint64_t{64} << 10) - 128,
                                     (uint64_t{1} << 22) - 128,
                                     (uint64_t{1} << 22) + 1024 - 128,
                                     (uint64_t{1} << 28) - 128,
                                     (uint64_t{1} << 34) - 128,
                                     (uint64_t{1} << 52) - 128,
                                     (uint64_t{1} << 58) - 128,
                                     (uint64_t{1} << 63) - 128,
                                     kLast - 2047,
                                     kLast - 1023,
                                     kLast - 255};
constexpr uint64_t kBeside[8] = {0, 0, 0, 1, kLast, 62, 1024, kLast - 1023};  // -1 and -1024 among them
// Less and more than a value and a bitmap hold.
constexpr unsigned kCounts[8] = {2, 62, 63, 64, 960, 1024, 1025, 2100};

class Reader : public ByteReader {
 public:
  using ByteReader::ByteReader;

  // Half of the time one of those before, or beside one, so that steps meet.
  uint64_t Id() {
    const uint8_t choice = Byte();
    if (choice >= 128 && !recent_.empty()) return recent_[choice % recent_.size()] + kBeside[choice / 8 % 8];
    const uint64_t id = kStretches[choice < 64 ? choice % 4 : choice % 16] + Byte();
    if (recent_.size() == kRecent) recent_.pop_front();
    recent_.push_back(id);
    return id;
  }
  // Half of them all.
  void Limit(IdaStep& step) {
    const uint8_t bounds = Byte();
    step.id = bounds % 2 == 0 ? 0 : Id();
    step.last = bounds % 4 < 2 ? kLast : Id();
    if (step.last < step.id && bounds >= 16) std::swap(step.id, step.last);  // a few begin behind their end
  }
  unsigned Count() { return kCounts[Byte() % 8]; }

 private:
  static constexpr size_t kRecent = 8;
  std::deque<uint64_t> recent_;
};

IdaStep ReadStep(Reader& reader) {
  // More that allocate and free, and hardly one that clears.
  static constexpr IdaStepKind kKinds[16] = {
      IdaStepKind::kAllocate, IdaStepKind::kAllocate,  IdaStepKind::kAllocate,     IdaStepKind::kAllocateMany,
      IdaStepKind::kFree,     IdaStepKind::kFree,      IdaStepKind::kFree,         IdaStepKind::kFreeMany,
      IdaStepKind::kExists,   IdaStepKind::kFindFirst, IdaStepKind::kMoveNode,     IdaStepKind::kMoveAll,
      IdaStepKind::kAllocate, IdaStepKind::kFree,      IdaStepKind::kAllocateMany, IdaStepKind::kFreeMany};
  const uint8_t choice = reader.Byte();
  IdaStep step;
  step.kind = choice == 255 ? IdaStepKind::kClear : kKinds[choice % 16];
  switch (step.kind) {
    case IdaStepKind::kAllocate:
    case IdaStepKind::kFindFirst:
      reader.Limit(step);
      break;
    case IdaStepKind::kAllocateMany:
      reader.Limit(step);
      step.count = reader.Count();
      break;
    case IdaStepKind::kFreeMany:
      step.id = reader.Id();
      step.count = reader.Count();
      break;
    case IdaStepKind::kFree:
    case IdaStepKind::kExists:
      step.id = reader.Id();
      break;
    case IdaStepKind::kMoveNode:
      step.id = reader.Id();
      step.height = 1 + reader.Byte() % xarray::kMaxHeight;
      break;
    case IdaStepKind::kMoveAll:
    case IdaStepKind::kClear:
      break;
  }
  return step;
}

}  // namespace

IdaProgram DecodeIda(absl::Span<const uint8_t> bytes) {
  Reader reader(bytes);
  IdaProgram program;
  program.moves_between = reader.Byte() % 4 == 3;
  while (!reader.AtEnd() && program.steps.size() < kMostIdaSteps) program.steps.push_back(ReadStep(reader));
  return program;
}

std::string IdaStep::ToString() const {
  const std::string limit = absl::StrFormat("{%u, %u}", id, last);
  switch (kind) {
    case IdaStepKind::kAllocate:
      return absl::StrFormat("ida.Allocate(%s).IgnoreError();", limit);
    case IdaStepKind::kAllocateMany:
      return absl::StrFormat("for (int i = 0; i < %u; ++i) ida.Allocate(%s).IgnoreError();", count, limit);
    case IdaStepKind::kFree:
      return absl::StrFormat("if (ida.Exists(%u)) ida.Free(%u);", id, id);
    case IdaStepKind::kFreeMany:
      return absl::StrFormat("for (uint64_t id = %u; id - %uu < %u; ++id) if (ida.Exists(id)) ida.Free(id);", id, id,
                             count);
    case IdaStepKind::kExists:
      return absl::StrFormat("ida.Exists(%u);", id);
    case IdaStepKind::kFindFirst:
      return absl::StrFormat("ida.FindFirst(%s);", limit);
    case IdaStepKind::kMoveNode:
      return absl::StrFormat("MoveNodeAt(IdaPeer::Chunks(ida), nodes, %u, %u);", id >> 10, height);
    case IdaStepKind::kMoveAll:
      return "MoveAllNodes(IdaPeer::Chunks(ida), nodes);";
    case IdaStepKind::kClear:
      return "ida.Clear();";
  }
  return "";
}

std::string IdaProgram::ToString() const {
  std::string text = moves_between ? "// after each line MoveAllNodes(IdaPeer::Chunks(ida), nodes)\n"
                                   : "// nothing moves but what the lines say\n";
  for (const IdaStep& step : steps) absl::StrAppend(&text, step.ToString(), "\n");
  return text;
}

}  // namespace mxa::fuzz
