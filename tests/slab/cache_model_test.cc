// SPDX-License-Identifier: Apache-2.0
//
// Random operations on one cache against a std::map, with passes in between; one thread, and short ones that come and
// go.
//
// Properties, after each operation or at intervals:
//   an allocated object is constructed and is nobody else's; an object keeps its stamp until it is freed, wherever it
//   moves; CanFree is shown live and retired objects only; each destructor runs once; Stats() counts what the map
//   counts; CheckInvariants.
// A failure prints the seed and the last operations.
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_format.h"
#include "gtest/gtest.h"
#include "reclaim/movable.h"
#include "slab/arena.h"
#include "slab/cache.h"

namespace mxa::slab {
namespace {

struct Object {
  enum State : uint64_t { kConstructed = 0xc0, kLive = 0x11, kRetired = 0xde };
  uint64_t state = kConstructed;
  uint64_t id = 0;
  uint64_t stamp[10] = {};
};

size_t& Destructions() {
  static size_t count = 0;
  return count;
}

struct Parameters {
  size_t sheaf_capacity;
  uint64_t seed;
};

class CacheModelTest : public testing::TestWithParam<Parameters>, public reclaim::Movable {
 protected:
  CacheModelTest() : random_(GetParam().seed) {
    Destructions() = 0;
    cache_ = Cache::Create({.name = "model",
                            .object_size = sizeof(Object),
                            .constructor = [](void* object) { new (object) Object; },
                            .rcu_destructor = &Destroy,
                            .movable = this,
                            .arena = arena_.get(),
                            .sheaf_capacity = GetParam().sheaf_capacity})
                 .value();
  }
  ~CacheModelTest() override {
    while (!live_.empty()) Free(/*rcu=*/false);
    cache_.reset();
    EXPECT_EQ(arena_->units_held(), 0u);
    EXPECT_EQ(Destructions(), retired_);
  }

  static void Destroy(void* memory) {
    auto* object = static_cast<Object*>(memory);
    EXPECT_EQ(object->state, Object::kRetired) << "destroyed twice, or not retired";
    new (memory) Object;
    ++Destructions();
  }

  bool CanFree(absl::Span<void*> objects) override {
    for (void*& memory : objects) {
      const auto* object = static_cast<const Object*>(memory);
      if (object->state == Object::kConstructed) ++violations_;
      if (object->state != Object::kLive || random_() % 50 == 0) memory = nullptr;
    }
    return random_() % 20 != 0;
  }
  void Reclaim(absl::Span<void*> objects, reclaim::MoveTarget& target) override {
    for (void* memory : objects) {
      if (memory == nullptr) continue;
      auto* object = static_cast<Object*>(memory);
      if (random_() % 30 == 0) {
        target.Settle(object, reclaim::MoveResult::kPinned);
        continue;
      }
      auto* destination = static_cast<Object*>(target.destination());
      if (destination->state != Object::kConstructed || live_.at(object->id) != object) ++violations_;
      *destination = *object;
      live_[object->id] = destination;
      target.Settle(object, reclaim::MoveResult::kMoved);
    }
  }

  void Note(std::string operation) {
    operations_.push_back(std::move(operation));
    if (operations_.size() > 30) operations_.pop_front();
  }
  uint64_t Stamp(uint64_t id, size_t word) const { return (id + GetParam().seed) * 0x9e3779b97f4a7c15u + word; }

