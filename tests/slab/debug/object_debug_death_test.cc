// SPDX-License-Identifier: Apache-2.0
//
// A wrong step and a wrong byte each end the process at once, with one line that names cache, object, slab and state.
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "slab/debug/object_debug.h"
#include "tests/slab/debug/debug_objects.h"
#include "tests/support/thread_group.h"

namespace mxa::slab {
namespace {

using testing::ContainsRegex;

constexpr size_t kSize = 60;

class ObjectDebugDeathTest : public testing::Test {
 protected:
  ObjectDebugDeathTest() {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    debug_.OnAllocate(objects_[1]);
  }

  static ObjectDebug::Config Thing(const char* letters) {
    return {.cache_name = "thing", .object_size = kSize, .options = DebugOptionsFor(letters, "").value()};
  }
  static std::string Line(const std::string& what, const std::string& state) {
    return "mxa: " + what + ": cache thing, object 0x[0-9a-f]+, slab 0x[0-9a-f]+ \\(" + state + "\\)";
  }

  tests::DebugObjects objects_{Thing("FZPU"), 3};
  ObjectDebug& debug_ = objects_.debug();
  char* const free_ = objects_[0];
  char* const live_ = objects_[1];
  char* const other_ = objects_[2];
};

TEST_F(ObjectDebugDeathTest, DoubleFree) {
  EXPECT_DEATH(
      {
        debug_.OnFree(live_);
        debug_.OnFree(live_);
      },
      Line("double free", "free"));
}

TEST_F(ObjectDebugDeathTest, DoubleFreeRcu) {
  EXPECT_DEATH(
      {
        debug_.OnRetire(live_);
        debug_.OnRetire(live_);
      },
      Line("double free", "retired"));
  EXPECT_DEATH(debug_.OnRetire(free_), Line("double free", "free"));
}

TEST_F(ObjectDebugDeathTest, FreeAfterFreeRcu) {
  EXPECT_DEATH(
      {
        debug_.OnRetire(live_);
        debug_.OnFree(live_);
      },
      Line("double free", "retired"));
}

TEST_F(ObjectDebugDeathTest, ADoubleFreeShowsWhoAllocatedAndWhoFreedFirst) {
  EXPECT_DEATH(
      {
        debug_.OnFree(live_);
        debug_.OnFree(live_);
      },
      "double free: .*\n  allocated by thread [0-9]+, [0-9.]+ s ago:\n    0x(.|\n)*"
      "  freed by thread [0-9]+, [0-9.]+ s ago:\n    0x(.|\n)*"
      "  found by thread [0-9]+, [0-9.]+ s ago:\n    0x");
}

TEST_F(ObjectDebugDeathTest, TheReportIsOneLineWithoutTracking) {
  tests::DebugObjects objects(Thing("F"), 1);
  EXPECT_DEATH(objects.debug().OnFree(objects[0]), ContainsRegex("^" + Line("double free", "free") + "\n$"));
}

// Whatever the schedule: the one that comes second sees the other's free.
TEST_F(ObjectDebugDeathTest, RacingDoubleFree) {
  for (int run = 0; run < 3; ++run) {
    EXPECT_DEATH(
        {
          tests::StartBarrier start(2);
          tests::ThreadGroup threads;
          for (int i = 0; i < 2; ++i) {
            threads.Start("free", [&] {
              start.Await();
              debug_.OnFree(live_);
            });
          }
          threads.JoinAll();
        },
        Line("double free", "free"));
  }
}

TEST_F(ObjectDebugDeathTest, OverrunByOneByte) {
  EXPECT_DEATH(
      {
        live_[kSize] = 'x';
        debug_.OnFree(live_);
      },
      Line("write past the object", "live") + ": byte 60 is 0x78, not 0xcc");
  EXPECT_DEATH(
      {
        live_[debug_.layout().record_offset - 1] = 'x';
        debug_.OnRetire(live_);
      },
      Line("write past the object", "live"));
}

TEST_F(ObjectDebugDeathTest, UnderrunByOneByte) {
  EXPECT_DEATH(
      {
        live_[-1] = 'x';
        debug_.OnFree(live_);
      },
      Line("write before the object", "live") + ": byte -1 is 0x78, not 0xcc");
}

TEST_F(ObjectDebugDeathTest, OverrunWhileRetired) {
  EXPECT_DEATH(
      {
        debug_.OnRetire(live_);
        live_[kSize] = 'x';
        debug_.OnRecycle(live_);
      },
      Line("write past the object", "retired"));
}

TEST_F(ObjectDebugDeathTest, OverrunOverAFreeObject) {
  EXPECT_DEATH(
      {
        free_[kSize] = '\xcc';
        debug_.OnAllocate(free_);
      },
      Line("write past the object", "free") + ": byte 60 is 0xcc, not 0xbb");
}

TEST_F(ObjectDebugDeathTest, OverrunIntoTheRecord) {
  EXPECT_DEATH(
      {
        for (size_t i = 0; i < debug_.layout().record_offset + 8; ++i) live_[i] = 'x';
        debug_.OnFree(live_);
      },
      Line("record overwritten", "corrupt"));
  EXPECT_DEATH(
      {
        for (size_t i = 0; i < debug_.layout().record_offset + 8; ++i) free_[i] = 'x';
        debug_.OnAllocate(free_);
      },
      Line("record overwritten", "corrupt"));
}

TEST_F(ObjectDebugDeathTest, WriteAfterFree) {
  for (const size_t at : {size_t{0}, kSize / 2, kSize - 1}) {
    EXPECT_DEATH(
        {
          debug_.OnFree(live_);
          live_[at] = 'x';
          debug_.OnAllocate(live_);
        },
        Line("write after free", "free") + ": byte " + std::to_string(at) + " is 0x78");
  }
}

TEST_F(ObjectDebugDeathTest, WriteAfterTheGracePeriod) {
  EXPECT_DEATH(
      {
        debug_.OnRetire(live_);
        debug_.OnRecycle(live_);
        live_[0] = 'x';
        debug_.OnAllocate(live_);
      },
      Line("write after free", "free"));
}

TEST_F(ObjectDebugDeathTest, AllocationOfWhatIsNotFree) {
  EXPECT_DEATH(debug_.OnAllocate(live_), Line("allocation of an object that is not free", "live"));
  EXPECT_DEATH(
      {
        debug_.OnRetire(live_);
        debug_.OnReserve(live_);
      },
      Line("allocation of an object that is not free", "retired"));
}

TEST_F(ObjectDebugDeathTest, RecyclingOfWhatIsNotRetired) {
  EXPECT_DEATH(debug_.OnRecycle(live_), Line("recycling of an object that is not retired", "live"));
  EXPECT_DEATH(
      {
        debug_.OnRetire(live_);
        debug_.OnRecycle(live_);
        debug_.OnRecycle(live_);
      },
      Line("recycling of an object that is not retired", "free"));
}

TEST_F(ObjectDebugDeathTest, MoveOfWhatIsNotLive) {
  debug_.OnReserve(other_);
  EXPECT_DEATH(debug_.OnMove(free_, other_), Line("move of an object that is not live", "free"));
  EXPECT_DEATH(
      {
        debug_.OnRetire(live_);
        debug_.OnMove(live_, other_);
      },
      Line("move of an object that is not live", "retired"));
  EXPECT_DEATH(
      {
        debug_.OnMove(live_, other_);
        debug_.OnFree(live_);
      },
      Line("double free", "retired"));
}

TEST_F(ObjectDebugDeathTest, AMoverThatWritesTooMuch) {
  debug_.OnReserve(other_);
  EXPECT_DEATH(
      {
        other_[kSize] = 'x';
        debug_.OnMove(live_, other_);
      },
      Line("write past the object", "reserved"));
  EXPECT_DEATH(
      {
        other_[debug_.layout().record_offset] ^= 1;
        debug_.OnMove(live_, other_);
      },
      Line("record overwritten", "corrupt"));
}

TEST_F(ObjectDebugDeathTest, IsNotMadeWithoutChecks) {
  EXPECT_DEATH(ObjectDebug(Thing("R")), "object checks for a cache that asks for none");
}

}  // namespace
}  // namespace mxa::slab
