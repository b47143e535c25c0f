// SPDX-License-Identifier: Apache-2.0
#include "xarray/slot_run.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "xarray/mark.h"

namespace mxa::xarray {
namespace {

enum class Kind : uint8_t { kNothing, kReserved, kValue, kPointer, kOther };

Kind KindOf(Entry entry) {
  if (entry == kNull) return Kind::kNothing;
  if (entry == kZero) return Kind::kReserved;
  if (IsInternal(entry)) return Kind::kOther;
  return IsValue(entry) ? Kind::kValue : Kind::kPointer;
}

unsigned MarksOf(const Node& node, unsigned offset) {
  unsigned marks = 0;
  for (Mark mark : kAllMarks) {
    marks |= static_cast<unsigned>(node.MarksLocked(mark) >> offset & 1) << static_cast<unsigned>(mark);
  }
  return marks;
}

// How many slots the entry or the reservation in slot `offset`, if there is one, takes.
unsigned TakenBy(const Node& node, unsigned offset) {
  return KindOf(node.SlotLocked(offset)) == Kind::kNothing ? 1 : node.SlotsTakenLocked(offset);
}

std::string OneText(Entry entry) {
  if (entry == kZero) return "reserved";
  return IsValue(entry) ? absl::StrFormat("value %u", entry >> 1) : absl::StrFormat("pointer %#x", entry);
}

}  // namespace

unsigned UsableSlots(unsigned height) { return height < kMaxHeight ? kSlots : OffsetAt(~uint64_t{0}, kMaxHeight) + 1; }

uint64_t FirstIndexOf(uint64_t node_first, unsigned height, unsigned offset) {
  return node_first + (uint64_t{offset} << ((height - 1) * kSlotBits));
}

uint64_t LastIndexOf(uint64_t node_first, unsigned height, unsigned offset) {
  return FirstIndexOf(node_first, height, offset) | MaxIndex(height - 1);
}

bool LeadsDown(Entry entry, unsigned above) { return IsNode(entry) && HeightBits(entry) < above; }

SlotRun RunFrom(const Node& node, unsigned slots, unsigned first) {
  const Entry entry = node.SlotLocked(first);
  SlotRun run = {first, first, entry, entry, MarksOf(node, first), false};
  const Kind kind = KindOf(entry);
  if (kind == Kind::kOther) return run;
  if (const unsigned taken = TakenBy(node, first); taken > 1) {
    run.is_tied = true;
    run.last = first + taken - 1;
    return run;
  }
  while (run.last + 1 < slots) {
    const Entry next = node.SlotLocked(run.last + 1);
    if (KindOf(next) != kind || MarksOf(node, run.last + 1) != run.marks || TakenBy(node, run.last + 1) > 1) break;
    ++run.last;
    run.last_entry = next;
  }
  return run;
}

std::string RangeText(uint64_t first, uint64_t last) {
  return first == last ? absl::StrCat(first) : absl::StrCat(first, "..", last);
}

std::string RunText(const SlotRun& run) {
  const unsigned count = run.last - run.first + 1;
  const Entry first = run.first_entry;
  if (run.is_tied) return absl::StrCat(OneText(first), ", one entry");
  switch (KindOf(first)) {
    case Kind::kNothing:
      return "nothing";
    case Kind::kReserved:
      return "reserved";
    case Kind::kValue:
      if (count == 1) return OneText(first);
      return absl::StrFormat("%u values, %u .. %u", count, first >> 1, run.last_entry >> 1);
    case Kind::kPointer:
      if (count == 1) return OneText(first);
      return absl::StrFormat("%u pointers, %#x .. %#x", count, first, run.last_entry);
    case Kind::kOther:
      break;
  }
  if (first == kRetry) return "retry";
  return IsNode(first) ? absl::StrFormat("node %#x of a wrong height", first) : absl::StrFormat("internal %#x", first);
}

std::string MarksText(unsigned marks) {
  if (marks == 0) return "";
  std::string text = " marks";
  for (Mark mark : kAllMarks) text += (marks >> static_cast<unsigned>(mark) & 1) != 0 ? " 1" : " 0";
  return text;
}

}  // namespace mxa::xarray
