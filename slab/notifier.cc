// SPDX-License-Identifier: Apache-2.0
#include "slab/notifier.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/base/attributes.h"
#include "base/check.h"
#include "base/planted_bug.h"
#include "reclaim/context.h"
#include "reclaim/rcu.h"

namespace mxa::slab {
namespace {

// The handlers that this thread is in, of all chains, from the innermost outwards.
struct Frame {
  const Notifier* handler;
  const Frame* outer;
};
ABSL_CONST_INIT thread_local const Frame* tls_innermost = nullptr;

bool InsideOnThisThread(const Notifier& handler) {
  for (const Frame* frame = tls_innermost; frame != nullptr; frame = frame->outer) {
    if (frame->handler == &handler) return true;
  }
  return false;
}

void CheckMayCallOut() {
  MXA_CHECK(reclaim::tls_context.can_free == 0, "a cache notifies its handlers inside CanFree");
}

}  // namespace

bool Notifier::Agree(const CacheEvent&) { return true; }
void Notifier::RollBack(const CacheEvent&) {}
void Notifier::Notice(const CacheEvent&) {}

// One call of a handler, unless it has been unregistered.
class NotifierChain::Call {
 public:
  Call(NotifierChain& chain, Entry& entry) : chain_(chain), entry_(entry), frame_{&entry.handler, tls_innermost} {
    entered_ = chain_.Enter(entry_);
    if (entered_) tls_innermost = &frame_;
  }
  ~Call() {
    if (!entered_) return;
    tls_innermost = frame_.outer;
    chain_.Leave(entry_);
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  bool entered() const { return entered_; }

 private:
  NotifierChain& chain_;
  Entry& entry_;
  const Frame frame_;
  bool entered_;
};

NotifierChain::~NotifierChain() {
  MutexLock lock(&mutex_);
  const bool running =
      std::any_of(entries_.begin(), entries_.end(), [](const auto& entry) { return entry->running != 0; });
  MXA_CHECK(!running && leaving_.empty(), "notifier chain destroyed while a handler runs");
}

void NotifierChain::Register(Notifier& handler, int priority) {
  auto entry = std::make_shared<Entry>(Entry{.handler = handler, .priority = priority});
  MutexLock lock(&mutex_);
  for (const auto& other : entries_) MXA_CHECK(&other->handler != &handler, "handler registered twice with one chain");
  const auto after = std::find_if(entries_.begin(), entries_.end(),
                                  [priority](const auto& other) { return other->priority < priority; });
  entries_.insert(after, std::move(entry));
  // Relaxed: see empty().
  size_.store(entries_.size(), std::memory_order_relaxed);
}

bool NotifierChain::Unregister(Notifier& handler) {
  std::optional<reclaim::OfflineScope> offline;
  MutexLock lock(&mutex_);
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&handler](const auto& entry) { return &entry->handler == &handler; });
  const bool registered = found != entries_.end();
  if (registered) {
    (*found)->registered = false;
    if ((*found)->running != 0) leaving_.push_back(*found);
    entries_.erase(found);
    // Relaxed: see empty().
    size_.store(entries_.size(), std::memory_order_relaxed);
  }
  // Whoever is inside the handler cannot wait for its end, nor for another thread there, which may be doing the same.
  if (InsideOnThisThread(handler)) return registered;
  while (IsLeavingLocked(handler)) {
    // Grace periods need not wait for this; inside a read section they do anyway.
    if (!offline.has_value() && !reclaim::InReadSection()) offline.emplace();
    left_.Wait(&mutex_);
  }
  return registered;
}

bool NotifierChain::IsLeavingLocked(const Notifier& handler) const {
  return std::any_of(leaving_.begin(), leaving_.end(),
                     [&handler](const auto& entry) { return &entry->handler == &handler; });
}

NotifierChain::Entries NotifierChain::Snapshot() {
  MutexLock lock(&mutex_);
  return Entries(entries_.begin(), entries_.end());
}

bool NotifierChain::Enter(Entry& entry) {
  MutexLock lock(&mutex_);
  if (!entry.registered) return false;
  ++entry.running;
  return true;
}

void NotifierChain::Leave(Entry& entry) {
  MutexLock lock(&mutex_);
  if (--entry.running != 0 || entry.registered) return;
  leaving_.erase(
      std::find_if(leaving_.begin(), leaving_.end(), [&entry](const auto& other) { return other.get() == &entry; }));
  left_.SignalAll();
}

void NotifierChain::TellAll(const CacheEvent& event) {
  MXA_CHECK(event.kind == CacheEventKind::kFree || event.kind == CacheEventKind::kFreeSlab,
            "handlers are asked for their consent to an allocation");
  CheckMayCallOut();
  const reclaim::NoReclaimScope no_reclaim;
  for (const auto& entry : Snapshot()) {
    if (InsideOnThisThread(entry->handler)) continue;
    const Call call(*this, *entry);
    if (call.entered()) entry->handler.Notice(event);
  }
}

void Consent::AskAll() {
  MXA_CHECK(event_.kind == CacheEventKind::kAllocate || event_.kind == CacheEventKind::kNewSlab,
            "a free needs no consent");
  CheckMayCallOut();
  const reclaim::NoReclaimScope no_reclaim;
  for (const auto& entry : chain_->Snapshot()) {
    if (InsideOnThisThread(entry->handler)) continue;
    const NotifierChain::Call call(*chain_, *entry);
    if (!call.entered()) continue;
    if (!entry->handler.Agree(event_)) {
      granted_ = false;
      break;
    }
    agreed_.push_back(entry);
  }
  if (!granted_) RollBackAll();
}

void Consent::RollBackAll() {
  const reclaim::NoReclaimScope no_reclaim;
  if (!agreed_.empty() && PlantedBugIs(PlantedBug::kNotRolledBack)) agreed_.clear();
  if (agreed_.size() > 1 && PlantedBugIs(PlantedBug::kRollBackInOrder)) std::reverse(agreed_.begin(), agreed_.end());
  for (; !agreed_.empty(); agreed_.pop_back()) {
    NotifierChain::Entry& entry = *agreed_.back();
    const NotifierChain::Call call(*chain_, entry);
    if (call.entered()) entry.handler.RollBack(event_);
  }
}

void Consent::Commit() {
  MXA_CHECK(granted_, "commit of what was vetoed or rolled back");
  agreed_.clear();
}

}  // namespace mxa::slab
