// SPDX-License-Identifier: Apache-2.0
//
// Property: each text is, to the byte, what the programs that read its format expect.
#include <string>

#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "slab/observe/names.h"
#include "slab/observe/occupancy_text.h"
#include "slab/observe/prometheus_text.h"
#include "slab/observe/slabinfo_text.h"
#include "tests/slab/observe/hand_made.h"

namespace mxa::slab::observe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(SlabinfoTextTest, IsTheKernelsVersion21) {
  EXPECT_EQ(SlabinfoText(HandMadeSnapshot()),
            "slabinfo - version: 2.1\n"
            "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> "
            "<batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>\n"
            "dentry               407   1023    192  341   16 : tunables    0    0    0 : slabdata      2      3      "
            "0\n");
}

TEST(SlabinfoTextTest, DoesNotCountCachedObjectsAsActive) {
  Snapshot snapshot = HandMadeSnapshot();
  const std::string before = SlabinfoText(snapshot);
  snapshot.caches[0].stats.cached += 100;
  snapshot.caches[0].stats.free -= 100;
  EXPECT_EQ(SlabinfoText(snapshot), before);
}

TEST(SlabinfoTextTest, KeepsANameInOneColumn) {
  Snapshot snapshot = HandMadeSnapshot();
  snapshot.caches[0].name = "two words\nand\x1b[2J";
  EXPECT_THAT(SlabinfoText(snapshot), HasSubstr("\ntwo_words_and_[2J    407"));
  snapshot.caches[0].name = "";
  EXPECT_THAT(SlabinfoText(snapshot), HasSubstr("\n_                    407"));
}

TEST(SlabinfoTextTest, SurvivesADumpWithoutPages) {
  Snapshot snapshot = HandMadeSnapshot();
  snapshot.page_size = 0;
  snapshot.caches[0].stats.empty_slabs = 10;
  EXPECT_THAT(SlabinfoText(snapshot), HasSubstr(" 65536 : tunables    0    0    0 : slabdata      0      3      0\n"));
}

TEST(OccupancyTextTest, ShowsALineARegion) {
  EXPECT_EQ(OccupancyText(HandMadeSnapshot()),
            "A line a region of 2 MiB, a character a slab where it begins:\n"
            "  _ empty   0 to 9 tenths allocated   # full   * a pass empties it   - more of the same slab   . not this "
            "cache's\n"
            "Cached and retired objects count as allocated here. At the end of a line: units of 64 KiB in use by all "
            "caches.\n"
            "\n"
            "dentry, arena 0: 3 slabs of 341 objects, 457 allocated of 1023\n"
            "       0  _.3....#........................   4/32\n");
}

