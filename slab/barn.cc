// SPDX-License-Identifier: Apache-2.0
#include "slab/barn.h"

#include "base/check.h"
#include "base/planted_bug.h"
#include "slab/arena.h"

namespace mxa::slab {

Barn::~Barn() {
  MutexLock lock(&mutex_);
  MXA_CHECK(full_ == nullptr, "barn destroyed with objects in it");
  while (empty_ != nullptr) {
    Sheaf* sheaf = empty_;
    empty_ = sheaf->next_in_barn;
    Sheaf::Delete(sheaf);
  }
}

void Barn::SetLimit(size_t sheaves) {
  MutexLock lock(&mutex_);
  limit_ = sheaves;
}

Sheaf* Barn::TakeFull() {
  MutexLock lock(&mutex_);
  Sheaf* sheaf = full_;
  if (sheaf == nullptr) return nullptr;
  full_ = sheaf->next_in_barn;
  --full_count_;
  return sheaf;
}

bool Barn::PutFull(Sheaf* sheaf) {
  MutexLock lock(&mutex_);
  if (full_count_ >= limit_) return false;
  if (filtering_ && !PlantedBugIs(PlantedBug::kBarnOpenDuringDrain)) {
    for (const void* object : sheaf->span()) {
      if (arena_.Contains(object) && arena_.SlabOf(object)->marked()) return false;
    }
  }
  sheaf->next_in_barn = full_;
  full_ = sheaf;
  ++full_count_;
  return true;
}

Sheaf* Barn::TakeEmpty() {
  MutexLock lock(&mutex_);
  Sheaf* sheaf = empty_;
  if (sheaf == nullptr) return nullptr;
  empty_ = sheaf->next_in_barn;
  --empty_count_;
  return sheaf;
}

void Barn::PutEmpty(Sheaf* sheaf) {
  {
    MutexLock lock(&mutex_);
    if (empty_count_ < limit_) {
      sheaf->next_in_barn = empty_;
      empty_ = sheaf;
      ++empty_count_;
      return;
    }
  }
  Sheaf::Delete(sheaf);
}

void Barn::StartFiltering() {
  MutexLock lock(&mutex_);
  filtering_ = true;
}

void Barn::StopFiltering() {
  MutexLock lock(&mutex_);
  filtering_ = false;
}

bool Barn::filtering() const {
  MutexLock lock(&mutex_);
  return filtering_;
}

Sheaf* Barn::TakeAllFull() {
  MutexLock lock(&mutex_);
  Sheaf* all = full_;
  full_ = nullptr;
  full_count_ = 0;
  return all;
}

size_t Barn::cached_objects() const {
  MutexLock lock(&mutex_);
  size_t count = 0;
  for (Sheaf* sheaf = full_; sheaf != nullptr; sheaf = sheaf->next_in_barn) count += sheaf->size();
  return count;
}

}  // namespace mxa::slab
