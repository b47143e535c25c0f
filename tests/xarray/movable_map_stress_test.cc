// SPDX-License-Identifier: Apache-2.0
//
// Readers, writers and passes over values and nodes at once, for a while: no value is torn, of another index, older than
// the beginning of its read or newer than its end, and none changes while it is held.
//
// Every value names its index and its version, and proves itself. Before a writer changes an index it raises `begun`,
// after it `committed`. Every third version is absence.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "tests/support/random.h"
#include "tests/support/thread_group.h"
#include "xarray/movable_map.h"
#include "xarray/node_cache.h"

namespace mxa {
namespace {

using tests::Random;
using tests::ThreadGroup;

constexpr auto kDuration = std::chrono::milliseconds(2500);
constexpr size_t kPlaces = 600;
constexpr int kWriters = 2;

uint64_t IndexOf(size_t place) { return (place % 40) + (place / 40) * 700; }
bool IsPresent(uint64_t version) { return version % 3 != 0; }

struct Value {
  uint64_t index;
  uint64_t version;
  std::array<uint64_t, 6> proof;

  static Value Of(uint64_t index, uint64_t version) {
    Value value = {index, version, {}};
    value.proof.fill(index * 1'000'003 + version);
    return value;
  }
  bool IsWhole() const {
    for (const uint64_t word : proof) {
      if (word != index * 1'000'003 + version) return false;
    }
    return true;
  }
};
using Map = MovableMap<Value>;

struct Place {
  std::atomic<uint64_t> begun{0};
  std::atomic<uint64_t> committed{0};
};

class MovableMapStressTest : public testing::Test {
 protected:
  bool stopped() const { return stop_.load(std::memory_order_relaxed) || HasFatalFailure(); }

  void Judge(size_t place, const Value* value, uint64_t first, uint64_t last) {
    reads_.fetch_add(1, std::memory_order_relaxed);
    if (value != nullptr) {
      ASSERT_TRUE(value->IsWhole());
      ASSERT_EQ(value->index, IndexOf(place));
      ASSERT_GE(value->version, first) << "stale";
      ASSERT_LE(value->version, last);
      return;
    }
    for (uint64_t version = first; version <= last; ++version) {
      if (!IsPresent(version)) return;
    }
    FAIL() << "place " << place << " read as absent between versions " << first << " and " << last;
  }

  void ReadPoints(uint64_t seed) {
    Random random(seed);
    while (!stopped()) {
      reclaim::ReadSection section;
      std::array<const Value*, 20> held = {};
      std::array<uint64_t, 20> versions = {};
      for (size_t i = 0; i < held.size(); ++i) {
        const size_t place = random.Below(kPlaces);
        const uint64_t first = places_[place].committed.load(std::memory_order_acquire);
        held[i] = map_.FindInSection(IndexOf(place));
        Judge(place, held[i], first, places_[place].begun.load(std::memory_order_acquire));
        if (held[i] != nullptr) versions[i] = held[i]->version;
      }
      for (size_t i = 0; i < held.size(); ++i) {
        if (held[i] == nullptr) continue;
        ASSERT_TRUE(held[i]->IsWhole());
        ASSERT_EQ(held[i]->version, versions[i]) << "a value changed while it was held";
      }
    }
  }

  void Scan() {
    std::vector<uint64_t> first(kPlaces);
    while (!stopped()) {
      for (size_t place = 0; place < kPlaces; ++place) {
        first[place] = places_[place].committed.load(std::memory_order_acquire);
      }
      uint64_t expected_at_least = 0;
      for (const auto [index, value] : map_.Range()) {
        ASSERT_GE(index, expected_at_least) << "not ascending";
        expected_at_least = index + 1;
        const size_t place = index % 700 + index / 700 * 40;
        Judge(place, value, first[place], places_[place].begun.load(std::memory_order_acquire));
      }
    }
  }

  // Takes the next version of a place that no other writer writes.
  void Write(size_t place, Random& random) {
    Place& p = places_[place];
    const uint64_t index = IndexOf(place);
    const uint64_t version = p.committed.load(std::memory_order_relaxed) + 1;
    p.begun.store(version, std::memory_order_release);
    if (!IsPresent(version)) {
      ASSERT_EQ(map_.Erase(index), version > 1);
    } else if (version > 1 && IsPresent(version - 1) && random.OneIn(2)) {
      ASSERT_TRUE(map_.Update(index, [&](Value& value) { value = Value::Of(value.index, value.version + 1); }).ok());
    } else if (IsPresent(version - 1)) {
      ASSERT_TRUE(map_.Store(index, Value::Of(index, version)).value());
    } else {
      ASSERT_EQ(map_.Insert(index, Value::Of(index, version)), absl::OkStatus());
    }
    p.committed.store(version, std::memory_order_release);
  }

