// SPDX-License-Identifier: Apache-2.0
//
// What happens while a pass has the retiring thread's turn: nothing is called back until its batch has settled, other passes
// hand theirs over, and what settling calls may not wait.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "reclaim/context.h"
#include "reclaim/one_by_one.h"
#include "reclaim/retire.h"
#include "slab/cache.h"
#include "tests/support/at_points.h"
#include "tests/support/handle_table.h"
#include "tests/support/thread_group.h"

namespace mxa::slab {
namespace {

using test::AtPoints;
using test::HandleTable;

constexpr size_t kItems = 4000;
constexpr CompactOptions kAllAtOnce = {.mode = CompactOptions::Mode::kMoveEverything, .batch_objects = kItems};

void Fill(HandleTable& table) {
  for (size_t i = 0; i < kItems; ++i) ASSERT_TRUE(table.Create(i));
  reclaim::RetireBarrier();
}

TEST(PassTurnInterleaveTest, NothingIsCalledBackBeforeTheBatchHasSettled) {
  struct Called : reclaim::RetireHead {
    std::atomic<bool> called{false};
  } during;
  HandleTable table({.slots = kItems});
  Fill(table);
  bool too_early = false;
  {
    AtPoints at({{"pass.in_turn",
                  [&] {
                    reclaim::Retire(&during,
                                    [](reclaim::RetireHead* head) { static_cast<Called*>(head)->called = true; });
                  }},
                 // Time for a thread that does not wait for the turn's end.
                 {"settle.relisted", [&] {
                    std::this_thread::sleep_for(std::chrono::milliseconds(30));
                    too_early = during.called;
                  }}});
    ASSERT_TRUE(table.cache().Compact(kAllAtOnce).ok());
  }
  EXPECT_FALSE(too_early);
  reclaim::RetireBarrier();
  EXPECT_TRUE(during.called);
}

TEST(PassTurnInterleaveTest, AnotherPassHandsItsBatchOver) {
  HandleTable table({.slots = kItems});
  HandleTable other({.slots = kItems});
  Fill(table);
  Fill(other);
  tests::ThreadGroup threads;
  {
    AtPoints at({{"pass.in_turn", [&] {
                    const uint64_t before = reclaim::GetRetireStats().retired;
                    threads.Start("pass", [&] { EXPECT_TRUE(other.cache().Compact(kAllAtOnce).ok()); });
                    while (reclaim::GetRetireStats().retired == before) std::this_thread::yield();
                  }}});
    ASSERT_TRUE(table.cache().Compact(kAllAtOnce).ok());
    threads.JoinAll();
  }
  EXPECT_EQ(table.violations() + other.violations(), 0u);
  EXPECT_TRUE(other.cache().CheckInvariants().ok()) << other.cache().CheckInvariants();
}

// Objects that say where they lie in a table, and whose destructor notes whether it might wait.
class Witnesses final : public reclaim::OneByOne {
 public:
  Witnesses() : places_(kItems) {
    cache_ = Cache::Create({.name = "witness",
                            .object_size = 64,
                            .constructor = [](void* object) { std::memset(object, 0, 64); },
                            .destructor =
                                [](void*) {
                                  if (!g_watching) return;
                                  ++g_destroyed;
                                  if (reclaim::MayReclaim()) ++g_might_wait;
                                },
                            .movable = this,
                            .arena = arena_.get()})
                 .value();
    for (size_t i = 0; i < kItems; ++i) {
      places_[i] = static_cast<size_t*>(cache_->Allocate());
      *places_[i] = i;
    }
  }
  ~Witnesses() override {
    for (size_t* object : places_) {
      *object = 0;
      cache_->Free(object);
    }
  }
  Cache& cache() { return *cache_; }

  static inline std::atomic<bool> g_watching{false};
  static inline std::atomic<size_t> g_destroyed{0};
  static inline std::atomic<size_t> g_might_wait{0};

 private:
  bool MayMove(const void*) override { return true; }
  reclaim::MoveResult Move(void* object, void* destination) override {
    const size_t index = *static_cast<size_t*>(object);
    std::memcpy(destination, object, 64);
    places_[index] = static_cast<size_t*>(destination);
    return reclaim::MoveResult::kMoved;
  }

  std::unique_ptr<Arena> arena_ = Arena::Create().value();
  std::vector<size_t*> places_;
  std::unique_ptr<Cache> cache_;
};

TEST(PassTurnInterleaveTest, DestructorsOfOldPlacesMayNotWait) {
  Witnesses witnesses;
  reclaim::RetireBarrier();
  {
    AtPoints at({{"pass.in_turn", [] { Witnesses::g_watching = true; }},
                 {"settle.relisted", [] { Witnesses::g_watching = false; }}});
    ASSERT_TRUE(witnesses.cache().Compact(kAllAtOnce).ok());
  }
  EXPECT_EQ(Witnesses::g_destroyed, kItems);
  EXPECT_EQ(Witnesses::g_might_wait, 0u);
}

}  // namespace
}  // namespace mxa::slab
