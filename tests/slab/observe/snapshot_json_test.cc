// SPDX-License-Identifier: Apache-2.0
//
// Property: a snapshot written as JSON and read back is the same; what is no snapshot is refused with the reason.
#include "slab/observe/snapshot_json.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "slab/observe/occupancy_text.h"
#include "slab/observe/prometheus_text.h"
#include "slab/observe/slabinfo_text.h"
#include "tests/slab/observe/hand_made.h"

namespace mxa::slab::observe {
namespace {

using testing::HasSubstr;

std::string With(const std::string& part, const std::string& instead) {
  const std::string text = JsonText(HandMadeSnapshot());
  EXPECT_THAT(text, HasSubstr(part));
  return absl::StrReplaceAll(text, {{part, instead}});
}

void ExpectRefused(const std::string& text, const std::string& reason) {
  const absl::StatusOr<Snapshot> parsed = ParseJsonText(text);
  ASSERT_FALSE(parsed.ok()) << text;
  EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(parsed.status().message()), HasSubstr(reason));
}

TEST(SnapshotJsonTest, ComesBackAsItWas) {
  const Snapshot snapshot = HandMadeSnapshot();
  const std::string text = JsonText(snapshot);
  const Snapshot back = ParseJsonText(text).value();
  EXPECT_EQ(JsonText(back), text);
  EXPECT_EQ(SlabinfoText(back), SlabinfoText(snapshot));
  EXPECT_EQ(PrometheusText(back), PrometheusText(snapshot));
  EXPECT_EQ(OccupancyText(back), OccupancyText(snapshot));
  ASSERT_EQ(back.caches.size(), 1u);
  EXPECT_EQ(back.pid, 42u);
  EXPECT_EQ(back.unix_seconds, 1'700'000'000u);
  EXPECT_EQ(back.caches[0].occupancy, snapshot.caches[0].occupancy);
  EXPECT_EQ(back.caches[0].stats.object_size, 189u);
  EXPECT_EQ(back.caches[0].shape.objects_per_slab, 341u);
  EXPECT_TRUE(back.caches[0].shape.movable);
  EXPECT_EQ(back.arenas[0].units_used, snapshot.arenas[0].units_used);
}

TEST(SnapshotJsonTest, IsOneLineWithStableKeys) {
  const std::string text = JsonText(HandMadeSnapshot());
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  EXPECT_THAT(text, testing::StartsWith("{\"kind\":\"mxa slab snapshot\",\"version\":1,\"pid\":42,"));
  EXPECT_THAT(text, HasSubstr("\"live\":400,\"cached\":50,\"retired\":7,\"free\":566,"));
  EXPECT_THAT(text, HasSubstr("\"paths\":{\"alloc_slow\":1000,"));
  EXPECT_THAT(text, HasSubstr("\"results\":{\"moved\":11,\"busy\":12,\"pinned\":13,\"gone\":14}"));
  EXPECT_THAT(text, HasSubstr("\"occupancy\":{\"empty\":1,\"tenths_0\":0,"));
}

TEST(SnapshotJsonTest, KeepsLargeNumbersAndOddNames) {
  Snapshot snapshot = HandMadeSnapshot();
  snapshot.caches[0].stats.slabs_created = ~uint64_t{0};
  snapshot.caches[0].name = "q\"\\\n\x01 ü";
  const Snapshot back = ParseJsonText(JsonText(snapshot)).value();
  EXPECT_EQ(back.caches[0].stats.slabs_created, ~uint64_t{0});
  EXPECT_EQ(back.caches[0].name, snapshot.caches[0].name);
}

TEST(SnapshotJsonTest, ReadsOtherVersionsPaths) {
  const Snapshot back = ParseJsonText(With("\"alloc_slow\":1000", "\"alloc_future\":1000")).value();
  EXPECT_EQ(back.caches[0].stats.counts[Count::kAllocSlow], 0u);
  EXPECT_EQ(back.caches[0].stats.counts[Count::kAllocFailed], 1001u);
}

TEST(SnapshotJsonTest, RefusesWhatIsNoSnapshot) {
  ExpectRefused("", "no JSON, or cut off");
  ExpectRefused("slabinfo - version: 2.1\n", "no JSON");
  const std::string text = JsonText(HandMadeSnapshot());
  ExpectRefused(text.substr(0, text.size() / 2), "cut off");
  ExpectRefused("{}", "no snapshot of caches");
  ExpectRefused("[1, 2]", "no snapshot of caches");
  ExpectRefused("{\"kind\":7}", "no snapshot of caches");
  ExpectRefused(std::string(100'000, '['), "no JSON");
  ExpectRefused(With("\"version\":1", "\"version\":2"), "a snapshot of version 2, not 1");
}

TEST(SnapshotJsonTest, NamesTheValueThatIsWrong) {
  ExpectRefused(With("\"live\":400,", ""), "'caches[0].live' is missing");
  ExpectRefused(With("\"live\":400", "\"live\":-400"), "'caches[0].live' is no whole number that fits");
  ExpectRefused(With("\"live\":400", "\"live\":4.5"), "'caches[0].live' is no whole number");
  ExpectRefused(With("\"movable\":true", "\"movable\":1"), "'caches[0].movable' is neither true nor false");
  ExpectRefused(With("\"name\":\"dentry\"", "\"name\":[]"), "'caches[0].name' is no string");
  ExpectRefused(With("\"busy\":12,", ""), "'caches[0].compact.results.busy' is missing");
  ExpectRefused(With("\"units_used\":[4,0]", "\"units_used\":[4,256]"), "'arenas[0].units_used' is no whole number");
  ExpectRefused(With("\"units_used\":[4,0]", "\"units_used\":{}"), "'arenas[0].units_used' is no list");
  ExpectRefused(With("_.3....#", "_.3....\\u001b"), "'caches[0].map[0].units' is impossible");
  ExpectRefused(With("_.3....#", "_.3....##"), "'caches[0].map[0].units' is impossible");
  ExpectRefused(With("\"caches\":[{", "\"caches\":[3,{"), "'caches[0].' is no object");
}

}  // namespace
}  // namespace mxa::slab::observe
