// SPDX-License-Identifier: Apache-2.0
//
// Stores that get no memory, each now and then: what fails has changed nothing, and what was set aside for it comes back.
//
// Its nodes are its own, so that at rest, with its array empty, none may be live.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "base/fault_injector.h"
#include "slab/arena.h"
#include "tools/torture/scenarios.h"
#include "tools/torture/threads.h"
#include "tools/torture/world.h"
#include "xarray/node_cache.h"

namespace mxa::torture {
namespace {

class Shortage final : public Scenario {
 public:
  explicit Shortage(World&) {
    arena_ = slab::Arena::Create({.reserve_bytes = size_t{64} << 20, .faults = &faults_}).value();
    nodes_ = xarray::NodeCache::Create(arena_.get()).value();
    array_ = std::make_unique<XArray<Value>>(*nodes_);
  }
  ~Shortage() override {
    faults_.Disarm();
    array_.reset();
    nodes_.reset();
  }

  std::vector<ActorSpec> Actors(World&) override {
    return {StatelessActor(
                "short", [this](World& world, tool::Random& random) { Store(world, random); }, absl::Microseconds(300)),
            StatelessActor(
                "shortmover",
                [this](World&, tool::Random&) {
                  nodes_->slabs().Compact().status().IgnoreError();
                  nodes_->slabs().Shrink();
                },
                absl::Milliseconds(3))};
  }

  void Audit(World& world) override {
    faults_.Disarm();
    if (const absl::Status status = array_->CheckInvariants(); !status.ok()) {
      world.errors().Report(Error::kAudit, absl::StrFormat("shortage: %s", std::string(status.message())));
    }
    array_->Clear();
    nodes_->slabs().FreeRcuBarrier();
    if (const size_t live = nodes_->slabs().Stats().live; live != 0) {
      world.errors().Report(Error::kLeak, absl::StrFormat("%u nodes live on without a tree", live));
    }
  }

 private:
  void Store(World& world, tool::Random& random) {
    if (random.OneIn(4)) {
      faults_.Arm({.interval = 1 + random.Below(3), .probability = 50, .seed = random.Next(), .times = 20});
    }
    for (int i = 0; i < 16; ++i) {
      const uint64_t index = random.Next() >> random.Below(64);
      const uint64_t other = index + random.Below(500);
      if (other < index) continue;
      const std::optional<uint64_t> before = array_->Load(index);
      const std::optional<uint64_t> before_other = array_->Load(other);
      const absl::Status status =
          random.OneIn(2) ? array_->StoreRange(index, other, index / 2) : array_->Store(index, index / 2).status();
      const bool unchanged = array_->Load(index) == before && array_->Load(other) == before_other;
      if (status.ok() ? array_->Load(index) != index / 2 : !unchanged) {
        world.errors().Report(Error::kMemory, absl::StrFormat("a store at index %u %s", index,
                                                              status.ok() ? "is not there" : "failed and changed it"));
      }
      Count(status.ok() ? Figure::kUpdates : Figure::kUpdatesRefused);
    }
    if (random.OneIn(8)) array_->Clear();
  }

  FaultInjector faults_;
  std::unique_ptr<slab::Arena> arena_;
  std::unique_ptr<xarray::NodeCache> nodes_;
  std::unique_ptr<XArray<Value>> array_;
};

}  // namespace

std::unique_ptr<Scenario> MakeShortage(World& world) { return std::make_unique<Shortage>(world); }

}  // namespace mxa::torture
