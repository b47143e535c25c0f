// SPDX-License-Identifier: Apache-2.0
//
// Property: a right answer passes, and each kind of wrong one is reported. No threads: what is seen is planted.
#include "tools/mxa/verify.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace mxa::tool {
namespace {

constexpr uint32_t kArray = 1;
constexpr uint64_t kEntries = 200;

// Array 1 holds the even indices below 400; array 0 one entry, so that numbers and indices differ.
class VerifyTest : public testing::Test {
 protected:
  VerifyTest() : ledger_(Make()) {}

  static Kept Make() {
    Kept kept = {{5}, {}};
    for (uint64_t i = 0; i < kEntries; ++i) kept[1].push_back(2 * i);
    return kept;
  }

  size_t Find(bool stable, bool marked = false) const {
    for (size_t i = ledger_.range(kArray).first; i < ledger_.size(); ++i) {
      if (ledger_.IsStableEntry(i) == stable && ledger_.IsMarkedEntry(i) == marked) return i;
    }
    ADD_FAILURE() << "no such entry";
    return 0;
  }
  Element Right(size_t entry) const {
    return MakeElement(ledger_.array_of(entry), ledger_.entry(entry).index(), ledger_.entry(entry).Committed());
  }
  bool Point(size_t entry, const Element* found) { return PointCheck(ledger_, entry, log_).Found(found); }
  void ExpectReported(absl::string_view part) {
    EXPECT_EQ(log_.count(), 1u);
    EXPECT_NE(log_.first().find(std::string(part)), std::string::npos) << log_.first();
  }

  // A walk over all of array 1 that meets the entries `numbers`, each as it should be.
  void Walk(const std::vector<size_t>& numbers, bool marked) {
    ScanCheck check(ledger_, ledger_.range(kArray), marked, log_);
    for (const size_t entry : numbers) {
      if (!check.Met(ledger_.entry(entry).index(), Right(entry))) return;
    }
    check.AtEnd();
  }
  std::vector<size_t> Expected(bool marked) const {
    std::vector<size_t> numbers;
    for (size_t i = ledger_.range(kArray).first; i < ledger_.range(kArray).last; ++i) {
      if (!marked || ledger_.IsMarkedEntry(i)) numbers.push_back(i);
    }
    return numbers;
  }

