// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/read_steps.h"

#include <algorithm>

#include "reclaim/rcu.h"
#include "tools/mxa/clock.h"
#include "tools/mxa/verify.h"

namespace mxa::tool {
namespace {

LedgerRange WindowFrom(const Ledger& ledger, size_t first) {
  const LedgerRange& whole = ledger.range(ledger.array_of(first));
  return {first, std::min(whole.last, first + ScanCheck::kLongest)};
}

}  // namespace

void ReadEntry(const Population& population, size_t entry, ErrorLog& log, uint64_t* ns) {
  const Ledger& ledger = population.ledger();
  const XArray<Element>& array = population.array(ledger.array_of(entry));
  const PointCheck check(ledger, entry, log);
  const uint64_t index = ledger.entry(entry).index();
  const uint64_t begun_ns = ns != nullptr ? NowNs() : 0;
  reclaim::ReadSection section;
  const Element* element = array.Load(index);
  if (ns != nullptr) *ns = NowNs() - begun_ns;
  check.Found(element);
}

void ReadDropped(const Population& population, Place place, ErrorLog& log) {
  reclaim::ReadSection section;
  CheckDropped(place.array, place.index, population.array(place.array).Load(place.index), log);
}

size_t ScanFrom(const Population& population, size_t first, bool marked, ErrorLog& log) {
  const Ledger& ledger = population.ledger();
  ScanCheck check(ledger, WindowFrom(ledger, first), marked, log);
  const uint64_t last = check.last_index();
  reclaim::ReadSection section;
  XArrayCursor<Element> cursor(population.array(ledger.array_of(first)), check.first_index());
  for (;;) {
    check.BeforeStep();
    const Element* element = marked ? cursor.NextMarked(Mark::k0, last) : cursor.Next(last);
    if (element == nullptr) break;
    if (!check.Met(cursor.index(), *element)) return check.met();
  }
  check.AtEnd();
  return check.met();
}

uint64_t Sweep(const Population& population, ErrorLog& log) {
  const Ledger& ledger = population.ledger();
  for (size_t i = 0; i < ledger.size(); ++i) ReadEntry(population, i, log);
  for (const Place& place : population.dropped()) ReadDropped(population, place, log);
  uint64_t present = 0;
  for (size_t i = 0; i < ledger.size(); i = WindowFrom(ledger, i).last) {
    present += ScanFrom(population, i, /*marked=*/false, log);
    ScanFrom(population, i, /*marked=*/true, log);
  }
  return present;
}

}  // namespace mxa::tool
