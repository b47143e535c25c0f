// SPDX-License-Identifier: Apache-2.0
#include "tools/torture/population.h"

#include <string>

#include "absl/strings/str_format.h"
#include "base/check.h"
#include "tools/mxa/error_log.h"
#include "tools/mxa/verify.h"
#include "tools/torture/read_scope.h"
#include "tools/torture/threads.h"

namespace mxa::torture {

Population::Population(const tool::Kept& indices, xarray::NodeCache& nodes, ElementPool& elements, Errors& errors,
                       tool::Random& random)
    : elements_(elements), errors_(errors), ledger_(indices), busy_(ledger_.size()) {
  for (size_t i = 0; i < indices.size(); ++i) {
    arrays_.emplace_back(nodes);
    names_.emplace_back(&arrays_[i].core().anchor(), absl::StrFormat("population, array %d", i));
  }
  // In no order, so that neighbours in the tree are no neighbours in memory.
  std::vector<size_t> order(ledger_.size());
  for (size_t i = 0; i < order.size(); ++i) {
    const size_t other = random.Below(i + 1);
    order[i] = order[other];
    order[other] = i;
  }
  for (const size_t place : order) {
    const uint32_t id = ledger_.array_of(place);
    const uint64_t index = ledger_.entry(place).index();
    Element* element = elements_.New(id, index, 0);
    MXA_CHECK(element != nullptr && array(id).Store(index, element).ok(), "no memory to begin with");
    if (ledger_.IsMarkedEntry(place)) array(id).SetMark(index, Mark::k0);
  }
}

Population::~Population() {
  for (size_t place = 0; place < places(); ++place) {
    Element* element = array(ledger_.array_of(place)).Erase(ledger_.entry(place).index());
    if (element != nullptr) elements_.Free(element);
  }
}

void Population::Write(size_t place, tool::Random& random) {
  if (!TryLock(place)) return;
  WriteLocked(place, random);
  Unlock(place);
}

void Population::WriteLocked(size_t place, tool::Random& random) {
  tool::LedgerEntry& entry = ledger_.entry(place);
  const uint32_t id = ledger_.array_of(place);
  const uint32_t committed = entry.Committed();
  const uint32_t next = committed + (ledger_.IsStableEntry(place) ? 2 : 1);
  if (!tool::IsPresent(next)) {
    Note("erase", place, next);
    entry.Begin(next);
    Element* old = array(id).Erase(entry.index());
    entry.Commit(next);
    CheckReplaced(place, committed, old);
    if (old != nullptr) elements_.Retire(old, random);
    Count(Figure::kUpdates);
    return;
  }
  Element* element = elements_.New(id, entry.index(), next);
  if (element == nullptr) return Count(Figure::kUpdatesRefused);
  Note("store", place, next);
  entry.Begin(next);
  const absl::StatusOr<Element*> old = array(id).Store(entry.index(), element);
  if (!old.ok()) {
    elements_.Free(element);
    return Count(Figure::kUpdatesRefused);  // begun stays ahead: true reads are still within
  }
  entry.Commit(next);
  CheckReplaced(place, committed, *old);
  if (*old != nullptr) elements_.Retire(*old, random);
  Count(Figure::kUpdates);
}

// `old` was there until a moment ago, and only this writer was at the place.
void Population::CheckReplaced(size_t place, uint32_t committed, const Element* old) {
  if (old == nullptr ? !tool::IsPresent(committed) : old->generation == committed && tool::IsPresent(committed)) return;
  errors_.Report(
      Error::kVersion,
      absl::StrFormat("array %d, index %d: a writer got back %s where version %d was left", ledger_.array_of(place),
                      ledger_.entry(place).index(),
                      old == nullptr ? "nothing" : absl::StrFormat("version %d", old->generation), committed));
}

void Population::Read(size_t place, SeenVersions& seen, tool::Random& random) {
  const uint32_t id = ledger_.array_of(place);
  const uint64_t index = ledger_.entry(place).index();
  tool::ErrorLog log;
  const tool::PointCheck check(ledger_, place, log);
  ReadScope section;
  const Element* element = array(id).Load(index);
  if (!check.Found(element)) {
    errors_.Report(element == nullptr ? Error::kVanished : Error::kVersion, log.first());
  }
  section.Hold(random);
  Note("read", place, element == nullptr ? ~uint64_t{0} : element->generation);
  if (element == nullptr || !elements_.Check(*element, id, index)) return;
  if (!seen.See(place, element->generation)) {
    errors_.Report(Error::kVersion,
                   absl::StrFormat("array %d, index %d: version %d after a newer one", id, index, element->generation));
  }
}

void Population::Audit() {
  for (size_t id = 0; id < arrays(); ++id) {
    const absl::Status status = arrays_[id].CheckInvariants();
    if (!status.ok()) errors_.Report(Error::kAudit, absl::StrFormat("array %d: %s", id, std::string(status.message())));
  }
  for (size_t place = 0; place < places(); ++place) {
    const uint32_t id = ledger_.array_of(place);
    const uint64_t index = ledger_.entry(place).index();
    tool::ErrorLog log;
    const tool::PointCheck check(ledger_, place, log);
    ReadScope section;
    const Element* element = array(id).Load(index);
    if (!check.Found(element)) errors_.Report(Error::kVanished, log.first());
    if (element != nullptr) elements_.Judge(*element, id, index);
    if (array(id).GetMark(index, Mark::k0) != ledger_.IsMarkedEntry(place)) {
      errors_.Report(Error::kMark, absl::StrFormat("array %d, index %d: not as marked as at first", id, index));
    }
  }
}

}  // namespace mxa::torture
