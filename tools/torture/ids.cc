// SPDX-License-Identifier: Apache-2.0
//
// IDs from an array and from an Ida, until none is left: each is one thread's alone, and none is lost.
//
// Invariant: as many IDs as all takers together may hold are to be had, so that there is one for whoever holds fewer.
#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "absl/strings/str_format.h"
#include "tools/torture/scenarios.h"
#include "tools/torture/threads.h"
#include "tools/torture/world.h"
#include "xarray/ida.h"

namespace mxa::torture {
namespace {

constexpr size_t kTakers = 2;
constexpr size_t kEach = 512;
constexpr size_t kIds = kTakers * kEach;

class Numbers {
 public:
  virtual ~Numbers() = default;
  virtual absl::StatusOr<uint64_t> Take() = 0;
  virtual void Give(uint64_t id) = 0;
  virtual bool IsTaken(uint64_t id) = 0;
  virtual absl::Status Check() = 0;

  std::array<std::atomic<bool>, kIds> taken{};
};

class ArrayNumbers final : public Numbers {
 public:
  explicit ArrayNumbers(xarray::NodeCache& nodes) : array_(nodes) {}
  absl::StatusOr<uint64_t> Take() override { return array_.Allocate(7, {0, kIds - 1}); }
  void Give(uint64_t id) override { array_.Erase(id); }
  bool IsTaken(uint64_t id) override { return array_.Load(id).has_value(); }
  absl::Status Check() override { return array_.CheckInvariants(); }

 private:
  XArray<Value> array_;
};

class IdaNumbers final : public Numbers {
 public:
  explicit IdaNumbers(xarray::NodeCache& nodes) : ida_(nodes) {}
  absl::StatusOr<uint64_t> Take() override { return ida_.Allocate({0, kIds - 1}); }
  void Give(uint64_t id) override { ida_.Free(id); }
  bool IsTaken(uint64_t id) override { return ida_.Exists(id); }
  absl::Status Check() override { return ida_.CheckInvariants(); }

 private:
  Ida ida_;
};

// Takes until it has all it may have, then gives until it has nearly none.
class Taker final : public Actor {
 public:
  explicit Taker(Numbers& numbers) : numbers_(numbers) {}

  void Step(World& world, tool::Random& random) override {
    for (int i = 0; i < 64; ++i) {
      if (held_.size() == kEach) takes_ = false;
      if (held_.size() < 4) takes_ = true;
      if (random.OneIn(held_.size() > kEach - 8 ? 2 : 8) ? !takes_ : takes_) {
        if (held_.size() < kEach) Take(world);
      } else if (!held_.empty()) {
        Give(world, random);
      }
    }
    Count(Figure::kUpdates, 64);
  }

 private:
  void Take(World& world) {
    const absl::StatusOr<uint64_t> id = numbers_.Take();
    if (!id.ok()) {
      if (absl::IsResourceExhausted(id.status())) return;
      world.errors().Report(Error::kId, "no ID is left, and not all are taken");
      return;
    }
    Note("take", *id);
    // Relaxed: whoever has an ID has it from the array, which orders the takers.
    if (*id >= kIds || numbers_.taken[*id].exchange(true, std::memory_order_relaxed)) {
      world.errors().Report(Error::kId, absl::StrFormat("ID %u was handed out twice", *id));
      return;
    }
    held_.push_back(*id);
  }

  void Give(World& world, tool::Random& random) {
    const size_t place = random.Below(held_.size());
    const uint64_t id = held_[place];
    held_[place] = held_.back();
    held_.pop_back();
    Note("give", id);
    if (!numbers_.IsTaken(id)) {
      world.errors().Report(Error::kId, absl::StrFormat("ID %u is held and said to be free", id));
      return;
    }
    numbers_.taken[id].store(false, std::memory_order_relaxed);  // relaxed: as above
    numbers_.Give(id);
  }

  Numbers& numbers_;
  std::vector<uint64_t> held_;
  bool takes_ = true;
};

class Ids final : public Scenario {
 public:
  explicit Ids(World& world) : array_(world.nodes()), ida_(world.nodes()) {}

  std::vector<ActorSpec> Actors(World&) override {
    const auto taker = [](std::string name, Numbers& numbers) {
      return ActorSpec{.name = std::move(name), .count = kTakers, .make = [&numbers](World&) {
                         return std::make_unique<Taker>(numbers);
                       }};
    };
    return {taker("arrayids", array_), taker("idaids", ida_)};
  }
  void Audit(World& world) override {
    for (Numbers* numbers : {static_cast<Numbers*>(&array_), static_cast<Numbers*>(&ida_)}) {
      if (const absl::Status status = numbers->Check(); !status.ok()) {
        world.errors().Report(Error::kAudit, absl::StrFormat("ids: %s", std::string(status.message())));
      }
      for (size_t id = 0; id < kIds; ++id) {
        if (numbers->IsTaken(id) == numbers->taken[id].load(std::memory_order_relaxed)) continue;  // relaxed: at rest
        world.errors().Report(Error::kId, absl::StrFormat("ID %u is not as its taker left it", id));
      }
    }
  }

 private:
  ArrayNumbers array_;
  IdaNumbers ida_;
};

}  // namespace

std::unique_ptr<Scenario> MakeIds(World& world) { return std::make_unique<Ids>(world); }

}  // namespace mxa::torture