  void WriteAll(int writer) {
    Random random(tests::TestSeed(42) + static_cast<uint64_t>(writer));
    while (!stopped()) {
      const size_t span = random.OneIn(4) ? kPlaces : 100;
      for (size_t i = 0; i < 2 * span && !stopped(); ++i) {
        Write(random.Below(span) / kWriters * kWriters + static_cast<size_t>(writer), random);
      }
    }
  }

  void MoveAll(slab::Cache& cache, std::atomic<uint64_t>& moved) {
    slab::CompactOptions options;
    options.mode = slab::CompactOptions::Mode::kMoveEverything;
    while (!stopped()) {
      const auto stats = cache.Compact(options);
      ASSERT_TRUE(stats.ok()) << stats.status();
      moved += stats->objects_moved;
    }
  }

  std::unique_ptr<xarray::ValueCache> values_ = Map::CreateCache().value();
  std::unique_ptr<xarray::NodeCache> nodes_ = xarray::NodeCache::Create().value();
  Map map_{*values_, *nodes_};
  std::array<Place, kPlaces> places_;
  std::atomic<uint64_t> reads_{0};
  std::atomic<uint64_t> values_moved_{0};
  std::atomic<uint64_t> nodes_moved_{0};
  std::atomic<bool> stop_{false};
};

TEST_F(MovableMapStressTest, ReadsAreCurrentAndWholeWhileValuesMove) {
  {
    ThreadGroup threads;
    for (uint64_t seed = 1; seed <= 2; ++seed) threads.Start("reader", [this, seed] { ReadPoints(seed); });
    threads.Start("scanner", [this] { Scan(); });
    for (int writer = 0; writer < kWriters; ++writer) threads.Start("writer", [this, writer] { WriteAll(writer); });
    threads.Start("values", [this] { MoveAll(values_->slabs(), values_moved_); });
    threads.Start("nodes", [this] { MoveAll(nodes_->slabs(), nodes_moved_); });
    std::this_thread::sleep_for(kDuration);  // the box, not a synchronisation
    // Longer where the machine is busy with other things: what did not happen proves nothing.
    for (int i = 0; i < 20 && !HasFatalFailure() && (values_moved_ <= 100 || reads_ <= 1000); ++i)
      std::this_thread::sleep_for(kDuration);
    stop_ = true;
  }
  EXPECT_EQ(map_.CheckInvariants(), absl::OkStatus());
  EXPECT_EQ(values_->slabs().CheckInvariants(), absl::OkStatus());
  EXPECT_GT(reads_.load(), 1000u);
  EXPECT_GT(values_moved_.load(), 100u);
  map_.Clear();
  values_->slabs().FreeRcuBarrier();
  EXPECT_EQ(values_->slabs().Stats().live, 0u);
}

// Maps come and go by the thousand in one value cache while passes run over it.
TEST_F(MovableMapStressTest, MapsEndWhilePassesRun) {
  std::atomic<uint64_t> ended{0};
  {
    ThreadGroup threads;
    for (uint64_t seed = 1; seed <= 2; ++seed) {
      threads.Start("churn", [&, seed] {
        Random random(seed);
        std::array<std::unique_ptr<Map>, 50> maps;
        for (size_t turn = 0; !stopped(); ++turn) {
          auto& map = maps[turn % maps.size()];
          map = std::make_unique<Map>(*values_, *nodes_);
          const uint64_t count = random.Below(30);
          for (uint64_t k = 0; k < count; ++k) {
            const uint64_t index = random.Next() >> random.Below(64);
            ASSERT_TRUE(map->Store(index, Value::Of(index, k)).ok());
          }
          for (const auto [index, value] : map->Range()) ASSERT_TRUE(value->IsWhole() && value->index == index);
          if (random.OneIn(4)) map->Clear();
          ++ended;
        }
      });
    }
    threads.Start("values", [this] { MoveAll(values_->slabs(), values_moved_); });
    std::this_thread::sleep_for(kDuration);  // the box, not a synchronisation
    stop_ = true;
  }
  values_->slabs().FreeRcuBarrier();
  EXPECT_EQ(values_->slabs().Stats().live, 0u);
  EXPECT_GT(ended.load(), 100u) << "few even for a sanitizer on a busy machine";
  EXPECT_GT(values_moved_.load(), 0u);
}

}  // namespace
}  // namespace mxa
