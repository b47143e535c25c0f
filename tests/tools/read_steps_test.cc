// SPDX-License-Identifier: Apache-2.0
//
// Property: on a real population, untouched reads and writes are clean, and each thing tampered with in an array is
// noticed.
#include "tools/mxa/read_steps.h"

#include <string>

#include "gtest/gtest.h"
#include "tools/mxa/writers.h"

namespace mxa::tool {
namespace {

class ReadStepsTest : public testing::Test {
 protected:
  void SetUp() override {
    Workload workload;
    for (const uint64_t size : {1, 64, 700, 5000}) {
      workload.arrays.push_back({.name = "f", .dense = size, .blocks = {}, .last_touch = {}});
    }
    WorkloadArray device;
    for (uint64_t i = 0; i < 6000; ++i) {
      device.blocks.push_back(i * 37 % 6000 * 50);
      device.last_touch.push_back(static_cast<uint32_t>(i));
    }
    workload.arrays.push_back(device);
    Kept kept(5);
    for (uint64_t i = 0; i < 5000; ++i) kept[3].push_back(i);
    kept[0] = {0};
    for (uint64_t block = 0; block < 300'000; block += 500) kept[4].push_back(block);

    absl::StatusOr<std::unique_ptr<Population>> population = Population::Create();
    ASSERT_TRUE(population.ok()) << population.status();
    population_ = *std::move(population);
    Progress progress(false);
    ASSERT_TRUE(population_->Load(workload, progress).ok());
    population_->Drop(workload, kept, 1, progress);
  }
  void TearDown() override { EXPECT_TRUE(population_->CheckInvariants().ok()) << population_->CheckInvariants(); }

  Ledger& ledger() { return population_->ledger(); }
  size_t Find(bool stable, bool marked) {
    for (size_t i = ledger().range(4).first; i < ledger().size(); ++i) {
      if (ledger().IsStableEntry(i) == stable && ledger().IsMarkedEntry(i) == marked) return i;
    }
    return 0;
  }
  // Puts `element` at kept entry `entry`, as a bug would.
  void Plant(size_t entry, Element* element) {
    absl::StatusOr<Element*> old =
        population_->array(ledger().array_of(entry)).Store(ledger().entry(entry).index(), element);
    ASSERT_TRUE(old.ok());
    if (*old != nullptr) population_->Destroy(*old);
  }
  uint64_t ErrorsOf(size_t entry) {
    ErrorLog log;
    ReadEntry(*population_, entry, log);
    return log.count();
  }
  uint64_t ErrorsOfScan(size_t entry, bool marked) {
    ErrorLog log;
    ScanFrom(*population_, entry, marked, log);
    return log.count();
  }

  std::unique_ptr<Population> population_;
};

TEST_F(ReadStepsTest, UntouchedPopulationIsClean) {
  ErrorLog log;
  EXPECT_EQ(Sweep(*population_, log), 1u + 5000u + 600u);
  EXPECT_EQ(log.count(), 0u) << log.first();
  EXPECT_FALSE(population_->dropped().empty());
  EXPECT_TRUE(population_->array(1).empty());
}

TEST_F(ReadStepsTest, WritesStayClean) {
  ErrorLog log;
  Random random(5);
  for (int i = 0; i < 20'000; ++i) ASSERT_TRUE(WriteEntry(*population_, random.Below(ledger().size()), log));
  uint64_t present = 0;
  for (size_t i = 0; i < ledger().size(); ++i) present += IsPresent(ledger().entry(i).Committed()) ? 1 : 0;
  EXPECT_EQ(Sweep(*population_, log), present);
  EXPECT_EQ(log.count(), 0u) << log.first();
}

TEST_F(ReadStepsTest, NoticesAWrongElement) {
  const size_t entry = Find(true, false);
  Plant(entry, population_->NewElement(4, ledger().entry(entry).index() + 1, 0));
  EXPECT_EQ(ErrorsOf(entry), 1u);
  EXPECT_EQ(ErrorsOfScan(entry, false), 1u);
}

TEST_F(ReadStepsTest, NoticesALostStore) {
  const size_t entry = Find(true, false);
  ErrorLog log;
  ASSERT_TRUE(WriteEntry(*population_, entry, log));
  Plant(entry, population_->NewElement(4, ledger().entry(entry).index(), 0));
  EXPECT_EQ(ErrorsOf(entry), 1u);
  ASSERT_TRUE(WriteEntry(*population_, entry, log));
  EXPECT_EQ(log.count(), 1u) << "the writer gets back what it did not leave";
}

TEST_F(ReadStepsTest, NoticesALostEntry) {
  const size_t entry = Find(false, false);
  population_->Destroy(population_->array(4).Erase(ledger().entry(entry).index()));
  EXPECT_EQ(ErrorsOf(entry), 1u);
  EXPECT_EQ(ErrorsOfScan(entry, false), 1u);
}

TEST_F(ReadStepsTest, NoticesADroppedEntryThatIsBack) {
  const Place place = population_->dropped().front();
  ASSERT_TRUE(
      population_->array(place.array).Store(place.index, population_->NewElement(place.array, place.index, 0)).ok());
  ErrorLog log;
  ReadDropped(*population_, place, log);
  EXPECT_EQ(log.count(), 1u);
}

TEST_F(ReadStepsTest, NoticesALostMarkAndAFalseOne) {
  const size_t marked = Find(true, true);
  population_->array(4).ClearMark(ledger().entry(marked).index(), Mark::k0);
  EXPECT_EQ(ErrorsOfScan(marked, true), 1u);
  population_->array(4).SetMark(ledger().entry(marked).index(), Mark::k0);
  EXPECT_EQ(ErrorsOfScan(marked, true), 0u);
  const size_t unmarked = Find(true, false);
  population_->array(4).SetMark(ledger().entry(unmarked).index(), Mark::k0);
  EXPECT_EQ(ErrorsOfScan(unmarked, true), 1u);
}

}  // namespace
}  // namespace mxa::tool
