// SPDX-License-Identifier: Apache-2.0
//
// A caller's bug ends the process with one line that names it; each case in a child of its own.
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "reclaim/context.h"
#include "reclaim/movable.h"
#include "reclaim/rcu.h"
#include "slab/arena.h"
#include "slab/cache.h"

namespace mxa::slab {
namespace {

// Does in each phase what the case says, and moves nothing.
class Owner final : public reclaim::Movable {
 public:
  bool CanFree(absl::Span<void*>) override {
    if (in_can_free) in_can_free();
    return true;
  }
  void Reclaim(absl::Span<void*> objects, reclaim::MoveTarget& target) override {
    if (in_reclaim) in_reclaim();
    for (size_t i = settled_too_few ? 1 : 0; i < objects.size(); ++i)
      target.Settle(objects[i], reclaim::MoveResult::kBusy);
  }

  std::function<void()> in_can_free;
  std::function<void()> in_reclaim;
  bool settled_too_few = false;
};

class CacheDeathTest : public testing::Test {
 protected:
  CacheDeathTest() {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    cache_ = Make("thing");
    other_ = Make("other");
    object_ = cache_->Allocate();
    second_ = cache_->Allocate();
  }
  ~CacheDeathTest() override {
    cache_->Free(object_);
    cache_->Free(second_);
  }

  std::unique_ptr<Cache> Make(const char* name) {
    return Cache::Create({.name = name,
                          .object_size = 64,
                          .constructor = [](void*) {},
                          .movable = &owner_,
                          .arena = arena_.get(),
                          .sheaf_capacity = 4})
        .value();
  }
  void MoveEverything() { static_cast<void>(cache_->Compact({.mode = CompactOptions::Mode::kMoveEverything})); }

  Owner owner_;
  std::unique_ptr<Arena> arena_ =
      Arena::Create({.reserve_bytes = kRegionSize, .min_reserve_bytes = kRegionSize}).value();
  std::unique_ptr<Cache> cache_;
  std::unique_ptr<Cache> other_;
  void* object_;
  void* second_;
};

TEST_F(CacheDeathTest, DoubleFree) {
  EXPECT_DEATH(
      {
        cache_->Free(object_);
        cache_->Free(object_);
        cache_->Shrink();
      },
      "double free: cache thing, object 0x");
  EXPECT_DEATH(
      {
        cache_->FreeRcu(object_);
        cache_->FreeRcu(object_);
        cache_->Shrink();
      },
      "double free: cache thing, object 0x");
  EXPECT_DEATH(
      {
        cache_->Free(object_);
        cache_->Shrink();
        cache_->Free(object_);
        cache_->Shrink();
      },
      "double free: cache thing, object 0x");
}

TEST_F(CacheDeathTest, InteriorPointer) {
  EXPECT_DEATH(
      {
        cache_->Free(static_cast<char*>(object_) + 8);
        cache_->Shrink();
      },
      "free of an interior pointer: cache thing, object 0x");
}

TEST_F(CacheDeathTest, ForeignPointer) {
  EXPECT_DEATH(
      {
        cache_->Free(this);
        cache_->Shrink();
      },
      "free of a pointer outside the arena: cache thing, object 0x");
  EXPECT_DEATH(
      {
        cache_->Free(nullptr);
        cache_->Shrink();
      },
      "free of a pointer outside the arena: cache thing");
}

// The fence turns it away from the sheaves: no flush is needed to notice it.
TEST_F(CacheDeathTest, PointerAboveTheArena) {
  EXPECT_DEATH(cache_->Free(reinterpret_cast<void*>(~uintptr_t{4095})),
               "free of a pointer outside the arena: cache thing, object 0x");
  EXPECT_DEATH(cache_->Free(reinterpret_cast<void*>(arena_->slabs_end())), "free of a pointer that is no object: 0x");
}

TEST_F(CacheDeathTest, WrongCache) {
  EXPECT_DEATH(
      {
        other_->Free(object_);
        other_->Shrink();
      },
      "free to the wrong cache: cache other, object 0x");
}

TEST_F(CacheDeathTest, FreeAfterTheSlabIsGone) {
  EXPECT_DEATH(
      {
        cache_->Free(object_);
        cache_->Free(second_);
        cache_->Shrink();
        cache_->Free(object_);
        cache_->Shrink();
      },
      "free to the wrong cache: cache thing");
}

TEST_F(CacheDeathTest, ALeakIsNamedWhenTheCacheGoes) {
  EXPECT_DEATH(cache_.reset(), "cache thing destroyed with 2 objects not freed, among them 0x[0-9a-f]+ 0x[0-9a-f]+\n");
}

// Where Abseil looks for deadlocks (debug and sanitizer builds) its line comes first: the call locks against the lock
// order.
TEST_F(CacheDeathTest, NothingOfTheCacheIsUsedInsideCanFree) {
  EXPECT_DEATH(
      {
        owner_.in_can_free = [this] { static_cast<void>(cache_->Allocate()); };
        MoveEverything();
      },
      "inside CanFree|Potential Mutex deadlock");
  EXPECT_DEATH(
      {
        owner_.in_can_free = [this] { cache_->Free(object_); };
        MoveEverything();
      },
      "inside CanFree|Potential Mutex deadlock");
  EXPECT_DEATH(
      {
        owner_.in_can_free = [this] { cache_->FreeRcu(object_); };
        MoveEverything();
      },
      "inside CanFree|Potential Mutex deadlock");
  EXPECT_DEATH(
      {
        owner_.in_can_free = [this] { cache_->FreeRcuBarrier(); };
        MoveEverything();
      },
      "waiting under an array lock or inside a reclaim callback");
}

TEST_F(CacheDeathTest, APassIsNotStartedInsideReclaim) {
  EXPECT_DEATH(
      {
        owner_.in_reclaim = [this] { MoveEverything(); };
        MoveEverything();
      },
      "waiting under an array lock or inside a reclaim callback");
}

TEST_F(CacheDeathTest, ReclaimSettlesEachObjectOnce) {
  EXPECT_DEATH(
      {
        owner_.settled_too_few = true;
        MoveEverything();
      },
      "Reclaim settles each object");
}

TEST_F(CacheDeathTest, NoWaitingInsideASection) {
  for (const std::function<void()>& wait :
       std::vector<std::function<void()>>{[this] { MoveEverything(); }, [this] { cache_->Shrink(); },
                                          [this] { cache_->FreeRcuBarrier(); }, [this] { other_.reset(); }}) {
    EXPECT_DEATH(
        {
          reclaim::ReadSection section;
          wait();
        },
        "waiting inside a read section");
    EXPECT_DEATH(
        {
          reclaim::ArrayLockScope lock;
          wait();
        },
        "waiting under an array lock");
  }
}

}  // namespace
}  // namespace mxa::slab
