// SPDX-License-Identifier: Apache-2.0
//
// Who holds up a grace period is named, and nobody else.
#include "reclaim/rcu_readers.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "tests/support/thread_group.h"

namespace mxa::reclaim {
namespace {

// A thread inside a read section until told to leave.
class Sitter {
 public:
  Sitter(tests::ThreadGroup& threads, const std::string& name) {
    threads.Start(name, [this] {
      ReadSection section;
      id_ = syscall(SYS_gettid);
      while (!leave_) std::this_thread::yield();
    });
    while (id_ == 0) std::this_thread::yield();
  }
  void Leave() { leave_ = true; }
  int64_t id() const { return id_; }

 private:
  std::atomic<int64_t> id_{0};
  std::atomic<bool> leave_{false};
};

TEST(RcuReadersTest, NamesWhoHoldsUpAGracePeriodAndNobodyElse) {
  if (std::string(FlavorName()) == "bp") GTEST_SKIP() << "keeps its readers to itself";
  OfflineScope offline;
  tests::ThreadGroup early_threads;
  Sitter early(early_threads, "early");
  if (std::string(FlavorName()) != "qsbr") {
    EXPECT_TRUE(GracePeriodHolders().empty()) << "no grace period is under way";
  }
  tests::ThreadGroup waiter;
  std::atomic<bool> passed{false};
  waiter.Start("waiter", [&] {
    Synchronize();
    passed = true;
  });
  std::vector<GracePeriodHolder> holders;
  while (holders.empty()) holders = GracePeriodHolders();
  ASSERT_EQ(holders.size(), 1u);
  EXPECT_EQ(holders[0].name, "early");
  EXPECT_EQ(holders[0].thread_id, early.id());
  {
    tests::ThreadGroup late_threads;
    Sitter late(late_threads, "late");
    const std::vector<GracePeriodHolder> still = GracePeriodHolders();
    ASSERT_EQ(still.size(), 1u) << "one that came later holds nothing up";
    EXPECT_EQ(still[0].thread_id, early.id());
    EXPECT_EQ(still[0].section, holders[0].section) << "the same section";
    EXPECT_FALSE(passed);
    early.Leave();
    early_threads.JoinAll();
    waiter.JoinAll();
    if (std::string(FlavorName()) != "qsbr") {
      EXPECT_TRUE(GracePeriodHolders().empty());
    }
    late.Leave();
  }
}

}  // namespace
}  // namespace mxa::reclaim
