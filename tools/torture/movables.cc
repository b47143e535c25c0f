// SPDX-License-Identifier: Apache-2.0
//
// Movable objects of a scenario's own in a small arena: users take and give them, passes move half of what they are shown,
// and contiguous blocks come out of what they leave.
//
// Invariants:
//   M1  the handle that an object names leads to it, as long as the object is held.
//   M2  no object is handed out of a slab whose owner is being asked to move what is in it: from CanFree to the end of
//       Reclaim it is isolated.
#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "base/mutex.h"
#include "reclaim/movable.h"
#include "slab/arena.h"
#include "slab/cache.h"
#include "slab/contiguous.h"
#include "tools/mxa/clock.h"
#include "tools/torture/read_scope.h"
#include "tools/torture/scenarios.h"
#include "tools/torture/threads.h"
#include "tools/torture/world.h"

namespace mxa::torture {
namespace {

constexpr size_t kArenaBytes = size_t{4} << 20;
constexpr size_t kUnits = kArenaBytes / slab::kUnitSize + 32;  // and what its beginning is aligned by
constexpr size_t kUsers = 2;
constexpr size_t kHandles = 2200;  // of each user

struct Handle;

// Nobody's in its constructed state.
struct Object {
  std::atomic<Handle*> handle{nullptr};
  std::array<uint64_t, 95> rest{};
};

// What leads to an object, and says who may touch it. Never ends before the passes do.
struct Handle {
  Mutex mutex;
  Object* object ABSL_GUARDED_BY(mutex) = nullptr;
};

// Which slabs are being asked, by their unit, and since when; 0: none.
class Isolated {
 public:
  void Begin(const void* object) { Since(object).store(tool::NowNs(), std::memory_order_release); }
  void End(const void* object) { Since(object).store(0, std::memory_order_release); }
  // Release and acquire: the moment is that of a clock that all threads share.
  bool Throughout(const void* object, uint64_t from_ns) {
    const uint64_t since = Since(object).load(std::memory_order_acquire);
    return since != 0 && since < from_ns;
  }

 private:
  std::atomic<uint64_t>& Since(const void* object) {
    return since_ns_[reinterpret_cast<uintptr_t>(object) / slab::kUnitSize % kUnits];
  }
  std::array<std::atomic<uint64_t>, kUnits> since_ns_{};
};

class Mover final : public reclaim::Movable {
 public:
  explicit Mover(Isolated& isolated) : isolated_(isolated) {}

  bool CanFree(absl::Span<void*> objects) override {
    isolated_.Begin(objects.front());
    return true;
  }

  void Reclaim(absl::Span<void*> objects, reclaim::MoveTarget& target) override {
    if (objects.empty()) return;  // the slab has become empty by itself: nobody was asked
    Delay(random_, random_.OneIn(4) ? 400'000 : 20'000);
    for (void* object : objects) target.Settle(object, TryMove(static_cast<Object*>(object), target));
    isolated_.End(objects.front());
  }

 private:
  reclaim::MoveResult TryMove(Object* object, reclaim::MoveTarget& target) {
    auto* to = static_cast<Object*>(target.destination_for(object));
    // Handles never end, so the one it names can be locked, whoever's it is by now.
    Handle* handle = object->handle.load(std::memory_order_acquire);  // pairs with the release in Take
    if (to == nullptr || handle == nullptr || target.unpin_only() || random_.OneIn(2))
      return reclaim::MoveResult::kBusy;
    if (!handle->mutex.TryLock()) return reclaim::MoveResult::kBusy;
    const bool is_its = handle->object == object;
    if (is_its) {
      to->rest = object->rest;
      to->handle.store(handle, std::memory_order_release);  // pairs with the acquire above, of the next move
      handle->object = to;
    }
    handle->mutex.Unlock();
    return is_its ? reclaim::MoveResult::kMoved : reclaim::MoveResult::kBusy;
  }

  Isolated& isolated_;
  tool::Random random_{7};  // one pass at a time
};

class Movables final : public Scenario {
 public:
  explicit Movables(World&) : mover_(isolated_), handles_(kUsers * kHandles) {
    arena_ = slab::Arena::Create({.reserve_bytes = kArenaBytes, .min_reserve_bytes = kArenaBytes}).value();
    slab::CacheOptions options;
    options.name = "torture movables";
    options.object_size = sizeof(Object);
    options.constructor = [](void* memory) { new (memory) Object; };
    options.movable = &mover_;
    options.arena = arena_.get();
    options.sheaf_capacity = 8;
    cache_ = slab::Cache::Create(options).value();
  }
  ~Movables() override {
    for (Handle& handle : handles_) {
      MutexLock lock(&handle.mutex);
      if (handle.object != nullptr) Give(handle);
    }
  }

