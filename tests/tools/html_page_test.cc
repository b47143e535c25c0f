// SPDX-License-Identifier: Apache-2.0
//
// The page of a run: well-formed, alone, and with the figures of the report.
#include "tools/mxa/html_page.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/mxa/html_map.h"
#include "tools/mxa/html_text.h"

namespace mxa::tool {
namespace {

using testing::HasSubstr;
using testing::Not;

slab::SlabView SlabAt(size_t region, uint8_t unit, uint16_t live) {
  slab::SlabView slab;
  slab.region = region;
  slab.first_unit = unit;
  slab.units = 1;
  slab.live = live;
  slab.capacity = 100;
  return slab;
}

Report HandMade() {
  Report report;
  report.options.tree = "/a <folder> & \"more\"";
  report.before = {1, 40, 200, 30, 2, 36'335'616, 5'273'280, 3, 1};
  report.after = {1, 40, 200, 2, 2, 5'390'336, 5'273'280, 1, 1};
  report.moves.objects_moved = 208'440;
  report.phase_ns = {1'000'000'000, 500'000'000, 1'000'000'000};
  report.reads[0].reads = 1'000'000;
  report.reads[1].reads = 450'000;
  Timeline& timeline = report.timeline;
  timeline.intervals = {{0, 0.5, 36'335'616, 5'273'280, 1234, 20, 192, 831, 1279},
                        {0.5, 1.0, 5'390'336, 5'273'280, 5678, 20, 193, 832, 12'790},
                        {1.0, 1.5, 5'390'336, 5'273'280, 0, 0, 0, 0, 0}};
  timeline.passes = {{0.5, 0.6, 100, 20}, {0.7, 0.71, 100, 8}};
  timeline.compaction_begin = 0.5;
  timeline.compaction_end = 0.75;
  timeline.maps = {{"Before", 0, {SlabAt(0, 0, 7), SlabAt(0, 9, 55), SlabAt(4, 31, 100)}},
                   {"During", 0.6, {SlabAt(0, 9, 62), SlabAt(4, 31, 100)}},
                   {"After", 1.5, {SlabAt(4, 31, 100)}}};
  return report;
}

// What opens and does not close, or the first tag that closes another; empty when all is well.
std::string TagError(const std::string& page) {
  std::vector<std::string> open;
  for (size_t at = page.find('<'); at != std::string::npos; at = page.find('<', at)) {
    const size_t end = page.find('>', at);
    if (end == std::string::npos) return "a tag without an end";
    const std::string tag = page.substr(at + 1, end - at - 1);
    at = end + 1;
    if (tag[0] == '!' || tag.back() == '/') continue;
    const std::string name = tag.substr(0, tag.find_first_of(" \n"));
    if (name[0] != '/') {
      open.push_back(name);
      if (name == "style" || name == "script") at = page.find(absl::StrCat("</", name), at);  // no tags inside
    } else if (open.empty() || open.back() != name.substr(1)) {
      return absl::StrCat(name, " closes ", open.empty() ? "nothing" : open.back());
    } else {
      open.pop_back();
    }
  }
  return open.empty() ? "" : absl::StrCat(open.back(), " stays open");
}

size_t CountOf(const std::string& text, const std::string& what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

TEST(HtmlPageTest, EveryTagCloses) {
  EXPECT_EQ(TagError(HtmlOf(HandMade())), "");
  EXPECT_EQ(TagError(HtmlOf(Report())), "") << "of a run that did nothing";
  EXPECT_EQ(TagError("<a><b></a>"), "/a closes b");
}

TEST(HtmlPageTest, NeedsNothingElse) {
  const std::string page = HtmlOf(HandMade());
  for (const char* const reference : {"http:", "https:", "src=", "href=", "url(", "@import", "fetch("}) {
    EXPECT_THAT(page, Not(HasSubstr(reference)));
  }
  EXPECT_THAT(page, HasSubstr("prefers-color-scheme: dark"));
}

TEST(HtmlPageTest, SaysTheFiguresOfTheReport) {
  const Report report = HandMade();
  const std::string page = HtmlOf(report);
  EXPECT_THAT(page, HasSubstr("From 36.3\u00a0MB to 5.39\u00a0MB"));
  EXPECT_THAT(page, HasSubstr("6.89 → 1.02"));
  EXPECT_THAT(page, HasSubstr("30 → 2"));
  EXPECT_THAT(page, HasSubstr("208,440 moves"));
  EXPECT_THAT(page, HasSubstr("900\u00a0k")) << "450,000 reads in half a second";
  EXPECT_THAT(page, HasSubstr(Escaped(TableOf(report)))) << "what the terminal shows";
  EXPECT_THAT(page, HasSubstr("{\"begin\": 0.500000, \"end\": 1.000000, \"resident_bytes\": 5390336, \"live_bytes\": "
                              "5273280, \"reads\": 5678, \"p50_ns\": 193, \"p99_ns\": 832, \"p999_ns\": 12790}"));
  EXPECT_THAT(page, HasSubstr("<td>0.500</td><td>1.000</td><td>5390336</td>"));
}

TEST(HtmlPageTest, TakesTheNameOfTheInputForText) {
  const std::string page = HtmlOf(HandMade());
  EXPECT_THAT(page, HasSubstr("/a &lt;folder&gt; &amp; &quot;more&quot;"));
  EXPECT_THAT(page, Not(HasSubstr("<folder>")));
}

TEST(HtmlPageTest, ProblemsAreSeen) {
  Report report = HandMade();
  report.problems = {"memory did not come back"};
  EXPECT_THAT(HtmlOf(report), HasSubstr("<p class=\"bad\">memory did not come back</p>"));
}

TEST(HtmlPageTest, ChartsHaveNamesALineForEachFigureAndThePasses) {
  const std::string page = HtmlOf(HandMade());
  EXPECT_EQ(CountOf(page, "<svg class=\"chart\""), 3u);
  EXPECT_EQ(CountOf(page, "<polyline"), 6u);
  EXPECT_EQ(CountOf(page, "class=\"span-pass\""), 3 * 2u);
  EXPECT_EQ(CountOf(page, "class=\"span-phase\""), 3u);
  EXPECT_EQ(CountOf(page, "role=\"img\""), 6u) << "three charts and three maps";
}

TEST(HtmlMapTest, AFrameForEachRegionThatEverHadSlabsAndACellForEachSlab) {
  const std::vector<Timeline::Map> maps = HandMade().timeline.maps;
  const std::vector<size_t> regions = RegionsOf(maps);
  EXPECT_EQ(regions, (std::vector<size_t>{0, 4}));
  const std::string before = SvgOf(maps[0], regions);
  EXPECT_EQ(CountOf(before, "class=\"occ-"), 3u);
  EXPECT_EQ(CountOf(before, "\"occ-0\""), 1u);
  EXPECT_EQ(CountOf(before, "\"occ-5\""), 1u);
  EXPECT_EQ(CountOf(before, "\"occ-9\""), 1u);
  EXPECT_THAT(before, HasSubstr("aria-label=\"Before: 3 slabs in 2 regions hold 162 objects\""));
  const std::string after = SvgOf(maps[2], regions);
  EXPECT_EQ(CountOf(after, "frame gone"), 1u);
  EXPECT_EQ(CountOf(after, "class=\"frame\""), 1u);
}

TEST(HtmlMapTest, ManyRegionsAreCutOff) {
  Timeline::Map map;
  for (size_t region = 0; region < kMostFrames + 9; ++region) map.slabs.push_back(SlabAt(region, 0, 1));
  EXPECT_EQ(CountOf(SvgOf(map, RegionsOf({map})), "class=\"frame\""), kMostFrames);
}

TEST(HtmlTextTest, ReadsWell) {
  EXPECT_EQ(ByteText(0), "0\u00a0B");
  EXPECT_EQ(ByteText(999), "999\u00a0B");
  EXPECT_EQ(ByteText(5'390'336), "5.39\u00a0MB");
  EXPECT_EQ(CountText(575), "575");
  EXPECT_EQ(CountText(12'345), "12.3\u00a0k");
  EXPECT_EQ(NanosecondText(831), "831\u00a0ns");
  EXPECT_EQ(NanosecondText(12'790), "12.8\u00a0µs");
  EXPECT_EQ(NanosecondText(3'000'000), "3.00\u00a0ms");
  EXPECT_EQ(WithoutZeros("40.0 MB"), "40 MB");
  EXPECT_EQ(WithoutZeros("1.50 M"), "1.5 M");
  EXPECT_EQ(WithoutZeros("100 k"), "100 k");
  EXPECT_EQ(WithCommas(1'234'567), "1,234,567");
}

}  // namespace
}  // namespace mxa::tool
