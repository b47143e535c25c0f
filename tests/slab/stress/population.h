// SPDX-License-Identifier: Apache-2.0
//
// A cache of probes and the slots that own them: what actors allocate into, free from, read and move, and what an audit
// counts.
//
// Readers look at the first read_slots() slots under RCU alone; their probes are freed after a grace period. The others
// are looked at under their lock only, so their probes may also be freed at once.
//
// Invariants, at rest:
//   Po1  the cache's live objects are the filled slots and private_probes().
//   Po2  each probe that was freed by FreeRcu was destroyed once.
//   Po3  constructors and destructors run in turn on each place: constructed places are the places of the cache's slabs.
//   Po4  the probe of a slot is intact, and knows its slot.
//   Po5  moves counted here, by the passes and by the cache are the same.
// Threads: every function from any thread at once, but for Audit.
#ifndef MXA_TESTS_SLAB_STRESS_POPULATION_H_
#define MXA_TESTS_SLAB_STRESS_POPULATION_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "base/mutex.h"
#include "reclaim/movable.h"
#include "slab/cache.h"
#include "slab/page_pool.h"
#include "tests/slab/stress/probe.h"

namespace mxa::slab::stress {

class Population final : public reclaim::Movable {
 public:
  static constexpr size_t kMost = 8;  // populations at a time

  // The constructor, destructors and, if `movable`, the mover in `options` are set here. `number` is below kMost and
  // nobody else's.
  Population(size_t number, CacheOptions options, bool movable, size_t slots);
  // Empties it, and expects the cache to give everything back.
  ~Population() override;

  // --- One probe that only the caller has ---

  // Null when there is no memory.
  Probe* Make(AllocFlags flags);
  // The same from the reserve of `pool` if need be.
  Probe* MakeCritical(PagePool& pool, absl::Duration timeout);
  // Of an object from wherever: checks that it is constructed, and fills it.
  Probe* Adopt(void* object);
  void Discard(Probe* probe);
  void DiscardRcu(Probe* probe, Probe::State state = Probe::kGone);
  // Frees some probes after a grace period, waits for a barrier, and expects them to be destroyed by then.
  void ProveBarrier(size_t count);
  // Whether a private probe is as it was made.
  bool IsIntact(const Probe& probe) const;

  // Puts a probe into `slot`; false, and the probe is still the caller's, when it is taken.
  bool Publish(Probe* probe, size_t slot);
  // Takes the probe of `slot` out; it is private then. Null when there is none. For FreeRcu alone, if readers may have it.
  Probe* Detach(size_t slot);

  // --- Slots ---

  bool Create(size_t slot, AllocFlags flags);
  // Frees the slot's probe: after a grace period if `rcu` or if readers may have it.
  void Remove(size_t slot, bool rcu);
  size_t CreateBulk(size_t first, size_t count, AllocFlags flags);
  void RemoveBulk(size_t first, size_t count);
  // Takes `count` objects from a prefilled sheaf of at least that many, into slots from `first` on.
  void CreatePrefilled(size_t first, size_t count, AllocFlags flags);

  // The probe of a slot below read_slots(), for a caller inside a read section; null when it is empty.
  const Probe* Peek(size_t slot) const { return slots_[slot].load(std::memory_order_acquire); }
  // Looks at a slot under its lock.
  void Inspect(size_t slot);

  bool CanFree(absl::Span<void*> objects) override;
  void Reclaim(absl::Span<void*> objects, reclaim::MoveTarget& target) override;

  // Brackets an allocation or a free of up to `count` objects that are not private, gone or in a slot meanwhile.
  // Whatever a pass sees free in its hands must be between these.
  void BeginHandling(size_t count) { begun_.fetch_add(count); }
  void EndHandling(size_t count) { ended_.fetch_add(count); }

  Cache& cache() { return *cache_; }
  const char* name() const { return cache_->name().c_str(); }
  size_t object_size() const { return object_size_; }
  bool movable() const { return movable_; }
  bool notifies() const { return notifies_; }
  size_t slots() const { return slots_.size(); }
  size_t read_slots() const { return slots_.size() / 4 * 3; }
  size_t private_probes() const { return private_.load(); }

  // Checks Po1 to Po5 and the cache's own invariants. REQUIRES: everybody rests.
  void Audit();
  void Empty();

 private:
  template <size_t kNumber>
  struct Hooks;
  using Hook = void (*)(void*);
  void OnConstruct(void* place);
  void OnDestruct(void* place);
  void OnDestroyRcu(void* object);
  void ChooseHooks(CacheOptions& options, size_t number);

  Mutex& LockOf(size_t slot) { return locks_[slot % locks_.size()]; }
  void AuditCounts();
  void AuditSlots();
  bool IsFull(size_t slot) const { return Peek(slot) != nullptr; }

  const size_t number_;
  const size_t object_size_;
  const bool movable_;
  const bool notifies_;
  // Places are constructed with their slab: there are neither guarded objects nor poison.
  const bool constructs_places_;
  std::unique_ptr<Cache> cache_;
  std::vector<std::atomic<Probe*>> slots_;
  std::array<Mutex, 64> locks_;
  std::atomic<uint64_t> next_serial_{1};
  std::atomic<size_t> begun_{0};
  std::atomic<size_t> ended_{0};
  std::atomic<size_t> private_{0};
  // Relaxed where changed: read at rest.
  std::atomic<uint64_t> constructed_{0};
  std::atomic<uint64_t> destructed_{0};
  std::atomic<uint64_t> removed_rcu_{0};
  std::atomic<uint64_t> destroyed_rcu_{0};
  Mutex proof_mutex_;  // one proof at a time
  std::atomic<uint64_t> awaited_destroyed_{0};
  std::atomic<uint64_t> moved_{0};
  std::atomic<uint64_t> asked_{0};  // calls of CanFree
};

}  // namespace mxa::slab::stress

#endif  // MXA_TESTS_SLAB_STRESS_POPULATION_H_
