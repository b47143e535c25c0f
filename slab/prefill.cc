// SPDX-License-Identifier: Apache-2.0
//
// Prefilled sheaves: filled while waiting and failing are allowed, emptied where they are not.
//
// Their objects are out of the cache, as live ones: no drain takes them, and a pass leaves their slabs alone.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "reclaim/context.h"
#include "slab/cache_core.h"
#include "slab/prefilled_sheaf.h"

namespace mxa::slab {

// More than anybody needs at once, and little enough for a sheaf's counters.
constexpr size_t kMostPrefilled = size_t{1} << 24;

Sheaf* CacheCore::Prefill(size_t count, AllocFlags flags) {
  if (count > kMostPrefilled) return nullptr;
  Sheaf* sheaf = nullptr;
  if (count <= sheaf_capacity_ && !hooked()) {
    sheaf = CurrentBarn().TakeFull();
    if (sheaf != nullptr) {
      counters_.Add(Count::kPrefillFast);
      return sheaf;
    }
  }
  if (count <= sheaf_capacity_) {
    sheaf = NewEmptySheaf();
  } else {
    counters_.Add(Count::kPrefillOversize);
    sheaf = Sheaf::New(this, count);
    if (sheaf != nullptr) counters_.Add(Count::kSheafAlloc);
  }
  if (sheaf == nullptr) return nullptr;
  if (Refill(sheaf, count, flags)) return sheaf;
  PutEmptySheaf(sheaf);
  return nullptr;
}

bool CacheCore::Refill(Sheaf*& sheaf, size_t count, AllocFlags flags) {
  const size_t have = sheaf->size();
  if (have >= count) return true;
  if (count > kMostPrefilled) return false;
  counters_.Add(Count::kPrefillSlow);
  Sheaf* target = sheaf;
  if (count > sheaf->capacity) {
    target = Sheaf::New(this, count);
    if (target == nullptr) return false;
    counters_.Add(Count::kSheafAlloc);
    std::copy_n(sheaf->objects(), have, target->objects());
  }
  // To `count`, not to the brim: what is taken here nobody else can have.
  if (!AllocateBulk({target->objects() + have, count - have}, flags)) {
    if (target != sheaf) PutEmptySheaf(target);
    return false;
  }
  target->set_size(count);
  if (target != sheaf) {
    sheaf->set_size(0);
    PutEmptySheaf(std::exchange(sheaf, target));
  }
  return true;
}

void CacheCore::ReturnPrefilled(Sheaf* sheaf) {
  // The barn tests for marks where it must, as for any thread's sheaf.
  if (sheaf->full() && !hooked() && PutFullSheaf(CurrentBarn(), sheaf)) {
    counters_.Add(Count::kReturnFast);
    return;
  }
  counters_.Add(Count::kReturnSlow);
  FreeBulk(sheaf->span());
  sheaf->set_size(0);
  PutEmptySheaf(sheaf);
}

PrefilledSheaf::PrefilledSheaf(CacheCore* cache, Sheaf* sheaf) : cache_(cache), sheaf_(sheaf) {}

PrefilledSheaf::PrefilledSheaf(PrefilledSheaf&& other) noexcept
    : cache_(std::exchange(other.cache_, nullptr)), sheaf_(std::exchange(other.sheaf_, nullptr)) {}

PrefilledSheaf& PrefilledSheaf::operator=(PrefilledSheaf&& other) noexcept {
  std::swap(cache_, other.cache_);
  std::swap(sheaf_, other.sheaf_);
  return *this;
}

PrefilledSheaf::~PrefilledSheaf() { Return(); }

size_t PrefilledSheaf::size() const { return sheaf_ == nullptr ? 0 : sheaf_->size(); }

void* PrefilledSheaf::Allocate() {
  void* object = sheaf_ == nullptr ? nullptr : sheaf_->TryPop();
  MXA_CHECK(object != nullptr, "allocation from an empty prefilled sheaf");
  return object;
}

bool PrefilledSheaf::Refill(size_t count, AllocFlags flags) {
  MXA_CHECK(sheaf_ != nullptr, "refill of a prefilled sheaf that was returned or moved from");
  return cache_->Refill(sheaf_, count, flags);
}

void PrefilledSheaf::Return() {
  if (sheaf_ == nullptr) return;
  cache_->ReturnPrefilled(std::exchange(sheaf_, nullptr));
}

}  // namespace mxa::slab
