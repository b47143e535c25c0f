// SPDX-License-Identifier: Apache-2.0
//
// What is printed of a tree: word for word for small ones; of large and broken ones, that it ends and says so.
#include "xarray/dump.h"

#include <algorithm>
#include <memory>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "tests/support/array_core_peer.h"
#include "xarray/array_core.h"
#include "xarray/node_cache.h"

namespace mxa::xarray {
namespace {

Entry ValueEntry(uint64_t value) { return value << 1 | 1; }

size_t Lines(const std::string& text) { return static_cast<size_t>(std::count(text.begin(), text.end(), '\n')); }

class DumpTest : public testing::Test {
 protected:
  void Store(uint64_t index, Entry entry) { ASSERT_TRUE(array_.Store(index, entry).ok()); }
  const Node* NodeAt(uint64_t index, unsigned height) { return ArrayCorePeer::NodeAt(array_, index, height); }
  // Values 0 to 63 in a full leaf, a marked pointer and two reservations in another, and nothing above.
  void StoreASmallTree() {
    for (uint64_t index = 0; index < 64; ++index) Store(index, ValueEntry(index));
    Store(66, 0x1000);
    ASSERT_TRUE(array_.SetMark(66, Mark::k0));
    Store(67, 0x1000);
    Store(68, 0x2000);
    ASSERT_TRUE(array_.Reserve(126).ok());
    ASSERT_TRUE(array_.Reserve(127).ok());
  }

