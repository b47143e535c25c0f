// SPDX-License-Identifier: Apache-2.0
//
// A guard pool hands out aligned, cleared objects against their guard pages, uses slots again in the order they came
// back, gives pages back, and keeps count.
#include "slab/guard/guard_pool.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/slab/guard/guarded_range.h"
#include "tests/support/thread_group.h"

namespace mxa::slab {
namespace {

const int kOwner = 0;
const int kOtherOwner = 0;

size_t PageBytes() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

bool IsZero(const void* object, size_t size) {
  const std::vector<char> zeroes(size);
  return std::memcmp(object, zeroes.data(), size) == 0;
}

class GuardPoolTest : public testing::Test {
 protected:
  static constexpr size_t kObjects = 4;

  ~GuardPoolTest() override { EXPECT_TRUE(pool().CheckInvariants().ok()) << pool().CheckInvariants(); }

  GuardPool& pool() { return guarded_.pool; }
  void* Take(size_t size = 64, size_t alignment = 8) { return pool().Allocate(size, alignment, "test", &kOwner); }
  void Free(void* object) { pool().Free(object, &kOwner); }
  size_t ResidentPages() {
    std::vector<unsigned char> in_core(guarded_.range.bytes() / PageBytes());
    EXPECT_EQ(mincore(guarded_.range.start(), guarded_.range.bytes(), in_core.data()), 0);
    size_t pages = 0;
    for (const unsigned char page : in_core) pages += page & 1;
    return pages;
  }

