// SPDX-License-Identifier: Apache-2.0
//
// Sources as one: the worst of them, waiting for any, and what is found on a system.
#include "reclaim/pressure_monitor.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "reclaim/pressure_psi.h"
#include "reclaim/rcu.h"
#include "tests/reclaim/fakes.h"

namespace mxa::reclaim {
namespace {

class FixedSource : public PressureSource {
 public:
  FixedSource(std::string name, const PressureReading& reading) : name_(std::move(name)), reading_(reading) {}
  const std::string& name() const override { return name_; }
  const std::string& problem() const override { return problem_; }
  PressureReading Read() override { return reading_; }

 private:
  const std::string name_;
  const PressureReading& reading_;
  const std::string problem_;
};

TEST(PressureMonitorTest, TheWorstLevelAndTheMostBytes) {
  PressureReading a;
  PressureReading b;
  std::vector<std::unique_ptr<PressureSource>> sources;
  sources.push_back(std::make_unique<FixedSource>("a", a));
  sources.push_back(std::make_unique<FixedSource>("b", b));
  PressureMonitor monitor(std::move(sources));
  EXPECT_EQ(monitor.Read().level, PressureLevel::kNone);
  EXPECT_EQ(monitor.Read().source, "");
  a = {PressureLevel::kSome, 500};
  EXPECT_EQ(monitor.Read().source, "a");
  b = {PressureLevel::kHigh, 100};
  EXPECT_EQ(monitor.Read().level, PressureLevel::kHigh);
  EXPECT_EQ(monitor.Read().source, "b");
  EXPECT_EQ(monitor.Read().wanted_bytes, 500u) << "whoever wants them";
  b = {PressureLevel::kSome, 600};
  EXPECT_EQ(monitor.Read().source, "b") << "of the same level, who wants the most";
  ASSERT_EQ(monitor.Status().size(), 2u);
  EXPECT_EQ(monitor.Status()[0].readings, 5u);
  EXPECT_EQ(monitor.Status()[1].last.wanted_bytes, 600u);
}

class PressureWaitTest : public testing::Test {
 protected:
  PressureWaitTest() {
    std::vector<std::unique_ptr<PressureSource>> sources;
    UniqueFd fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    event_ = fd.get();
    sources.push_back(MakePsiSourceFor(std::move(fd), POLLIN, {}, clock_));
    monitor_ = std::make_unique<PressureMonitor>(std::move(sources));
  }
  static void Signal(int fd) {
    const uint64_t one = 1;
    ASSERT_EQ(write(fd, &one, sizeof(one)), static_cast<ssize_t>(sizeof(one)));
  }

  FakeClock clock_;
  int event_ = -1;
  UniqueFd wake_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::unique_ptr<PressureMonitor> monitor_;
};

TEST_F(PressureWaitTest, EndsAtAnEventOrAWakeUpOrInTime) {
  EXPECT_FALSE(monitor_->Wait(absl::Milliseconds(1), wake_.get()));
  EXPECT_EQ(monitor_->Read().level, PressureLevel::kNone);
  Signal(wake_.get());
  EXPECT_TRUE(monitor_->Wait(absl::InfiniteDuration(), wake_.get()));
  EXPECT_EQ(monitor_->Read().level, PressureLevel::kNone) << "a wake-up is no pressure";
  Signal(event_);
  EXPECT_TRUE(monitor_->Wait(absl::InfiniteDuration(), -1));
  EXPECT_EQ(monitor_->Read().level, PressureLevel::kSome);
}

TEST_F(PressureWaitTest, TakesTheTimeItWasGiven) {
  const absl::Duration start = ReclaimClock::System().Now();
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(monitor_->Wait(absl::Microseconds(900), -1));
  EXPECT_GE(ReclaimClock::System().Now() - start, absl::Milliseconds(18)) << "rounded up";
}

using PressureWaitDeathTest = PressureWaitTest;

TEST_F(PressureWaitDeathTest, NotInsideAReadSection) {
#if defined(MXA_RCU_QSBR)
  EXPECT_DEATH(
      {
        ReadSection section;
        monitor_->Wait(absl::Milliseconds(1), -1);
      },
      "read section");
#else
  GTEST_SKIP() << "the other flavours do not care";
#endif
}

TEST(PressureOfSystemTest, TakesWhatThereIs) {
  FakeFolder root;
  root.Write("proc/self/cgroup", "4:memory:/x\n0::/a\n");
  root.Write("proc/self/statm", "9 9");
  root.Write("proc/meminfo", "MemAvailable: 9 kB");
  root.Write("proc/pressure/memory", "");
  root.Write("cgroup/memory/x/memory.usage_in_bytes", "1");
  root.Write("cgroup/unified/a/memory.current", "1");
  root.Write("cgroup/unified/a/memory.pressure", "");
  const PressureOptions options = {
      .rss_target_bytes = 1, .free_floor_bytes = 1, .proc = root.path() + "/proc", .cgroup = root.path() + "/cgroup"};
  const auto names = [](PressureMonitor& monitor) {
    std::string all;
    for (const PressureSourceStatus& status : monitor.Status()) all += status.name + "|" + status.problem + "\n";
    return all;
  };
  std::string found = names(*PressureMonitor::OfSystem(options));
  const std::string& path = root.path();
  EXPECT_EQ(found, "psi some " + path + "/cgroup/unified/a/memory.pressure|\n" +  //
                       "psi full " + path + "/cgroup/unified/a/memory.pressure|\n" + "cgroup v1 " + path +
                       "/cgroup/memory/x|\n" +                         //
                       "cgroup v2 " + path + "/cgroup/unified/a|\n" +  //
                       "rss " + path + "/proc/self/statm|\n" +         //
                       "free memory " + path + "/proc/meminfo|\n");
  root.Remove("cgroup");
  found = names(*PressureMonitor::OfSystem({.proc = path + "/proc", .cgroup = path + "/cgroup"}));
  EXPECT_EQ(found, "psi some " + path + "/proc/pressure/memory|\npsi full " + path + "/proc/pressure/memory|\n");
}

// Whatever this system is: nothing fails, and what does not work says so.
TEST(PressureOfSystemTest, TheRealOneCanBeReadOrSaysWhyNot) {
  const auto monitor = PressureMonitor::OfSystem({.rss_target_bytes = 1, .free_floor_bytes = uint64_t{1} << 60});
  const Pressure pressure = monitor->Read();
  EXPECT_EQ(pressure.level, PressureLevel::kCritical) << "one byte resident, and more free memory than there is";
  for (const PressureSourceStatus& status : monitor->Status()) {
    if (status.name.rfind("rss", 0) == 0 || status.name.rfind("free memory", 0) == 0) {
      EXPECT_EQ(status.problem, "") << status.name;
      EXPECT_EQ(status.last.level, PressureLevel::kCritical);
    }
  }
  monitor->Reopen();
  static_cast<void>(monitor->Wait(absl::Milliseconds(1), -1));
}

}  // namespace
}  // namespace mxa::reclaim
