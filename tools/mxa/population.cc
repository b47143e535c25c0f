// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/population.h"

#include <algorithm>
#include <new>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "reclaim/rcu.h"

namespace mxa::tool {
namespace {

constexpr uint64_t kProgressStep = 4096;

void WipeElement(void* object) { new (object) Element(); }

// Positions of `touches` in ascending order of their values.
std::vector<uint32_t> LeastRecentFirst(const std::vector<uint32_t>& touches) {
  std::vector<uint32_t> order(touches.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return touches[a] < touches[b]; });
  return order;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Population>> Population::Create() {
  std::unique_ptr<Population> population(new Population());
  for (std::unique_ptr<slab::Arena>* arena : {&population->node_arena_, &population->element_arena_}) {
    absl::StatusOr<std::unique_ptr<slab::Arena>> created = slab::Arena::Create();
    if (!created.ok()) return created.status();
    *arena = std::move(*created);
  }
  absl::StatusOr<std::unique_ptr<xarray::NodeCache>> nodes = xarray::NodeCache::Create(population->node_arena_.get());
  if (!nodes.ok()) return nodes.status();
  population->nodes_ = std::move(*nodes);

  slab::CacheOptions options;
  options.name = "mxa elements";
  options.object_size = sizeof(Element);
  options.alignment = alignof(Element);
  options.constructor = WipeElement;
  options.rcu_destructor = WipeElement;
  options.arena = population->element_arena_.get();
  absl::StatusOr<std::unique_ptr<slab::Cache>> elements = slab::Cache::Create(options);
  if (!elements.ok()) return elements.status();
  population->elements_ = std::move(*elements);
  return population;
}

Population::~Population() {
  if (nodes_ == nullptr || elements_ == nullptr) return;
  for (XArray<Element>& array : arrays_) {
    const std::vector<Element*> elements = ElementsOf(array);
    array.Clear();
    for (Element* element : elements) {
      WipeElement(element);  // nobody reads any more: it is free at once
      elements_->Free(element);
    }
  }
}

Element* Population::NewElement(uint32_t array, uint64_t index, uint32_t generation) {
  void* memory = elements_->Allocate();
  return memory == nullptr ? nullptr : new (memory) Element(MakeElement(array, index, generation));
}

absl::Status Population::Load(const Workload& workload, Progress& progress) {
  uint64_t stored = 0;
  const auto store = [&](uint32_t id, uint64_t index) -> absl::Status {
    Element* element = NewElement(id, index, 0);
    if (element == nullptr) return absl::ResourceExhaustedError("no memory for the elements of this input");
    if (absl::StatusOr<Element*> old = arrays_[id].Store(index, element); !old.ok()) {
      WipeElement(element);
      elements_->Free(element);
      return absl::ResourceExhaustedError(
          absl::StrCat("no memory for the nodes of this input: ", old.status().message()));
    }
    if (++stored % kProgressStep == 0) progress.Advance(kProgressStep);
    return absl::OkStatus();
  };
  for (const WorkloadArray& array : workload.arrays) {
    const auto id = static_cast<uint32_t>(arrays_.size());
    arrays_.emplace_back(*nodes_);
    for (uint64_t index = 0; index < array.dense; ++index) {
      if (absl::Status status = store(id, index); !status.ok()) return status;
    }
    for (const uint64_t index : array.blocks) {
      if (absl::Status status = store(id, index); !status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

std::vector<Element*> Population::ElementsOf(const XArray<Element>& array) const {
  std::vector<Element*> elements;
  reclaim::ReadSection section;
  XArrayCursor<Element> cursor(array, 0);
  while (Element* element = cursor.Next()) elements.push_back(element);
  return elements;
}

// Keeps an even sample of all places seen so far.
void Population::Remember(Place place, uint64_t& seen, Random& random) {
  ++seen;
  if (dropped_.size() < kRemembered) {
    dropped_.push_back(place);
  } else if (const uint64_t slot = random.Below(seen); slot < kRemembered) {
    dropped_[slot] = place;
  }
}

void Population::Drop(const Workload& workload, const Kept& kept, uint64_t seed, Progress& progress) {
  Random random(seed);
  uint64_t seen = 0;
  for (size_t a = 0; a < workload.arrays.size(); ++a) {
    const auto id = static_cast<uint32_t>(a);
    const WorkloadArray& array = workload.arrays[a];
    if (kept[a].empty()) {
      const std::vector<Element*> elements = ElementsOf(arrays_[a]);
      for (const Element* element : elements) Remember({id, element->index}, seen, random);
      arrays_[a].Clear();
      for (Element* element : elements) Destroy(element);
    } else if (kept[a].size() < array.entries()) {
      for (const uint32_t position : LeastRecentFirst(array.last_touch)) {
        const uint64_t index = array.blocks[position];
        if (std::binary_search(kept[a].begin(), kept[a].end(), index)) continue;
        Remember({id, index}, seen, random);
        if (Element* element = arrays_[a].Erase(index); element != nullptr) Destroy(element);
      }
    }
    progress.Advance(array.entries());
  }

  ledger_ = std::make_unique<Ledger>(kept);
  for (size_t i = 0; i < ledger_->size(); ++i) {
    if (ledger_->IsMarkedEntry(i)) arrays_[ledger_->array_of(i)].SetMark(ledger_->entry(i).index(), Mark::k0);
  }
  AwaitRetired();
}

void Population::AwaitRetired() {
  nodes_->slabs().FreeRcuBarrier();
  elements_->FreeRcuBarrier();
}

absl::Status Population::CheckInvariants() {
  for (size_t a = 0; a < arrays_.size(); ++a) {
    if (absl::Status status = arrays_[a].CheckInvariants(); !status.ok()) {
      return absl::InternalError(absl::StrCat("array ", a, ": ", status.message()));
    }
  }
  for (slab::Cache* cache : {&nodes_->slabs(), elements_.get()}) {
    if (absl::Status status = cache->CheckInvariants(); !status.ok()) {
      return absl::InternalError(absl::StrCat("cache of ", cache->name(), ": ", status.message()));
    }
    if (absl::Status status = cache->arena().CheckInvariants(); !status.ok()) {
      return absl::InternalError(absl::StrCat("arena of ", cache->name(), ": ", status.message()));
    }
  }
  return absl::OkStatus();
}

}  // namespace mxa::tool
