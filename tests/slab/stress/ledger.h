// SPDX-License-Identifier: Apache-2.0
//
// Handlers for the stress: one keeps books of what it hears of, one vetoes now and then.
//
// Invariant, at rest: what a ledger agreed to, less what it was told to roll back and what it noticed going, is there.
// Threads: any.
#ifndef MXA_TESTS_SLAB_STRESS_LEDGER_H_
#define MXA_TESTS_SLAB_STRESS_LEDGER_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "slab/notifier.h"
#include "tests/slab/stress/probe.h"

namespace mxa::slab::stress {

class Ledger final : public Notifier {
 public:
  bool Agree(const CacheEvent& event) override {
    Add(agreed_, event);
    return true;
  }
  void RollBack(const CacheEvent& event) override { Add(rolled_back_, event); }
  void Notice(const CacheEvent& event) override { Add(noticed_, event); }

  // What is there of what it heard come: objects or slabs.
  uint64_t objects() const { return Balance(CacheEventKind::kAllocate, CacheEventKind::kFree); }
  uint64_t slabs() const { return Balance(CacheEventKind::kNewSlab, CacheEventKind::kFreeSlab); }
  uint64_t rolled_back() const {
    return At(rolled_back_, CacheEventKind::kAllocate) + At(rolled_back_, CacheEventKind::kNewSlab);
  }

 private:
  // By kind. Relaxed: read at rest.
  using Books = std::array<std::atomic<uint64_t>, 4>;
  static void Add(Books& books, const CacheEvent& event) {
    books[static_cast<size_t>(event.kind)].fetch_add(1, std::memory_order_relaxed);
  }
  static uint64_t At(const Books& books, CacheEventKind kind) {
    return books[static_cast<size_t>(kind)].load(std::memory_order_relaxed);
  }
  uint64_t Balance(CacheEventKind come, CacheEventKind gone) const {
    return At(agreed_, come) - At(rolled_back_, come) - At(noticed_, gone);
  }

  Books agreed_{};
  Books rolled_back_{};
  Books noticed_{};
};

class Vetoer final : public Notifier {
 public:
  bool Agree(const CacheEvent& event) override {
    // Relaxed: a die to throw.
    const uint64_t die = Probe::Mix(asked_.fetch_add(1, std::memory_order_relaxed)) % 100;
    if (die >= (event.kind == CacheEventKind::kNewSlab ? 15u : 3u)) return true;
    vetoes_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  uint64_t vetoes() const { return vetoes_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> asked_{0};
  std::atomic<uint64_t> vetoes_{0};
};

}  // namespace mxa::slab::stress

#endif  // MXA_TESTS_SLAB_STRESS_LEDGER_H_