  std::unique_ptr<NodeCache> nodes_ = NodeCache::Create().value();
  ArrayCore array_{*nodes_};
};

TEST_F(DumpTest, ShowsAnEmptyArray) {
  EXPECT_EQ(Dump(array_), absl::StrFormat("array %p marks 0 0 0\n"
                                          "  0: nothing\n",
                                          &array_));
}

TEST_F(DumpTest, ShowsAnEntryInTheHead) {
  Store(0, ValueEntry(7));
  ASSERT_TRUE(array_.SetMark(0, Mark::k1));
  EXPECT_EQ(Dump(array_), absl::StrFormat("array %p marks 0 1 0\n"
                                          "  0: value 7\n",
                                          &array_));
}

TEST_F(DumpTest, ShowsAnEntryOfSeveralIndicesOnce) {
  Store(1, ValueEntry(1));
  Store(2, ValueEntry(2));
  const auto nobody = [](uint64_t, Entry) {};
  ASSERT_TRUE(array_.StoreOrder(4, 2, ValueEntry(3), nobody).ok());
  ASSERT_TRUE(array_.StoreOrder(64, 6, ValueEntry(4), nobody).ok());
  const std::string text = Dump(array_);
  EXPECT_NE(text.find("1..2: 2 values, 1 .. 2\n"), std::string::npos) << text;
  EXPECT_NE(text.find("4..7: value 3, one entry\n"), std::string::npos) << text;
  EXPECT_NE(text.find("64..127: value 4\n"), std::string::npos) << text;
}

TEST_F(DumpTest, ShowsNodesAndRunsOfSlots) {
  StoreASmallTree();
  EXPECT_EQ(Dump(array_),
            absl::StrFormat("array %p marks 1 0 0\n"
                            "  0..4095: node %p height 2 offset 0 count 2 marks 2 0 0 full 1\n"
                            "    0..63: node %p height 1 offset 0 count 64 marks 0 0 0 full ffffffffffffffff\n"
                            "      0..63: 64 values, 0 .. 63\n"
                            "    64..127: node %p height 1 offset 1 count 5 marks 4 0 0 full c00000000000001c\n"
                            "      64..65: nothing\n"
                            "      66: pointer 0x1000 marks 1 0 0\n"
                            "      67..68: 2 pointers, 0x1000 .. 0x2000\n"
                            "      69..125: nothing\n"
                            "      126..127: reserved\n"
                            "    128..4095: nothing\n",
                            &array_, NodeAt(0, 2), NodeAt(0, 1), NodeAt(64, 1)));
}

TEST_F(DumpTest, ShowsTheHighestTree) {
  Store(~uint64_t{0}, ValueEntry(1));
  const std::string text = Dump(array_);
  EXPECT_NE(text.find("  0..18446744073709551615: node "), std::string::npos) << text;
  EXPECT_NE(text.find(" 18446744073709551615: value 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("    0..17293822569102704639: nothing\n"), std::string::npos) << text;
}

TEST_F(DumpTest, IsCutAfterAsManyLinesAsAskedFor) {
  StoreASmallTree();
  const std::string whole = Dump(array_);
  EXPECT_EQ(Dump(array_, 10), whole);
  for (size_t max_lines = 0; max_lines < 10; ++max_lines) {
    const std::string text = Dump(array_, max_lines);
    EXPECT_EQ(Lines(text), 1 + max_lines + 1);
    EXPECT_EQ(text, whole.substr(0, text.size() - 4) + "...\n");
  }
}

// A node that leads to itself stands for all broken trees in which a walk down would not end.
TEST_F(DumpTest, DoesNotFollowANodeOfAWrongHeight) {
  Node node;
  node.InitSlot(3, NodeEntry(&node, 1));
  node.InitSlot(4, NodeEntry(&node, 5));
  ArrayCorePeer::SetHead(array_, NodeEntry(&node, 1));
  const std::string text = Dump(array_);
  const std::string graph = DumpGraphviz(array_);
  ArrayCorePeer::SetHead(array_, kNull);
  EXPECT_EQ(Lines(text), 6u) << text;
  EXPECT_NE(text.find(absl::StrFormat("3: node %#x of a wrong height\n", NodeEntry(&node, 1))), std::string::npos)
      << text;
  EXPECT_EQ(graph.find("->"), graph.rfind("->")) << graph;
}

// --- Graphs. What dot accepts of them is one record or one edge a line.

class GraphTest : public DumpTest {
 protected:
  // That the lines are of the few kinds there are, that edges join records that are there, and that each record but the
  // head's is at the end of one edge. Returns the number of nodes.
  size_t CheckedNodes(const std::string& graph) {
    const std::regex record(R"re(  (head|n\d+) \[label="\{[^{}<>"\\]*\}"\];)re");
    const std::regex edge(R"re(  (head|n\d+) -> (n\d+)(?: \[label="\d+"\])?;)re");
    const std::regex setting(R"re(  (?:node|edge) \[.*\];|  label="[^"]*";)re");
    std::vector<std::string> lines = absl::StrSplit(graph, '\n');
    EXPECT_EQ(lines.front(), "digraph array {");
    EXPECT_EQ(lines.back(), "");
    lines.pop_back();
    EXPECT_EQ(lines.back(), "}");
    std::multiset<std::string> records;
    std::multiset<std::string> ends = {"head"};
    std::set<std::string> begins;
    std::smatch match;
    for (size_t i = 1; i + 1 < lines.size(); ++i) {
      if (std::regex_match(lines[i], match, record)) {
        records.insert(match[1]);
      } else if (std::regex_match(lines[i], match, edge)) {
        begins.insert(match[1]);
        ends.insert(match[2]);
      } else {
        EXPECT_TRUE(std::regex_match(lines[i], setting)) << lines[i];
      }
    }
    EXPECT_EQ(records, ends);
    for (const std::string& begin : begins) EXPECT_EQ(records.count(begin), 1u) << begin;
    return records.size() - 1;
  }

  size_t NodesLive() { return nodes_->slabs().Stats().live; }
};

TEST_F(GraphTest, ShowsASmallTree) {
  StoreASmallTree();
  EXPECT_EQ(DumpGraphviz(array_),
            absl::StrFormat("digraph array {\n"
                            "  node [shape=record, fontname=monospace, fontsize=10];\n"
                            "  edge [fontname=monospace, fontsize=10];\n"
                            "  head [label=\"{array %p|marks 1 0 0}\"];\n"
                            "  head -> n0;\n"
                            "  n0 [label=\"{0..4095|%p|height 2|count 2|marks 2 0 0|slots 0..1}\"];\n"
                            "  n0 -> n1 [label=\"0\"];\n"
                            "  n0 -> n2 [label=\"1\"];\n"
                            "  n1 [label=\"{0..63|%p|height 1|count 64|marks 0 0 0|slots 0..63}\"];\n"
                            "  n2 [label=\"{64..127|%p|height 1|count 5|marks 4 0 0|slots 2..4 62..63}\"];\n"
                            "}\n",
                            &array_, NodeAt(0, 2), NodeAt(0, 1), NodeAt(64, 1)));
}

TEST_F(GraphTest, ShowsAnArrayWithoutNodes) {
  EXPECT_EQ(CheckedNodes(DumpGraphviz(array_)), 0u);
  EXPECT_NE(DumpGraphviz(array_).find("|0: nothing}"), std::string::npos);
  Store(0, ValueEntry(7));
  EXPECT_EQ(CheckedNodes(DumpGraphviz(array_)), 0u);
  EXPECT_NE(DumpGraphviz(array_).find("|0: value 7}"), std::string::npos);
}

TEST_F(GraphTest, EveryNodeIsARecordAtTheEndOfOneEdge) {
  for (unsigned bits = 0; bits < 64; ++bits) Store(uint64_t{1} << bits, ValueEntry(bits));
  Store(~uint64_t{0}, ValueEntry(64));
  EXPECT_EQ(CheckedNodes(DumpGraphviz(array_, 1000)), NodesLive());
}

TEST_F(GraphTest, SaysWhatItLeavesOut) {
  for (uint64_t index = 0; index < 100 * 64; index += 64) Store(index, ValueEntry(index));
  ASSERT_EQ(NodesLive(), 1u + 2u + 100u);
  EXPECT_EQ(DumpGraphviz(array_, NodesLive()).find("cut"), std::string::npos);
  for (const size_t max_nodes : {size_t{0}, size_t{1}, size_t{2}, size_t{3}, size_t{10}, NodesLive() - 1}) {
    const std::string graph = DumpGraphviz(array_, max_nodes);
    EXPECT_EQ(CheckedNodes(graph), max_nodes);
    EXPECT_NE(graph.find(absl::StrFormat("label=\"cut: %u nodes are shown, and there are more\"", max_nodes)),
              std::string::npos);
  }
  // The two nodes below the top are shown before any leaf.
  const std::string graph = DumpGraphviz(array_, 4);
  EXPECT_NE(graph.find("|height 2|count 64|marks 0 0 0|slots 0..63|63 children not shown}"), std::string::npos);
  EXPECT_NE(graph.find("|height 2|count 36|marks 0 0 0|slots 0..35|36 children not shown}"), std::string::npos);
}

}  // namespace
}  // namespace mxa::xarray
