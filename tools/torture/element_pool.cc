// SPDX-License-Identifier: Apache-2.0
#include "tools/torture/element_pool.h"

#include <new>

#include "absl/strings/str_format.h"
#include "tools/torture/figures.h"
#include "tools/torture/grace_oracle.h"
#include "tools/torture/threads.h"

#if defined(__SANITIZE_ADDRESS__)
#define MXA_TORTURE_QUARANTINE 512
#else
#define MXA_TORTURE_QUARANTINE 0
#endif

namespace mxa::torture {
namespace {

constexpr uint64_t kSample = 64;  // of so many retired elements one carries a snapshot of the open sections

const char* StateName(ElementState state) {
  switch (state) {
    case ElementState::kFree:
      return "free";
    case ElementState::kLive:
      return "live";
    case ElementState::kRetired:
      return "retired";
  }
  return "overwritten";
}

}  // namespace

ElementPool::ElementPool(slab::Arena& arena, Errors& errors) : errors_(errors) {
  slab::CacheOptions options;
  options.name = "torture elements";
  options.object_size = sizeof(Element);
  options.alignment = alignof(Element);
  options.constructor = &Construct;
  options.rcu_destructor = &FreeRcuCallback;
  options.arena = &arena;
  options.sheaf_capacity = 4;
  options.rcu_free_delay = absl::Milliseconds(5);
  options.idle_delay = absl::Milliseconds(200);
  // A freed element is not reused for a while, so that AddressSanitizer sees who still reads it.
  options.debug.quarantine_objects = MXA_TORTURE_QUARANTINE;
  cache_ = slab::Cache::Create(options).value();
}

ElementPool::~ElementPool() { AwaitRetired(); }

void ElementPool::Construct(void* memory) { new (memory) Element(); }

Element* ElementPool::New(uint32_t array, uint64_t index, uint32_t version) {
  auto* element = static_cast<Element*>(cache_->Allocate());
  if (element == nullptr) return nullptr;
  // Relaxed here and below: whoever publishes the element, or waits for its grace period, orders its fields.
  const ElementState before = element->state.exchange(ElementState::kLive, std::memory_order_relaxed);
  if (before != ElementState::kFree) {
    errors_.Report(Error::kCallback, absl::StrFormat("a new element is %s: freed twice", StateName(before)));
  }
  element->incarnation.fetch_add(1, std::memory_order_relaxed);
  static_cast<tool::Element&>(*element) = tool::MakeElement(array, index, version);
  element->pool = this;
  element->canary = kLiveCanary;
  made_.fetch_add(1, std::memory_order_relaxed);
  return element;
}

void ElementPool::Retire(Element* element, tool::Random& random) {
  const ElementState before = element->state.exchange(ElementState::kRetired, std::memory_order_relaxed);
  if (before != ElementState::kLive) {
    errors_.Report(Error::kCallback, absl::StrFormat("an element that is retired was %s", StateName(before)));
  }
  if (random.OneIn(kSample)) element->sections = new SectionSnapshot(SectionSnapshot::Take());
  retired_.fetch_add(1, std::memory_order_relaxed);
  Count(Figure::kRetired);
  if (random.OneIn(2)) {
    cache_->FreeRcu(element);
  } else {
    reclaim::Retire(element, &RetireCallback);
  }
}

void ElementPool::Free(Element* element) {
  const ElementState before = element->state.exchange(ElementState::kFree, std::memory_order_relaxed);
  if (before != ElementState::kLive) {
    errors_.Report(Error::kCallback, absl::StrFormat("an element that is freed was %s", StateName(before)));
  }
  freed_.fetch_add(1, std::memory_order_relaxed);
  Wipe(*element);
  cache_->Free(element);
}

void ElementPool::Wipe(Element& element) {
  static_cast<tool::Element&>(element) = tool::Element();
  element.canary = kFreeCanary;
}

void ElementPool::CalledBack(Element& element, const char* by) {
  const ElementState before = element.state.exchange(ElementState::kFree, std::memory_order_relaxed);
  if (before != ElementState::kRetired) {
    errors_.Report(Error::kCallback,
                   absl::StrFormat("%s called back for an element that is %s", by, StateName(before)));
  }
  if (element.sections != nullptr) {
    element.sections->CheckPassed(errors_, by);
    Count(Figure::kGracePeriods);
    delete element.sections;
    element.sections = nullptr;
  }
  Wipe(element);
  called_back_.fetch_add(1, std::memory_order_relaxed);
  Count(Figure::kCalledBack);
}

void ElementPool::FreeRcuCallback(void* memory) {
  auto* element = static_cast<Element*>(memory);
  element->pool->CalledBack(*element, "FreeRcu");
}

void ElementPool::RetireCallback(reclaim::RetireHead* head) {
  auto* element = static_cast<Element*>(head);
  ElementPool& pool = *element->pool;
  pool.CalledBack(*element, "Retire");
  pool.cache_->Free(element);
}

bool ElementPool::Check(const Element& element, uint32_t array, uint64_t index) {
  Count(Figure::kReads);
  if (element.state.load(std::memory_order_relaxed) == ElementState::kRetired) Count(Figure::kOutlived);
  return Judge(element, array, index);
}

bool ElementPool::Judge(const Element& element, uint32_t array, uint64_t index) {
  const ElementState state = element.state.load(std::memory_order_relaxed);
  if (element.canary == kLiveCanary && tool::IsWhole(element) && element.array == array && element.index == index &&
      state != ElementState::kFree) {
    return true;
  }
  errors_.Report(
      Error::kElement,
      absl::StrFormat("array %d, index %d: found an element of array %d, index %d, version %d, %s, checksum %x, "
                      "canary %x, made %d times",
                      array, index, element.array, element.index, element.generation, StateName(state),
                      element.checksum, element.canary, element.incarnation.load(std::memory_order_relaxed)));
  return false;
}

void ElementPool::AwaitRetired() {
  reclaim::RetireBarrier();
  cache_->FreeRcuBarrier();
}

void ElementPool::Audit(uint64_t live) {
  if (retired() != called_back()) {
    errors_.Report(Error::kCallback,
                   absl::StrFormat("%d elements were retired and %d called back", retired(), called_back()));
  }
  if (this->live() != live) {
    errors_.Report(Error::kLeak, absl::StrFormat("%d elements are live and %d are in use", this->live(), live));
  }
}

}  // namespace mxa::torture
