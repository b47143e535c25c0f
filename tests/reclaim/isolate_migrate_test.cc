// SPDX-License-Identifier: Apache-2.0
//
// The isolate/migrate form, clause by clause, over a cache whose passes are real.
#include "reclaim/isolate_migrate.h"

#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "reclaim/context.h"
#include "slab/cache.h"

namespace mxa::reclaim {
namespace {

using slab::Cache;
using slab::CompactOptions;

// Owns its objects through a table of handles, and moves all of them but the pinned.
class Client {
 public:
  Client() {
    slab::CacheOptions options;
    options.name = "isolate_migrate_test";
    options.object_size = sizeof(Object);
    options.constructor = [](void* object) { static_cast<Object*>(object)->handle = kNoHandle; };
    options.movable = &mobility_;
    cache_ = Cache::Create(options).value();
  }
  ~Client() {
    for (Object* object : table_) {
      if (object != nullptr) Free(object);
    }
  }

  void Fill(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      auto* object = static_cast<Object*>(cache_->Allocate());
      object->handle = table_.size();
      object->is_pinned = false;
      table_.push_back(object);
    }
  }
  // Every `stride`-th stays.
  void Thin(size_t stride) {
    for (size_t i = 0; i < table_.size(); ++i) {
      if (i % stride != 0) Free(std::exchange(table_[i], nullptr));
    }
  }
  size_t Live() const {
    size_t live = 0;
    for (size_t i = 0; i < table_.size(); ++i) {
      if (table_[i] == nullptr) continue;
      EXPECT_EQ(table_[i]->handle, i);
      ++live;
    }
    return live;
  }

  struct Object {
    uint64_t handle;
    bool is_pinned;
    char rest[111];
  };
  static constexpr uint64_t kNoHandle = ~uint64_t{0};

  // What isolate does.
  enum class Answer { kPinned, kNothingPinned, kLeaveAlone, kLeaveAloneAfterTakingEntriesOut };
  Answer answer = Answer::kPinned;
  std::atomic<bool>* cancel_in_isolate = nullptr;

  // What was seen.
  int isolated = 0;    // calls
  int migrated = 0;    // calls
  int pins = 0;        // private pointers handed out and not yet taken back
  int unpin_only = 0;  // migrates that were told to
  size_t shown = 0;    // objects that migrate was shown
  size_t nulls = 0;    // entries that it was shown as null
  IsolateMigrate& mobility() { return mobility_; }
  Cache& cache() { return *cache_; }
  std::vector<Object*>& table() { return table_; }

 private:
  void Free(Object* object) {
    object->handle = kNoHandle;
    cache_->Free(object);
  }

  static void* Isolate(void* context, absl::Span<void*> objects) {
    auto& client = *static_cast<Client*>(context);
    ++client.isolated;
    EXPECT_GT(tls_context.can_free, 0);
    if (client.cancel_in_isolate != nullptr) *client.cancel_in_isolate = true;
    if (client.answer == Answer::kLeaveAlone) return nullptr;
    for (void*& object : objects) {
      const auto* seen = static_cast<const Object*>(object);
      if (seen->handle == kNoHandle || seen->is_pinned) object = nullptr;
    }
    if (client.answer == Answer::kLeaveAloneAfterTakingEntriesOut) {
      for (void*& object : objects) object = nullptr;
      return nullptr;
    }
    if (client.answer == Answer::kNothingPinned) return NothingPinned();
    ++client.pins;
    return &client.pins;
  }

  static void Migrate(void* context, absl::Span<void* const> objects, MoveTarget& target, void* private_data) {
    auto& client = *static_cast<Client*>(context);
    ++client.migrated;
    EXPECT_EQ(tls_context.can_free, 0);
    EXPECT_FALSE(MayReclaim());
    if (client.answer == Answer::kPinned) {
      EXPECT_EQ(private_data, &client.pins);
      EXPECT_EQ(client.pins--, 1);
    } else {
      EXPECT_EQ(private_data, NothingPinned());
    }
    if (target.unpin_only()) ++client.unpin_only;
    for (void* object : objects) {
      if (object == nullptr) {
        ++client.nulls;
        continue;
      }
      ++client.shown;
      void* destination = target.destination();
      if (target.unpin_only() || destination == nullptr) {
        target.Settle(object, MoveResult::kBusy);
        continue;
      }
      std::memcpy(destination, object, sizeof(Object));
      auto* moved = static_cast<Object*>(destination);
      client.table_[moved->handle] = moved;
      target.Settle(object, MoveResult::kMoved);
    }
  }

