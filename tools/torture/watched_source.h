// SPDX-License-Identifier: Apache-2.0
//
// A source of the background reclaimer's that looks at who calls it, and when.
//
// Threads: whoever calls sources.
#ifndef MXA_TOOLS_TORTURE_WATCHED_SOURCE_H_
#define MXA_TOOLS_TORTURE_WATCHED_SOURCE_H_

#include <atomic>
#include <string>

#include "absl/time/time.h"
#include "reclaim/reclaim_source.h"
#include "tools/torture/errors.h"

namespace mxa::torture {

// Passes on to another source, and looks at who calls.
class WatchedSource final : public reclaim::ReclaimSource {
 public:
  // Of no slice may be asked that is longer than `slice`.
  WatchedSource(reclaim::ReclaimSource& source, absl::Duration slice, const std::atomic<bool>& may_be_called,
                Errors& errors)
      : source_(source), slice_(slice), may_be_called_(may_be_called), errors_(errors) {}

  const std::string& name() const override { return source_.name(); }
  reclaim::ReclaimCost cost() const override { return source_.cost(); }
  reclaim::ReclaimHeld Held() override {
    const Visit visit(*this);
    return source_.Held();
  }
  reclaim::ReclaimGain Reclaim(const reclaim::ReclaimBudget& budget) override {
    const Visit visit(*this);
    if (budget.slice > slice_ || budget.wanted_bytes == 0) {
      errors_.Report(Error::kCallback, "a source was asked for nothing, or for a longer slice than there are");
    }
    return source_.Reclaim(budget);
  }

 private:
  class Visit {
   public:
    explicit Visit(WatchedSource& watched) : watched_(watched) {
      // Acquire; pairs with the release below, and with that of whoever says that it may be called.
      if (watched.inside_.exchange(true, std::memory_order_acquire)) {
        watched.errors_.Report(Error::kCallback, "two threads are inside one source");
      }
      if (!watched.may_be_called_.load(std::memory_order_acquire)) {
        watched.errors_.Report(Error::kCallback, "a reclaimer that has stopped calls a source");
      }
    }
    ~Visit() { watched_.inside_.store(false, std::memory_order_release); }  // pairs with the acquire above

   private:
    WatchedSource& watched_;
  };

  reclaim::ReclaimSource& source_;
  const absl::Duration slice_;
  const std::atomic<bool>& may_be_called_;
  Errors& errors_;
  std::atomic<bool> inside_{false};
};

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_WATCHED_SOURCE_H_
