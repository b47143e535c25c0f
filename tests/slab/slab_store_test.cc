// SPDX-License-Identifier: Apache-2.0
//
// A store's slabs through all their states: listed, planned, marked, isolated, settled.
#include "slab/slab_store.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "reclaim/context.h"

namespace mxa::slab {
namespace {

constexpr uint64_t kConstructed = 0xc0;
constexpr uint64_t kUsed = 0x05ed;
constexpr uint64_t kUndestroyed = 0xdead;

uint64_t& Word(void* object) { return *static_cast<uint64_t*>(object); }

size_t& Destroyed() {
  static size_t destroyed = 0;
  return destroyed;
}

// Answers as it is told, and notes what it was asked.
class Owner final : public reclaim::Movable {
 public:
  bool CanFree(absl::Span<void*> objects) override {
    asked.emplace_back(objects.begin(), objects.end());
    was_in_can_free = reclaim::tls_context.can_free == 1;
    return answer;
  }
  void Reclaim(absl::Span<void*>, reclaim::MoveTarget&) override { FAIL() << "the store never calls phase 2"; }

  bool answer = true;
  bool was_in_can_free = false;
  std::vector<std::vector<void*>> asked;
};

class SlabStoreTest : public testing::Test {
 protected:
  SlabStoreTest() {
    Destroyed() = 0;
    options_.name = "thing";
    options_.object_size = 600;
    options_.constructor = [](void* object) { Word(object) = kConstructed; };
    options_.rcu_destructor = [](void* object) {
      EXPECT_EQ(Word(object), kUndestroyed);
      Word(object) = kConstructed;
      ++Destroyed();
    };
    options_.movable = &movable_;
    store_ = std::make_unique<SlabStore>(reinterpret_cast<CacheCore*>(this), options_, *arena_);
  }
  ~SlabStoreTest() override {
    ExpectSound();
    store_.reset();
    EXPECT_EQ(arena_->units_held(), 0u);
  }
  void ExpectSound() { EXPECT_TRUE(store_->CheckInvariants().ok()) << store_->CheckInvariants(); }

  // `slabs` new slabs, all objects taken and in use.
  std::vector<void*> TakeSlabs(size_t slabs) {
    for (size_t i = 0; i < slabs; ++i) EXPECT_TRUE(store_->AddSlab());
    std::vector<void*> objects(slabs * store_->capacity());
    EXPECT_EQ(store_->Take(absl::MakeSpan(objects)), objects.size());
    std::sort(objects.begin(), objects.end());
    for (void* object : objects) {
      EXPECT_EQ(Word(object), kConstructed);
      Word(object) = kUsed;
    }
    return objects;
  }
  void Return(std::vector<void*> objects) {
    for (void* object : objects) Word(object) = kConstructed;
    store_->Return(objects);
  }
  void Configure(absl::Duration empty_slab_delay, size_t empty_slab_bytes) {
    options_.empty_slab_delay = empty_slab_delay;
    options_.empty_slab_bytes = empty_slab_bytes;
    store_ = std::make_unique<SlabStore>(reinterpret_cast<CacheCore*>(this), options_, *arena_);
  }
  // How many slabs go back at `now_ms`; sets `later_`.
  size_t Decay(int64_t now_ms) {
    later_ = false;
    std::vector<Slab*> slabs = store_->DetachUnneeded(now_ms, later_);
    return store_->GiveBackDetached(slabs);
  }
  size_t CountListed() {
    const size_t listed = store_->Listed().size();
    store_->Plan({});
    return listed;
  }
  Slab* SlabOf(const void* object) { return arena_->SlabOf(object); }
  // A marked slab that holds `objects` and is full.
  Slab* Marked(const std::vector<void*>& objects) {
    Slab* slab = SlabOf(objects[0]);
    store_->Plan({&slab, 1});
    EXPECT_EQ(store_->MarkNextPlanned(), slab);
    return slab;
  }

