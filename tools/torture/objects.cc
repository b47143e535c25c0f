// SPDX-License-Identifier: Apache-2.0
//
// A cache of its own in an arena of its own: users that fill it and empty it, some of them threads that end at once.
//
// Invariants, at rest:
//   O1  what the cache counts as live is what the users hold.
//   O2  the arena has given out the slabs that the cache holds, and no unit more.
#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_format.h"
#include "reclaim/rcu.h"
#include "slab/arena.h"
#include "slab/cache.h"
#include "tools/torture/scenarios.h"
#include "tools/torture/thread_lives.h"
#include "tools/torture/threads.h"
#include "tools/torture/world.h"

namespace mxa::torture {
namespace {

constexpr size_t kMost = 3000;

// Nobody's in its constructed state. Atomic, so that two who were handed the same one are told of it.
struct Object {
  std::atomic<uint64_t> holder{0};
  std::array<uint64_t, 31> rest{};
};

void Construct(void* memory) { new (memory) Object; }
// Relaxed: behind a grace period, and the cache orders it before the next user.
void EndRetired(void* memory) { static_cast<Object*>(memory)->holder.store(0, std::memory_order_relaxed); }

class Objects final : public Scenario {
 public:
  explicit Objects(World&) {
    arena_ = slab::Arena::Create({.reserve_bytes = size_t{64} << 20}).value();
    slab::CacheOptions options;
    options.name = "torture objects";
    options.object_size = sizeof(Object);
    options.constructor = &Construct;
    options.rcu_destructor = &EndRetired;
    options.arena = arena_.get();
    options.rcu_free_delay = absl::Milliseconds(5);
    options.empty_slab_delay = absl::Milliseconds(20);
    cache_ = slab::Cache::Create(options).value();
  }

  std::vector<ActorSpec> Actors(World&) override;
  void Audit(World& world) override;

  // Null when there is no memory.
  Object* Take(World& world, uint64_t holder) {
    auto* object = static_cast<Object*>(cache_->Allocate());
    if (object == nullptr) return nullptr;
    // Relaxed: whoever else has it is no less wrong.
    if (const uint64_t before = object->holder.exchange(holder, std::memory_order_relaxed); before != 0) {
      world.errors().Report(Error::kElement, absl::StrFormat("an object that was handed out is in use by %u", before));
    }
    held_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a sum
    return object;
  }

  void Give(World& world, uint64_t holder, Object* object, bool retire) {
    if (object->holder.load(std::memory_order_relaxed) != holder) {
      world.errors().Report(Error::kElement, "an object that is held is somebody else's");
    }
    held_.fetch_sub(1, std::memory_order_relaxed);  // relaxed: a sum
    if (retire) {
      cache_->FreeRcu(object);
    } else {
      object->holder.store(0, std::memory_order_relaxed);  // relaxed: the cache orders it
      cache_->Free(object);
    }
  }

 private:
  std::unique_ptr<slab::Arena> arena_;
  std::unique_ptr<slab::Cache> cache_;
  std::atomic<size_t> held_{0};
};

// Takes and gives, mostly the one for a while and then the other.
class User final : public Actor {
 public:
  User(Objects& objects, World& world) : objects_(objects), world_(world) {}
  ~User() override {
    for (Object* object : held_) objects_.Give(world_, Self(), object, /*retire=*/false);
  }

  void Step(World& world, tool::Random& random) override {
    for (int i = 0; i < 200; ++i) {
      if (random.OneIn(500)) fills_ = !fills_;
      if (fills_ != random.OneIn(5)) {
        if (held_.size() == kMost) continue;
        if (Object* object = objects_.Take(world, Self())) held_.push_back(object);
      } else if (!held_.empty()) {
        const size_t place = random.Below(held_.size());
        objects_.Give(world, Self(), held_[place], random.OneIn(3));
        held_[place] = held_.back();
        held_.pop_back();
      }
    }
  }

 private:
  uint64_t Self() const { return reinterpret_cast<uint64_t>(this); }

  Objects& objects_;
  World& world_;
  std::vector<Object*> held_;
  bool fills_ = true;
};

std::vector<ActorSpec> Objects::Actors(World&) {
  const auto brief = [this](World& world, tool::Random& random) {
    const ThreadLives lives(world);
    std::thread user([&] {
      std::vector<Object*> held;
      for (uint64_t i = 1 + random.Below(60); i > 0; --i) {
        if (Object* object = Take(world, 1)) held.push_back(object);
      }
      for (Object* object : held) Give(world, 1, object, random.OneIn(4));
    });
    const reclaim::OfflineScope offline;
    user.join();
    Count(Figure::kThreads);
  };
  return {{.name = "user", .count = 2, .make = [this](World& world) { return std::make_unique<User>(*this, world); }},
          StatelessActor("briefuser", brief, absl::Milliseconds(1))};
}

void Objects::Audit(World& world) {
  cache_->FreeRcuBarrier();
  cache_->Shrink();
  if (const absl::Status status = cache_->CheckInvariants(); !status.ok()) {
    world.errors().Report(Error::kAudit, absl::StrFormat("objects: %s", std::string(status.message())));
  }
  const slab::CacheStats stats = cache_->Stats();
  const size_t held = held_.load(std::memory_order_relaxed);  // relaxed: at rest
  if (stats.live != held) {
    world.errors().Report(Error::kLeak, absl::StrFormat("%u objects are held and %u live", held, stats.live));
  }
  if (const size_t units = stats.slabs * cache_->Shape().units_per_slab; arena_->units_held() != units) {
    world.errors().Report(Error::kLeak,
                          absl::StrFormat("%u units are out for slabs of %u units", arena_->units_held(), units));
  }
}

}  // namespace

std::unique_ptr<Scenario> MakeObjects(World& world) { return std::make_unique<Objects>(world); }

}  // namespace mxa::torture