  std::vector<ActorSpec> Actors(World&) override {
    const auto use = [this](World& world, tool::Random& random) { Use(world, random); };
    const auto pass = [this](World&, tool::Random& random) {
      slab::CompactOptions options;
      if (random.OneIn(2)) options.mode = slab::CompactOptions::Mode::kMoveEverything;
      options.batch_objects = 1 + random.Below(300);
      const auto stats = cache_->Compact(options);
      if (!stats.ok()) return;
      Count(Figure::kPasses);
      Count(Figure::kMoves, stats->objects_moved);
    };
    return {StatelessActor("holder", use, absl::ZeroDuration(), kUsers), StatelessActor("packer", pass),
            StatelessActor("blocker", [this](World& world, tool::Random& random) { HoldBlock(world, random); })};
  }

  void Audit(World& world) override {
    if (const absl::Status status = cache_->CheckInvariants(); !status.ok()) {
      world.errors().Report(Error::kAudit, absl::StrFormat("movables: %s", std::string(status.message())));
    }
    size_t held = 0;
    for (Handle& handle : handles_) {
      MutexLock lock(&handle.mutex);
      if (handle.object == nullptr) continue;
      ++held;
      Check(world, handle);
    }
    if (const size_t live = cache_->Stats().live; live != held) {
      world.errors().Report(Error::kLeak, absl::StrFormat("%u movable objects are held and %u live", held, live));
    }
  }

 private:
  void Use(World& world, tool::Random& random) {
    for (int i = 0; i < 64; ++i) {
      Handle& handle = handles_[random.Below(handles_.size())];
      MutexLock lock(&handle.mutex);
      if (handle.object == nullptr) {
        if (random.OneIn(2)) Take(world, handle);
      } else {
        Check(world, handle);
        Give(handle);
      }
    }
    Count(Figure::kUpdates, 64);
  }

  void Take(World& world, Handle& handle) ABSL_EXCLUSIVE_LOCKS_REQUIRED(handle.mutex) {
    const uint64_t from_ns = tool::NowNs();
    auto* object = static_cast<Object*>(cache_->Allocate());
    if (object == nullptr) return;
    if (isolated_.Throughout(object, from_ns)) {
      world.errors().Report(Error::kElement, "an object was handed out of a slab that is isolated");
    }
    if (object->handle.load(std::memory_order_relaxed) != nullptr) {  // relaxed: the cache orders it
      world.errors().Report(Error::kElement, "an object that was handed out is in use");
    }
    object->rest.fill(reinterpret_cast<uintptr_t>(&handle));
    object->handle.store(&handle, std::memory_order_release);  // pairs with the acquire in TryMove
    handle.object = object;
  }

  void Give(Handle& handle) ABSL_EXCLUSIVE_LOCKS_REQUIRED(handle.mutex) {
    Object* object = std::exchange(handle.object, nullptr);
    object->handle.store(nullptr, std::memory_order_relaxed);  // relaxed: the cache orders it
    cache_->Free(object);
  }

  static void Check(World& world, Handle& handle) ABSL_EXCLUSIVE_LOCKS_REQUIRED(handle.mutex) {
    const auto mine = reinterpret_cast<uintptr_t>(&handle);
    const Object& object = *handle.object;
    if (object.handle.load(std::memory_order_relaxed) == &handle && object.rest.front() == mine &&  // relaxed: the lock
        object.rest.back() == mine) {
      return;
    }
    world.errors().Report(Error::kElement, "a movable object that is held is not as its holder left it");
  }

  void HoldBlock(World& world, tool::Random& random) {
    const size_t bytes = slab::kUnitSize << (3 + random.Below(3));  // up to 2 MiB
    auto* block =
        static_cast<char*>(slab::AllocateContiguous(*arena_, bytes, absl::Now() + absl::Milliseconds(50)).block);
    if (block == nullptr) return;
    const int byte = static_cast<int>(1 + random.Below(200));
    std::memset(block, byte, bytes);
    Delay(random, 2'000'000);
    const bool is_whole = block[0] == static_cast<char>(byte) && std::memcmp(block, block + 1, bytes - 1) == 0;
    if (!is_whole) world.errors().Report(Error::kMemory, "somebody else wrote to a block");
    slab::FreeContiguous(*arena_, block);
  }

  Isolated isolated_;
  Mover mover_;
  std::vector<Handle> handles_;
  std::unique_ptr<slab::Arena> arena_;
  std::unique_ptr<slab::Cache> cache_;
};

}  // namespace

std::unique_ptr<Scenario> MakeMovables(World& world) { return std::make_unique<Movables>(world); }

}  // namespace mxa::torture
