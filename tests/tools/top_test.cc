// SPDX-License-Identifier: Apache-2.0
//
// Property: `mxa top` shows what a snapshot says, and rates that follow from two; asked of a process, it goes on until
// told or until that ends.
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "slab/cache.h"
#include "slab/observe/stats_server.h"
#include "tests/tools/run_mxa.h"
#include "tests/tools/temp_folder.h"
#include "tools/mxa/top_screen.h"

namespace mxa::tool {
namespace {

using slab::observe::CacheSnapshot;
using slab::observe::Snapshot;
using testing::HasSubstr;
using testing::StartsWith;

CacheSnapshot CacheOf(const std::string& name, size_t slabs, size_t live) {
  CacheSnapshot cache;
  cache.name = name;
  cache.slab_bytes = 65536;
  cache.stats.object_size = 576;
  cache.stats.objects_per_slab = 113;
  cache.stats.slabs = slabs;
  cache.stats.live = live;
  cache.occupancy[2] = slabs;
  return cache;
}

Snapshot SnapshotOf(std::vector<CacheSnapshot> caches) {
  Snapshot snapshot;
  snapshot.pid = 42;
  slab::observe::ArenaSnapshot& arena = snapshot.arenas.emplace_back();
  arena.regions_held = 3;
  arena.object_bytes = 6'000'000;
  arena.descriptor_bytes = 4096;
  snapshot.caches = std::move(caches);
  return snapshot;
}

std::vector<std::string> Lines(const std::string& text) { return absl::StrSplit(text, '\n'); }

TEST(TopScreenTest, TheOneThatHoldsMostComesFirst) {
  const Snapshot now = SnapshotOf({CacheOf("few", 2, 100), CacheOf("many", 80, 1000)});
  const std::vector<std::string> lines = Lines(TopScreen(now, nullptr, 0, 24));
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_EQ(lines[0], "process 42: 5.7 MiB resident in arenas, 618.8 KiB live (9.476); 3 regions of 2 MiB");
  EXPECT_EQ(lines[2], "cache                     live live bytes       held  ratio  slabs 0-100%");
  EXPECT_THAT(lines[3], StartsWith("many                      1000  562.5 KiB    5.0 MiB   9.10    █"));
  EXPECT_THAT(lines[4], StartsWith("few "));
}

TEST(TopScreenTest, RatesFollowFromTwoLooks) {
  const Snapshot before = SnapshotOf({CacheOf("nodes", 80, 1000), CacheOf("twice", 1, 1), CacheOf("twice", 1, 1)});
  Snapshot now = before;
  now.caches[0].moves.passes = 4;
  now.caches[0].moves.objects_moved = 3'000'000;
  now.caches[0].stats.slabs_released = 60;
  const std::vector<std::string> lines = Lines(TopScreen(now, &before, 2, 24));
  EXPECT_THAT(lines[3], HasSubstr("        2    1.5 M       30")) << lines[3];
  // Which of two caches of a name is which cannot be told.
  EXPECT_EQ(lines[4].find('-'), std::string::npos);
  EXPECT_EQ(lines[4].back(), ' ') << "only the bars";
}

TEST(TopScreenTest, WhatDoesNotFitIsCounted) {
  std::vector<CacheSnapshot> caches;
  for (int i = 0; i < 50; ++i) caches.push_back(CacheOf("cache", 1, 1));
  const std::vector<std::string> lines = Lines(TopScreen(SnapshotOf(caches), nullptr, 0, 10));
  ASSERT_EQ(lines.size(), 11u);
  EXPECT_EQ(lines[9], "and 44 more");
}

TEST(TopScreenTest, NamesCommandNoTerminal) {
  const std::string screen = TopScreen(SnapshotOf({CacheOf("\x1b[2Jevil", 1, 1)}), nullptr, 0, 24);
  EXPECT_EQ(screen.find('\x1b'), std::string::npos);
  EXPECT_THAT(screen, HasSubstr("?[2Jevil"));
}

class TopTest : public testing::Test {
 protected:
  TempFolder folder_;
  const std::string socket_ = folder_.PathOf("socket");
  std::unique_ptr<slab::Cache> cache_ = slab::Cache::Create({.name = "watched", .object_size = 64}).value();
};

TEST_F(TopTest, LooksAsOftenAsAsked) {
  auto server = slab::observe::StatsServer::Start(socket_).value();
  const MxaRun run = RunMxa({"top", socket_, "--interval=0.01", "--rounds=3"});
  EXPECT_EQ(run.exit_status, 0) << run.err;
  EXPECT_EQ(Lines(run.out).size() % 3, 1u);
  EXPECT_THAT(run.out, HasSubstr("\nwatched "));
  EXPECT_THAT(run.out, HasSubstr("moved/s"));
}

TEST_F(TopTest, EndsWithTheProcess) {
  auto server = slab::observe::StatsServer::Start(socket_).value();
  std::thread end([&] {
    absl::SleepFor(absl::Milliseconds(200));
    server.reset();
  });
  const MxaRun run = RunMxa({"top", socket_, "--interval=0.01"});
  end.join();
  EXPECT_EQ(run.exit_status, 0) << run.err;
  EXPECT_EQ(run.err, "");
}

TEST_F(TopTest, SaysWhyItCannotLook) {
  for (const MxaRun& run : {RunMxa({"top", socket_}), RunMxa({"top"}), RunMxa({"top", socket_, "--rounds=0"})}) {
    EXPECT_EQ(run.exit_status, 2);
    EXPECT_EQ(run.out, "");
    EXPECT_THAT(run.err, StartsWith("mxa: "));
  }
}

}  // namespace
}  // namespace mxa::tool
