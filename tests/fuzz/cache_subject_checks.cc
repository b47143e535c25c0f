// SPDX-License-Identifier: Apache-2.0
//
// What must hold of a cache under test between two steps.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "slab/arena.h"
#include "tests/fuzz/cache_subject.h"
#include "tests/fuzz/differs.h"
#include "tests/fuzz/subject_callbacks.h"

namespace mxa::fuzz {

absl::Status CacheSubject::Check() {
  {
    MutexLock lock(&mutex_);
    for (const Held& held : held_) {
      if (absl::Status status = CheckHeld(held); !status.ok()) return status;
    }
  }
  absl::Status status = cache_->CheckInvariants();
  if (!status.ok()) {
    // The reclaimer may have been giving a critical slab back just then.
    cache_->FreeRcuBarrier();
    status = cache_->CheckInvariants();
  }
  if (!status.ok()) return status;
  // The housekeeper may be giving slabs back just now.
  status = CheckFigures();
  for (int tries = 0; !status.ok() && tries < 20; ++tries) {
    absl::SleepFor(absl::Milliseconds(1));
    status = CheckFigures();
  }
  return status;
}

absl::Status CacheSubject::CheckFigures() {
  const slab::CacheStats stats = cache_->Stats();
  const size_t out = held() + (prefilled_.has_value() ? prefilled_->size() : 0);
  absl::Status status = Same("live and guarded", 0, stats.live + stats.guarded, out);
  if (status.ok() && stats.critical_slabs == 0) {
    status = Same("live, cached, retired and free", 0, stats.live + stats.cached + stats.retired + stats.free,
                  stats.slabs * stats.objects_per_slab);
  }
  if (status.ok() && spec_.has_notifier) {
    status = Same("objects told of", 0, static_cast<uint64_t>(notifier_.objects()), out);
    if (status.ok()) {
      status = Same("slabs told of", 0, static_cast<uint64_t>(notifier_.slabs()), stats.slabs);
    }
  }
  if (status.ok()) {
    status = Same("slabs", 0, stats.slabs, stats.slabs_created - stats.slabs_released);
  }
  return status;
}

absl::Status CacheSubject::CheckSettled() {
  const slab::CacheStats stats = cache_->Stats();
  absl::Status status = Same("retired after the barrier", 0, stats.retired, 0);
  if (status.ok() && spec_.has_constructor) {
    status = Same("destructors after a grace period", 0, callbacks_.rcu_destroyed, retired_ + retired_by_mover_);
  }
  // With poison they run at each allocation and free instead; a critical slab may have fewer objects.
  const bool by_slab = spec_.debug.find('P') == std::string::npos || spec_.is_movable;
  if (status.ok() && spec_.has_destructor && by_slab && stats.critical_slabs == 0) {
    status = Same("objects constructed", 0, callbacks_.constructed - callbacks_.destroyed,
                  stats.slabs * stats.objects_per_slab);
  }
  return status;
}

absl::Status CacheSubject::CheckOrder() const {
  MutexLock lock(&mutex_);
  std::vector<Held> sorted;
  for (const Held& held : held_) {
    if (!world_.arena->InGuards(held.at)) sorted.push_back(held);
  }
  std::sort(sorted.begin(), sorted.end(), [](const Held& a, const Held& b) { return a.id < b.id; });
  for (size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i - 1].at >= sorted[i].at) {
      return absl::InternalError(absl::StrCat("object ", sorted[i].id, " lies before the one that comes before it"));
    }
  }
  return absl::OkStatus();
}

}  // namespace mxa::fuzz