  bool later_ = false;
  Owner movable_;
  CacheOptions options_;
  std::unique_ptr<Arena> arena_ =
      Arena::Create({.reserve_bytes = 4 * kRegionSize, .min_reserve_bytes = kRegionSize}).value();
  std::unique_ptr<SlabStore> store_;
};

TEST_F(SlabStoreTest, TakesEachObjectOnce) {
  std::vector<void*> objects = TakeSlabs(3);
  EXPECT_EQ(std::set<void*>(objects.begin(), objects.end()).size(), objects.size());
  void* more = nullptr;
  EXPECT_EQ(store_->Take({&more, 1}), 0u);
  EXPECT_EQ(store_->GetCounts().allocated, objects.size());
  Return(objects);
  EXPECT_EQ(store_->GetCounts().empty, 3u);
}

TEST_F(SlabStoreTest, TakesFromTheFullestSlab) {
  std::vector<void*> objects = TakeSlabs(2);
  const size_t capacity = store_->capacity();
  Return({objects.begin(), objects.begin() + 50});
  Return({objects.begin() + static_cast<std::ptrdiff_t>(capacity),
          objects.begin() + static_cast<std::ptrdiff_t>(capacity) + 3});
  std::vector<void*> taken(4);
  ASSERT_EQ(store_->Take(absl::MakeSpan(taken)), 4u);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(SlabOf(taken[i]), SlabOf(objects.back()));
  EXPECT_EQ(SlabOf(taken[3]), SlabOf(objects.front()));
  Return({objects.begin() + 50, objects.begin() + static_cast<std::ptrdiff_t>(capacity)});
  Return({objects.begin() + static_cast<std::ptrdiff_t>(capacity) + 3, objects.end()});
  Return(taken);
}

TEST_F(SlabStoreTest, GivesEmptySlabsBackButThoseKept) {
  Return(TakeSlabs(5));
  EXPECT_EQ(store_->ReleaseEmpty(2), 3u);
  EXPECT_EQ(arena_->units_held(), 2u);
  EXPECT_EQ(store_->GetCounts().slabs, 2u);
  EXPECT_EQ(store_->GetCounts().released, 3u);
  EXPECT_EQ(store_->ReleaseEmpty(2), 0u);
  ExpectSound();
}

TEST_F(SlabStoreTest, TrimmingKeepsAFewEmptySlabs) {
  Configure(absl::ZeroDuration(), kRegionSize);
  Return(TakeSlabs(10));
  store_->TrimEmpty();
  const size_t kept = store_->GetCounts().slabs;
  EXPECT_GE(kept, 2u);
  EXPECT_LE(kept, 3u);
}

TEST_F(SlabStoreTest, TrimmingKeepsSomeBytesOfEmptySlabsForALater) {
  Configure(absl::Seconds(1), 16 * kUnitSize);
  Return(TakeSlabs(16));
  store_->TrimEmpty();
  EXPECT_EQ(store_->GetCounts().slabs, 16u);
  Return(TakeSlabs(17));
  store_->TrimEmpty();
  EXPECT_EQ(store_->GetCounts().slabs, 14u) << "somewhat below the limit";
}

TEST_F(SlabStoreTest, WhatWasNotNeededForTheDelayGoesBack) {
  Configure(absl::Seconds(1), kRegionSize);
  EXPECT_EQ(Decay(5), 0u);
  EXPECT_FALSE(later_);
  std::vector<void*> objects = TakeSlabs(5);
  Return(objects);
  EXPECT_EQ(Decay(100), 0u) << "the time runs from here";
  EXPECT_EQ(Decay(1099), 0u);
  EXPECT_TRUE(later_);
  ASSERT_EQ(store_->Take(absl::MakeSpan(objects).first(3 * store_->capacity())), 3 * store_->capacity());
  Return({objects.begin(), objects.begin() + static_cast<std::ptrdiff_t>(3 * store_->capacity())});
  EXPECT_EQ(Decay(1100), 2u) << "three were needed";
  EXPECT_TRUE(later_);
  EXPECT_EQ(Decay(2099), 0u);
  EXPECT_EQ(Decay(2100), 3u);
  EXPECT_FALSE(later_);
  EXPECT_EQ(store_->GetCounts().slabs, 0u);
}

TEST_F(SlabStoreTest, WhatWasReleasedMeanwhileCountsAsNeeded) {
  Configure(absl::Seconds(1), kRegionSize);
  std::vector<void*> objects = TakeSlabs(9);
  const auto five = static_cast<std::ptrdiff_t>(5 * store_->capacity());
  Return({objects.begin(), objects.begin() + five});
  EXPECT_EQ(Decay(100), 0u);
  EXPECT_EQ(store_->ReleaseEmpty(0), 5u);
  Return({objects.begin() + five, objects.end()});
  EXPECT_EQ(Decay(1100), 0u) << "these have only just become empty";
  EXPECT_EQ(Decay(2100), 4u);
}

TEST_F(SlabStoreTest, IsNotDestroyedUntilDetachedSlabsAreBack) {
  Return(TakeSlabs(3));
  std::vector<Slab*> detached = store_->DetachEmpty(0);
  EXPECT_EQ(detached.size(), 3u);
  EXPECT_EQ(store_->GetCounts().slabs, 0u);
  EXPECT_EQ(arena_->units_held(), 3u);
  SlabStore* store = store_.release();
  std::atomic<bool> destroyed{false};
  std::thread destroyer([&] {
    delete store;
    destroyed = true;
  });
  for (int i = 0; i < 1000 && !destroyed; ++i) std::this_thread::yield();
  EXPECT_FALSE(destroyed);
  if (!destroyed) {
    EXPECT_EQ(store->GiveBackDetached(detached), 3u);
  }
  destroyer.join();
  EXPECT_EQ(arena_->units_held(), 0u);
  Configure(absl::Seconds(1), kRegionSize);  // another, for the end
}

TEST_F(SlabStoreTest, NothingIsReleasedWhileAPassChooses) {
  Return(TakeSlabs(3));
  EXPECT_EQ(store_->Listed().size(), 3u);
  EXPECT_EQ(store_->ReleaseEmpty(0), 0u);
  store_->Plan({});
  EXPECT_EQ(store_->ReleaseEmpty(0), 3u);
}

TEST_F(SlabStoreTest, ListedTellsLiveCountsAndRegions) {
  std::vector<void*> objects = TakeSlabs(40);
  Return({objects[0], objects[1]});
  size_t live = 0;
  for (const SlabStore::Choice& choice : store_->Listed()) {
    EXPECT_EQ(choice.region, arena_->RegionOf(choice.slab));
    EXPECT_EQ(choice.live, store_->capacity() - (choice.slab == SlabOf(objects[0]) ? 2 : 0));
    live += choice.live;
  }
  store_->Plan({});
  EXPECT_EQ(live, objects.size() - 2);
  Return({objects.begin() + 2, objects.end()});
}

TEST_F(SlabStoreTest, NothingIsAllocatedFromPlannedSlabsUntilTheyAreTakenBack) {
  std::vector<void*> objects = TakeSlabs(2);
  Return({objects[0]});
  std::vector<Slab*> slabs{SlabOf(objects[0]), SlabOf(objects.back())};
  store_->Plan(slabs);
  EXPECT_TRUE(store_->HasPlanned());
  EXPECT_EQ(CountListed(), 0u);
  void* taken = nullptr;
  EXPECT_EQ(store_->Take({&taken, 1}), 0u);
  ExpectSound();
  EXPECT_TRUE(store_->TakeBackPlanned());
  EXPECT_EQ(store_->Take({&taken, 1}), 1u);
  EXPECT_EQ(taken, objects[0]);
  EXPECT_FALSE(store_->TakeBackPlanned()) << "no planned slab with a free object is left";
  store_->Unplan();
  EXPECT_EQ(CountListed(), 2u);
  EXPECT_EQ(store_->MarkNextPlanned(), nullptr) << "taken back meanwhile";
  Return(objects);
}

TEST_F(SlabStoreTest, UnplanListsAllAgain) {
  std::vector<void*> objects = TakeSlabs(3);
  std::vector<Slab*> slabs{SlabOf(objects[0]), SlabOf(objects.back())};
  store_->Plan(slabs);
  Return({objects[0]});
  EXPECT_EQ(store_->Live(*slabs[0]), store_->capacity() - 1);
  store_->Unplan();
  EXPECT_EQ(CountListed(), 3u);
  ExpectSound();
  Return({objects.begin() + 1, objects.end()});
}

TEST_F(SlabStoreTest, WhatIsFreedToAMarkedSlabIsNobodys) {
  std::vector<void*> objects = TakeSlabs(1);
  Slab* slab = Marked(objects);
  EXPECT_TRUE(slab->marked());
  Return({objects[0], objects[1]});
  EXPECT_TRUE(store_->IsFree(objects[0]));
  void* taken = nullptr;
  EXPECT_EQ(store_->Take({&taken, 1}), 0u);
  ExpectSound();
  EXPECT_EQ(store_->Settle({&slab, 1}, {}), 0u) << "it still holds objects";
  EXPECT_FALSE(slab->marked());
  EXPECT_EQ(store_->Take({&taken, 1}), 1u);
  EXPECT_EQ(Word(taken), kConstructed);
  Return({taken});
  Return({objects.begin() + 2, objects.end()});
}

TEST_F(SlabStoreTest, IsolatingAsksAboutEveryAllocatedObject) {
  std::vector<void*> objects = TakeSlabs(1);
  Slab* slab = Marked(objects);
  Return({objects[3], objects.back()});
  std::vector<void*> asked;
  EXPECT_TRUE(store_->Isolate(*slab, movable_, asked));
  EXPECT_EQ(slab->state, SlabState::kIsolated);
  EXPECT_TRUE(movable_.was_in_can_free);
  EXPECT_EQ(reclaim::tls_context.can_free, 0);
  objects.erase(objects.begin() + 3);
  objects.pop_back();
  EXPECT_EQ(asked, objects);
  EXPECT_EQ(movable_.asked, std::vector<std::vector<void*>>{objects});
  ExpectSound();
  store_->Settle({&slab, 1}, {});
  Return(objects);
}

TEST_F(SlabStoreTest, ARefusedSlabComesBack) {
  std::vector<void*> objects = TakeSlabs(1);
  Slab* slab = Marked(objects);
  movable_.answer = false;
  std::vector<void*> asked;
  EXPECT_FALSE(store_->Isolate(*slab, movable_, asked));
  EXPECT_TRUE(asked.empty());
  EXPECT_EQ(store_->Settle({&slab, 1}, {}), 0u);
  EXPECT_EQ(slab->state, SlabState::kListed);
  Return(objects);
}

TEST_F(SlabStoreTest, SettlingReleasesWhatBecameEmpty) {
  std::vector<void*> objects = TakeSlabs(2);
  const auto half = static_cast<std::ptrdiff_t>(store_->capacity());
  Slab* slab = Marked(objects);
  std::vector<void*> asked;
  ASSERT_TRUE(store_->Isolate(*slab, movable_, asked));
  EXPECT_EQ(store_->Settle({&slab, 1}, asked), 1u);
  EXPECT_EQ(arena_->units_held(), 1u);
  EXPECT_EQ(store_->GetCounts().allocated, store_->capacity());
  EXPECT_EQ(slab->owner, nullptr);
  Return({objects.begin() + half, objects.end()});
}

TEST_F(SlabStoreTest, OldPlacesInASlabThatStaysAreConstructedAnew) {
  std::vector<void*> objects = TakeSlabs(1);
  Slab* slab = Marked(objects);
  std::vector<void*> asked;
  ASSERT_TRUE(store_->Isolate(*slab, movable_, asked));
  asked.pop_back();  // one stays where it is
  EXPECT_EQ(store_->Settle({&slab, 1}, asked), 0u);
  ExpectSound();
  std::vector<void*> taken(asked.size());
  ASSERT_EQ(store_->Take(absl::MakeSpan(taken)), asked.size());
  for (void* object : taken) EXPECT_EQ(Word(object), kConstructed);
  EXPECT_EQ(Word(objects.back()), kUsed) << "nobody touched the one that stayed";
  taken.push_back(objects.back());
  Return(taken);
}

TEST_F(SlabStoreTest, DestructorsThatAreDueRunOnceWhenSettled) {
  std::vector<void*> objects = TakeSlabs(2);
  const auto half = static_cast<std::ptrdiff_t>(store_->capacity());
  Slab* stays = Marked(objects);
  Slab* goes = Marked({objects.begin() + half, objects.end()});
  std::vector<void*> due{objects[0], objects[1]};
  due.insert(due.end(), objects.begin() + half, objects.end());
  for (void* object : due) Word(object) = kUndestroyed;
  store_->ReturnUndestroyed(due);
  EXPECT_EQ(Destroyed(), 0u) << "an owner may still look at them";
  ExpectSound();
  const std::vector<Slab*> victims{stays, goes};
  EXPECT_EQ(store_->Settle(victims, {}), 1u);
  EXPECT_EQ(Destroyed(), due.size());
  std::vector<void*> taken(2);
  ASSERT_EQ(store_->Take(absl::MakeSpan(taken)), 2u);
  for (void* object : taken) EXPECT_EQ(Word(object), kConstructed);
  Return({objects.begin(), objects.begin() + half});
}

class SlabStoreDeathTest : public SlabStoreTest {
 protected:
  SlabStoreDeathTest() : object_(TakeSlabs(1)[0]) {
    std::vector<void*> objects(store_->capacity() - 1);
    for (size_t i = 0; i < objects.size(); ++i) objects[i] = static_cast<char*>(object_) + (i + 1) * store_->stride();
    Return(objects);
  }
  ~SlabStoreDeathTest() override { Return({object_}); }
  void ReturnOne(void* object) { store_->Return({&object, 1}); }

