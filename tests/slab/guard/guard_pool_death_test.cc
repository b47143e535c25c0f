// SPDX-License-Identifier: Apache-2.0
//
// What is wrong with a free is told in one line, with who allocated and who freed the object, and ends the process.
#include <sys/mman.h>

#include <cstring>
#include <thread>

#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "reclaim/retire.h"
#include "slab/guard/guard_pool.h"
#include "tests/slab/guard/guarded_range.h"

namespace mxa::slab {
namespace {

const int kOwner = 0;
const int kOtherOwner = 0;

class GuardPoolDeathTest : public testing::Test {
 protected:
  GuardPoolDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }

  char* Take(GuardPool& pool, size_t size = 64) {
    return static_cast<char*>(pool.Allocate(size, 8, "dentry", &kOwner));
  }

  tests::TestGuardPool left_{2, {.placement = GuardPlacement::kLeft}};
  tests::TestGuardPool right_{2, {.placement = GuardPlacement::kRight}};
};

TEST_F(GuardPoolDeathTest, FindsADoubleFree) {
  EXPECT_DEATH(
      {
        char* object = Take(left_.pool);
        left_.pool.Free(object, &kOwner);
        left_.pool.Free(object, &kOwner);
      },
      "mxa: double free: cache dentry, object 0x[0-9a-f]+, 64 bytes, freed\n"
      "  allocated by thread [0-9]+:\n(    #.*\n)*"
      "  freed by thread [0-9]+:\n(    #.*\n)*"
      "  freed now by thread [0-9]+:\n");
}

TEST_F(GuardPoolDeathTest, FindsAFreeOfARetiredObject) {
  EXPECT_DEATH(
      {
        char* object = Take(left_.pool);
        reclaim::ReadSection section;
        left_.pool.FreeRcu(object, &kOwner, nullptr);
        left_.pool.Free(object, &kOwner);
      },
      "mxa: double free: cache dentry, object 0x[0-9a-f]+, 64 bytes, retired\n"
      "  allocated by thread [0-9]+:\n(    #.*\n)*"
      "  retired by thread [0-9]+:\n");
  EXPECT_DEATH(
      {
        char* object = Take(left_.pool);
        reclaim::ReadSection section;
        left_.pool.FreeRcu(object, &kOwner, nullptr);
        left_.pool.FreeRcu(object, &kOwner, nullptr);
      },
      "mxa: double free: cache dentry");
}

TEST_F(GuardPoolDeathTest, FindsAFreeToAnotherCache) {
  EXPECT_DEATH(left_.pool.Free(Take(left_.pool), &kOtherOwner),
               "mxa: free to the wrong cache: cache dentry, object 0x[0-9a-f]+, 64 bytes, live, of cache 0x[0-9a-f]+, "
               "freed to 0x[0-9a-f]+\n");
  EXPECT_DEATH(left_.pool.FreeRcu(Take(left_.pool), &kOtherOwner, nullptr),
               "mxa: free to the wrong cache: cache dentry");
}

TEST_F(GuardPoolDeathTest, FindsAPointerThatIsNoObjectsStart) {
  EXPECT_DEATH(
      left_.pool.Free(Take(left_.pool) + 8, &kOwner),
      "mxa: free of a pointer that is not an object's start: cache dentry, object 0x[0-9a-f]+, 64 bytes, live, "
      "freed at 0x[0-9a-f]+, offset 8\n");
  EXPECT_DEATH(left_.pool.Free(Take(left_.pool) + 64, &kOwner), "offset 64, byte 1 past its end\n");
  EXPECT_DEATH(right_.pool.Free(Take(right_.pool) - 2, &kOwner), "offset -2, byte 2 before its start\n");
}

TEST_F(GuardPoolDeathTest, FindsAPointerToNoObjectAtAll) {
  EXPECT_DEATH(left_.pool.Free(left_.range.start(), &kOwner),
               "mxa: free of a pointer that is no object: 0x[0-9a-f]+\n");
  EXPECT_DEATH(left_.pool.Free(Take(left_.pool) + 2 * 4096, &kOwner), "mxa: free of a pointer that is no object: 0x");
  EXPECT_DEATH(left_.pool.Free(&left_, &kOwner), "freed to a guard pool that it is not of");
}

TEST_F(GuardPoolDeathTest, FindsEachByteWrittenBesideAnObject) {
  for (const size_t offset : {64u, 65u, 100u, 4095u}) {
    EXPECT_DEATH(
        {
          char* object = Take(left_.pool);
          object[offset] ^= 1;
          left_.pool.Free(object, &kOwner);
        },
        "mxa: bytes right of object overwritten: cache dentry, object 0x[0-9a-f]+, 64 bytes, freed, first at "
        "0x[0-9a-f]+, offset " +
            std::to_string(offset) + ", byte " + std::to_string(offset - 63) + " past its end, found 0x[0-9a-f]+\n");
  }
  for (const size_t offset : {1u, 2u, 4096u - 64u}) {
    EXPECT_DEATH(
        {
          char* object = Take(right_.pool);
          *(object - offset) ^= 1;
          right_.pool.Free(object, &kOwner);
        },
        "mxa: bytes left of object overwritten: cache dentry, object 0x[0-9a-f]+, 64 bytes, freed, first at "
        "0x[0-9a-f]+, offset -" +
            std::to_string(offset) + ", byte " + std::to_string(offset) + " before its start, found 0x[0-9a-f]+\n");
  }
}

TEST_F(GuardPoolDeathTest, FindsAByteWrittenInTheGapOfTheAlignment) {
  EXPECT_DEATH(
      {
        char* object = Take(right_.pool, 61);
        object[61] ^= 1;
        right_.pool.Free(object, &kOwner);
      },
      "mxa: bytes right of object overwritten: .* byte 1 past its end");
}

TEST_F(GuardPoolDeathTest, FindsTheBytesAfterTheGracePeriodToo) {
  EXPECT_DEATH(
      {
        char* object = Take(left_.pool);
        left_.pool.FreeRcu(object, &kOwner, [](void* retired) { static_cast<char*>(retired)[64] ^= 1; });
        reclaim::RetireBarrier();
      },
      "mxa: bytes right of object overwritten: cache dentry");
}

TEST_F(GuardPoolDeathTest, FindsARunOfOneValue) {
  for (const int value : {0, 0xa5, 0xff}) {
    EXPECT_DEATH(
        {
          char* object = Take(left_.pool);
          std::memset(object + 64, value, 2);
          left_.pool.Free(object, &kOwner);
        },
        "mxa: bytes right of object overwritten");
  }
}

TEST_F(GuardPoolDeathTest, NamesTheThreadsApart) {
  EXPECT_DEATH(
      {
        char* object = nullptr;
        std::thread([&] { object = Take(left_.pool); }).join();
        left_.pool.Free(object, &kOwner);
        left_.pool.Free(object, &kOwner);
      },
      // Numbers of threads are not given twice in a row.
      "allocated by thread ([0-9]+):\n(    #.*\n)*  freed by thread [0-9]+:\n(    #.*\n)*  freed now by thread");
}

TEST_F(GuardPoolDeathTest, IsNotDestroyedWithObjectsOut) {
  EXPECT_DEATH(
      {
        tests::TestGuardPool guarded(1);
        Take(guarded.pool);
      },
      "guard pool destroyed while an object of it is live or retired");
}

TEST_F(GuardPoolDeathTest, RefusesImpossibleRangesAndSizes) {
  EXPECT_DEATH(GuardPool(left_.range.start(), 2 * 4096), "whole pages, three at least");
  EXPECT_DEATH(GuardPool(left_.range.start(), 0), "whole pages, three at least");
  EXPECT_DEATH(GuardPool(static_cast<char*>(left_.range.start()) + 8, left_.range.bytes()), "whole pages");
  EXPECT_DEATH(static_cast<void>(left_.pool.Allocate(0, 8, "zero", &kOwner)), "a guarded object has a size");
  EXPECT_DEATH(static_cast<void>(left_.pool.Allocate(8, 24, "odd", &kOwner)), "a power of two");
  EXPECT_DEATH(static_cast<void>(left_.pool.Allocate(8, 8192, "far", &kOwner)), "up to a page");
}

}  // namespace
}  // namespace mxa::slab
