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

Sheaf* Barn::PopFull() {
  Sheaf* sheaf = full_;
  if (sheaf == nullptr) return nullptr;
  full_ = sheaf->next_in_barn;
  --full_count_;
  return sheaf;
}

void Barn::PushFull(Sheaf* sheaf) {
  sheaf->next_in_barn = full_;
  full_ = sheaf;
  ++full_count_;
}

Sheaf* Barn::PopEmpty() {
  Sheaf* sheaf = empty_;
  if (sheaf == nullptr) return nullptr;
  empty_ = sheaf->next_in_barn;
  --empty_count_;
  return sheaf;
}

bool Barn::PushEmpty(Sheaf* sheaf) {
  if (empty_count_ >= limit_) return false;
  sheaf->next_in_barn = empty_;
  empty_ = sheaf;
  ++empty_count_;
  return true;
}

// A pointer that is nobody's is left for the slab store to report.
bool Barn::HoldsRemoteObjects(Sheaf& sheaf) const {
  if (arena_.topology().nodes() == 1) return false;
  for (const void* object : sheaf.span()) {
    if (arena_.Contains(object) && arena_.NodeOf(arena_.SlabOf(object)) != node_) return true;
  }
  return false;
}

bool Barn::AcceptsFull(Sheaf& sheaf) const {
  if (full_count_ >= limit_) return false;
  if (!filtering_ || PlantedBugIs(PlantedBug::kBarnOpenDuringDrain)) return true;
  for (const void* object : sheaf.span()) {
    if (arena_.Contains(object) && arena_.SlabOf(object)->marked()) return false;
  }
  return true;
}

Sheaf* Barn::TakeFull() {
  MutexLock lock(&mutex_);
  return PopFull();
}

bool Barn::PutFull(Sheaf* sheaf) {
  if (HoldsRemoteObjects(*sheaf)) return false;
  MutexLock lock(&mutex_);
  if (!AcceptsFull(*sheaf)) return false;
  PushFull(sheaf);
  return true;
}

Sheaf* Barn::TakeEmpty() {
  MutexLock lock(&mutex_);
  return PopEmpty();
}

bool Barn::PutEmpty(Sheaf* sheaf) {
  MutexLock lock(&mutex_);
  return PushEmpty(sheaf);
}

Sheaf* Barn::ExchangeEmpty(Sheaf* empty, bool& kept) {
  MutexLock lock(&mutex_);
  Sheaf* full = PopFull();
  kept = full != nullptr && PushEmpty(empty);
  return full;
}

Sheaf* Barn::ExchangeFull(Sheaf* full, bool& refused) {
  refused = HoldsRemoteObjects(*full);
  if (refused) return nullptr;
  MutexLock lock(&mutex_);
  refused = !AcceptsFull(*full);
  if (refused) return nullptr;
  Sheaf* empty = PopEmpty();
  if (empty != nullptr) PushFull(full);
  return empty;
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
