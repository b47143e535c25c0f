// SPDX-License-Identifier: Apache-2.0
//
// A table of movable objects that answer as a test tells them to: move, busy, pinned, kept back, or not at all for now.
//
// Threads: Create, Remove and passes from any; the answers are set while nobody moves, or where that does not matter.
#ifndef MXA_TESTS_SUPPORT_STUBBORN_TABLE_H_
#define MXA_TESTS_SUPPORT_STUBBORN_TABLE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/types/span.h"
#include "base/mutex.h"
#include "reclaim/movable.h"
#include "slab/arena.h"
#include "slab/cache.h"

namespace mxa::test {

class StubbornTable final : public reclaim::Movable {
 public:
  enum class Answer { kMove, kBusy, kPinned, kKeptBack };

  StubbornTable(slab::Arena& arena, size_t slots, const std::string& name = "stubborn", size_t object_size = 1024)
      : slots_(slots) {
    cache_ = slab::Cache::Create({.name = name,
                                  .object_size = object_size,
                                  .constructor = [](void* object) { new (object) Item; },
                                  .movable = this,
                                  .arena = &arena,
                                  .sheaf_capacity = 8})
                 .value();
  }
  ~StubbornTable() override {
    for (size_t slot = 0; slot < slots_.size(); ++slot) Remove(slot);
  }

  // False when there is no memory, or the slot is in use.
  bool Create(size_t slot) {
    if (slots_[slot].load() != nullptr) return false;
    auto* item = static_cast<Item*>(cache_->Allocate());
    if (item == nullptr) return false;
    item->slot = slot;
    item->check = ~slot;
    MutexLock lock(&mutex_);
    item->known = true;
    slots_[slot] = item;
    return true;
  }
  // Creates from slot 0 on until there is no memory, or no slot; how many.
  size_t Fill() {
    size_t slot = 0;
    while (slot < slots_.size() && Create(slot)) ++slot;
    return slot;
  }
  void Remove(size_t slot) {
    Item* item;
    {
      MutexLock lock(&mutex_);
      item = slots_[slot].exchange(nullptr);
      if (item == nullptr) return;
      item->known = false;
      item->answer = Answer::kMove;
    }
    cache_->Free(item);
  }
  void* At(size_t slot) const { return slots_[slot].load(); }
  void SetAnswer(size_t slot, Answer answer) { slots_[slot].load()->answer = answer; }
  // Every object is where the table says, and as it was made.
  bool Intact() {
    MutexLock lock(&mutex_);
    for (size_t slot = 0; slot < slots_.size(); ++slot) {
      const Item* item = slots_[slot].load();
      if (item != nullptr && (item->slot != slot || item->check != ~slot)) return false;
    }
    return true;
  }
  size_t size() {
    size_t count = 0;
    for (const auto& slot : slots_) count += slot.load() != nullptr ? 1 : 0;
    return count;
  }
  slab::Cache& cache() { return *cache_; }

  // While set, CanFree answers no; Reclaim waits for the pass to be cancelled, or for this to be cleared.
  std::atomic<bool> refuse{false};
  std::atomic<bool> dawdle{false};
  std::atomic<bool> dawdling{false};

  bool CanFree(absl::Span<void*> objects) override {
    if (refuse) return false;
    for (void*& object : objects) {
      const auto* item = static_cast<Item*>(object);
      if (!item->known || item->answer == Answer::kKeptBack) object = nullptr;
    }
    return true;
  }
  void Reclaim(absl::Span<void*> objects, reclaim::MoveTarget& target) override {
    dawdling = dawdle.load();
    while (dawdle && !target.unpin_only()) std::this_thread::yield();
    dawdling = false;
    MutexLock lock(&mutex_);
    for (void* object : objects) {
      if (object == nullptr) continue;
      auto* item = static_cast<Item*>(object);
      reclaim::MoveResult result = reclaim::MoveResult::kMoved;
      if (!item->known) {
        result = reclaim::MoveResult::kGone;
      } else if (item->answer == Answer::kPinned) {
        result = reclaim::MoveResult::kPinned;
      } else if (item->answer == Answer::kBusy || target.unpin_only() || target.destination() == nullptr) {
        result = reclaim::MoveResult::kBusy;
      } else {
        auto* to = static_cast<Item*>(target.destination());
        to->slot = item->slot;
        to->check = item->check;
        to->known = true;
        item->known = false;
        slots_[to->slot] = to;
      }
      target.Settle(object, result);
    }
  }

 private:
  struct Item {
    std::atomic<bool> known{false};
    std::atomic<Answer> answer{Answer::kMove};
    size_t slot = 0;
    size_t check = 0;
  };

  std::unique_ptr<slab::Cache> cache_;
  Mutex mutex_;
  std::vector<std::atomic<Item*>> slots_;
};

}  // namespace mxa::test

#endif  // MXA_TESTS_SUPPORT_STUBBORN_TABLE_H_
