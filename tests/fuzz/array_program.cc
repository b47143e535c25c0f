// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/array_program.h"

#include <algorithm>
#include <deque>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/fuzz/byte_reader.h"

namespace mxa::fuzz {
namespace {

using xarray::Entry;
using xarray::kNull;

constexpr uint64_t kLast = ~uint64_t{0};
constexpr uint64_t kStretches[16] = {0,
                                     64,
                                     4096 - 128,
                                     (uint64_t{1} << 18) - 128,
                                     (uint64_t{1} << 24) - 128,
                                     (uint64_t{1} << 24) + 4096 - 64,
                                     (uint64_t{1} << 32) - 128,
                                     (uint64_t{1} << 32) + 64,
                                     (uint64_t{1} << 42) - 128,
                                     (uint64_t{1} << 54) - 128,
                                     (uint64_t{1} << 60) - 128,
                                     (uint64_t{1} << 60) + (uint64_t{1} << 54) - 128,
                                     (uint64_t{1} << 63) - 128,
                                     (uint64_t{15} << 60) - 128,
                                     kLast - 4096 - 128,
                                     kLast - 255};
constexpr uint64_t kBeside[16] = {0, 0, 0, 0,  0,  0,    0,     0,
                                  1, 1, 2, 63, 64, 4096, kLast, kLast - 63};  // the last two: -1, -64
constexpr uint64_t kStrides[8] = {1, 1, 1, 2, 63, 64, 65, 4096};

class Reader : public ByteReader {
 public:
  using ByteReader::ByteReader;

  // Half of the time one of those before, or beside one, so that steps meet; then mostly in the first stretches.
  uint64_t Index() {
    const uint8_t choice = Byte();
    if (choice >= 128 && !recent_.empty()) return recent_[choice % recent_.size()] + kBeside[choice / 8 % 16];
    const uint64_t index = kStretches[choice < 64 ? choice % 2 : choice % 16] + Byte();
    if (recent_.size() == kRecent) recent_.pop_front();
    recent_.push_back(index);
    return index;
  }
  // A bound upward: one byte for none.
  uint64_t Last() { return Byte() % 2 == 0 ? kLast : Index(); }
  uint64_t First() { return Byte() % 2 == 0 ? 0 : Index(); }
  xarray::Mark Mark() { return xarray::kAllMarks[Byte() % xarray::kMarks]; }
  // One that is never null: a value, or what could be a pointer.
  Entry NewEntry() {
    const Entry number = Byte();
    return number % 4 == 0 ? (number + 1) << 12 : number << 1 | 1;
  }
  // Of an entry: mostly within a leaf, or the nodes above it.
  unsigned Order() {
    const uint8_t byte = Byte();
    return byte % (byte < 96 ? 6 : byte < 224 ? 14 : xarray::kMaxOrder + 1);
  }
  Entry EntryOrNull() {
    const Entry entry = NewEntry();
    return entry % 8 == 7 ? kNull : entry;
  }
  xarray::MarkFilter Filter() {
    xarray::MarkFilter filter;
    uint8_t bits = Byte();
    for (const xarray::Mark mark : xarray::kAllMarks) {
      if ((bits & 1) != 0) filter = filter.With(mark);
      if ((bits & 8) != 0) filter = filter.Without(mark);
      bits >>= 1;
    }
    return filter;
  }

 private:
  static constexpr size_t kRecent = 8;

