// SPDX-License-Identifier: Apache-2.0
//
// A cache of objects that can be made again: users pin them, a shrinker drops those that nobody has pinned.
//
// Invariants:
//   D1  a pinned object is not dropped: it is whole and of its place from Pin to Unpin.
//   D2  at rest, made = dropped + there, and the slab cache counts those that are there as live.
//   D3  the shrinker is called by one thread at a time, with reclaim forbidden, and only by who may just then.
// Threads: Pin, Unpin and ShrinkByHand by any; Count and Scan by whoever shrinks; the rest says.
#ifndef MXA_TOOLS_TORTURE_DROPPABLES_H_
#define MXA_TOOLS_TORTURE_DROPPABLES_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "reclaim/shrinker.h"
#include "reclaim/shrinker_registry.h"
#include "slab/cache.h"
#include "tools/mxa/random.h"
#include "tools/torture/world.h"

namespace mxa::torture {

struct Droppable {
  enum class State : uint32_t { kFree, kThere, kDropped };

  std::atomic<State> state{State::kFree};
  uint64_t place = 0;  // no atomic: ThreadSanitizer sees who drops what is pinned
  uint64_t check = 0;
};

class Droppables final : public reclaim::Shrinker {
 public:
  static constexpr size_t kPlaces = 6000;
  static constexpr size_t kBatch = 64;

  explicit Droppables(World& world);
  // REQUIRES: nothing is pinned, and nobody shrinks.
  ~Droppables() override;

  // The object of `place`, made if it is not there. Null when there is no memory.
  Droppable* Pin(size_t place);
  void Unpin(Droppable* object);

  size_t Count(int node) override;
  absl::StatusOr<reclaim::Scanned> Scan(const reclaim::ScanRequest& request) override;

  // A round of `registry` on this thread, beside the reclaimer's.
  void ShrinkByHand(reclaim::ShrinkerRegistry& registry, int priority);
  // Whether the background reclaimer may call: between its Start and the end of its Stop.
  // Release; pairs with the acquire in Enter.
  void LetReclaimerCall(bool may) { reclaimer_may_call_.store(may, std::memory_order_release); }

  // Reports unless D2 holds, and rounds by hand and the reclaimer's say that they dropped what was dropped.
  // REQUIRES: at rest.
  void Audit(uint64_t dropped_by_reclaimer);

  slab::Cache& cache() { return *cache_; }

 private:
  struct Place {
    Droppable* object = nullptr;
    uint32_t pins = 0;
  };

  static void Construct(void* memory);
  static void EndRetired(void* memory);
  Droppable* Make(size_t place) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Drop(Droppable* object);
  void Enter();
  void Leave() { inside_.store(false, std::memory_order_release); }  // release; pairs with the acquire in Enter

  World& world_;
  std::unique_ptr<slab::Cache> cache_;
  Mutex mutex_;
  std::vector<Place> places_ ABSL_GUARDED_BY(mutex_);
  uint64_t there_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t made_ ABSL_GUARDED_BY(mutex_) = 0;

  // Of whoever shrinks.
  size_t hand_ = 0;
  tool::Random random_{11};
  uint64_t dropped_ = 0;

  std::atomic<bool> inside_{false};
  std::atomic<bool> reclaimer_may_call_{false};
  std::atomic<uint64_t> dropped_by_hand_{0};
};

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_DROPPABLES_H_
