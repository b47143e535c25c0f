// SPDX-License-Identifier: Apache-2.0
//
// A chain of handlers that hear of what caches hand out and take back, and that may forbid the former.
//
// Order: handlers are asked by falling priority, those of one priority as they were registered. A rollback goes the
// other way, the last call first, as each handler may build upon what those before it have done.
//
// Invariants:
//   N1  no lock is held while a handler runs, and reclaim is forbidden on its thread (reclaim/context.h).
//   N2  each handler that agreed is told to roll back exactly once or, after Commit, never; whoever has vetoed, was not
//       asked, or has been unregistered since is not told.
//   N3  a handler runs only between its Register and the return of its Unregister.
//   N4  no thread is in one handler twice: what a handler's own calls set off goes to the others only. So a handler may
//       use any cache, its own too, and a chain of n handlers nests n deep at most.
// Threads: every function from any thread at once, from inside handlers too; one leaf lock.
// Why not hold a lock over the walk: handlers may block, and may register and unregister. Why not RCU: a handler that
// blocks would hold up every grace period.
#ifndef MXA_SLAB_NOTIFIER_H_
#define MXA_SLAB_NOTIFIER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"

namespace mxa::slab {

enum class CacheEventKind : uint8_t {
  kAllocate,  // an object is about to be handed out
  kFree,      // an object is about to be taken back
  kNewSlab,   // a slab is about to be added
  kFreeSlab,  // a slab is about to be given back to its arena
};

struct CacheEvent {
  CacheEventKind kind = CacheEventKind::kAllocate;
  absl::string_view cache;        // its name; good as long as the cache
  const void* address = nullptr;  // the object, or the first one's of the slab; null: the memory is not there yet
  size_t size = 0;                // bytes of the object or the slab
};

// A handler.
//
//   class SlabLimit final : public Notifier {  // the caches of its chain have at most 100 slabs together
//     bool Agree(const CacheEvent& event) override {
//       if (event.kind != CacheEventKind::kNewSlab || ++slabs_ <= 100) return true;
//       --slabs_;
//       return false;
//     }
//     void RollBack(const CacheEvent& event) override { slabs_ -= event.kind == CacheEventKind::kNewSlab ? 1 : 0; }
//     void Notice(const CacheEvent& event) override { slabs_ -= event.kind == CacheEventKind::kFreeSlab ? 1 : 0; }
//     std::atomic<int> slabs_{0};
//   };
//
// What each kind calls: kAllocate and kNewSlab Agree, then perhaps RollBack; kFree and kFreeSlab Notice.
//
// Context, of all three: on the thread that uses the cache, outside all locks of the caches and of the chain. May block
// and may use caches, but that thread may hold an array lock and be inside a read section: a handler waits neither for
// an array nor for a grace period. May be called on several threads at once.
class Notifier {
 public:
  virtual ~Notifier() = default;

  // False vetoes: the allocation fails as if there were no memory, and no handler after this one is asked. A handler
  // that vetoes undoes by itself what it has done for the event.
  virtual bool Agree(const CacheEvent& event);

  // What this handler agreed to does not happen after all, as a later handler vetoed it or there was no memory. `event`
  // is as it was when it agreed.
  virtual void RollBack(const CacheEvent& event);

  // Cannot be vetoed. The memory at `event.address` is still whole, and nobody else's before this returns.
  virtual void Notice(const CacheEvent& event);
};

class NotifierChain {
 public:
  NotifierChain() = default;
  // Handlers may still be registered. REQUIRES: none is running, no Consent is open.    (the former CHECKed)
  ~NotifierChain();
  NotifierChain(const NotifierChain&) = delete;
  NotifierChain& operator=(const NotifierChain&) = delete;

  // Adds a handler, which hears of the events that begin from now on; those under way on other threads pass it by.
  // REQUIRES: `handler` is not registered with this chain.    (CHECKed)
  // Context: any; takes the chain's lock.
  void Register(Notifier& handler, int priority = 0);

