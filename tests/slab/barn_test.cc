// SPDX-License-Identifier: Apache-2.0
//
// The barn keeps sheaves up to its limit, and while it filters lets no object of a marked slab in.
#include "slab/barn.h"

#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "slab/arena.h"

namespace mxa::slab {
namespace {

constexpr size_t kCapacity = 4;

class BarnTest : public testing::Test {
 protected:
  BarnTest()
      : marked_(arena_->AllocateRun(1)), unmarked_(arena_->AllocateRun(1)), barn_(std::make_unique<Barn>(*arena_)) {
    marked_->SetMarked(true);
  }
  ~BarnTest() override {
    while (Sheaf* sheaf = barn_->TakeFull()) Sheaf::Delete(sheaf);
    barn_.reset();
    std::vector<Slab*> runs{marked_, unmarked_};
    arena_->FreeRuns(runs);
  }

  Sheaf* Full(Slab* slab) {
    Sheaf* sheaf = Sheaf::New(nullptr, kCapacity);
    while (!sheaf->full()) sheaf->Push(slab->objects + 64 * sheaf->size());
    return sheaf;
  }

  std::unique_ptr<Arena> arena_ =
      Arena::Create({.reserve_bytes = kRegionSize, .min_reserve_bytes = kRegionSize}).value();
  Slab* marked_;
  Slab* unmarked_;
  std::unique_ptr<Barn> barn_;
};

TEST_F(BarnTest, HasNothingAtFirst) {
  EXPECT_EQ(barn_->TakeFull(), nullptr);
  EXPECT_EQ(barn_->TakeEmpty(), nullptr);
  EXPECT_EQ(barn_->TakeAllFull(), nullptr);
  EXPECT_EQ(barn_->cached_objects(), 0u);
}

TEST_F(BarnTest, KeepsFullSheavesUpToItsLimit) {
  barn_->SetLimit(2);
  EXPECT_TRUE(barn_->PutFull(Full(unmarked_)));
  EXPECT_TRUE(barn_->PutFull(Full(unmarked_)));
  EXPECT_EQ(barn_->cached_objects(), 2 * kCapacity);
  Sheaf* third = Full(unmarked_);
  EXPECT_FALSE(barn_->PutFull(third)) << "the caller keeps it";
  Sheaf* taken = barn_->TakeFull();
  ASSERT_NE(taken, nullptr);
  EXPECT_EQ(barn_->cached_objects(), kCapacity);
  EXPECT_TRUE(barn_->PutFull(third)) << "there is room again";
  Sheaf::Delete(taken);
}

TEST_F(BarnTest, KeepsEmptySheavesUpToItsLimit) {
  barn_->SetLimit(2);
  for (int i = 0; i < 5; ++i) {
    Sheaf* sheaf = Sheaf::New(nullptr, kCapacity);
    EXPECT_EQ(barn_->PutEmpty(sheaf), i < 2);
    if (i >= 2) Sheaf::Delete(sheaf);
  }
  for (int i = 0; i < 2; ++i) {
    Sheaf* sheaf = barn_->TakeEmpty();
    ASSERT_NE(sheaf, nullptr);
    EXPECT_TRUE(sheaf->empty());
    Sheaf::Delete(sheaf);
  }
  EXPECT_EQ(barn_->TakeEmpty(), nullptr) << "the others were refused";
  ASSERT_TRUE(barn_->PutEmpty(Sheaf::New(nullptr, kCapacity)));
  Sheaf* sheaf = barn_->TakeEmpty();
  EXPECT_NE(sheaf, nullptr);
  Sheaf::Delete(sheaf);
}

TEST_F(BarnTest, ExchangesAnEmptySheafForAFullOne) {
  bool kept = true;
  Sheaf* empty = Sheaf::New(nullptr, kCapacity);
  EXPECT_EQ(barn_->ExchangeEmpty(empty, kept), nullptr) << "it has none";
  EXPECT_FALSE(kept);
  Sheaf* full = Full(unmarked_);
  ASSERT_TRUE(barn_->PutFull(full));
  EXPECT_EQ(barn_->ExchangeEmpty(empty, kept), full);
  EXPECT_TRUE(kept);
  EXPECT_EQ(barn_->cached_objects(), 0u);
  bool refused = true;
  EXPECT_EQ(barn_->ExchangeFull(full, refused), empty);
  EXPECT_FALSE(refused);
  EXPECT_EQ(barn_->cached_objects(), kCapacity);
  barn_->SetLimit(0);
  EXPECT_EQ(barn_->ExchangeEmpty(empty, kept), full);
  EXPECT_FALSE(kept) << "no room for empty ones";
  Sheaf::Delete(empty);
  Sheaf::Delete(full);
}

TEST_F(BarnTest, AFullSheafThatFindsNoEmptyOneStaysWithTheCaller) {
  Sheaf* full = Full(unmarked_);
  bool refused = true;
  EXPECT_EQ(barn_->ExchangeFull(full, refused), nullptr);
  EXPECT_FALSE(refused) << "there is room for it";
  ASSERT_TRUE(barn_->PutEmpty(Sheaf::New(nullptr, kCapacity)));
  barn_->SetLimit(0);
  EXPECT_EQ(barn_->ExchangeFull(full, refused), nullptr);
  EXPECT_TRUE(refused) << "there is no room";
  barn_->SetLimit(1);
  barn_->StartFiltering();
  Sheaf* marked = Full(marked_);
  EXPECT_EQ(barn_->ExchangeFull(marked, refused), nullptr);
  EXPECT_TRUE(refused) << "it holds objects of a marked slab";
  EXPECT_EQ(barn_->cached_objects(), 0u);
  Sheaf::Delete(full);
  Sheaf::Delete(marked);
}

TEST_F(BarnTest, TakesAllFullSheavesAtOnce) {
  barn_->SetLimit(3);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(barn_->PutFull(Full(unmarked_)));
  size_t count = 0;
  for (Sheaf* sheaf = barn_->TakeAllFull(); sheaf != nullptr;) {
    Sheaf* next = sheaf->next_in_barn;
    EXPECT_TRUE(sheaf->full());
    Sheaf::Delete(sheaf);
    sheaf = next;
    ++count;
  }
  EXPECT_EQ(count, 3u);
  EXPECT_EQ(barn_->TakeFull(), nullptr);
  EXPECT_EQ(barn_->cached_objects(), 0u);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(barn_->PutFull(Full(unmarked_))) << "its count began anew";
}

TEST_F(BarnTest, RefusesObjectsOfMarkedSlabsWhileItFilters) {
  Sheaf* mixed = Full(unmarked_);
  mixed->objects()[kCapacity - 1] = marked_->objects;
  barn_->StartFiltering();
  EXPECT_FALSE(barn_->PutFull(mixed)) << "one object is enough";
  EXPECT_TRUE(barn_->PutFull(Full(unmarked_)));
  barn_->StopFiltering();
  EXPECT_TRUE(barn_->PutFull(mixed));
}

TEST_F(BarnTest, ForEachFullVisitsEach) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(barn_->PutFull(Full(unmarked_)));
  size_t objects = 0;
  barn_->ForEachFull([&](Sheaf& sheaf) { objects += sheaf.size(); });
  EXPECT_EQ(objects, 3 * kCapacity);
}

class BarnDeathTest : public BarnTest {};

TEST_F(BarnDeathTest, IsNotDestroyedWithObjects) {
  EXPECT_DEATH(
      {
        Barn barn(*arena_);
        if (!barn.PutFull(Full(unmarked_))) return;
      },
      "barn destroyed with objects in it");
}

}  // namespace
}  // namespace mxa::slab