  tests::TestGuardPool guarded_{kObjects};
};

TEST_F(GuardPoolTest, HasRoomForAsManyObjectsAsWereAskedFor) {
  EXPECT_EQ(pool().capacity(), kObjects);
  EXPECT_EQ(GuardPool::BytesFor(255), 511 * PageBytes());
}

TEST_F(GuardPoolTest, AnOddPageAtTheEndIsNotUsed) {
  const tests::GuardedRange range(3);
  GuardPool smaller(range.start(), range.bytes() - PageBytes());
  EXPECT_EQ(smaller.capacity(), 2u);
}

TEST_F(GuardPoolTest, ObjectsOfEverySizeAreAlignedAgainstAGuardPage) {
  for (const GuardPlacement placement : {GuardPlacement::kLeft, GuardPlacement::kRight, GuardPlacement::kRandom}) {
    tests::TestGuardPool guarded(1, {.placement = placement, .seed = 1});
    for (size_t alignment = 8; alignment <= 4096; alignment *= 2) {
      for (size_t size = 8; size <= 4096; size += size < 64 ? 1 : 127) {
        void* object = guarded.pool.Allocate(size, alignment, "test", &kOwner);
        ASSERT_NE(object, nullptr);
        const uintptr_t address = reinterpret_cast<uintptr_t>(object);
        ASSERT_EQ(address % alignment, 0u) << size << " " << alignment;
        ASSERT_EQ(address / PageBytes(), (address + size - 1) / PageBytes())
            << "one page: " << size << " " << alignment;
        const size_t gap = PageBytes() - (address + size - 1) % PageBytes() - 1;
        if (placement == GuardPlacement::kLeft) {
          ASSERT_EQ(address % PageBytes(), 0u);
        }
        if (placement == GuardPlacement::kRight) {
          ASSERT_LT(gap, alignment) << size << " " << alignment;
        }
        ASSERT_TRUE(IsZero(object, size));
        std::memset(object, 0xff, size);
        guarded.pool.Free(object, &kOwner);
      }
    }
  }
}

TEST_F(GuardPoolTest, RandomPlacementUsesBothSides) {
  tests::TestGuardPool guarded(1, {.seed = 1});
  int left = 0;
  for (int i = 0; i < 64; ++i) {
    void* object = guarded.pool.Allocate(64, 64, "test", &kOwner);
    left += reinterpret_cast<uintptr_t>(object) % PageBytes() == 0 ? 1 : 0;
    guarded.pool.Free(object, &kOwner);
  }
  EXPECT_GT(left, 16);
  EXPECT_LT(left, 48);
}

TEST_F(GuardPoolTest, NullWhenFull) {
  std::vector<void*> objects;
  for (size_t i = 0; i < kObjects; ++i) {
    objects.push_back(Take());
    ASSERT_NE(objects.back(), nullptr);
  }
  EXPECT_EQ(Take(), nullptr);
  EXPECT_EQ(pool().live(), kObjects);
  Free(objects.back());
  objects.back() = Take();
  EXPECT_NE(objects.back(), nullptr);
  EXPECT_EQ(Take(), nullptr);
  for (void* object : objects) Free(object);
  EXPECT_EQ(pool().live(), 0u);
}

TEST_F(GuardPoolTest, NullForObjectsOverAPage) {
  EXPECT_EQ(Take(GuardPool::kMaxObjectSize + 1), nullptr);
  EXPECT_EQ(pool().live(), 0u);
  void* object = Take(GuardPool::kMaxObjectSize, 4096);
  ASSERT_NE(object, nullptr);
  Free(object);
}

TEST_F(GuardPoolTest, SlotsAreUsedAgainInTheOrderTheyCameBack) {
  tests::TestGuardPool guarded(kObjects, {.placement = GuardPlacement::kLeft});
  const auto take = [&] { return guarded.pool.Allocate(64, 8, "test", &kOwner); };
  std::vector<void*> objects;
  for (size_t i = 0; i < kObjects; ++i) objects.push_back(take());
  const std::vector<size_t> order = {2, 0, 3, 1};
  for (const size_t i : order) guarded.pool.Free(objects[i], &kOwner);
  for (const size_t i : order) EXPECT_EQ(take(), objects[i]);
  // With one slot free it is the same one; with two free, the one that has been free for longer.
  guarded.pool.Free(objects[1], &kOwner);
  EXPECT_EQ(take(), objects[1]);
  guarded.pool.Free(objects[3], &kOwner);
  guarded.pool.Free(objects[1], &kOwner);
  EXPECT_EQ(take(), objects[3]);
  for (const size_t i : {2u, 0u, 3u}) guarded.pool.Free(objects[i], &kOwner);
  EXPECT_TRUE(guarded.pool.CheckInvariants().ok()) << guarded.pool.CheckInvariants();
}

TEST_F(GuardPoolTest, PagesGoBackToTheSystem) {
  EXPECT_EQ(ResidentPages(), 0u);
  void* object = Take();
  void* other = Take(4096);
  EXPECT_EQ(ResidentPages(), 2u);
  Free(object);
  EXPECT_EQ(ResidentPages(), 1u);
  Free(other);
  EXPECT_EQ(ResidentPages(), 0u);
}

TEST_F(GuardPoolTest, ContainsItsGuardPagesToo) {
  char* start = static_cast<char*>(guarded_.range.start());
  EXPECT_FALSE(pool().Contains(start - 1));
  EXPECT_TRUE(pool().Contains(start));
  EXPECT_TRUE(pool().Contains(start + guarded_.range.bytes() - 1));
  EXPECT_FALSE(pool().Contains(start + guarded_.range.bytes()));
  EXPECT_FALSE(pool().Contains(nullptr));
}

TEST_F(GuardPoolTest, KnowsTheOwnerOfAnObjectAndOfNothingElse) {
  char* object = static_cast<char*>(Take());
  void* other = pool().Allocate(64, 8, "test", &kOtherOwner);
  EXPECT_EQ(pool().OwnerOf(object), &kOwner);
  EXPECT_EQ(pool().OwnerOf(other), &kOtherOwner);
  EXPECT_EQ(pool().OwnerOf(object + 1), nullptr);
  EXPECT_EQ(pool().OwnerOf(guarded_.range.start()), nullptr);
  EXPECT_EQ(pool().OwnerOf(&kOwner), nullptr);
  Free(object);
  EXPECT_EQ(pool().OwnerOf(object), nullptr);
  pool().Free(other, &kOtherOwner);
}

TEST_F(GuardPoolTest, NamesTheLiveObjectsOfAnOwner) {
  void* first = Take();
  void* second = pool().Allocate(64, 8, "other", &kOtherOwner);
  void* third = Take(24);
  EXPECT_EQ(pool().LiveObjectsOf(&kOwner), (std::vector<void*>{first, third}));
  Free(first);
  EXPECT_EQ(pool().LiveObjectsOf(&kOwner), std::vector<void*>{third});
  EXPECT_EQ(pool().LiveObjectsOf(&kOtherOwner), std::vector<void*>{second});

  testing::internal::CaptureStderr();
  EXPECT_EQ(pool().ReportLeaks(&kOwner), 1u);
  const std::string told = testing::internal::GetCapturedStderr();
  EXPECT_NE(told.find("mxa: leaked: cache test, object 0x"), std::string::npos) << told;
  EXPECT_NE(told.find(", 24 bytes"), std::string::npos) << told;
  EXPECT_NE(told.find("allocated by thread " + std::to_string(gettid())), std::string::npos) << told;
  EXPECT_EQ(told.find("cache other"), std::string::npos) << told;

  Free(third);
  pool().Free(second, &kOtherOwner);
  EXPECT_EQ(pool().ReportLeaks(&kOwner), 0u);
}

TEST_F(GuardPoolTest, ALongNameIsCut) {
  void* object = pool().Allocate(64, 8, std::string(100, 'n'), &kOwner);
  testing::internal::CaptureStderr();
  EXPECT_EQ(pool().ReportLeaks(&kOwner), 1u);
  const std::string told = testing::internal::GetCapturedStderr();
  EXPECT_NE(told.find("cache " + std::string(31, 'n') + ", "), std::string::npos) << told;
  Free(object);
}

// Each of the threads stamps what it gets with its own number and finds it unchanged.
TEST_F(GuardPoolTest, ThreadsShareItWithoutSharingObjects) {
  constexpr int kThreads = 4;
  tests::ThreadGroup threads;
  tests::StartBarrier start(kThreads);
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.Start("user", [&, thread] {
      start.Await();
      for (int round = 0; round < 200; ++round) {
        void* first = Take(64);
        void* second = round % 2 == 0 ? Take(128) : nullptr;
        if (first != nullptr) std::memset(first, thread + 1, 64);
        if (second != nullptr) std::memset(second, thread + 1, 128);
        if (first != nullptr) {
          const std::vector<char> expected(64, static_cast<char>(thread + 1));
          ASSERT_EQ(std::memcmp(first, expected.data(), 64), 0);
          ASSERT_EQ(pool().OwnerOf(first), &kOwner);
          if (round % 3 == 0) {
            pool().FreeRcu(first, &kOwner, nullptr);
          } else {
            Free(first);
          }
        }
        if (second != nullptr) Free(second);
      }
    });
  }
  threads.JoinAll();
  reclaim::RetireBarrier();
  EXPECT_EQ(pool().live(), 0u);
  EXPECT_EQ(pool().retired(), 0u);
  EXPECT_EQ(ResidentPages(), 0u);
}

}  // namespace
}  // namespace mxa::slab
