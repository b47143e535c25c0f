// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/verify.h"

#include <string>

#include "absl/strings/str_format.h"
#include "base/check.h"

namespace mxa::tool {
namespace {

std::string Where(uint32_t array, uint64_t index) { return absl::StrFormat("array %d, index %d", array, index); }

// Null when `found` is an element for this place of a generation in [committed, begun]; else what is wrong with it.
const char* ElementFault(uint32_t array, uint64_t index, uint32_t committed, uint32_t begun, const Element& found) {
  if (!IsWhole(found)) return "torn or freed element";
  if (found.array != array) return "element of another array";
  if (found.index != index) return "element of another index";
  if (found.generation < committed) return "stale element";
  if (found.generation > begun) return "element from the future";
  if (!IsPresent(found.generation)) return "element of a generation in which there is none";
  return nullptr;
}

// True when the entry was absent in some generation in [committed, begun].
bool MayBeAbsent(bool stable, uint32_t committed, uint32_t begun) {
  if (stable) return false;
  return !IsPresent(committed) || committed < begun;
}

bool ReportElement(uint32_t array, uint64_t index, uint32_t committed, uint32_t begun, const Element& found,
                   const char* fault, ErrorLog& log) {
  log.Report(absl::StrFormat(
      "%s: %s: expected generation %d to %d of it, found array %d, index %d, generation %d, checksum %x",
      Where(array, index), fault, committed, begun, found.array, found.index, found.generation, found.checksum));
  return false;
}

bool ReportMissing(uint32_t array, uint64_t index, uint32_t committed, uint32_t begun, const char* by, ErrorLog& log) {
  log.Report(absl::StrFormat("%s: missed by %s: it is there from generation %d to %d", Where(array, index), by,
                             committed, begun));
  return false;
}

}  // namespace

bool PointCheck::Found(const Element* found) const {
  const LedgerEntry& entry = ledger_.entry(entry_);
  const uint32_t begun = entry.Begun();
  const uint32_t array = ledger_.array_of(entry_);
  if (found == nullptr) {
    if (MayBeAbsent(ledger_.IsStableEntry(entry_), committed_, begun)) return true;
    return ReportMissing(array, entry.index(), committed_, begun, "a point read", log_);
  }
  const char* fault = ElementFault(array, entry.index(), committed_, begun, *found);
  return fault == nullptr || ReportElement(array, entry.index(), committed_, begun, *found, fault, log_);
}

bool CheckDropped(uint32_t array, uint64_t index, const Element* found, ErrorLog& log) {
  if (found == nullptr) return true;
  log.Report(
      absl::StrFormat("%s: an entry where all had been dropped: found array %d, index %d, generation %d, checksum %x",
                      Where(array, index), found->array, found->index, found->generation, found->checksum));
  return false;
}

ScanCheck::ScanCheck(const Ledger& ledger, LedgerRange range, bool marked, ErrorLog& log)
    : ledger_(ledger), range_(range), marked_(marked), log_(log), next_(range.first) {
  MXA_CHECK(range.size() > 0 && range.size() <= kLongest, "a walk of 1 to 256 entries");
  MXA_CHECK(ledger.array_of(range.first) == ledger.array_of(range.last - 1), "a walk stays in one array");
  for (size_t i = range.first; i < range.last; ++i) committed_[i - range.first] = ledger.entry(i).Committed();
}

void ScanCheck::BeforeStep() {
  size_t entry = next_;
  while (entry < range_.last && !IsExpected(entry)) ++entry;
  if (entry < range_.last) committed_[entry - range_.first] = ledger_.entry(entry).Committed();
}

bool ScanCheck::Wrong(uint64_t index, const char* what) {
  wrong_ = true;
  log_.Report(absl::StrFormat("%s: met by a %s, but %s", Where(ledger_.array_of(range_.first), index),
                              marked_ ? "marked scan" : "scan", what));
  return false;
}

bool ScanCheck::PassOver(size_t entry) {
  if (!IsExpected(entry)) return true;
  const uint32_t committed = committed_[entry - range_.first];
  const uint32_t begun = ledger_.entry(entry).Begun();
  if (MayBeAbsent(ledger_.IsStableEntry(entry), committed, begun)) return true;
  wrong_ = true;
  return ReportMissing(ledger_.array_of(entry), ledger_.entry(entry).index(), committed, begun,
                       marked_ ? "a marked scan" : "a scan", log_);
}

bool ScanCheck::Met(uint64_t index, const Element& element) {
  while (next_ < range_.last && ledger_.entry(next_).index() < index) {
    if (!PassOver(next_++)) return false;
  }
  if (next_ == range_.last || ledger_.entry(next_).index() != index) {
    const bool again = next_ > range_.first && index <= ledger_.entry(next_ - 1).index();
    return Wrong(index, again ? "it or one behind it was met before" : "nothing was kept there");
  }
  const size_t entry = next_++;
  if (!IsExpected(entry)) return Wrong(index, "it is not marked");
  const uint32_t committed = committed_[entry - range_.first];
  const uint32_t begun = ledger_.entry(entry).Begun();
  const uint32_t array = ledger_.array_of(entry);
  const char* fault = ElementFault(array, index, committed, begun, element);
  if (fault != nullptr) {
    wrong_ = true;
    return ReportElement(array, index, committed, begun, element, fault, log_);
  }
  ++met_;
  return true;
}

void ScanCheck::AtEnd() {
  while (!wrong_ && next_ < range_.last) PassOver(next_++);
}

}  // namespace mxa::tool
