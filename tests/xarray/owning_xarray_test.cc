// SPDX-License-Identifier: Apache-2.0
//
// Elements live until nobody can look at them any more, and not longer; each is destroyed once.
#include "xarray/owning_xarray.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "reclaim/retire.h"
#include "slab/arena.h"
#include "tests/support/random.h"
#include "tests/support/thread_group.h"
#include "xarray/node_cache.h"

namespace mxa {
namespace {

std::atomic<int> alive{0};

// Neither copyable nor movable; tells when it is read too late.
class Counted {
 public:
  explicit Counted(uint64_t number) : number_(number), check_(~number) { ++alive; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() {
    number_ = 0;
    check_ = 0;
    --alive;
  }

  // Atomic so that a reader that is too late sees it instead of undefined behaviour.
  bool IsAlive() const { return number_ == ~check_.load(); }
  uint64_t number() const { return number_; }

 private:
  std::atomic<uint64_t> number_;
  std::atomic<uint64_t> check_;
};

class OwningXArrayTest : public testing::Test {
 protected:
  ~OwningXArrayTest() override {
    reclaim::RetireBarrier();
    EXPECT_EQ(alive, 0);
  }
};

TEST_F(OwningXArrayTest, MakesReplacesAndErases) {
  OwningXArray<Counted> array;
  EXPECT_FALSE(array.Emplace(7, 70).value());
  EXPECT_TRUE(array.SetMark(7, Mark::k1));
  EXPECT_EQ(array.TryEmplace(7, 71).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(alive, 1);
  EXPECT_EQ(array.TryEmplace(8, 80), absl::OkStatus());
  EXPECT_TRUE(array.Emplace(7, 72).value());
  {
    reclaim::ReadSection section;
    EXPECT_EQ(array.Load(7)->number(), 72u);
    EXPECT_EQ(array.Load(8)->number(), 80u);
    EXPECT_EQ(array.Load(9), nullptr);
    OwningXArrayCursor<Counted> cursor(array, 0);
    EXPECT_EQ(cursor.NextMarked(Mark::k1)->number(), 72u);
    EXPECT_EQ(cursor.Next()->number(), 80u);
    EXPECT_EQ(cursor.index(), 8u);
    EXPECT_EQ(cursor.Next(), nullptr);
  }
  reclaim::RetireBarrier();
  EXPECT_EQ(alive, 2);
  EXPECT_TRUE(array.Erase(7));
  EXPECT_FALSE(array.Erase(7));
  EXPECT_FALSE(array.HasMarked(Mark::k1));
  EXPECT_EQ(array.CheckInvariants(), absl::OkStatus());
}

TEST_F(OwningXArrayTest, ClearReachesBothEnds) {
  OwningXArray<Counted> array;
  for (const uint64_t index : {uint64_t{0}, uint64_t{63}, uint64_t{64}, uint64_t{1} << 32, ~uint64_t{0}}) {
    ASSERT_TRUE(array.Emplace(index, index).ok());
  }
  EXPECT_EQ(alive, 5);
  array.Clear();
  EXPECT_TRUE(array.empty());
  reclaim::RetireBarrier();
  EXPECT_EQ(alive, 0);
}

// What a section has read stays, whatever becomes of the index and of the array.
TEST_F(OwningXArrayTest, AReaderKeepsWhatItRead) {
  auto array = std::make_unique<OwningXArray<Counted>>();
  ASSERT_TRUE(array->Emplace(1, 1).ok());
  ASSERT_TRUE(array->Emplace(2, 2).ok());
  ASSERT_TRUE(array->Emplace(3, 3).ok());
  std::vector<const Counted*> read;
  std::atomic<bool> has_read{false};
  std::atomic<bool> gone{false};
  tests::ThreadGroup threads;
  threads.Start("reader", [&] {
    reclaim::ReadSection section;
    for (uint64_t index = 1; index <= 3; ++index) read.push_back(array->Load(index));
    has_read.store(true);
    while (!gone.load()) absl::SleepFor(absl::Milliseconds(1));
    absl::SleepFor(absl::Milliseconds(50));  // the retiring thread would have destroyed them by now
    for (const Counted* element : read) EXPECT_TRUE(element->IsAlive());
  });
  while (!has_read.load()) absl::SleepFor(absl::Milliseconds(1));
  array->Erase(1);
  ASSERT_TRUE(array->Emplace(2, 22).ok());
  array.reset();
  gone.store(true);
}

TEST_F(OwningXArrayTest, WithoutMemoryNothingChangesOrLeaks) {
  slab::ArenaOptions options;
  options.reserve_bytes = options.min_reserve_bytes = slab::kRegionSize;
  const auto arena = slab::Arena::Create(options).value();
  const auto nodes = xarray::NodeCache::Create(arena.get()).value();
  OwningXArray<Counted> array(*nodes);
  ASSERT_TRUE(array.Emplace(0, 1).ok());
  std::vector<xarray::Node*> taken;
  while (xarray::Node* node = nodes->Allocate(slab::AllocFlags::kNone)) taken.push_back(node);
  EXPECT_EQ(array.Emplace(1, 2).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(array.TryEmplace(1, 2).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(alive, 1);
  EXPECT_TRUE(array.Emplace(0, 3).value());
  for (xarray::Node* node : taken) nodes->Free(node);
  EXPECT_FALSE(array.Emplace(1, 2).value());
}

TEST_F(OwningXArrayTest, ReadersNeverSeeADestroyedElement) {
  const auto nodes = xarray::NodeCache::Create().value();
  OwningXArray<Counted> array(*nodes);
  std::atomic<bool> end{false};
  std::atomic<uint64_t> reads{0};
  {
    tests::ThreadGroup threads;
    for (uint64_t seed = 1; seed <= 2; ++seed) {
      threads.Start("reader", [&, seed] {
        tests::Random random(seed);
        while (!end) {
          reclaim::ReadSection section;
          const uint64_t index = random.Below(500) * 9;
          const Counted* element = array.Load(index);
          if (element == nullptr) continue;
          ASSERT_TRUE(element->IsAlive());
          ASSERT_EQ(element->number() % 10000, index);
          ++reads;
        }
      });
    }
    threads.Start("pass", [&] {
      while (!end) {
        ASSERT_TRUE(nodes->slabs().Compact({.mode = slab::CompactOptions::Mode::kMoveEverything}).ok());
      }
    });
    tests::Random random(tests::TestSeed(3));
    for (uint64_t i = 0; i < 100000; ++i) {
      const uint64_t index = random.Below(500) * 9;
      if (random.OneIn(3)) {
        array.Erase(index);
      } else {
        ASSERT_TRUE(array.Emplace(index, index + i * 10000).ok());
      }
      if (i % 20000 == 0) array.Clear();
    }
    end = true;
  }
  EXPECT_GT(reads, 0u);
  EXPECT_EQ(array.CheckInvariants(), absl::OkStatus());
}

TEST_F(OwningXArrayTest, ARangeIsDestroyedAfterAGracePeriod) {
  auto alive = std::make_shared<int>(0);
  OwningXArray<std::shared_ptr<int>> array;
  for (uint64_t index = 0; index < 1000; ++index) ASSERT_TRUE(array.Emplace(index, alive).ok());
  array.EraseRange(100, 899);
  reclaim::RetireBarrier();
  EXPECT_EQ(alive.use_count(), 201);
  array.Clear();
  EXPECT_TRUE(array.empty());
  reclaim::RetireBarrier();
  EXPECT_EQ(alive.use_count(), 1);
}

TEST(OwningXArrayDeathTest, AReadOutsideASection) {
  OwningXArray<std::string> array;
  EXPECT_DEATH(array.Load(0), "read outside a read section");
}

}  // namespace
}  // namespace mxa
