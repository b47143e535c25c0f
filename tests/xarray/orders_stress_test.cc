// SPDX-License-Identifier: Apache-2.0
//
// Readers of entries of several indices, while writers tie, split, overwrite and erase them and all nodes move: what is
// read at an index was there during the read, and entries that stay are met once by every walk.
//
// A writer notes at each index that it changes, before and after, the number of the change: odd if the index has an entry
// from then on, which then holds that number. So a reader that takes the later note before its read and the earlier one
// after it knows what it may have read.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "tests/support/motion.h"
#include "tests/support/order_oracle.h"
#include "tests/support/random.h"
#include "tests/support/thread_group.h"
#include "xarray/array_core.h"
#include "xarray/cursor.h"
#include "xarray/node_cache.h"
#include "xarray/xarray_invariants.h"

namespace mxa::xarray {
namespace {

using tests::Motion;
using tests::OrderOracle;
using tests::Random;
using tests::ThreadGroup;

constexpr auto kDuration = std::chrono::milliseconds(2500);
constexpr uint64_t kBlock = 4096;  // a writer's indices, and as many behind them that stay as they are
constexpr uint64_t kBlocks = 2;
constexpr unsigned kStableOrder = 7;

constexpr Entry ValueEntry(uint64_t value) { return value << 1 | 1; }

uint64_t FirstOf(uint64_t block) { return block * 2 * kBlock; }

struct Note {
  std::atomic<uint64_t> begun{0};
  std::atomic<uint64_t> done{0};
};

class Stress {
 public:
  Stress() : nodes_(NodeCache::Create().value()), array_(*nodes_), motion_(Motion::Kind::kPasses, *nodes_) {
    for (uint64_t block = 0; block < kBlocks; ++block) {
      for (uint64_t index = FirstOf(block) + kBlock; index < FirstOf(block + 1); index += OrderMask(kStableOrder) + 1) {
        EXPECT_TRUE(array_.StoreOrder(index, kStableOrder, ValueEntry(1), [](uint64_t, Entry) {}).ok());
      }
    }
  }

  void Write(uint64_t block) {
    Random random(tests::TestSeed(block));
    OrderOracle oracle;
    for (uint64_t change = 2; !stopped(); change += 2) {
      const uint64_t index = FirstOf(block) + random.Below(kBlock);
      const unsigned order = static_cast<unsigned>(random.Below(13));
      const uint64_t last = std::min(index + random.Below(300), FirstOf(block) + kBlock - 1);
      const auto held = oracle.Find(index);
      const bool in_use = held != oracle.map().end();
      const uint64_t held_first = in_use ? held->first : index;
      const uint64_t held_last = in_use ? OrderOracle::LastOf(held->first, held->second) : index;
      const Entry entry = ValueEntry(change + 1);
      const auto nobody = [](uint64_t, Entry) {};
      switch (random.Below(8)) {
        case 0:
          Changing(held_first, held_last, change + 1, [&] { ASSERT_TRUE(array_.Store(index, entry).ok()); });
          oracle.Store(index, entry);
          break;
        case 1:
          Changing(held_first, held_last, change, [&] { array_.Erase(index); });
          oracle.Store(index, kNull);
          break;
        case 2:
        case 3:
          Changing(index & ~OrderMask(order), index | OrderMask(order), change + 1,
                   [&] { ASSERT_TRUE(array_.StoreOrder(index, order, entry, nobody).ok()); });
          oracle.StoreOrder(index, order, entry);
          break;
        case 4:
          Changing(index, last, change + 1, [&] { ASSERT_TRUE(array_.StoreRange(index, last, entry, nobody).ok()); });
          oracle.StoreRange(index, last, entry);
          break;
        case 5:
          Changing(index, last, change, [&] { ASSERT_TRUE(array_.EraseRange(index, last, nobody).ok()); });
          oracle.EraseRange(index, last);
          break;
        case 6:
          ASSERT_EQ(array_.Split(index, order).ok(), in_use);
          oracle.Split(index, order);
          break;
        default:
          ASSERT_EQ(array_.SplitToward(index, order).ok(), in_use);
          oracle.SplitToward(index, order);
      }
      changes_.fetch_add(1, std::memory_order_relaxed);
    }
  }