  Ledger ledger_;
  ErrorLog log_;
};

TEST_F(VerifyTest, LedgerHasEveryKindOfEntry) {
  EXPECT_TRUE(ledger_.IsStableEntry(Find(true)));
  EXPECT_FALSE(ledger_.IsStableEntry(Find(false)));
  EXPECT_TRUE(ledger_.IsMarkedEntry(Find(true, true)));
}

TEST_F(VerifyTest, PassesTheRightElement) {
  for (size_t i = 0; i < ledger_.size(); ++i) {
    const Element element = Right(i);
    EXPECT_TRUE(Point(i, &element));
  }
  EXPECT_EQ(log_.count(), 0u);
}

TEST_F(VerifyTest, ReportsAnotherIndex) {
  const Element element = MakeElement(kArray, 1, 0);
  EXPECT_FALSE(Point(Find(true), &element));
  ExpectReported("another index");
}

TEST_F(VerifyTest, ReportsAnotherArray) {
  const size_t entry = Find(true);
  const Element element = MakeElement(0, ledger_.entry(entry).index(), 0);
  EXPECT_FALSE(Point(entry, &element));
  ExpectReported("another array");
}

TEST_F(VerifyTest, ReportsATornElement) {
  const size_t entry = Find(true);
  Element element = Right(entry);
  element.generation = 2;
  EXPECT_FALSE(Point(entry, &element));
  ExpectReported("torn");
}

TEST_F(VerifyTest, ReportsAFreedElement) {
  const Element wiped;
  EXPECT_FALSE(Point(Find(true), &wiped));
  ExpectReported("freed");
}

TEST_F(VerifyTest, ReportsAStaleElement) {
  const size_t entry = Find(true);
  const Element old = Right(entry);
  ledger_.entry(entry).Begin(2);
  ledger_.entry(entry).Commit(2);
  EXPECT_FALSE(Point(entry, &old));
  ExpectReported("stale");
}

TEST_F(VerifyTest, ReportsAnElementThatWasNotWrittenYet) {
  const size_t entry = Find(true);
  const Element next = MakeElement(kArray, ledger_.entry(entry).index(), 2);
  EXPECT_FALSE(Point(entry, &next));
  ExpectReported("future");
}

TEST_F(VerifyTest, PassesOldAndNewDuringAWrite) {
  const size_t entry = Find(true);
  const Element old = Right(entry);
  const Element next = MakeElement(kArray, ledger_.entry(entry).index(), 2);
  ledger_.entry(entry).Begin(2);
  EXPECT_TRUE(Point(entry, &old));
  EXPECT_TRUE(Point(entry, &next));
}

TEST_F(VerifyTest, PassesAnElementThatChangedDuringTheRead) {
  const size_t entry = Find(true);
  const Element old = Right(entry);
  const PointCheck check(ledger_, entry, log_);
  ledger_.entry(entry).Begin(2);
  ledger_.entry(entry).Commit(2);
  EXPECT_TRUE(check.Found(&old));
}

TEST_F(VerifyTest, ReportsAMissingStableEntryWhateverIsWritten) {
  const size_t entry = Find(true);
  ledger_.entry(entry).Begin(2);
  EXPECT_FALSE(Point(entry, nullptr));
  ExpectReported("missed by a point read");
}

TEST_F(VerifyTest, ReportsAMissingEntryThatIsNotErased) {
  EXPECT_FALSE(Point(Find(false), nullptr));
  ExpectReported("missed by a point read");
}

TEST_F(VerifyTest, PassesAbsenceWhileErasedOrBeingErased) {
  const size_t entry = Find(false);
  ledger_.entry(entry).Begin(1);
  EXPECT_TRUE(Point(entry, nullptr));
  ledger_.entry(entry).Commit(1);
  EXPECT_TRUE(Point(entry, nullptr));
  ledger_.entry(entry).Begin(2);
  EXPECT_TRUE(Point(entry, nullptr));
  ledger_.entry(entry).Commit(2);
  EXPECT_FALSE(Point(entry, nullptr));
}

TEST_F(VerifyTest, ReportsAnEntryWhereAllWasDropped) {
  const Element element = MakeElement(kArray, 3, 0);
  EXPECT_TRUE(CheckDropped(kArray, 3, nullptr, log_));
  EXPECT_FALSE(CheckDropped(kArray, 3, &element, log_));
  ExpectReported("had been dropped");
}

TEST_F(VerifyTest, PassesCompleteWalks) {
  Walk(Expected(false), false);
  Walk(Expected(true), true);
  EXPECT_EQ(log_.count(), 0u);
}

TEST_F(VerifyTest, WalkReportsAMissingEntry) {
  std::vector<size_t> numbers = Expected(false);
  numbers.erase(numbers.begin() + 20);
  Walk(numbers, false);
  ExpectReported("missed by a scan");
}

TEST_F(VerifyTest, WalkReportsThatItEndedEarly) {
  std::vector<size_t> numbers = Expected(false);
  numbers.resize(100);
  Walk(numbers, false);
  ExpectReported("missed by a scan");
}

TEST_F(VerifyTest, WalkPassesAnErasedEntry) {
  const size_t erased = Find(false);
  ledger_.entry(erased).Begin(1);
  std::vector<size_t> numbers = Expected(false);
  std::erase(numbers, erased);
  Walk(numbers, false);
  EXPECT_EQ(log_.count(), 0u);
}

TEST_F(VerifyTest, WalkReportsAnEntryMetTwice) {
  std::vector<size_t> numbers = Expected(false);
  numbers.insert(numbers.begin() + 20, numbers[19]);
  Walk(numbers, false);
  ExpectReported("met before");
}

TEST_F(VerifyTest, WalkReportsAWrongOrder) {
  std::vector<size_t> numbers = Expected(true);
  ASSERT_GE(numbers.size(), 3u);
  std::swap(numbers[0], numbers[1]);
  Walk(numbers, true);
  EXPECT_EQ(log_.count(), 1u);
}

TEST_F(VerifyTest, WalkReportsADroppedEntry) {
  ScanCheck check(ledger_, ledger_.range(kArray), false, log_);
  EXPECT_TRUE(check.Met(0, Right(ledger_.range(kArray).first)));
  EXPECT_FALSE(check.Met(1, MakeElement(kArray, 1, 0)));
  check.AtEnd();
  ExpectReported("nothing was kept there");
}

TEST_F(VerifyTest, WalkReportsAWrongElement) {
  ScanCheck check(ledger_, ledger_.range(kArray), false, log_);
  EXPECT_FALSE(check.Met(0, MakeElement(kArray, 2, 0)));
  ExpectReported("another index");
}

TEST_F(VerifyTest, WalkPassesWhatChangesBeforeItsStep) {
  ScanCheck check(ledger_, ledger_.range(kArray), false, log_);
  const size_t first = ledger_.range(kArray).first;
  const Element old = Right(first);
  check.BeforeStep();
  ledger_.entry(first).Begin(2);
  ledger_.entry(first).Commit(2);
  EXPECT_TRUE(check.Met(ledger_.entry(first).index(), old));
}

TEST_F(VerifyTest, WalkReportsWhatWasReplacedBeforeTheStepToIt) {
  ScanCheck check(ledger_, ledger_.range(kArray), false, log_);
  const size_t first = ledger_.range(kArray).first;
  const Element old = Right(first);
  ledger_.entry(first).Begin(2);
  ledger_.entry(first).Commit(2);
  check.BeforeStep();
  EXPECT_FALSE(check.Met(ledger_.entry(first).index(), old));
  ExpectReported("stale");
}

TEST_F(VerifyTest, MarkedWalkReportsWhatWasReplacedBeforeTheStepToIt) {
  ScanCheck check(ledger_, ledger_.range(kArray), true, log_);
  const size_t marked = Expected(true).front();
  const Element old = Right(marked);
  ledger_.entry(marked).Begin(2);
  ledger_.entry(marked).Commit(2);
  check.BeforeStep();
  EXPECT_FALSE(check.Met(ledger_.entry(marked).index(), old));
  ExpectReported("stale");
}

TEST_F(VerifyTest, MarkedWalkReportsAMissingMark) {
  std::vector<size_t> numbers = Expected(true);
  numbers.pop_back();
  Walk(numbers, true);
  ExpectReported("missed by a marked scan");
}

TEST_F(VerifyTest, MarkedWalkReportsAnUnmarkedEntry) {
  std::vector<size_t> numbers = Expected(true);
  const size_t unmarked = Find(true, false);
  numbers.insert(std::lower_bound(numbers.begin(), numbers.end(), unmarked), unmarked);
  Walk(numbers, true);
  ExpectReported("it is not marked");
}

}  // namespace
}  // namespace mxa::tool
