// SPDX-License-Identifier: Apache-2.0
//
// What each source of pressure makes of the files it reads: as they should be, without a limit, broken, or not there.
#include "reclaim/pressure.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "reclaim/kernel_file.h"
#include "reclaim/pressure_cgroup.h"
#include "reclaim/pressure_process.h"
#include "reclaim/pressure_psi.h"
#include "tests/reclaim/fakes.h"

namespace mxa::reclaim {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

TEST(PressureTest, JudgesUsageByMarks) {
  constexpr PressureMarks kMarks = {.some = 0.9, .high = 0.95, .critical = 0.98, .target = 0.8};
  EXPECT_EQ(JudgeUsage(899, 1000, kMarks).level, PressureLevel::kNone);
  EXPECT_EQ(JudgeUsage(899, 1000, kMarks).wanted_bytes, 0u);
  EXPECT_EQ(JudgeUsage(900, 1000, kMarks).level, PressureLevel::kSome);
  EXPECT_EQ(JudgeUsage(900, 1000, kMarks).wanted_bytes, 100u);
  EXPECT_EQ(JudgeUsage(950, 1000, kMarks).level, PressureLevel::kHigh);
  EXPECT_EQ(JudgeUsage(980, 1000, kMarks).level, PressureLevel::kCritical);
  EXPECT_EQ(JudgeUsage(5000, 1000, kMarks).wanted_bytes, 4200u);
  EXPECT_EQ(JudgeUsage(5000, 0, kMarks).level, PressureLevel::kNone);
}

TEST(KernelFileTest, ReadsNumbersLimitsAndKeys) {
  FakeFolder folder;
  folder.Write("number", "4096\n");
  folder.Write("max", "max\n");
  folder.Write("huge", "9223372036854771712\n");
  folder.Write("word", "many\n");
  EXPECT_EQ(ReadKernelNumber(folder.path() + "/number").value(), 4096u);
  EXPECT_EQ(ReadKernelNumber(folder.path() + "/max").value(), kNoLimit);
  EXPECT_EQ(ReadKernelNumber(folder.path() + "/huge").value(), kNoLimit);
  EXPECT_TRUE(absl::IsInvalidArgument(ReadKernelNumber(folder.path() + "/word").status()));
  EXPECT_TRUE(absl::IsNotFound(ReadKernelNumber(folder.path() + "/none").status()));
  EXPECT_FALSE(ReadKernelFile(folder.path()).ok()) << "a folder";
  EXPECT_EQ(FindKernelNumber("a 1\nab 2\nb 3", "ab").value(), 2u);
  EXPECT_EQ(FindKernelNumber("MemFree:  7 kB\nMemAvailable:   12 kB\n", "MemAvailable").value(), 12u * 1024);
  EXPECT_TRUE(absl::IsNotFound(FindKernelNumber("a 1", "c").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(FindKernelNumber("a x", "a").status()));
}

class CgroupV2Test : public testing::Test {
 protected:
  CgroupV2Test() {
    folder_.Write("memory.max", "1000000\n");
    folder_.Write("memory.high", "max\n");
    folder_.Write("memory.current", "100000\n");
    folder_.Write("memory.stat", "anon 5\ninactive_file 0\n");
    SetEvents(0, 0, 0);
  }
  void SetEvents(int high, int max, int oom) {
    folder_.Write("memory.events", "low 0\nhigh " + std::to_string(high) + "\nmax " + std::to_string(max) + "\noom " +
                                       std::to_string(oom) + "\noom_kill 0\n");
  }

  FakeFolder folder_;
  std::unique_ptr<PressureSource> source_ = MakeCgroupSource(CgroupVersion::kV2, folder_.path());
};

TEST_F(CgroupV2Test, ByUsageOfTheSmallerLimit) {
  EXPECT_EQ(source_->Read().level, PressureLevel::kNone);
  folder_.Write("memory.current", "900000\n");
  EXPECT_EQ(source_->Read().level, PressureLevel::kSome);
  EXPECT_EQ(source_->Read().wanted_bytes, 50000u);
  folder_.Write("memory.high", "100000\n");
  EXPECT_EQ(source_->Read().level, PressureLevel::kCritical);
  EXPECT_EQ(source_->Read().wanted_bytes, 815000u);
  EXPECT_EQ(source_->problem(), "");
}

TEST_F(CgroupV2Test, FilePagesThatNobodyUsesCountAsFree) {
  folder_.Write("memory.current", "990000\n");
  folder_.Write("memory.stat", "inactive_anon 500000\ninactive_file 300000\n");
  EXPECT_EQ(source_->Read().level, PressureLevel::kNone);
  folder_.Write("memory.stat", "inactive_file 2000000\n");
  EXPECT_EQ(source_->Read().level, PressureLevel::kNone) << "more than all there is";
  folder_.Remove("memory.stat");
  EXPECT_EQ(source_->Read().level, PressureLevel::kCritical);
}

TEST_F(CgroupV2Test, HitsSinceTheLastLookRaiseTheLevelOnce) {
  SetEvents(5, 5, 5);
  folder_.Write("memory.current", "910000\n");
  EXPECT_EQ(source_->Read().level, PressureLevel::kSome) << "what was before the first look is history";
  SetEvents(6, 5, 5);
  EXPECT_EQ(source_->Read().level, PressureLevel::kHigh);
  EXPECT_EQ(source_->Read().level, PressureLevel::kSome);
  SetEvents(6, 6, 5);
  EXPECT_EQ(source_->Read().level, PressureLevel::kHigh);
  SetEvents(6, 6, 6);
  EXPECT_EQ(source_->Read().level, PressureLevel::kCritical);
  SetEvents(7, 7, 7);
  folder_.Write("memory.current", "10\n");
  EXPECT_EQ(source_->Read().level, PressureLevel::kNone) << "file pages that have gone";
}

TEST_F(CgroupV2Test, NoLimitIsNoPressure) {
  folder_.Write("memory.max", "max\n");
  folder_.Write("memory.current", "99999999999\n");
  EXPECT_EQ(source_->Read().level, PressureLevel::kNone);
  EXPECT_EQ(source_->problem(), "");
}

TEST_F(CgroupV2Test, WhatCannotBeReadIsToldAndIgnoredUntilItCan) {
  folder_.Write("memory.current", "990000\n");
  folder_.Remove("memory.max");
  EXPECT_EQ(source_->Read().level, PressureLevel::kNone);
  EXPECT_NE(source_->problem().find("memory.max"), std::string::npos) << source_->problem();
  folder_.Write("memory.max", "soon\n");
  EXPECT_EQ(source_->Read().level, PressureLevel::kNone);
  EXPECT_NE(source_->problem().find("no number"), std::string::npos) << source_->problem();
  folder_.Write("memory.max", "1000000\n");
  EXPECT_EQ(source_->Read().level, PressureLevel::kCritical);
  EXPECT_EQ(source_->problem(), "");
}

TEST(CgroupV1Test, ByUsageAndFailures) {
  FakeFolder folder;
  folder.Write("memory.limit_in_bytes", "1000000\n");
  folder.Write("memory.usage_in_bytes", "920000\n");
  folder.Write("memory.failcnt", "3\n");
  const auto source = MakeCgroupSource(CgroupVersion::kV1, folder.path());
  EXPECT_EQ(source->Read().level, PressureLevel::kSome);
  folder.Write("memory.failcnt", "4\n");
  EXPECT_EQ(source->Read().level, PressureLevel::kHigh);
  EXPECT_EQ(source->Read().level, PressureLevel::kSome);
  folder.Write("memory.stat", "inactive_file 1\ntotal_inactive_file 100000\n");
  EXPECT_EQ(source->Read().level, PressureLevel::kNone);
  folder.Write("memory.stat", "");
  folder.Write("memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(source->Read().level, PressureLevel::kNone);
}

class CgroupFoldersTest : public testing::Test {
 protected:
  std::vector<std::string> Find() {
    std::vector<std::string> paths;
    for (const CgroupFolder& found : FindCgroups(root_.path() + "/proc", root_.path() + "/cgroup")) {
      paths.push_back((found.version == CgroupVersion::kV1 ? "1:" : "2:") + found.path.substr(root_.path().size()));
    }
    return paths;
  }
  FakeFolder root_;
};

TEST_F(CgroupFoldersTest, ItsOwnAndThoseAboveInnermostFirst) {
  root_.Write("proc/self/cgroup", "0::/a/b\n");
  root_.Write("cgroup/a/b/memory.current", "1");
  root_.Write("cgroup/a/memory.current", "1");
  root_.Write("cgroup/cgroup.procs", "");
  EXPECT_EQ(Find(), (std::vector<std::string>{"2:/cgroup/a/b", "2:/cgroup/a"}));
}

TEST_F(CgroupFoldersTest, VersionOneBesideVersionTwo) {
  root_.Write("proc/self/cgroup", "5:cpu:/x\n4:blkio,memory:/x/y\n1:name=systemd:/\n0::/\n");
  root_.Write("cgroup/memory/memory.usage_in_bytes", "1");
  root_.Write("cgroup/memory/x/y/memory.usage_in_bytes", "1");
  root_.Write("cgroup/cpu/x/memory.usage_in_bytes", "1");
  EXPECT_EQ(Find(), (std::vector<std::string>{"1:/cgroup/memory/x/y", "1:/cgroup/memory"}));
}

TEST_F(CgroupFoldersTest, InAContainerTheTopStandsInForWhatIsNotMounted) {
  root_.Write("cgroup/memory/memory.usage_in_bytes", "1");
  root_.Write("proc/self/cgroup", "4:memory:/outer/container\n");
  EXPECT_EQ(Find(), (std::vector<std::string>{"1:/cgroup/memory"}));
  root_.Write("secret/memory.current", "1");
  root_.Write("proc/self/cgroup", "0::/../secret\n");
  root_.Write("cgroup/memory.current", "1");
  EXPECT_EQ(Find(), (std::vector<std::string>{"2:/cgroup"})) << "nothing outside the mount";
}

TEST_F(CgroupFoldersTest, NothingWhereThereIsNothing) {
  EXPECT_TRUE(Find().empty());
  root_.Write("proc/self/cgroup", "garbage\n");
  EXPECT_TRUE(Find().empty());
}

TEST(RssSourceTest, AgainstATarget) {
  FakeFolder proc;
  const uint64_t page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const auto source = MakeRssSource(proc.path(), 1000 * page);
  EXPECT_EQ(source->Read().level, PressureLevel::kNone);
  EXPECT_NE(source->problem(), "");
  proc.Write("self/statm", "5000 999 1 1 0 1 0\n");
  EXPECT_EQ(source->Read().level, PressureLevel::kNone);
  EXPECT_EQ(source->problem(), "");
  proc.Write("self/statm", "5000 1000 1 1 0 1 0\n");
  EXPECT_EQ(source->Read().level, PressureLevel::kSome);
  EXPECT_EQ(source->Read().wanted_bytes, 50 * page);
  proc.Write("self/statm", "5000 1300 1 1 0 1 0\n");
  EXPECT_EQ(source->Read().level, PressureLevel::kCritical);
  proc.Write("self/statm", "5000");
  EXPECT_EQ(source->Read().level, PressureLevel::kNone);
  EXPECT_NE(source->problem(), "");
}

TEST(FreeMemorySourceTest, AgainstAFloor) {
  FakeFolder proc;
  const auto source = MakeFreeMemorySource(proc.path(), 800 * kMiB);
  const auto read = [&](uint64_t mib) {
    proc.Write("meminfo", "MemTotal: 9999999 kB\nMemFree: 1 kB\nMemAvailable: " + std::to_string(mib * 1024) + " kB\n");
    return source->Read();
  };
  EXPECT_EQ(read(800).level, PressureLevel::kNone);
  EXPECT_EQ(read(799).level, PressureLevel::kSome);
  EXPECT_EQ(read(799).wanted_bytes, 101 * kMiB);
  EXPECT_EQ(read(399).level, PressureLevel::kHigh);
  EXPECT_EQ(read(199).level, PressureLevel::kCritical);
  EXPECT_EQ(read(0).wanted_bytes, 900 * kMiB);
  proc.Write("meminfo", "MemTotal: 5 kB\n");
  EXPECT_EQ(source->Read().level, PressureLevel::kNone);
  EXPECT_NE(source->problem().find("MemAvailable"), std::string::npos);
}

TEST(PsiSourceTest, WritesItsTriggerWithItsEnd) {
  FakeFolder folder;
  folder.Write("memory", "some avg10=0.00\n");
  const auto some = MakePsiSource(folder.path() + "/memory", {.window = absl::Seconds(1)});
  EXPECT_EQ(some->problem(), "");
  EXPECT_EQ(folder.Read("memory").substr(0, 20), std::string("some 150000 1000000\0", 20));
  EXPECT_EQ(some->events(), POLLPRI);
  EXPECT_GE(some->fd(), 0);
  const auto full = MakePsiSource(folder.path() + "/memory", {.full = true, .stall = absl::Milliseconds(50)});
  EXPECT_EQ(folder.Read("memory").substr(0, 19), std::string("full 50000 2000000\0", 19));
}

TEST(PsiSourceTest, SilentWhereThereIsNone) {
  const auto source = MakePsiSource("/nonexistent/pressure/memory", {});
  EXPECT_NE(source->problem().find("/nonexistent"), std::string::npos);
  EXPECT_EQ(source->fd(), -1);
  EXPECT_EQ(source->Read().level, PressureLevel::kNone);
}

TEST(PsiSourceTest, AnEventCountsForAWhile) {
  FakeClock clock;
  const auto source =
      MakePsiSourceFor(UniqueFd(eventfd(0, EFD_CLOEXEC)), POLLIN,
                       {.level = PressureLevel::kHigh, .hold = absl::Seconds(2), .step_bytes = 7 * kMiB}, clock);
  EXPECT_EQ(source->Read().level, PressureLevel::kNone);
  source->OnEvent(POLLIN);
  EXPECT_EQ(source->Read().level, PressureLevel::kHigh);
  EXPECT_EQ(source->Read().wanted_bytes, 7 * kMiB);
  clock.Pass(absl::Milliseconds(1999));
  EXPECT_EQ(source->Read().level, PressureLevel::kHigh);
  source->OnEvent(POLLOUT);  // nothing that it waits for
  clock.Pass(absl::Milliseconds(1));
  EXPECT_EQ(source->Read().level, PressureLevel::kNone);
}

TEST(PsiSourceTest, ATriggerThatHasGoneIsPolledNoMore) {
  FakeClock clock;
  const auto source = MakePsiSourceFor(UniqueFd(eventfd(0, EFD_CLOEXEC)), POLLPRI, {}, clock);
  EXPECT_GE(source->fd(), 0);
  source->OnEvent(POLLERR);
  EXPECT_EQ(source->fd(), -1);
  EXPECT_NE(source->problem(), "");
}

TEST(PsiSourceTest, ReopensATriggerOfItsOwn) {
  FakeFolder folder;
  folder.Write("memory", "");
  const auto source = MakePsiSource(folder.path() + "/memory", {});
  folder.Write("memory", "");
  source->Reopen();
  EXPECT_EQ(folder.Read("memory").substr(0, 5), "some ");
  EXPECT_EQ(source->problem(), "");
  folder.Remove("memory");
  source->Reopen();
  EXPECT_EQ(source->fd(), -1);
  EXPECT_NE(source->problem(), "");
}

}  // namespace
}  // namespace mxa::reclaim
