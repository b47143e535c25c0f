// SPDX-License-Identifier: Apache-2.0
//
// The age pipe: elements that age by a grace period at a time, after they were replaced, under readers that look how old
// what they hold has become (pipe_counts.h).
//
// Grace periods are those of Synchronize, a list of replaced elements at a time, and those of Retire, whose callback retires
// the element anew. What is published lies in an array whose nodes move like all others.
#include <array>
#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/mutex.h"
#include "reclaim/rcu.h"
#include "reclaim/retire.h"
#include "tools/torture/pipe_counts.h"
#include "tools/torture/read_scope.h"
#include "tools/torture/scenarios.h"
#include "tools/torture/threads.h"
#include "tools/torture/world.h"

namespace mxa::torture {
namespace {

constexpr size_t kItems = 400;
// In different leaves, and in the same.
constexpr std::array<uint64_t, 4> kPublished = {0, 63, 64, 70000};

class AgePipe;

struct Item : reclaim::RetireHead {
  AgePipe* pipe = nullptr;
  std::atomic<uint32_t> age{PipeCounts::kOldest};
  uint64_t canary = 0;  // plain, so that ThreadSanitizer sees a grace period that is missing
};

class AgePipe final : public Scenario {
 public:
  explicit AgePipe(World& world) : world_(world), items_(kItems), array_(world.nodes()) {
    for (Item& item : items_) {
      item.pipe = this;
      free_.push_back(&item);
    }
    for (const uint64_t index : kPublished) MXA_CHECK(Publish(index, nullptr), "no memory to begin with");
  }
  ~AgePipe() override {
    reclaim::RetireBarrier();
    array_.Clear();
  }

  std::vector<ActorSpec> Actors(World& world) override {
    ActorSpec updater{
        .name = "pipe sync", .count = 1, .make = [this](World&) { return std::make_unique<Updater>(*this); }};
    return {StatelessActor(
                "pipe reader", [this](World&, tool::Random& random) { Read(random); }, absl::ZeroDuration(),
                world.options().readers),
            updater,
            StatelessActor(
                "pipe retire", [this](World&, tool::Random& random) { Replace(random); }, absl::Microseconds(200))};
  }

  void Audit(World& world) override {
    for (uint32_t left = PipeCounts::kOldest; left > 0; --left) reclaim::RetireBarrier();
    MutexLock lock(&mutex_);
    if (free_.size() + kPublished.size() + aging_ != kItems) {
      world.errors().Report(Error::kCallback, absl::StrFormat("the age pipe has %d items free and %d aging, of %d",
                                                              free_.size(), aging_, kItems));
    }
  }

  std::vector<Minimum> Minima() const override { return {{Figure::kPipeUpdates, 20}, {Figure::kPipeReads, 200}}; }

 private:
  // Ages what it replaced with every grace period that it waits for.
  class Updater final : public Actor {
   public:
    explicit Updater(AgePipe& pipe) : pipe_(pipe) {}
    void Step(World&, tool::Random& random) override {
      Item* old = nullptr;
      pipe_.Settle();
      if (pipe_.Publish(kPublished[random.Below(kPublished.size())], &old)) {
        pipe_.MarkReplaced(*old);
        replaced_.push_back(old);
        pipe_.AddAging(1);
      }
      reclaim::Synchronize();
      Count(Figure::kGracePeriods);
      std::erase_if(replaced_, [this](Item* item) {
        if (!pipe_.Age(*item)) return false;
        pipe_.AddAging(-1);
        return true;
      });
    }

   private:
    AgePipe& pipe_;
    std::vector<Item*> replaced_;
  };

  // A replayed run does not depend on how far the library's own thread has come.
  void Settle() const {
    if (!world_.options().single_threaded) return;
    for (uint32_t left = PipeCounts::kOldest; left > 0; --left) reclaim::RetireBarrier();
  }

  void AddAging(int n) {
    MutexLock lock(&mutex_);
    aging_ += n;
  }

  // False when all items are on their way.
  bool Publish(uint64_t index, Item** old) {
    Item* item;
    {
      MutexLock lock(&mutex_);
      if (free_.empty()) return false;
      item = free_.back();
      free_.pop_back();
    }
    item->canary = kLiveCanary;
    item->age.store(0, std::memory_order_relaxed);  // published by the array
    world_.pipe().Reach(0);
    const absl::StatusOr<Item*> replaced = array_.Store(index, item);
    if (!replaced.ok()) {
      GiveBack(*item);
      return false;
    }
    if (old != nullptr) *old = *replaced;
    Count(Figure::kPipeUpdates);
    return true;
  }

  void GiveBack(Item& item) {
    MutexLock lock(&mutex_);
    free_.push_back(&item);
  }

  void MarkReplaced(Item& item) {
    item.age.store(1, std::memory_order_relaxed);
    world_.pipe().Reach(1);
  }

  // A grace period later. True when the item has gone through the pipe and is free.
  bool Age(Item& item) {
    const uint32_t age = item.age.load(std::memory_order_relaxed) + 1;
    item.age.store(age, std::memory_order_relaxed);
    world_.pipe().Reach(age);
    if (age < PipeCounts::kOldest) return false;
    item.canary = kFreeCanary;
    GiveBack(item);
    return true;
  }

  void Replace(tool::Random& random) {
    Item* old = nullptr;
    Settle();
    if (!Publish(kPublished[random.Below(kPublished.size())], &old)) return;
    MarkReplaced(*old);
    reclaim::Retire(old, &OnGracePeriod);
  }

  static void OnGracePeriod(reclaim::RetireHead* head) {
    Item& item = *static_cast<Item*>(head);
    if (!item.pipe->Age(item)) reclaim::Retire(head, &OnGracePeriod);
  }

  void Read(tool::Random& random) {
    for (int i = 0; i < 16; ++i) {
      const uint64_t index = kPublished[random.Below(kPublished.size())];
      ReadScope section;
      const uint64_t grace_periods = reclaim::GracePeriods();
      const Item* item = array_.Load(index);
      if (item == nullptr) {
        world_.errors().Report(Error::kVanished, absl::StrFormat("the published element at %d", index));
        continue;
      }
      section.Hold(random);
      Count(Figure::kPipeReads);
      const uint32_t age = item->age.load(std::memory_order_relaxed);
      if (item->canary != kLiveCanary) {
        world_.errors().Report(Error::kElement, "a reader holds an item of the age pipe that is free");
      }
      if (!world_.pipe().See(age, reclaim::GracePeriods() - grace_periods)) {
        world_.errors().Report(Error::kPipe, absl::StrFormat("a reader saw an element of age %d", age));
      }
    }
  }

  World& world_;
  std::vector<Item> items_;
  XArray<Item> array_;
  Mutex mutex_;
  std::vector<Item*> free_ ABSL_GUARDED_BY(mutex_);
  int aging_ ABSL_GUARDED_BY(mutex_) = 0;  // replaced, and with an Updater
};

}  // namespace

std::unique_ptr<Scenario> MakeAgePipe(World& world) { return std::make_unique<AgePipe>(world); }

}  // namespace mxa::torture