  void Allocate() {
    auto* object = static_cast<Object*>(cache_->Allocate());
    Note(absl::StrFormat("allocate %d: %p", next_id_, object));
    ASSERT_NE(object, nullptr);
    ASSERT_EQ(object->state, Object::kConstructed);
    object->state = Object::kLive;
    object->id = next_id_;
    for (size_t i = 0; i < std::size(object->stamp); ++i) object->stamp[i] = Stamp(next_id_, i);
    live_[next_id_++] = object;
  }
  void Free(bool rcu) {
    if (live_.empty()) return;
    auto it = live_.lower_bound(random_() % next_id_);
    if (it == live_.end()) it = live_.begin();
    Note(absl::StrFormat("%s %d: %p", rcu ? "free_rcu" : "free", it->first, it->second));
    Object* object = it->second;
    CheckStamp(it->first, *object);
    live_.erase(it);
    if (rcu) {
      object->state = Object::kRetired;
      ++retired_;
      cache_->FreeRcu(object);
    } else {
      new (object) Object;
      cache_->Free(object);
    }
  }
  void CheckStamp(uint64_t id, const Object& object) {
    ASSERT_EQ(object.state, Object::kLive) << "of " << id;
    ASSERT_EQ(object.id, id);
    for (size_t i = 0; i < std::size(object.stamp); ++i) ASSERT_EQ(object.stamp[i], Stamp(id, i)) << "of " << id;
  }
  void CheckAll() {
    for (const auto& [id, object] : live_) CheckStamp(id, *object);
    ASSERT_EQ(cache_->Stats().live, live_.size());
    ASSERT_TRUE(cache_->CheckInvariants().ok()) << cache_->CheckInvariants();
    ASSERT_EQ(violations_, 0u);
  }
  void Compact(CompactOptions::Mode mode) {
    const CompactStats pass = cache_->Compact({.mode = mode, .batch_objects = 1 + random_() % 500}).value();
    Note(absl::StrFormat("compact: %d moved, %d released", pass.objects_moved, pass.slabs_released));
    ASSERT_EQ(pass.objects_moved, pass.results[static_cast<size_t>(reclaim::MoveResult::kMoved)]);
    CheckAll();
  }
  void Step() {
    const uint64_t dice = random_() % 1000;
    // Growing and shrinking by turns, so that slabs fill and empty.
    const bool growing = next_id_ / 3000 % 2 == 0;
    if (dice < 960) {
      const uint64_t kind = random_() % 100;
      if (kind < (growing ? 60u : 45u)) return Allocate();
      return Free(/*rcu=*/kind % 2 == 0);
    }
    if (dice < 985) {
      Note("a burst on a short thread");
      std::thread([this] {
        for (int i = 0; i < 20; ++i) Allocate();
        for (int i = 0; i < 20; ++i) Free(/*rcu=*/i % 2 == 0);
      }).join();
    } else if (dice < 990) {
      Note("barrier");
      cache_->FreeRcuBarrier();
      ASSERT_EQ(Destructions(), retired_);
    } else if (dice < 993) {
      Note("shrink");
      cache_->Shrink();
      ASSERT_EQ(cache_->Stats().empty_slabs, 0u);
      ASSERT_EQ(cache_->Stats().cached, 0u);
    } else if (dice < 997) {
      Compact(CompactOptions::Mode::kPack);
    } else if (dice < 999) {
      Compact(CompactOptions::Mode::kMoveEverything);
    } else {
      CheckAll();
    }
  }
  std::string Story() const {
    std::string story =
        absl::StrFormat("seed %d, sheaf capacity %d; the last operations:", GetParam().seed, GetParam().sheaf_capacity);
    for (const std::string& operation : operations_) story += "\n  " + operation;
    return story;
  }

  std::mt19937_64 random_;
  std::unique_ptr<Arena> arena_ =
      Arena::Create({.reserve_bytes = size_t{64} << 20, .min_reserve_bytes = kRegionSize}).value();
  std::unique_ptr<Cache> cache_;
  std::map<uint64_t, Object*> live_;
  uint64_t next_id_ = 0;
  size_t retired_ = 0;
  size_t violations_ = 0;
  std::deque<std::string> operations_;
};

TEST_P(CacheModelTest, AgreesWithAMap) {
  for (int step = 0; step < 15'000 && !HasFailure(); ++step) Step();
  if (!HasFailure()) CheckAll();
  EXPECT_FALSE(HasFailure()) << Story();
}

INSTANTIATE_TEST_SUITE_P(Seeds, CacheModelTest,
                         testing::Values(Parameters{2, 1}, Parameters{2, 2}, Parameters{1, 3}, Parameters{0, 4},
                                         Parameters{0, 5}),
                         [](const auto& test) {
                           return absl::StrFormat("Sheaf%dSeed%d", test.param.sheaf_capacity, test.param.seed);
                         });

}  // namespace
}  // namespace mxa::slab
