// SPDX-License-Identifier: Apache-2.0
//
// Threads allocate, free, hand objects over and read, threads come and go, and passes in both modes run all the while;
// time-boxed.
//
// Properties: a reader's item proves itself; CanFree is never shown a freed item; an object keeps what its user wrote;
// nothing is handed out twice; each destructor runs once; at the end the counts agree and the invariants hold.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "gtest/gtest.h"
#include "slab/arena.h"
#include "slab/cache.h"
#include "tests/support/handle_table.h"

namespace mxa::slab {
namespace {

using test::HandleTable;

constexpr size_t kSlotsPerThread = 5000;

// Objects on their way from one thread to another. Each carries its own address, so that one that is used twice shows.
class Exchange {
 public:
  explicit Exchange(Arena& arena)
      : cache_(Cache::Create({.name = "parcel", .object_size = 48, .arena = &arena, .sheaf_capacity = 4}).value()) {}

  void Send() {
    auto* parcel = static_cast<uint64_t*>(cache_->Allocate());
    if (parcel == nullptr) return;
    if (parcel[1] == kInUse) ++handed_out_twice;
    parcel[0] = reinterpret_cast<uint64_t>(parcel);
    parcel[1] = kInUse;
    MutexLock lock(&mutex_);
    parcels_.push_back(parcel);
  }
  void Receive(bool rcu) {
    uint64_t* parcel = Take();
    if (parcel == nullptr) return;
    if (parcel[0] != reinterpret_cast<uint64_t>(parcel) || parcel[1] != kInUse) ++damaged;
    parcel[1] = 0;
    if (rcu) {
      cache_->FreeRcu(parcel);
    } else {
      cache_->Free(parcel);
    }
  }
  // Receives all that is left.
  void Empty() {
    while (uint64_t* parcel = Take()) cache_->Free(parcel);
  }
  Cache& cache() { return *cache_; }

  std::atomic<size_t> handed_out_twice{0};
  std::atomic<size_t> damaged{0};

 private:
  static constexpr uint64_t kInUse = 0x1234567;

  uint64_t* Take() {
    MutexLock lock(&mutex_);
    if (parcels_.empty()) return nullptr;
    uint64_t* parcel = parcels_.back();
    parcels_.pop_back();
    return parcel;
  }

  std::unique_ptr<Cache> cache_;
  Mutex mutex_;
  std::vector<uint64_t*> parcels_ ABSL_GUARDED_BY(mutex_);
};

// The slots of one worker: only it fills them, anyone empties them.
void Work(HandleTable& table, Exchange& exchange, size_t first, uint64_t seed, const std::atomic<bool>& done) {
  std::mt19937_64 random(seed);
  while (!done) {
    const bool filling = random() % 2 == 0;
    for (int i = 0; i < 200; ++i) {
      const size_t slot = first + random() % kSlotsPerThread;
      if (filling && table.Peek(slot) == nullptr) table.Create(slot);
      if (!filling) table.RemoveRcu(slot);
      table.Read(random() % (2 * kSlotsPerThread));
      if (random() % 2 == 0) {
        exchange.Send();
      } else {
        exchange.Receive(/*rcu=*/random() % 2 == 0);
      }
    }
  }
}

void Compact(HandleTable& table, const std::atomic<bool>& done) {
  for (uint64_t i = 0; !done; ++i) {
    const auto mode = i % 2 == 0 ? CompactOptions::Mode::kPack : CompactOptions::Mode::kMoveEverything;
    EXPECT_TRUE(table.cache().Compact({.mode = mode, .batch_objects = 200 + i % 1000}).ok());
    std::this_thread::yield();
  }
}

// Threads that live for a moment and leave part-filled sheaves, and the calls that look into everybody's.
void Churn(HandleTable& table, Exchange& exchange, const std::atomic<bool>& done) {
  for (uint64_t i = 0; !done; ++i) {
    std::thread([&] {
      for (size_t j = 0; j < 30; ++j) {
        exchange.Send();
        exchange.Receive(/*rcu=*/j % 3 == 0);
        table.RemoveRcu((i * 30 + j) % (2 * kSlotsPerThread));
      }
    }).join();
    if (i % 8 == 0) exchange.cache().Shrink();
    if (i % 8 == 2) table.cache().FreeRcuBarrier();
    if (i % 8 == 4) table.cache().Stats();
    if (i % 8 == 6) table.cache().Shrink();
  }
}

void Stress(size_t sheaf_capacity, std::chrono::milliseconds time) {
  HandleTable table({.slots = 2 * kSlotsPerThread, .sheaf_capacity = sheaf_capacity});
  Exchange exchange(table.arena());
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  threads.emplace_back([&] { Work(table, exchange, 0, 1, done); });
  threads.emplace_back([&] { Work(table, exchange, kSlotsPerThread, 2, done); });
  threads.emplace_back([&] { Compact(table, done); });
  threads.emplace_back([&] { Churn(table, exchange, done); });
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
    for (size_t slot = 0; slot < 2 * kSlotsPerThread; ++slot) table.Read(slot);
  }
  done = true;
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(table.violations(), 0u);
  EXPECT_EQ(exchange.handed_out_twice, 0u);
  EXPECT_EQ(exchange.damaged, 0u);
  exchange.Empty();
  exchange.cache().Shrink();
  EXPECT_EQ(exchange.cache().Stats().slabs, 0u);
  table.cache().FreeRcuBarrier();
  EXPECT_EQ(table.destroyed(), table.removed_rcu());
  EXPECT_TRUE(table.cache().CheckInvariants().ok()) << table.cache().CheckInvariants();
  size_t live = 0;
  for (size_t slot = 0; slot < 2 * kSlotsPerThread; ++slot) live += table.Peek(slot) != nullptr ? 1 : 0;
  const CacheStats stats = table.cache().Stats();
  EXPECT_EQ(stats.live, live);
  EXPECT_EQ(stats.retired, 0u);
  const CompactStats passes = table.cache().TotalCompactStats();
  EXPECT_GT(passes.objects_moved, 0u);
  EXPECT_EQ(passes.objects_moved, passes.results[static_cast<size_t>(reclaim::MoveResult::kMoved)]);
}

TEST(CacheStressTest, SmallSheaves) { Stress(/*sheaf_capacity=*/2, std::chrono::milliseconds(1000)); }
TEST(CacheStressTest, SheavesAsTheyAre) { Stress(/*sheaf_capacity=*/0, std::chrono::milliseconds(1000)); }

}  // namespace
}  // namespace mxa::slab