  IsolateMigrate mobility_{&Isolate, &Migrate, this};
  std::unique_ptr<Cache> cache_;
  std::vector<Object*> table_;
};

TEST(IsolateMigrateTest, MigratesWhatWasIsolated) {
  Client client;
  client.Fill(5000);
  client.Thin(10);
  const auto pass = client.cache().Compact();
  ASSERT_TRUE(pass.ok());
  EXPECT_GT(pass->objects_moved, 400u);
  EXPECT_GT(pass->slabs_released, 5u);
  EXPECT_EQ(client.migrated, client.isolated);
  EXPECT_EQ(client.pins, 0);
  EXPECT_EQ(client.shown, pass->objects_moved);
  EXPECT_EQ(client.Live(), 500u);
}

TEST(IsolateMigrateTest, NullLeavesTheSlabAlone) {
  for (const auto answer : {Client::Answer::kLeaveAlone, Client::Answer::kLeaveAloneAfterTakingEntriesOut}) {
    Client client;
    client.answer = answer;
    client.Fill(5000);
    client.Thin(10);
    const auto pass = client.cache().Compact();
    ASSERT_TRUE(pass.ok());
    EXPECT_GT(client.isolated, 0);
    EXPECT_EQ(client.migrated, 0);
    EXPECT_EQ(pass->objects_moved, 0u);
    EXPECT_EQ(pass->slabs_refused, static_cast<size_t>(client.isolated));
    EXPECT_EQ(client.Live(), 500u);
    // The slabs are as they were: they can go in the next pass.
    client.answer = Client::Answer::kPinned;
    EXPECT_GT(client.cache().Compact()->objects_moved, 400u);
    EXPECT_EQ(client.Live(), 500u);
  }
}

TEST(IsolateMigrateTest, NothingPinnedGoesOn) {
  Client client;
  client.answer = Client::Answer::kNothingPinned;
  client.Fill(5000);
  client.Thin(10);
  EXPECT_GT(client.cache().Compact()->objects_moved, 400u);
  EXPECT_EQ(client.migrated, client.isolated);
}

TEST(IsolateMigrateTest, AnEntrySetToNullStays) {
  Client client;
  client.Fill(5000);
  client.Thin(10);
  std::vector<Client::Object*> pinned;
  for (size_t i = 0; i < 5000; i += 100) {
    client.table()[i]->is_pinned = true;
    pinned.push_back(client.table()[i]);
  }
  const auto pass = client.cache().Compact({.mode = CompactOptions::Mode::kMoveEverything});
  ASSERT_TRUE(pass.ok());
  EXPECT_EQ(client.nulls, 50u);
  EXPECT_EQ(pass->objects_moved, 450u);
  for (size_t i = 0; i < 5000; i += 100) EXPECT_EQ(client.table()[i], pinned[i / 100]);
  EXPECT_EQ(client.Live(), 500u);
}

// On cancel migrate is called all the same, once, and told to unpin only.
TEST(IsolateMigrateTest, ACancelledPassUnpins) {
  Client client;
  client.Fill(5000);
  client.Thin(10);
  std::atomic<bool> cancel{false};
  client.cancel_in_isolate = &cancel;
  const auto pass = client.cache().Compact({.mode = CompactOptions::Mode::kMoveEverything, .cancel = &cancel});
  ASSERT_TRUE(pass.ok());
  EXPECT_EQ(client.isolated, 1);
  EXPECT_EQ(client.migrated, 1);
  EXPECT_EQ(client.unpin_only, 1);
  EXPECT_EQ(client.pins, 0);
  EXPECT_EQ(pass->objects_moved, 0u);
  EXPECT_EQ(client.Live(), 500u);
}

TEST(IsolateMigrateTest, ASlabThatTurnedOutEmptyIsNobodysToMigrate) {
  IsolateMigrate mobility([](void*, absl::Span<void*>) -> void* { return nullptr; },
                          [](void*, absl::Span<void* const>, MoveTarget&, void*) { FAIL(); });
  MoveTarget target({});
  mobility.Reclaim({}, target);
}

void* Accept(void*, absl::Span<void*>) { return NothingPinned(); }
void DoNothing(void*, absl::Span<void* const>, MoveTarget&, void*) {}

TEST(IsolateMigrateDeathTest, HalfOfThePair) {
  EXPECT_DEATH(IsolateMigrate(&Accept, nullptr), "one callback of the two");
  EXPECT_DEATH(IsolateMigrate(nullptr, &DoNothing), "one callback of the two");
}

TEST(IsolateMigrateDeathTest, OutOfTurn) {
  char object;
  void* objects[] = {&object};
  EXPECT_DEATH(
      {
        IsolateMigrate mobility(&Accept, &DoNothing);
        mobility.CanFree(absl::MakeSpan(objects));
        mobility.CanFree(absl::MakeSpan(objects));
      },
      "before the last one was migrated");
  EXPECT_DEATH(
      {
        IsolateMigrate mobility(&Accept, &DoNothing);
        MoveTarget target({});
        mobility.Reclaim(absl::MakeSpan(objects), target);
      },
      "not been isolated");
  EXPECT_DEATH(
      {
        IsolateMigrate mobility(&Accept, &DoNothing);
        mobility.CanFree(absl::MakeSpan(objects));
      },
      "between isolate and migrate");
}

// Objects left unsettled are found out by the pass.
TEST(IsolateMigrateDeathTest, AnObjectThatIsNotSettled) {
  IsolateMigrate mobility(&Accept, &DoNothing);
  slab::CacheOptions options;
  options.name = "unsettled";
  options.object_size = 64;
  options.constructor = [](void*) {};
  options.movable = &mobility;
  const auto cache = Cache::Create(options).value();
  void* object = cache->Allocate();
  EXPECT_DEATH(static_cast<void>(cache->Compact({.mode = CompactOptions::Mode::kMoveEverything})),
               "settles each object");
  cache->Free(object);
}

}  // namespace
}  // namespace mxa::reclaim
