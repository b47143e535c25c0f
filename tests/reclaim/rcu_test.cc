// SPDX-License-Identifier: Apache-2.0
//
// Read sections and grace periods, with every flavour (--define mxa_rcu=memb|mb|bp|qsbr).
//
// Property: Synchronize() does not return while a section that was open when it began is still open.
// Blocking waits of a thread that has opened sections stand inside an OfflineScope, as qsbr demands.
#include "reclaim/rcu.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "reclaim/context.h"

namespace mxa::reclaim {
namespace {

void Join(std::thread& thread) {
  OfflineScope offline;
  thread.join();
}

void Await(const std::atomic<bool>& flag) {
  while (!flag) std::this_thread::yield();
}

TEST(RcuTest, NamesItsFlavour) {
  const std::string name = FlavorName();
  EXPECT_TRUE(name == "memb" || name == "mb" || name == "bp" || name == "qsbr") << name;
}

TEST(RcuTest, SectionsNest) {
  EXPECT_FALSE(InReadSection());
  {
    ReadSection outer;
    EXPECT_TRUE(InReadSection());
    {
      ReadSection inner;
      EXPECT_TRUE(InReadSection());
    }
    EXPECT_TRUE(InReadSection()) << "the outer section is still open";
  }
  EXPECT_FALSE(InReadSection());
}

TEST(RcuTest, ASectionIsItsThreadsOwn) {
  ReadSection section;
  bool inside = true;
  std::thread other([&] { inside = InReadSection(); });
  other.join();
  EXPECT_FALSE(inside);
}

TEST(RcuTest, CountsGracePeriods) {
  const uint64_t before = GracePeriods();
  Synchronize();
  Synchronize();
  EXPECT_EQ(GracePeriods(), before + 2);
}

TEST(RcuTest, OfflineScopesMayBeOpenedByAnyThread) {
  std::thread unregistered([] { OfflineScope offline; });
  unregistered.join();
  { ReadSection section; }
  OfflineScope offline;
}

TEST(RcuTest, SynchronizeWaitsForASectionThatIsOpen) {
  for (int round = 0; round < 20; ++round) {
    std::atomic<bool> inside{false};
    std::atomic<bool> waiting{false};
    std::atomic<bool> leaving{false};
    std::thread reader([&] {
      ReadSection outer;
      { ReadSection inner; }  // its end is not the section's end
      inside = true;
      Await(waiting);
      for (int i = 0; i < 100; ++i) std::this_thread::yield();
      leaving = true;
    });
    std::thread waiter([&] {
      Await(inside);
      waiting = true;
      Synchronize();
      EXPECT_TRUE(leaving) << "the grace period ended before the section";
    });
    Join(waiter);
    Join(reader);
  }
}

TEST(RcuTest, SynchronizeDoesNotWaitForThreadsOutsideSections) {
  std::atomic<bool> been_inside{false};
  std::atomic<bool> done{false};
  std::thread idle([&] {
    { ReadSection section; }
    OfflineScope offline;
    been_inside = true;
    Await(done);
  });
  {
    OfflineScope offline;
    Await(been_inside);
  }
  Synchronize();
  done = true;
  Join(idle);
}

TEST(RcuTest, ManyShortThreadsRegisterByThemselves) {
  std::atomic<int> sections{0};
  for (int round = 0; round < 50; ++round) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        ReadSection section;
        ++sections;
      });
    }
    for (std::thread& thread : threads) Join(thread);
    Synchronize();  // would hang on a thread that is gone and still registered
  }
  EXPECT_EQ(sections, 400);
}

struct ReadsWhenDestroyed {
  ~ReadsWhenDestroyed() {
    ReadSection section;
    reads->fetch_add(1);
  }
  std::atomic<int>* reads = nullptr;
};

TEST(RcuTest, SectionsMayBeOpenedWhileAThreadEnds) {
  std::atomic<int> reads{0};
  std::thread thread([&] {
    static thread_local ReadsWhenDestroyed at_end;
    at_end.reads = &reads;
    ReadSection section;
  });
  Join(thread);
  Synchronize();
  EXPECT_EQ(reads, 1);
}

// What is reachable ages by one with each grace period after it was unlinked; a reader that sees age 2 has been
// overtaken by one.
TEST(RcuTest, NoReaderSeesWhatIsOlderThanAGracePeriod) {
  struct Thing {
    std::atomic<int> age{0};
  };
  std::vector<Thing> things(3);
  std::atomic<Thing*> current{&things[0]};
  std::atomic<bool> done{false};
  std::atomic<uint64_t> too_old{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      while (!done) {
        ReadSection section;
        const Thing* thing = current.load(std::memory_order_acquire);
        for (int step = 0; step < 20; ++step) {
          if (thing->age.load(std::memory_order_relaxed) >= 2) too_old.fetch_add(1);
        }
      }
    });
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
  for (size_t next = 1; std::chrono::steady_clock::now() < end; next = (next + 1) % things.size()) {
    things[next].age = 0;
    Thing* old = current.exchange(&things[next]);
    old->age = 1;
    Synchronize();
    old->age = 2;
  }
  done = true;
  for (std::thread& reader : readers) Join(reader);
  EXPECT_EQ(too_old, 0u);
}

class RcuDeathTest : public testing::Test {
 protected:
  RcuDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(RcuDeathTest, SynchronizeInsideASection) {
  EXPECT_DEATH(
      {
        ReadSection section;
        Synchronize();
      },
      "waiting for a grace period inside a read section");
}

TEST_F(RcuDeathTest, SynchronizeUnderAnArrayLock) {
  EXPECT_DEATH(
      {
        ArrayLockScope lock;
        Synchronize();
      },
      "waiting for a grace period under an array lock");
}

TEST_F(RcuDeathTest, SynchronizeInsideCanFree) {
  EXPECT_DEATH(
      {
        CanFreeScope can_free;
        Synchronize();
      },
      "waiting for a grace period inside CanFree");
}

TEST_F(RcuDeathTest, BlockingInsideASection) {
  EXPECT_DEATH(
      {
        ReadSection section;
        OfflineScope offline;
      },
      "blocking inside a read section");
}

TEST_F(RcuDeathTest, AThreadEndsInsideASection) {
  if (std::string(FlavorName()) == "bp")
    GTEST_SKIP() << "liburcu-bp has closed the section by then: its own exit hook runs first";
  EXPECT_DEATH(std::thread([] { internal::EnterReadSection(); }).join(), "thread ends inside a read section");
}

}  // namespace
}  // namespace mxa::reclaim
