// SPDX-License-Identifier: Apache-2.0
//
// A guarded object passed to FreeRcu stays readable for a grace period; then its destructor runs once, and its page
// goes.
#include <cstring>
#include <vector>

#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "reclaim/retire.h"
#include "slab/guard/guard_pool.h"
#include "tests/slab/guard/guarded_range.h"

namespace mxa::slab {
namespace {

const int kOwner = 0;
constexpr size_t kObjects = 3;
constexpr size_t kSize = 64;

struct Destroyed {
  void* object;
  bool was_intact;
};
std::vector<Destroyed>& AllDestroyed() {
  static std::vector<Destroyed>& all = *new std::vector<Destroyed>;
  return all;
}

// Looks at the object, as a destructor does, and changes it.
void NoteDestruction(void* object) {
  const std::vector<char> expected(kSize, 'o');
  AllDestroyed().push_back({object, std::memcmp(object, expected.data(), kSize) == 0});
  std::memset(object, 'd', kSize);
}

class GuardRcuTest : public testing::Test {
 protected:
  GuardRcuTest() { AllDestroyed().clear(); }
  ~GuardRcuTest() override {
    reclaim::RetireBarrier();
    EXPECT_TRUE(pool().CheckInvariants().ok()) << pool().CheckInvariants();
    EXPECT_EQ(pool().live(), 0u);
    EXPECT_EQ(pool().retired(), 0u);
  }

  GuardPool& pool() { return guarded_.pool; }
  char* Take() {
    char* object = static_cast<char*>(pool().Allocate(kSize, 8, "test", &kOwner));
    if (object != nullptr) std::memset(object, 'o', kSize);
    return object;
  }

  tests::TestGuardPool guarded_{kObjects};
};

TEST_F(GuardRcuTest, TheDestructorRunsOnceOnTheIntactObject) {
  char* first = Take();
  char* second = Take();
  pool().FreeRcu(first, &kOwner, &NoteDestruction);
  pool().FreeRcu(second, &kOwner, &NoteDestruction);
  reclaim::RetireBarrier();
  ASSERT_EQ(AllDestroyed().size(), 2u);
  EXPECT_EQ(AllDestroyed()[0].object, first);
  EXPECT_EQ(AllDestroyed()[1].object, second);
  EXPECT_TRUE(AllDestroyed()[0].was_intact);
  EXPECT_TRUE(AllDestroyed()[1].was_intact);
  reclaim::RetireBarrier();
  EXPECT_EQ(AllDestroyed().size(), 2u);
}

TEST_F(GuardRcuTest, ReadersMayHoldItUntilTheirSectionEnds) {
  char* object = Take();
  {
    reclaim::ReadSection section;
    pool().FreeRcu(object, &kOwner, &NoteDestruction);
    EXPECT_EQ(pool().live(), 0u);
    EXPECT_EQ(pool().retired(), 1u);
    EXPECT_EQ(pool().OwnerOf(object), &kOwner);
    EXPECT_TRUE(pool().LiveObjectsOf(&kOwner).empty()) << "a retired object is no leak";
    EXPECT_EQ(object[0], 'o');
    EXPECT_EQ(object[kSize - 1], 'o');
  }
  reclaim::RetireBarrier();
  EXPECT_EQ(pool().retired(), 0u);
  EXPECT_EQ(pool().OwnerOf(object), nullptr);
}

TEST_F(GuardRcuTest, ItsSlotIsTakenUntilTheGracePeriodIsOver) {
  for (size_t i = 0; i < kObjects; ++i) Take();
  const std::vector<void*> objects = pool().LiveObjectsOf(&kOwner);
  ASSERT_EQ(objects.size(), kObjects);
  {
    reclaim::ReadSection section;
    for (void* object : objects) pool().FreeRcu(object, &kOwner, &NoteDestruction);
    EXPECT_EQ(Take(), nullptr);
  }
  reclaim::RetireBarrier();
  char* again = Take();
  ASSERT_NE(again, nullptr);
  pool().Free(again, &kOwner);
}

TEST_F(GuardRcuTest, AFreeWithoutDestructorCallsNone) {
  char* retired = Take();
  pool().FreeRcu(retired, &kOwner, &NoteDestruction);
  reclaim::RetireBarrier();
  ASSERT_EQ(AllDestroyed().size(), 1u);
  // The same slots again, now freed in the other ways.
  for (size_t i = 0; i < 2 * kObjects; ++i) {
    pool().FreeRcu(Take(), &kOwner, nullptr);
    pool().Free(Take(), &kOwner);
    reclaim::RetireBarrier();
  }
  EXPECT_EQ(AllDestroyed().size(), 1u);
}

}  // namespace
}  // namespace mxa::slab