TEST(PrometheusTextTest, NamesEachFamilyOnceAndItsSeriesAfterIt) {
  const std::string text = PrometheusText(HandMadeSnapshot());
  EXPECT_THAT(
      text, testing::StartsWith("# HELP mxa_slab_objects Objects by state; together all that the slabs have room for.\n"
                                "# TYPE mxa_slab_objects gauge\n"
                                "mxa_slab_objects{cache=\"dentry\",state=\"live\"} 400\n"
                                "mxa_slab_objects{cache=\"dentry\",state=\"cached\"} 50\n"
                                "mxa_slab_objects{cache=\"dentry\",state=\"retired\"} 7\n"
                                "mxa_slab_objects{cache=\"dentry\",state=\"free\"} 566\n"
                                "# HELP mxa_slab_object_bytes "));
  for (const char* line : {
           "\nmxa_slab_object_bytes{cache=\"dentry\"} 192\n",
           "\nmxa_slab_slab_bytes{cache=\"dentry\"} 65536\n",
           "\nmxa_slab_slabs{cache=\"dentry\"} 3\n",
           "\nmxa_slab_slabs_needed{cache=\"dentry\"} 2\n",
           "\nmxa_slab_empty_slabs{cache=\"dentry\"} 1\n",
           "\n# TYPE mxa_slab_slabs_created_total counter\nmxa_slab_slabs_created_total{cache=\"dentry\"} 9\n",
           "\nmxa_slab_slabs_released_total{cache=\"dentry\"} 6\n",
           "\nmxa_slab_path_total{cache=\"dentry\",path=\"alloc_slow\"} 1000\n",
           "\nmxa_slab_path_total{cache=\"dentry\",path=\"barn_get\"} 1003\n",
           "\nmxa_slab_compact_passes_total{cache=\"dentry\"} 2\n",
           "\nmxa_slab_compact_batches_total{cache=\"dentry\"} 4\n",
           "\nmxa_slab_compact_grace_periods_total{cache=\"dentry\"} 5\n",
           "\nmxa_slab_compact_objects_total{cache=\"dentry\",result=\"moved\"} 11\n",
           "\nmxa_slab_compact_objects_total{cache=\"dentry\",result=\"gone\"} 14\n",
           "\nmxa_slab_compact_slabs_refused_total{cache=\"dentry\"} 15\n",
           "\nmxa_slab_compact_objects_unplaced_total{cache=\"dentry\"} 19\n",
           "\nmxa_slab_compact_slices_total{cache=\"dentry\"} 20\n",
           "\nmxa_slab_compact_slabs_released_total{cache=\"dentry\"} 16\n",
           "\nmxa_slab_compact_work_seconds_total{cache=\"dentry\"} 3.000000017\n",
           "\nmxa_slab_compact_move_seconds_total{cache=\"dentry\"} 0.000000018\n",
           "\nmxa_slab_compact_longest_slice_seconds{cache=\"dentry\"} 0.001900000\n",
           "\nmxa_slab_arena_reserved_bytes{arena=\"0\"} 1073741824\n",
           "\nmxa_slab_arena_regions{arena=\"0\"} 1\n",
           "\nmxa_slab_arena_units{arena=\"0\"} 4\n",
           "\nmxa_slab_arena_resident_bytes{arena=\"0\",of=\"objects\"} 200704\n",
           "\nmxa_slab_arena_resident_bytes{arena=\"0\",of=\"descriptors\"} 4096\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_EQ(text.back(), '\n');
}

TEST(PrometheusTextTest, EscapesLabels) {
  EXPECT_EQ(EscapedLabel("plain {}=, \t"), "plain {}=, \t");
  EXPECT_EQ(EscapedLabel("a\\b\"c\nd"), "a\\\\b\\\"c\\nd");
  Snapshot snapshot = HandMadeSnapshot();
  snapshot.caches[0].name = "x\"y\n";
  EXPECT_THAT(PrometheusText(snapshot), HasSubstr("mxa_slab_slabs{cache=\"x\\\"y\\n\"} 3\n"));
}

TEST(PrometheusTextTest, TellsCachesOfOneNameApart) {
  Snapshot snapshot = HandMadeSnapshot();
  snapshot.caches.push_back(snapshot.caches[0]);
  const std::string text = PrometheusText(snapshot);
  EXPECT_THAT(text, HasSubstr("mxa_slab_slabs{cache=\"dentry\"} 3\nmxa_slab_slabs{cache=\"dentry#2\"} 3\n"));
}

TEST(NamesTest, AreMadeDifferent) {
  Snapshot snapshot;
  for (const char* name : {"a", "a", "a#2", "b", "a"}) snapshot.caches.emplace_back().name = name;
  EXPECT_THAT(UniqueNames(snapshot), ElementsAre("a", "a#3", "a#2", "b", "a#4"));
}

TEST(NamesTest, AreRepairedWhereTheyAreNoUtf8) {
  EXPECT_EQ(Utf8Name("Bäume \"\\\n"), "Bäume \"\\\n");
  EXPECT_EQ(Utf8Name("a\xff"
                     "b\xc3"),
            "a\xef\xbf\xbd"
            "b\xef\xbf\xbd");
}

}  // namespace
}  // namespace mxa::slab::observe
