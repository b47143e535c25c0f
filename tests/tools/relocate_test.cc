// SPDX-License-Identifier: Apache-2.0
//
// Property: on a small tree and on small traces the whole job is good: no wrong read, memory back, every key in the
// JSON.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/tools/run_mxa.h"
#include "tests/tools/temp_folder.h"
#include "tools/mxa/random.h"

namespace mxa::tool {
namespace {

// The number behind `key` in the object `object`; fails the test when there is none.
double NumberAt(const std::string& json, const std::string& object, const std::string& key) {
  const size_t begin = json.find("\"" + object + "\": {");
  EXPECT_NE(begin, std::string::npos) << object;
  if (begin == std::string::npos) return -1;
  const std::string wanted = "\"" + key + "\": ";
  const size_t found = json.find(wanted, begin);
  const size_t end = json.find("\n  }", begin);
  EXPECT_TRUE(found != std::string::npos && found < end) << object << "." << key;
  if (found == std::string::npos) return -1;
  return strtod(json.c_str() + found + wanted.size(), nullptr);
}

class RelocateTest : public testing::Test {
 protected:
  // 400 files of 1 to 40 pages, and one large one.
  void MakeTree() {
    for (int i = 0; i < 400; ++i) {
      folder_.WriteSparse(absl::StrCat("tree/d", i % 20, "/f", i), (1 + static_cast<uint64_t>(i) % 40) * 4096);
    }
    folder_.WriteSparse("tree/large", uint64_t{20'000} * 4096);
  }
  std::string MakeTrace() {
    Random random(3);
    std::string text;
    for (int i = 0; i < 20'000; ++i)
      absl::StrAppend(&text, random.Below(1'000'000), " ", 1 + random.Below(8), " 0 ", i, "\n");
    return folder_.Write("trace", text);
  }
  // Runs with --json and returns the JSON.
  std::string Relocate(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "relocate");
    arguments.insert(arguments.end(), {"--phase-seconds=0.05", "--json", folder_.PathOf("json")});
    const MxaRun run = RunMxa(arguments);
    EXPECT_EQ(run.exit_status, 0) << run.err;
    EXPECT_EQ(run.err, "");
    table_ = run.out;
    return folder_.Read("json");
  }

  TempFolder folder_;
  std::string table_;
};

TEST_F(RelocateTest, PacksATree) {
  MakeTree();
  const std::string json = Relocate({"--tree", folder_.PathOf("tree"), "--keep=10%"});
  EXPECT_EQ(NumberAt(json, "loaded", "arrays"), 401);
  EXPECT_EQ(NumberAt(json, "readers", "errors"), 0);
  EXPECT_GT(NumberAt(json, "readers", "reads_before"), 0);
  EXPECT_GT(NumberAt(json, "moves", "nodes_moved"), 0);
  EXPECT_EQ(NumberAt(json, "before", "entries"), NumberAt(json, "after", "entries"));
  EXPECT_EQ(NumberAt(json, "before", "nodes"), NumberAt(json, "after", "nodes"));
  EXPECT_EQ(NumberAt(json, "after", "slabs_held"), NumberAt(json, "after", "slabs_needed"));
  EXPECT_LT(NumberAt(json, "after", "resident_bytes"), NumberAt(json, "before", "resident_bytes"));
}

TEST_F(RelocateTest, PacksATrace) {
  const std::string json = Relocate({"--trace", MakeTrace(), "--format=arc", "--readers=1", "--quiet"});
  EXPECT_EQ(table_, "");
  EXPECT_EQ(NumberAt(json, "readers", "errors"), 0);
  EXPECT_NEAR(NumberAt(json, "before", "entries"), NumberAt(json, "loaded", "entries") / 10, 1);
  EXPECT_GT(NumberAt(json, "moves", "nodes_moved"), 0);
}

TEST_F(RelocateTest, StaysRightUnderWritersWhileNodesNeverRest) {
  const std::string json =
      Relocate({"--trace", MakeTrace(), "--format=arc", "--readers=2", "--writers=2", "--seconds=1", "--keep=30%"});
  EXPECT_EQ(NumberAt(json, "readers", "errors"), 0);
  EXPECT_GT(NumberAt(json, "readers", "reads_during"), 0);
  EXPECT_GT(NumberAt(json, "writers", "writes"), 0);
  EXPECT_GT(NumberAt(json, "moves", "nodes_moved"), 0);
}

TEST_F(RelocateTest, WorksWithoutReadersAndWithoutDrop) {
  const std::string json = Relocate({"--trace", MakeTrace(), "--format=arc", "--readers=0", "--keep=100%"});
  EXPECT_EQ(NumberAt(json, "before", "entries"), NumberAt(json, "loaded", "entries"));
  EXPECT_EQ(NumberAt(json, "readers", "reads_during"), 0);
}

TEST_F(RelocateTest, WorksWithOneEntry) {
  folder_.WriteSparse("tiny/file", 1);
  const std::string json = Relocate({"--tree", folder_.PathOf("tiny")});
  EXPECT_EQ(NumberAt(json, "after", "entries"), 1);
}

TEST_F(RelocateTest, WritesJsonInsteadOfTheTable) {
  MakeTree();
  const MxaRun run = RunMxa({"relocate", "--tree", folder_.PathOf("tree"), "--phase-seconds=0", "--json=-"});
  EXPECT_EQ(run.exit_status, 0) << run.err;
  EXPECT_EQ(run.out.front(), '{');
  EXPECT_EQ(run.out.substr(run.out.size() - 2), "}\n");
}

TEST_F(RelocateTest, HasEveryStableKey) {
  MakeTree();
  const std::string json = Relocate({"--tree", folder_.PathOf("tree")});
  for (const char* object : {"before", "after"}) {
    for (const char* key : {"arrays", "entries", "nodes", "slabs_held", "slabs_needed", "resident_bytes",
                            "live_packed_bytes", "regions_held", "regions_needed"}) {
      EXPECT_GE(NumberAt(json, object, key), 0) << key;
    }
  }
  for (const char* key :
       {"nodes_moved", "skipped", "grace_periods", "ns_per_node", "longest_slice_us", "longest_lock_us", "busy",
        "pinned", "gone", "refused_slabs", "nodes_per_grace_period", "batches"}) {
    EXPECT_GE(NumberAt(json, "moves", key), 0) << key;
  }
  for (const char* key : {"count", "errors", "reads_before", "reads_during", "reads_after", "per_second",
                          "per_second_before", "per_second_after", "p50_ns", "p99_ns", "p999_ns"}) {
    EXPECT_GE(NumberAt(json, "readers", key), 0) << key;
  }
}

TEST_F(RelocateTest, PutsNodesInOrderWhenAsked) {
  MakeTree();
  const double packed = NumberAt(Relocate({"--tree", folder_.PathOf("tree")}), "moves", "nodes_moved");
  const std::string json = Relocate({"--tree", folder_.PathOf("tree"), "--order"});
  EXPECT_GE(NumberAt(json, "moves", "nodes_moved"), packed + NumberAt(json, "after", "nodes"));
  for (const char* key : {"walk_ns_before", "walk_ns_after", "load_ns_before", "load_ns_after"}) {
    EXPECT_GT(NumberAt(json, "speed", key), 0) << key;
  }
}

TEST_F(RelocateTest, WritesAPageOfTheRun) {
  MakeTree();
  const std::string json = Relocate({"--tree", folder_.PathOf("tree"), "--html", folder_.PathOf("page.html")});
  const std::string page = folder_.Read("page.html");
  EXPECT_EQ(page.compare(0, 15, "<!DOCTYPE html>"), 0);
  EXPECT_EQ(page.compare(page.size() - 8, 8, "</html>\n"), 0);
  const auto slabs = absl::StrCat(NumberAt(json, "before", "slabs_held"), " → ", NumberAt(json, "after", "slabs_held"));
  EXPECT_NE(page.find(slabs), std::string::npos) << slabs;
  for (const char* map : {"aria-label=\"Before: ", "aria-label=\"During: ", "aria-label=\"After: "}) {
    EXPECT_NE(page.find(map), std::string::npos) << map;
  }
  EXPECT_NE(page.find("\"reads\": "), std::string::npos) << "no interval";
}

TEST_F(RelocateTest, SaysThatAPageCannotBeWrittenBeforeTheRun) {
  const MxaRun run = RunMxa({"relocate", "--tree=/nowhere", "--html", folder_.PathOf("no/such/folder.html")});
  EXPECT_EQ(run.exit_status, 2);
  EXPECT_NE(run.err.find("folder.html: No such file"), std::string::npos) << run.err;
}

TEST_F(RelocateTest, TableNamesWhatMatters) {
  MakeTree();
  Relocate({"--tree", folder_.PathOf("tree")});
  for (const char* title :
       {"nodes moved", "slabs held", "resident / live", "reads per second", "p99.9", "reader errors"}) {
    EXPECT_NE(table_.find(title), std::string::npos) << title;
  }
}

}  // namespace
}  // namespace mxa::tool
