// SPDX-License-Identifier: Apache-2.0
//
// What the actors of a stress share: arenas of several nodes and of little memory, populations of several kinds, a
// mailbox between threads.
//
// Threads: any, but for Audit.
#ifndef MXA_TESTS_SLAB_STRESS_WORLD_H_
#define MXA_TESTS_SLAB_STRESS_WORLD_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/fault_injector.h"
#include "base/mutex.h"
#include "slab/arena.h"
#include "slab/notifier.h"
#include "slab/page_pool.h"
#include "tests/slab/stress/ledger.h"
#include "tests/slab/stress/population.h"
#include "tests/support/fake_topology.h"
#include "tests/support/random.h"
#include "tools/torture/gate.h"

namespace mxa::slab::stress {

// Probes on their way from one thread to another.
class Mailbox {
 public:
  struct Letter {
    Population* population;
    Probe* probe;
  };
  static constexpr size_t kMost = 2000;

  // False when it is full.
  bool Put(const Letter& letter) {
    MutexLock lock(&mutex_);
    if (letters_.size() >= kMost) return false;
    letters_.push_back(letter);
    return true;
  }
  std::optional<Letter> Take(uint64_t die) {
    MutexLock lock(&mutex_);
    if (letters_.empty()) return std::nullopt;
    std::swap(letters_[die % letters_.size()], letters_.back());
    const Letter letter = letters_.back();
    letters_.pop_back();
    return letter;
  }

 private:
  Mutex mutex_;
  std::vector<Letter> letters_ ABSL_GUARDED_BY(mutex_);
};

class World {
 public:
  explicit World(size_t actors);
  // Empties everything, and expects the arenas to have all their memory back.
  ~World();

  Population& AnyPopulation(tests::Random& random) { return *populations_[random.Below(populations_.size())]; }
  Population& AnyMovable(tests::Random& random);
  const std::vector<std::unique_ptr<Population>>& populations() const { return populations_; }

  Arena& AnyArena(tests::Random& random) { return random.OneIn(3) ? *tight_ : *wide_; }
  PagePool& pool() { return *pool_; }
  FaultInjector& page_faults() { return page_faults_; }
  FaultInjector& allocation_faults() { return allocation_faults_; }
  NotifierChain& chain() { return chain_; }
  Vetoer& vetoer() { return vetoer_; }
  Population& tight() { return *populations_[3]; }
  Mailbox& mailbox() { return mailbox_; }
  torture::Gate& gate() { return gate_; }
  // Set for a pass to be cancelled.
  std::atomic<bool>& cancel() { return cancel_; }
  // The actors are to come to an end.
  std::atomic<bool>& done() { return done_; }

  // Everything that must hold while all rest. `deep`: gives all that is free back first.
  void Audit(bool deep);

 private:
  // Each says what differs, if anything does.
  std::optional<std::string> LedgersDiffer() const;
  std::optional<std::string> ArenaDiffers(const Arena& arena, bool with_pool) const;
  // What is compared need not agree at once: the library's own threads may be on their way to give slabs back, which are
  // then off their cache, but not yet with the arena, and no handler has been told. A difference that stays is a violation.
  static void AwaitNone(absl::FunctionRef<std::optional<std::string>()> difference);
  void AuditLedgers() const;
  void AuditArena(Arena& arena, bool with_pool) const;

  static constexpr size_t kNodes = 3;
  test::FakeTopology topology_{kNodes};
  FaultInjector page_faults_;
  FaultInjector allocation_faults_;
  NotifierChain chain_;
  Ledger first_ledger_;  // before the vetoer, which comes and goes
  Vetoer vetoer_;
  Ledger last_ledger_;
  std::unique_ptr<Arena> wide_;   // of several nodes, with faults
  std::unique_ptr<Arena> tight_;  // with less memory than its population has slots
  std::unique_ptr<PagePool> pool_;
  std::vector<std::unique_ptr<Population>> populations_;
  Mailbox mailbox_;
  torture::Gate gate_;
  std::atomic<bool> cancel_{false};
  std::atomic<bool> done_{false};
};

}  // namespace mxa::slab::stress

#endif  // MXA_TESTS_SLAB_STRESS_WORLD_H_