  void Read(uint64_t seed) {
    Random random(seed);
    while (!stopped() && !testing::Test::HasFatalFailure()) {
      reclaim::ReadSection section;
      for (int i = 0; i < 20; ++i) {
        const uint64_t index = FirstOf(random.Below(kBlocks)) + random.Below(kBlock);
        const uint64_t done = NoteOf(index).done.load(std::memory_order_acquire);
        const Entry entry = random.OneIn(2) ? array_.LoadInSection(index) : Cursor(array_, index).NextIndex();
        Judge(index, entry, done, NoteOf(index).begun.load(std::memory_order_acquire));
        reads_.fetch_add(1, std::memory_order_relaxed);
      }
    }
  }

  // Up or down over all of it: strictly on, and over what stays exactly once.
  void Walk(bool up) {
    while (!stopped() && !testing::Test::HasFatalFailure()) {
      reclaim::ReadSection section;
      Cursor cursor(array_, up ? 0 : ~uint64_t{0});
      uint64_t stable = 0;
      uint64_t before = 0;
      for (bool is_first = true;; is_first = false) {
        const Entry entry = up ? cursor.Next(~uint64_t{0}) : cursor.Prev(0);
        if (entry == kNull) break;
        const uint64_t index = cursor.index();
        if (!is_first) {
          ASSERT_TRUE(up ? index > before : index < before) << before << ", then " << index;
        }
        before = index;
        if (index % (2 * kBlock) >= kBlock) {
          ASSERT_EQ(entry, ValueEntry(1));
          ASSERT_EQ(index & OrderMask(kStableOrder), 0u);
          ++stable;
        } else {
          ASSERT_LE(entry >> 1, NoteOf(index).begun.load(std::memory_order_acquire) | 1) << "not written yet";
        }
      }
      ASSERT_EQ(stable, kBlocks * (kBlock >> kStableOrder));
      walks_.fetch_add(1, std::memory_order_relaxed);
    }
  }

  bool stopped() const { return stop_.load(std::memory_order_relaxed); }
  void Stop() { stop_.store(true, std::memory_order_relaxed); }
  bool DidEnough() const { return changes_.load() > 500 && reads_.load() > 5000 && walks_.load() > 5; }
  ArrayCore& array() { return array_; }

 private:
  Note& NoteOf(uint64_t index) { return notes_[index / (2 * kBlock)][index % (2 * kBlock)]; }

  template <typename Change>
  void Changing(uint64_t first, uint64_t last, uint64_t number, const Change& change) {
    for (uint64_t index = first; index <= last; ++index) {
      NoteOf(index).begun.store(number, std::memory_order_release);
    }
    change();
    for (uint64_t index = first; index <= last; ++index) {
      NoteOf(index).done.store(number, std::memory_order_release);
    }
  }

  // `done`, `begun`: the changes that were complete before the read, and under way or complete after it.
  void Judge(uint64_t index, Entry entry, uint64_t done, uint64_t begun) {
    if (entry == kNull) {
      ASSERT_TRUE(done % 2 == 0 || begun != done) << index << " read as absent";
      return;
    }
    ASSERT_GE(entry >> 1, done) << index << " is stale";
    ASSERT_LE(entry >> 1, begun) << index;
    ASSERT_EQ((entry >> 1) % 2, 1u) << index;
  }

  std::unique_ptr<NodeCache> nodes_;
  ArrayCore array_;
  std::array<std::array<Note, kBlock>, kBlocks> notes_;
  std::atomic<uint64_t> changes_{0};
  std::atomic<uint64_t> reads_{0};
  std::atomic<uint64_t> walks_{0};
  std::atomic<bool> stop_{false};
  Motion motion_;
};

TEST(OrdersStressTest, EachIndexReadsAsItWasDuringTheRead) {
  const auto stress = std::make_unique<Stress>();
  ThreadGroup threads;
  for (uint64_t block = 0; block < kBlocks; ++block) threads.Start("writer", [&, block] { stress->Write(block); });
  for (uint64_t seed = 0; seed < 2; ++seed) threads.Start("reader", [&, seed] { stress->Read(seed); });
  for (const bool up : {true, false}) threads.Start("walker", [&, up] { stress->Walk(up); });
  const auto start = std::chrono::steady_clock::now();
  // On a busy machine for longer, until enough has happened.
  do {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  } while (std::chrono::steady_clock::now() - start < kDuration ||
           (!stress->DidEnough() && std::chrono::steady_clock::now() - start < 20 * kDuration));
  stress->Stop();
  threads.JoinAll();
  EXPECT_TRUE(stress->DidEnough());
  EXPECT_EQ(CheckInvariants(stress->array()), absl::OkStatus());
}

}  // namespace
}  // namespace mxa::xarray
