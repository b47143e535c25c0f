// SPDX-License-Identifier: Apache-2.0
//
// Finders, writers, tables that end, and passes at once, for a while.
//
// Objects that stay are always found, and no use of one is lost, wherever it was when it was used; objects that come and go
// are whole when they are found, and stay where they are while they are held.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "examples/counted_table/counted_table.h"
#include "gtest/gtest.h"
#include "tests/support/random.h"
#include "tests/support/thread_group.h"

namespace mxa::examples {
namespace {

using tests::Random;
using tests::ThreadGroup;

constexpr auto kDuration = std::chrono::milliseconds(3000);
constexpr uint64_t kStaying = 200;
constexpr uint64_t kComing = 200;

std::string Staying(uint64_t i) { return absl::StrCat("stays", i); }
std::string Coming(uint64_t i) { return absl::StrCat("comes", i); }

TEST(CountedTableStressTest, FindsAllAndLosesNoUseWhileObjectsMove) {
  const auto cache = CountedCache::Create().value();
  CountedTable table(*cache, 64);  // some objects a bucket
  for (uint64_t i = 0; i < kStaying; ++i) ASSERT_TRUE(table.Insert(Staying(i), i).ok());
  std::atomic<bool> stop{false};
  std::array<std::atomic<uint64_t>, kStaying> uses = {};
  std::atomic<uint64_t> moved{0};
  std::atomic<uint64_t> found_coming{0};
  std::atomic<uint64_t> ended{0};
  {
    ThreadGroup threads;
    for (uint64_t seed = 1; seed <= 2; ++seed) {
      threads.Start("finder", [&, seed] {
        Random random(seed);
        std::vector<Reference> held(3);
        while (!stop) {
          const uint64_t i = random.Below(kStaying);
          Reference found = table.Find(Staying(i));
          ASSERT_TRUE(found) << Staying(i);
          ASSERT_EQ(found->number(), i);
          found->AddUse();
          ++uses[i];
          // Some are held for a while.
          if (random.OneIn(20)) held[random.Below(held.size())] = std::move(found);
          const uint64_t k = random.Below(kComing);
          const Reference coming = table.Find(Coming(k));
          if (!coming) continue;
          ++found_coming;
          const CountedObject* const place = coming.get();
          ASSERT_EQ(coming->name(), Coming(k));
          ASSERT_EQ(coming->number() % kComing, k);
          ASSERT_EQ(coming.get(), place);
        }
      });
    }
    threads.Start("writer", [&] {
      Random random(tests::TestSeed(3));
      std::array<bool, kComing> is_there = {};
      for (uint64_t turn = 0; !stop; ++turn) {
        const uint64_t k = random.Below(kComing);
        if (is_there[k]) {
          ASSERT_TRUE(table.Erase(Coming(k)));
        } else {
          ASSERT_EQ(table.Insert(Coming(k), k + turn * kComing), absl::OkStatus());
        }
        is_there[k] = !is_there[k];
      }
    });
    threads.Start("churn", [&] {
      Random random(5);
      std::array<std::unique_ptr<CountedTable>, 20> tables;
      Reference held;  // outlives its table
      for (size_t turn = 0; !stop; ++turn) {
        auto& other = tables[turn % tables.size()];
        other = std::make_unique<CountedTable>(*cache, 4);
        for (uint64_t i = 0; i < random.Below(20); ++i) static_cast<void>(other->Insert(Coming(i), i));
        if (Reference found = other->Find(Coming(0))) held = std::move(found);
        ++ended;
      }
      ASSERT_TRUE(!held || held->number() == 0);
    });
    threads.Start("mover", [&] {
      while (!stop) {
        const auto pass = cache->slabs().Compact({.mode = slab::CompactOptions::Mode::kMoveEverything});
        ASSERT_TRUE(pass.ok());
        moved += pass->objects_moved;
      }
    });
    std::this_thread::sleep_for(kDuration);  // the box, not a synchronisation
    // Longer where the machine is busy with other things: what did not happen proves nothing.
    for (int i = 0; i < 10 && moved <= 100; ++i) std::this_thread::sleep_for(kDuration);
    stop = true;
  }
  EXPECT_EQ(table.CheckInvariants(), absl::OkStatus());
  EXPECT_EQ(cache->slabs().CheckInvariants(), absl::OkStatus());
  for (uint64_t i = 0; i < kStaying; ++i) EXPECT_EQ(table.Find(Staying(i))->uses(), uses[i].load()) << i;
  EXPECT_GT(moved.load(), 100u);
  EXPECT_GT(found_coming.load(), 100u);
  EXPECT_GT(ended.load(), 100u);
}

}  // namespace
}  // namespace mxa::examples