  void* object_;
};

TEST_F(SlabStoreDeathTest, NamesABadFree) {
  EXPECT_DEATH(
      {
        ReturnOne(object_);
        ReturnOne(object_);
      },
      "double free: cache thing, object 0x");
  EXPECT_DEATH(ReturnOne(static_cast<char*>(object_) + 8), "free of an interior pointer: cache thing");
  EXPECT_DEATH(ReturnOne(static_cast<char*>(object_) + store_->capacity() * store_->stride()),
               "free of an interior pointer");
  EXPECT_DEATH(ReturnOne(this), "free of a pointer outside the arena");
  EXPECT_DEATH(ReturnOne(arena_->AllocateRun(1)->objects), "free to the wrong cache");
  EXPECT_DEATH(store_->ReturnUndestroyed({&object_, 1}), "goes back to a slab in use");
}

TEST_F(SlabStoreDeathTest, NamesWhatWasLeaked) {
  EXPECT_DEATH(
      {
        SlabStore store(reinterpret_cast<CacheCore*>(&options_), options_, *arena_);
        void* leaked = nullptr;
        if (!store.AddSlab() || store.Take({&leaked, 1}) != 1) return;
      },
      "cache thing destroyed with 1 objects not freed, among them 0x");
}

}  // namespace
}  // namespace mxa::slab
