// SPDX-License-Identifier: Apache-2.0
//
// Goes down level by level, so that what is cut off is what lies furthest from the head.
#include <bit>
#include <cstdint>
#include <deque>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "xarray/anchor.h"
#include "xarray/dump.h"
#include "xarray/slot_run.h"

namespace mxa::xarray {
namespace {

class GraphDumper {
 public:
  GraphDumper(const ArrayAnchor& anchor, size_t max_nodes) : anchor_(anchor), nodes_left_(max_nodes) {}

  std::string Run() {
    text_ =
        "digraph array {\n"
        "  node [shape=record, fontname=monospace, fontsize=10];\n"
        "  edge [fontname=monospace, fontsize=10];\n";
    {
      ArrayLock lock(anchor_);
      AppendHeadLocked();
      for (; !waiting_.empty(); waiting_.pop_front()) AppendNodeLocked(waiting_.front());
    }
    if (cut_) absl::StrAppend(&text_, "  label=\"cut: ", named_, " nodes are shown, and there are more\";\n");
    text_ += "}\n";
    return std::move(text_);
  }

 private:
  // A node whose edge has been shown.
  struct Named {
    Entry entry;
    uint64_t first;
    size_t name;
  };

  void AppendHeadLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor_) {
    const Entry head = anchor_.HeadLocked();
    absl::StrAppendFormat(&text_, "  head [label=\"{array %p|marks", &anchor_);
    for (Mark mark : kAllMarks) text_ += anchor_.IsMarkedLocked(mark) ? " 1" : " 0";
    const bool is_node = LeadsDown(head, kMaxHeight + 1);
    if (!is_node) absl::StrAppend(&text_, "|0: ", RunText({0, 0, head, head, 0}));
    if (is_node && nodes_left_ == 0) text_ += "|1 child not shown";
    text_ += "}\"];\n";
    if (is_node && Name(head, 0)) absl::StrAppend(&text_, "  head -> n0;\n");
  }

  // False when no more may be shown.
  bool Name(Entry entry, uint64_t first) {
    if (nodes_left_ == 0) {
      cut_ = true;
      return false;
    }
    --nodes_left_;
    waiting_.push_back({entry, first, named_++});
    return true;
  }

  void AppendNodeLocked(const Named& named) {
    const Node& node = *EntryNode(named.entry);
    const unsigned height = HeightBits(named.entry);
    std::string slots_text;
    std::string edges;
    unsigned not_shown = 0;
    const unsigned slots = UsableSlots(height);
    // Slots in use are shown by their first and last, whatever they hold.
    for (unsigned offset = 0; offset < slots;) {
      if (node.SlotLocked(offset) == kNull) {
        ++offset;
        continue;
      }
      const unsigned run_first = offset;
      for (; offset < slots && node.SlotLocked(offset) != kNull; ++offset) {
        const Entry child = node.SlotLocked(offset);
        if (!LeadsDown(child, height)) continue;
        if (!Name(child, FirstIndexOf(named.first, height, offset))) {
          ++not_shown;
        } else {
          absl::StrAppendFormat(&edges, "  n%u -> n%u [label=\"%u\"];\n", named.name, named_ - 1, offset);
        }
      }
      absl::StrAppend(&slots_text, " ", RangeText(run_first, offset - 1));
    }
    absl::StrAppendFormat(&text_, "  n%u [label=\"{%s|%p|height %u|count %u|marks %x %x %x|slots%s", named.name,
                          RangeText(named.first, named.first | MaxIndex(height)), &node, height,
                          std::popcount(node.UsedLocked()), node.MarksLocked(Mark::k0), node.MarksLocked(Mark::k1),
                          node.MarksLocked(Mark::k2), slots_text);
    if (not_shown != 0) absl::StrAppend(&text_, "|", not_shown, not_shown == 1 ? " child" : " children", " not shown");
    absl::StrAppend(&text_, "}\"];\n", edges);
  }

  const ArrayAnchor& anchor_;
  size_t nodes_left_;
  size_t named_ = 0;
  bool cut_ = false;
  std::deque<Named> waiting_;
  std::string text_;
};

}  // namespace

std::string DumpGraphviz(const ArrayCore& array, size_t max_nodes) {
  return GraphDumper(array.anchor(), max_nodes).Run();
}

}  // namespace mxa::xarray