  std::deque<uint64_t> recent_;
};

void ReadRun(Reader& reader, Step& step) {
  step.index = reader.Index();
  const uint8_t shape = reader.Byte();
  step.stride = kStrides[shape % 8];
  step.count = 1 + shape / 2;
}

// From one index to another, whichever comes first.
void ReadRange(Reader& reader, Step& step) {
  const uint64_t one = reader.Index();
  const uint64_t other = reader.Index();
  step.index = std::min(one, other);
  step.last = std::max(one, other);
}

Step ReadStep(Reader& reader) {
  Step step;
  const uint8_t kind = reader.Byte();
  step.locked = kind >= 5 * kStepKinds;
  step.kind = static_cast<StepKind>(kind % kStepKinds);
  switch (step.kind) {
    case StepKind::kStore:
      step.index = reader.Index();
      step.entry = reader.NewEntry();
      break;
    case StepKind::kInsert:
      step.index = reader.Index();
      step.entry = reader.EntryOrNull();
      break;
    case StepKind::kCompareExchange:
      step.index = reader.Index();
      step.entry = reader.EntryOrNull();
      step.expects_null = reader.Byte() % 2 != 0;
      break;
    case StepKind::kSetMark:
    case StepKind::kClearMark:
      step.index = reader.Index();
      step.mark = reader.Mark();
      break;
    case StepKind::kAllocate:
    case StepKind::kAllocateCyclic:
      step.index = reader.First();
      step.last = reader.Last();
      step.entry = reader.EntryOrNull();
      break;
    case StepKind::kStoreMany:
      ReadRun(reader, step);
      step.entry = reader.NewEntry();
      break;
    case StepKind::kSetMarkMany:
      ReadRun(reader, step);
      step.mark = reader.Mark();
      break;
    case StepKind::kEraseMany:
    case StepKind::kLoadMany:
      ReadRun(reader, step);
      break;
    case StepKind::kCountMarked:
      step.mark = reader.Mark();
      step.index = reader.First();
      step.last = reader.Last();
      break;
    case StepKind::kNext:
      step.index = reader.Last();
      break;
    case StepKind::kPrev:
      step.index = reader.First();
      break;
    case StepKind::kNextMarked:
      step.mark = reader.Mark();
      step.index = reader.Last();
      break;
    case StepKind::kPrevMarked:
      step.mark = reader.Mark();
      step.index = reader.First();
      break;
    case StepKind::kNextMatching:
      step.filter = reader.Filter();
      step.index = reader.Last();
      break;
    case StepKind::kPrevMatching:
      step.filter = reader.Filter();
      step.index = reader.First();
      break;
    case StepKind::kMoveNode:
      step.index = reader.Index();
      step.height = 1 + reader.Byte() % xarray::kMaxHeight;
      break;
    case StepKind::kStoreOrder:
    case StepKind::kInsertOrder:
      step.index = reader.Index();
      step.order = reader.Order();
      step.entry = reader.NewEntry();
      break;
    case StepKind::kStoreRange:
      ReadRange(reader, step);
      step.entry = reader.NewEntry();
      break;
    case StepKind::kEraseRange:
      ReadRange(reader, step);
      break;
    case StepKind::kSplit:
    case StepKind::kSplitToward:
      step.index = reader.Index();
      step.order = reader.Order();
      break;
    case StepKind::kStoreNull:
    case StepKind::kErase:
    case StepKind::kGetOrder:
    case StepKind::kReserve:
    case StepKind::kRelease:
    case StepKind::kCursor:
      step.index = reader.Index();
      break;
    case StepKind::kReload:
    case StepKind::kNextIndex:
    case StepKind::kPrevIndex:
    case StepKind::kPause:
    case StepKind::kMoveAll:
      break;
    case StepKind::kClear:
      // One in eight: a program that drops everything again and again comes to nothing.
      if (reader.Byte() % 8 != 0) step.kind = StepKind::kMoveAll;
      break;
  }
  return step;
}

std::string Text(xarray::Mark mark) { return absl::StrCat("Mark::k", static_cast<int>(mark)); }
std::string Text(const xarray::MarkFilter& filter) {
  std::string text = "MarkFilter()";
  for (const xarray::Mark mark : xarray::kAllMarks) {
    if (filter.Asks(mark)) absl::StrAppend(&text, ".With(", Text(mark), ")");
    if (filter.Bars(mark)) absl::StrAppend(&text, ".Without(", Text(mark), ")");
  }
  return text;
}
std::string Text(Entry entry) { return entry == kNull ? "kNull" : absl::StrFormat("Entry{%#x}", entry); }

}  // namespace

Program Decode(absl::Span<const uint8_t> bytes) {
  Reader reader(bytes);
  Program program;
  const uint8_t between = reader.Byte() % 8;
  program.between = between < 5 ? Between::kNothing : between < 7 ? Between::kThePath : Between::kAll;
  while (!reader.AtEnd() && program.steps.size() < kMostSteps) program.steps.push_back(ReadStep(reader));
  return program;
}

std::vector<uint64_t> Spaced(uint64_t first, uint64_t stride, unsigned count) {
  std::vector<uint64_t> indices;
  for (uint64_t index = first; indices.size() < count; index += stride) {
    indices.push_back(index);
    if (index > kLast - stride) break;
  }
  return indices;
}

std::string Step::ToString() const {
  const std::string on = locked ? "LockedArray(array)." : "array.";
  const std::string run = absl::StrFormat("Spaced(%u, %u, %u)", index, stride, count);
  switch (kind) {
    case StepKind::kStore:
    case StepKind::kStoreNull:
      return absl::StrFormat("%sStore(%u, %s).IgnoreError();", on, index, Text(entry));
    case StepKind::kInsert:
      return absl::StrFormat("%sInsert(%u, %s).IgnoreError();", on, index, Text(entry));
    case StepKind::kCompareExchange:
      return absl::StrFormat("%sCompareExchange(%u, %s, %s).IgnoreError();", on, index,
                             expects_null ? "kNull" : absl::StrFormat("array.Load(%u)", index), Text(entry));
    case StepKind::kErase:
      return absl::StrFormat("%sErase(%u);", on, index);
    case StepKind::kReserve:
      return absl::StrFormat("%sReserve(%u).IgnoreError();", on, index);
    case StepKind::kRelease:
      return absl::StrFormat("%sRelease(%u);", on, index);
    case StepKind::kSetMark:
      return absl::StrFormat("%sSetMark(%u, %s);", on, index, Text(mark));
    case StepKind::kClearMark:
      return absl::StrFormat("%sClearMark(%u, %s);", on, index, Text(mark));
    case StepKind::kAllocate:
      return absl::StrFormat("array.Allocate(%s, {%u, %u}).IgnoreError();", Text(entry), index, last);
    case StepKind::kAllocateCyclic:
      return absl::StrFormat("array.AllocateCyclic(%s, {%u, %u}, state).IgnoreError();", Text(entry), index, last);
    case StepKind::kStoreMany:
      return absl::StrFormat("array.StoreMany(%s, [](size_t) { return %s; }, [](size_t, Entry) {}).IgnoreError();", run,
                             Text(entry));
    case StepKind::kEraseMany:
      return absl::StrFormat("for (const uint64_t index : %s) array.Erase(index);", run);
    case StepKind::kSetMarkMany:
      return absl::StrFormat("for (const uint64_t index : %s) array.SetMark(index, %s);", run, Text(mark));
    case StepKind::kLoadMany:
      return absl::StrFormat("for (const uint64_t index : %s) array.Load(index);  // by LoadMany", run);
    case StepKind::kCountMarked:
      return absl::StrFormat("CountMarked(array, %s, %u, %u);", Text(mark), index, last);
    case StepKind::kCursor:
      return absl::StrFormat("section.emplace(); cursor.emplace(array, %u);", index);
    case StepKind::kNext:
      return absl::StrFormat("cursor->Next(%u);", index);
    case StepKind::kPrev:
      return absl::StrFormat("cursor->Prev(%u);", index);
    case StepKind::kNextMarked:
      return absl::StrFormat("cursor->NextMarked(%s, %u);", Text(mark), index);
    case StepKind::kPrevMarked:
      return absl::StrFormat("cursor->PrevMarked(%s, %u);", Text(mark), index);
    case StepKind::kNextMatching:
      return absl::StrFormat("cursor->NextMatching(%s, %u);", Text(filter), index);
    case StepKind::kPrevMatching:
      return absl::StrFormat("cursor->PrevMatching(%s, %u);", Text(filter), index);
    case StepKind::kNextIndex:
      return "cursor->NextIndex();";
    case StepKind::kPrevIndex:
      return "cursor->PrevIndex();";
    case StepKind::kPause:
      return "cursor->Pause(); section.reset(); section.emplace();";
    case StepKind::kStoreOrder:
      return absl::StrFormat("%sStoreOrder(%u, %u, %s, tell).IgnoreError();", on, index, order, Text(entry));
    case StepKind::kInsertOrder:
      return absl::StrFormat("%sInsertOrder(%u, %u, %s).IgnoreError();", on, index, order, Text(entry));
    case StepKind::kStoreRange:
      return absl::StrFormat("array.StoreRange(%u, %u, %s, tell).IgnoreError();", index, last, Text(entry));
    case StepKind::kEraseRange:
      return absl::StrFormat("array.EraseRange(%u, %u, tell).IgnoreError();", index, last);
    case StepKind::kGetOrder:
      return absl::StrFormat("%sGetOrder(%u);", on, index);
    case StepKind::kSplit:
      return absl::StrFormat("array.Split(%u, %u).IgnoreError();", index, order);
    case StepKind::kSplitToward:
      return absl::StrFormat("array.SplitToward(%u, %u).IgnoreError();", index, order);
    case StepKind::kReload:
      return "cursor->Reload();";
    case StepKind::kMoveNode:
      return absl::StrFormat("MoveNodeAt(array, nodes, %u, %u);", index, height);
    case StepKind::kMoveAll:
      return "MoveAllNodes(array, nodes);";
    case StepKind::kClear:
      return "array.Clear();";
  }
  return "";
}

std::string Program::ToString() const {
  static constexpr const char* kBetween[] = {"nothing moves but what the lines say",
                                             "after each line the nodes on the path of its index move",
                                             "after each line MoveAllNodes(array, nodes)"};
  std::string text = absl::StrCat("// ", kBetween[static_cast<size_t>(between)], "\n");
  for (const Step& step : steps) absl::StrAppend(&text, step.ToString(), "\n");
  return text;
}

}  // namespace mxa::fuzz