  // Takes a handler off, and waits until no thread is inside it; then it may be destroyed. It hears of nothing more,
  // not even that what it agreed to is rolled back. Returns whether this call took it off: false when it was not
  // registered, or another thread came first; the wait is the same.
  //
  // From inside the handler itself, or what it has called, this returns at once: the calls under way come to their end,
  // and no other begins. A further Unregister from outside waits for that.
  // Context: waits for the calls of this handler, of no other; the caller holds no lock that the handler takes. Two
  // handlers that unregister each other at the same time wait for ever.
  // Ordering: what the handler did happens before the return.
  bool Unregister(Notifier& handler);

  // Calls Notice of every handler. For kFree and kFreeSlab, before the memory goes.
  // Context: as Notifier.
  void Tell(const CacheEvent& event) {
    if (!empty()) TellAll(event);
  }

  // Whether nobody listens.
  bool empty() const {
    // Relaxed: a handler hears of the events that are ordered after its registration, and there so is this read. The
    // handlers themselves are read under the lock.
    return size_.load(std::memory_order_relaxed) == 0;
  }

 private:
  friend class Consent;

  // One registration of a handler. All but `handler` and `priority` under the chain's lock.
  struct Entry {
    Notifier& handler;
    const int priority;
    bool registered = true;
    size_t running = 0;  // calls under way
  };
  // A walk takes its own copy, so that the chain may change under it; of short chains without allocating.
  using Entries = absl::InlinedVector<std::shared_ptr<Entry>, 4>;
  class Call;

  Entries Snapshot();
  bool Enter(Entry& entry);
  void Leave(Entry& entry);
  void TellAll(const CacheEvent& event);
  bool IsLeavingLocked(const Notifier& handler) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  CondVar left_;
  std::vector<std::shared_ptr<Entry>> entries_ ABSL_GUARDED_BY(mutex_);  // registered, in the order of their calls
  std::vector<std::shared_ptr<Entry>> leaving_ ABSL_GUARDED_BY(mutex_);  // not registered any more, but running
  std::atomic<size_t> size_{0};                                          // of entries_; changed under the lock
};

// The consent of a chain to one event: asked for by the constructor, rolled back by the destructor unless committed.
//
//   Consent consent(options.notifiers, {CacheEventKind::kNewSlab, options.name, nullptr, bytes});
//   if (!consent.granted()) return nullptr;  // vetoed, and rolled back already
//   Slab* slab = arena.AllocateRun(units);
//   if (slab == nullptr) return nullptr;     // rolled back as `consent` ends
//   consent.Commit();
//
// Threads: one thread's. Remembers who agreed, whatever is registered and unregistered meanwhile. The chain and the
// cache's name outlive it.
class [[nodiscard]] Consent {
 public:
  // `chain`: null for a cache without one. REQUIRES: a kAllocate or kNewSlab event; not inside CanFree.    (CHECKed)
  // Context: as Notifier; nothing is locked when nobody listens.
  Consent(NotifierChain* chain, const CacheEvent& event) : chain_(chain), event_(event) {
    if (chain != nullptr && !chain->empty()) AskAll();
  }
  ~Consent() { RollBack(); }
  Consent(const Consent&) = delete;
  Consent& operator=(const Consent&) = delete;

  // False: a handler has vetoed and those before it have been rolled back, or RollBack was called.
  bool granted() const { return granted_; }

  // It has happened. REQUIRES: granted.    (CHECKed)
  void Commit();

  // It does not happen: those who agreed roll back, the last one first. Nothing after Commit or a veto.
  void RollBack() {
    granted_ = false;
    if (!agreed_.empty()) RollBackAll();
  }

 private:
  void AskAll();
  void RollBackAll();

  NotifierChain* const chain_;
  const CacheEvent event_;
  bool granted_ = true;
  NotifierChain::Entries agreed_;  // in the order of their calls
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_NOTIFIER_H_
