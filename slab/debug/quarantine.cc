// SPDX-License-Identifier: Apache-2.0
#include "slab/debug/quarantine.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace mxa::slab {

Quarantine::Quarantine(size_t limit, std::function<bool(const void* object)> refuse)
    : limit_(limit), refuse_(std::move(refuse)) {}

Quarantine::~Quarantine() {
  MutexLock lock(&mutex_);
  MXA_CHECK(held_.empty(), "quarantine destroyed with objects in it");
}

void* Quarantine::Push(void* object) {
  MutexLock lock(&mutex_);
  if (limit_ == 0 || (refuse_ && refuse_(object))) return object;
  held_.push_back(object);
  if (held_.size() <= limit_) return nullptr;
  void* oldest = held_.front();
  held_.pop_front();
  return oldest;
}

void Quarantine::TakeAll(std::vector<void*>& out) {
  MutexLock lock(&mutex_);
  out.insert(out.end(), held_.begin(), held_.end());
  held_.clear();
}

void Quarantine::TakeIf(absl::FunctionRef<bool(const void* object)> take, std::vector<void*>& out) {
  MutexLock lock(&mutex_);
  const auto taken =
      std::stable_partition(held_.begin(), held_.end(), [&](const void* object) { return !take(object); });
  out.insert(out.end(), taken, held_.end());
  held_.erase(taken, held_.end());
}

size_t Quarantine::size() const {
  MutexLock lock(&mutex_);
  return held_.size();
}

}  // namespace mxa::slab
