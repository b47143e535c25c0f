// SPDX-License-Identifier: Apache-2.0
//
// Judges what a read found: is it the right element, was it current at some moment of the read, is anything missing or
// too much.
//
// Knows the ledger but no array, so that a test can plant every kind of wrong answer.
// Threads: each check belongs to one thread; the ledger may change underneath.
#ifndef MXA_TOOLS_MXA_VERIFY_H_
#define MXA_TOOLS_MXA_VERIFY_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "tools/mxa/element.h"
#include "tools/mxa/error_log.h"
#include "tools/mxa/ledger.h"

namespace mxa::tool {

// A read of one kept entry; construct it before the read, then tell it what was found.
class PointCheck {
 public:
  PointCheck(const Ledger& ledger, size_t entry, ErrorLog& log)
      : ledger_(ledger), entry_(entry), log_(log), committed_(ledger.entry(entry).Committed()) {}

  // `found` null: absent. REQUIRES: `found` is read inside the section it was loaded in. True when all is well.
  bool Found(const Element* found) const;

 private:
  const Ledger& ledger_;
  const size_t entry_;
  ErrorLog& log_;
  const uint32_t committed_;
};

// A read of a place that has been dropped and is never stored to again. True when all is well.
bool CheckDropped(uint32_t array, uint64_t index, const Element* found, ErrorLog& log);

// A walk over neighbouring entries of one array, of all or of the marked ones only.
//
//   ScanCheck check(ledger, range, /*marked=*/false, log);
//   for (;;) {
//     check.BeforeStep();
//     const Element* element = cursor.Next(check.last_index());
//     if (element == nullptr) return check.AtEnd();
//     if (!check.Met(cursor.index(), *element)) return;
//   }
class ScanCheck {
 public:
  static constexpr size_t kLongest = 256;  // entries a walk: bounds the read section

  // REQUIRES: 0 < range.size() <= kLongest, all of one array.    (CHECKed)
  ScanCheck(const Ledger& ledger, LedgerRange range, bool marked, ErrorLog& log);

  uint64_t first_index() const { return ledger_.entry(range_.first).index(); }
  uint64_t last_index() const { return ledger_.entry(range_.last - 1).index(); }

  // To be called before each step: the entry that comes next has to be current from here on, not from the start of the
  // walk on. A walk that stays in the dead copy of a moved node is caught by this.
  void BeforeStep();

  // False when it is wrong to be here; the walk is to end then.
  bool Met(uint64_t index, const Element& element);

  // The walk came to its end: whatever has to be there and was not met is missing. Nothing after a wrong Met.
  void AtEnd();

  size_t met() const { return met_; }

 private:
  bool IsExpected(size_t entry) const { return !marked_ || ledger_.IsMarkedEntry(entry); }
  bool PassOver(size_t entry);  // `entry` was not met
  bool Wrong(uint64_t index, const char* what);

  const Ledger& ledger_;
  const LedgerRange range_;
  const bool marked_;
  ErrorLog& log_;
  size_t next_;  // the first entry neither met nor passed over
  size_t met_ = 0;
  bool wrong_ = false;
  std::array<uint32_t, kLongest> committed_;  // before the walk, or before the step to it
};

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_VERIFY_H_
