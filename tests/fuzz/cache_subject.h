// SPDX-License-Identifier: Apache-2.0
//
// A cache under test with the exact model of its objects: the owner of all of them, who also moves them.
//
// Invariants:
//   every object that is held is live, proves itself, and overlaps nobody else's memory.
//   constructors, destructors and destructors after a grace period find an object in the state they may find it in, and
//   run as often as the cache says it has slabs, and as objects were passed to FreeRcu.
//   CanFree is shown no object that is free.
// Threads: the program's, and a helper that it waits for; passes and the reclaimer at once with them.
#ifndef MXA_TESTS_FUZZ_CACHE_SUBJECT_H_
#define MXA_TESTS_FUZZ_CACHE_SUBJECT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/mutex.h"
#include "reclaim/movable.h"
#include "slab/cache.h"
#include "tests/fuzz/cache_program.h"
#include "tests/fuzz/cache_world.h"
#include "tests/fuzz/counting_notifier.h"
#include "tests/fuzz/fuzz_object.h"
#include "tests/fuzz/held_section.h"

namespace mxa::fuzz {

struct SubjectCallbacks;

class CacheSubject final : public reclaim::Movable {
 public:
  // `world` outlives it.
  CacheSubject(const CacheSpec& spec, CacheWorld& world);
  // REQUIRES: Empty has run.
  ~CacheSubject() override;

  slab::Cache& cache() { return *cache_; }
  const CacheSpec& spec() const { return spec_; }
  std::optional<slab::PrefilledSheaf>& prefilled() { return prefilled_; }
  CountingNotifier& notifier() { return notifier_; }
  size_t held() const;

  // --- Steps. OK, or what was not as it should be.

  // What the cache has handed out; null: nothing. `is_zero`: it must be.
  absl::Status Adopt(void* object, bool is_zero = false);
  // While open, objects may be constructed and nobody's: between the cache and Adopt.
  class Allocating {
   public:
    explicit Allocating(CacheSubject& subject) : subject_(subject) { ++subject_.allocating_; }
    ~Allocating() { --subject_.allocating_; }
    Allocating(const Allocating&) = delete;
    Allocating& operator=(const Allocating&) = delete;

   private:
    CacheSubject& subject_;
  };
  enum class Way { kFree, kBulk, kRcu, kByTurns };
  // `count` objects from number `pick` on, round the end. What a reader has read is never freed at once.
  absl::Status Release(Way way, size_t pick, size_t count);
  // All but every `keep`-th.
  absl::Status Thin(size_t keep);
  // Everything goes, what is prefilled too.
  absl::Status Empty();
  void SetAnswer(size_t pick, size_t count, Answer answer);
  void RefuseSlabs(int count) { refusals_ = count; }
  // For a held section; what it reads is not freed at once until Unread.
  HeldSection::Check ReadSome(size_t pick, size_t count);
  void Unread();

  // --- Checks, while nothing else runs.

  // Every object; figures; invariants.
  absl::Status Check();
  // What must hold when nothing waits for a grace period.
  absl::Status CheckSettled();
  // After a pass in order that moved everything.
  absl::Status CheckOrder() const;
  // Objects that Reclaim has moved so far.
  uint64_t moved() const { return moved_.load(); }

  // An object's address; null when there is none.
  void* AddressOf(size_t pick) const;

  bool CanFree(absl::Span<void*> objects) override;
  void Reclaim(absl::Span<void*> objects, reclaim::MoveTarget& target) override;
  bool Order(absl::Span<void* const> objects, absl::Span<reclaim::OrderKey> keys) override;

 private:
  struct Held {
    void* at;
    uint64_t id;
  };

  FuzzObject At(void* object) const { return FuzzObject(object, spec_.object_size); }
  // Takes number `index` out of the model.
  Held Remove(size_t index) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status FreeOne(size_t index, Way way);
  absl::Status CheckHeld(const Held& held) const;
  reclaim::MoveResult MoveOne(void* object, reclaim::MoveTarget& target);
  // `is_dropped`: the owner lets go of the object, which is to be freed by its state.
  reclaim::MoveResult MoveOneLocked(void* object, reclaim::MoveTarget& target, bool& is_dropped)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CheckMove(void* object, void* destination);
  absl::Status CheckFigures();

  const CacheSpec spec_;
  CacheWorld& world_;
  SubjectCallbacks& callbacks_;
  CountingNotifier notifier_;
  std::unique_ptr<slab::Cache> cache_;
  std::optional<slab::PrefilledSheaf> prefilled_;
  uint64_t retired_ = 0;  // passed to FreeRcu

  mutable Mutex mutex_;
  std::vector<Held> held_ ABSL_GUARDED_BY(mutex_);
  std::unordered_map<uint64_t, size_t> index_of_ ABSL_GUARDED_BY(mutex_);  // by id
  std::set<uint64_t> read_ ABSL_GUARDED_BY(mutex_);                        // by the held section

  std::atomic<int> allocating_{0};
  std::atomic<int> refusals_{0};
  std::atomic<uint64_t> moved_{0};
  std::atomic<uint64_t> retired_by_mover_{0};
};

}  // namespace mxa::fuzz

#endif  // MXA_TESTS_FUZZ_CACHE_SUBJECT_H_
