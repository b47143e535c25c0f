// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/writers.h"

#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"

namespace mxa::tool {
namespace {

// After so many writes a writer waits for what it retired, so that a slow grace period cannot pile up memory without
// end.
constexpr uint64_t kWritesBetweenWaits = 16384;

// `old` is what was there, until a moment ago. Only this writer writes here, so it has to be what it wrote last.
void CheckReplaced(uint32_t array, uint64_t index, uint32_t committed, const Element* old, ErrorLog& log) {
  if (old == nullptr) {
    if (IsPresent(committed))
      log.Report(absl::StrFormat("array %d, index %d: lost generation %d", array, index, committed));
    return;
  }
  const bool right = old->array == array && old->index == index && old->generation == committed && IsWhole(*old);
  if (right && IsPresent(committed)) return;
  log.Report(
      absl::StrFormat("array %d, index %d: a writer got back array %d, index %d, generation %d where it had left %d",
                      array, index, old->array, old->index, old->generation, committed));
}

}  // namespace

bool WriteEntry(Population& population, size_t entry, ErrorLog& log) {
  Ledger& ledger = population.ledger();
  LedgerEntry& place = ledger.entry(entry);
  const uint32_t id = ledger.array_of(entry);
  XArray<Element>& array = population.array(id);
  const uint32_t committed = place.Committed();
  const uint32_t next = committed + (ledger.IsStableEntry(entry) ? 2 : 1);

  if (!IsPresent(next)) {
    place.Begin(next);
    Element* old = array.Erase(place.index());
    place.Commit(next);
    CheckReplaced(id, place.index(), committed, old, log);
    if (old != nullptr) population.Destroy(old);
    return true;
  }
  Element* element = population.NewElement(id, place.index(), next);
  if (element == nullptr) return false;
  place.Begin(next);
  absl::StatusOr<Element*> old = array.Store(place.index(), element);
  if (!old.ok()) {
    population.Destroy(element);
    return false;  // begun stays ahead: true reads are still within
  }
  place.Commit(next);
  CheckReplaced(id, place.index(), committed, *old, log);
  if (*old != nullptr) population.Destroy(*old);
  return true;
}

void Writers::Start(uint64_t count, uint64_t seed) {
  for (uint64_t i = 0; i < count; ++i) {
    threads_.emplace_back([this, i, count, writer_seed = Mix64(seed ^ (i + 1))] { Run(i, count, writer_seed); });
  }
}

void Writers::Stop() {
  stop_.store(true, std::memory_order_relaxed);  // joining orders the rest
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Writers::Run(uint64_t number, uint64_t count, uint64_t seed) {
  const uint64_t entries = population_.ledger().size();
  if (number >= entries) return;                                // more writers than entries
  const uint64_t own = (entries - number + count - 1) / count;  // number, number + count, ...
  Random random(seed);
  uint64_t turn = 0;
  while (!stop_.load(std::memory_order_relaxed)) {
    const bool written = WriteEntry(population_, number + random.Below(own) * count, log_);
    (written ? writes_ : refused_).fetch_add(1, std::memory_order_relaxed);
    if (!written || ++turn % kWritesBetweenWaits == 0) population_.AwaitRetired();
  }
}

}  // namespace mxa::tool
