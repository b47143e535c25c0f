// SPDX-License-Identifier: Apache-2.0
#include "xarray/dump.h"

#include <bit>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "xarray/anchor.h"
#include "xarray/slot_run.h"

namespace mxa::xarray {
namespace {

class Dumper {
 public:
  Dumper(const ArrayAnchor& anchor, size_t max_lines) : anchor_(anchor), lines_left_(max_lines) {}

  std::string Run() {
    ArrayLock lock(anchor_);
    absl::StrAppendFormat(&text_, "array %p marks", &anchor_);
    for (Mark mark : kAllMarks) text_ += anchor_.IsMarkedLocked(mark) ? " 1" : " 0";
    text_ += '\n';
    const Entry head = anchor_.HeadLocked();
    if (LeadsDown(head, kMaxHeight + 1)) {
      AppendNode(head, 0, 1);
    } else {
      AppendRun({0, 0, head, head, 0, false}, 0, 0, 1);
    }
    if (cut_) text_ += "...\n";
    return std::move(text_);
  }

 private:
  // Begins a line, if there is one left.
  bool Begin(int indent, uint64_t first, uint64_t last) {
    if (cut_ || lines_left_ == 0) {
      cut_ = true;
      return false;
    }
    --lines_left_;
    text_.append(static_cast<size_t>(indent) * 2, ' ');
    absl::StrAppend(&text_, RangeText(first, last), ": ");
    return true;
  }

  void AppendNode(Entry entry, uint64_t first, int indent) {
    const Node& node = *EntryNode(entry);
    const unsigned height = HeightBits(entry);
    if (!Begin(indent, first, first | MaxIndex(height))) return;
    absl::StrAppendFormat(&text_, "node %p height %u offset %u count %u marks %x %x %x full %x\n", &node, height,
                          node.offset(), std::popcount(node.UsedLocked()), node.MarksLocked(Mark::k0),
                          node.MarksLocked(Mark::k1), node.MarksLocked(Mark::k2), node.FullLocked());
    const unsigned slots = UsableSlots(height);
    for (unsigned offset = 0; offset < slots && !cut_;) {
      const SlotRun run = RunFrom(node, slots, offset);
      const uint64_t at = FirstIndexOf(first, height, offset);
      if (LeadsDown(run.first_entry, height)) {
        AppendNode(run.first_entry, at, indent + 1);
      } else {
        AppendRun(run, at, LastIndexOf(first, height, run.last), indent + 1);
      }
      offset = run.last + 1;
    }
  }

  void AppendRun(const SlotRun& run, uint64_t first, uint64_t last, int indent) {
    if (!Begin(indent, first, last)) return;
    absl::StrAppend(&text_, RunText(run), MarksText(run.marks), "\n");
  }

  const ArrayAnchor& anchor_;
  size_t lines_left_;
  bool cut_ = false;
  std::string text_;
};

}  // namespace

std::string Dump(const ArrayCore& array, size_t max_lines) { return Dumper(array.anchor(), max_lines).Run(); }

}  // namespace mxa::xarray
