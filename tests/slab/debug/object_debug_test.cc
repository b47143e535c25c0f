// SPDX-License-Identifier: Apache-2.0
//
// Every step takes an object into the state, and its bytes into the pattern, that the head of object_debug.h says.
#include "slab/debug/object_debug.h"

#include <unistd.h>

#include <cstring>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/slab/debug/debug_objects.h"

namespace mxa::slab {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::StartsWith;
using tests::DebugObjects;

constexpr size_t kSize = 60;  // the alignment leaves a gap behind it

ObjectDebug::Config Thing(const char* letters) {
  return {.cache_name = "thing", .object_size = kSize, .options = DebugOptionsFor(letters, "").value()};
}

std::string Bytes(const char* object) { return {object, kSize}; }
std::string LeftZone(const DebugObjects& objects, const ObjectLayout& layout, size_t i) {
  return {objects[i] - layout.prefix, layout.prefix};
}
std::string RightZone(const DebugObjects& objects, const ObjectLayout& layout, size_t i) {
  return {objects[i] + kSize, layout.record_offset - kSize};
}
std::string Poisoned() { return std::string(kSize - 1, '\x6b') + '\xa5'; }

std::string Complaint(const ObjectDebug& debug, const void* object) {
  return std::string(debug.Check(object).message());
}

TEST(ObjectDebugTest, GoesThroughItsStates) {
  DebugObjects objects(Thing("F"), 1);
  ObjectDebug& debug = objects.debug();
  char* object = objects[0];
  EXPECT_EQ(debug.State(object), ObjectState::kFree);
  debug.OnAllocate(object);
  EXPECT_EQ(debug.State(object), ObjectState::kLive);
  debug.OnFree(object);
  EXPECT_EQ(debug.State(object), ObjectState::kFree);
  debug.OnAllocate(object);
  debug.OnRetire(object);
  EXPECT_EQ(debug.State(object), ObjectState::kRetired);
  debug.OnRecycle(object);
  EXPECT_EQ(debug.State(object), ObjectState::kFree);
  debug.OnReserve(object);
  EXPECT_EQ(debug.State(object), ObjectState::kReserved);
  debug.OnFree(object);
  EXPECT_EQ(debug.State(object), ObjectState::kFree) << "a destination that was not used";
}

TEST(ObjectDebugTest, LeavesTheObjectAloneWithoutPoison) {
  DebugObjects objects(Thing("FZU"), 1);
  ObjectDebug& debug = objects.debug();
  std::memset(objects[0], 'x', kSize);
  debug.OnAllocate(objects[0]);
  debug.OnRetire(objects[0]);
  debug.OnRecycle(objects[0]);
  debug.OnAllocate(objects[0]);
  debug.OnFree(objects[0]);
  EXPECT_EQ(Bytes(objects[0]), std::string(kSize, 'x'));
}

TEST(ObjectDebugTest, RedZonesTellFreeFromInUse) {
  DebugObjects objects(Thing("Z"), 2);
  ObjectDebug& debug = objects.debug();
  auto expect_zones = [&](char byte) {
    EXPECT_THAT(LeftZone(objects, debug.layout(), 1), Each(byte));
    EXPECT_THAT(RightZone(objects, debug.layout(), 1), Each(byte));
  };
  expect_zones('\xbb');
  debug.OnAllocate(objects[1]);
  expect_zones('\xcc');
  debug.OnRetire(objects[1]);
  expect_zones('\xcc');
  debug.OnRecycle(objects[1]);
  expect_zones('\xbb');
  debug.OnReserve(objects[1]);
  expect_zones('\xcc');
  debug.OnFree(objects[1]);
  expect_zones('\xbb');
}

TEST(ObjectDebugTest, PoisonsFreeObjectsAndNoRetiredOnes) {
  DebugObjects objects(Thing("P"), 1);
  ObjectDebug& debug = objects.debug();
  EXPECT_EQ(Bytes(objects[0]), Poisoned());
  debug.OnAllocate(objects[0]);
  EXPECT_EQ(Bytes(objects[0]), std::string(kSize, '\x5a')) << "not what a stale pointer reads";
  std::memset(objects[0], 'x', kSize);
  debug.OnRetire(objects[0]);
  EXPECT_EQ(Bytes(objects[0]), std::string(kSize, 'x')) << "readers may still look at it";
  debug.OnRecycle(objects[0]);
  EXPECT_EQ(Bytes(objects[0]), Poisoned());
  debug.OnAllocate(objects[0]);
  debug.OnFree(objects[0]);
  EXPECT_EQ(Bytes(objects[0]), Poisoned());
}

TEST(ObjectDebugTest, DoesNotPoisonMovableObjects) {
  ObjectDebug::Config config = Thing("P");
  config.movable = true;
  config.has_constructor = true;
  DebugObjects objects(config, 1);
  ObjectDebug& debug = objects.debug();
  EXPECT_FALSE(debug.poisons());
  EXPECT_FALSE(debug.reconstruct());
  std::memset(objects[0], 'x', kSize);
  debug.OnAllocate(objects[0]);
  debug.OnFree(objects[0]);
  EXPECT_EQ(Bytes(objects[0]), std::string(kSize, 'x'));
}

TEST(ObjectDebugTest, SaysWhenTheConstructorMustRunAgain) {
  ObjectDebug::Config config = Thing("P");
  EXPECT_FALSE(ObjectDebug(config).reconstruct());
  config.has_constructor = true;
  EXPECT_TRUE(ObjectDebug(config).reconstruct());
  config.options = DebugOptionsFor("FZU", "").value();
  EXPECT_FALSE(ObjectDebug(config).reconstruct());
}

TEST(ObjectDebugTest, RecordsWhoAllocatedAndWhoFreed) {
  DebugObjects objects(Thing("U"), 1);
  ObjectDebug& debug = objects.debug();
  EXPECT_FALSE(debug.AllocationTrace(objects[0]).recorded());
  EXPECT_FALSE(debug.FreeTrace(objects[0]).recorded());
  debug.OnAllocate(objects[0]);
  const OwnerTrack allocated = debug.AllocationTrace(objects[0]);
  EXPECT_EQ(allocated.thread, static_cast<uint32_t>(gettid()));
  EXPECT_GE(allocated.stack().size(), 1u);
  EXPECT_FALSE(debug.FreeTrace(objects[0]).recorded());
  debug.OnRetire(objects[0]);
  const OwnerTrack retired = debug.FreeTrace(objects[0]);
  EXPECT_GE(retired.time_ns, allocated.time_ns);
  EXPECT_GE(retired.stack().size(), 1u);
  EXPECT_EQ(debug.AllocationTrace(objects[0]).time_ns, allocated.time_ns);
  debug.OnRecycle(objects[0]);
  EXPECT_EQ(debug.FreeTrace(objects[0]).time_ns, retired.time_ns) << "the retire is the free to look for";
  debug.OnAllocate(objects[0]);
  debug.OnFree(objects[0]);
  EXPECT_GT(debug.FreeTrace(objects[0]).time_ns, retired.time_ns);
}

TEST(ObjectDebugTest, TracksNobodyUnlessAsked) {
  DebugObjects objects(Thing("FZP"), 1);
  objects.debug().OnAllocate(objects[0]);
  EXPECT_FALSE(objects.debug().AllocationTrace(objects[0]).recorded());
}

TEST(ObjectDebugTest, AMoveTakesTheOwnerAlong) {
  DebugObjects objects(Thing("FZU"), 2);
  ObjectDebug& debug = objects.debug();
  debug.OnAllocate(objects[0]);
  const OwnerTrack owner = debug.AllocationTrace(objects[0]);
  debug.OnReserve(objects[1]);
  ASSERT_NE(debug.AllocationTrace(objects[1]).time_ns, owner.time_ns);
  debug.OnMove(objects[0], objects[1]);
  EXPECT_EQ(debug.State(objects[0]), ObjectState::kRetired);
  EXPECT_EQ(debug.State(objects[1]), ObjectState::kLive);
  EXPECT_EQ(debug.AllocationTrace(objects[1]).time_ns, owner.time_ns);
  EXPECT_TRUE(debug.FreeTrace(objects[0]).recorded()) << "the pass freed it";
  debug.OnRecycle(objects[0]);
  debug.OnFree(objects[1]);
}

TEST(ObjectDebugTest, AMoveLeavesADestinationThatIsNoLongerReserved) {
  DebugObjects objects(Thing("FZU"), 3);
  ObjectDebug& debug = objects.debug();
  debug.OnAllocate(objects[0]);
  debug.OnReserve(objects[1]);
  debug.OnRetire(objects[1]);
  const OwnerTrack reserved = debug.AllocationTrace(objects[1]);
  debug.OnMove(objects[0], objects[1]);
  EXPECT_EQ(debug.State(objects[0]), ObjectState::kRetired);
  EXPECT_EQ(debug.State(objects[1]), ObjectState::kRetired) << "its new user has retired it already";
  EXPECT_EQ(debug.AllocationTrace(objects[1]).time_ns, reserved.time_ns);

  debug.OnAllocate(objects[2]);
  debug.OnRecycle(objects[0]);
  debug.OnReserve(objects[0]);
  debug.OnFree(objects[0]);
  debug.OnAllocate(objects[0]);
  const OwnerTrack anew = debug.AllocationTrace(objects[0]);
  debug.OnMove(objects[2], objects[0]);
  EXPECT_EQ(debug.State(objects[0]), ObjectState::kLive) << "and somebody else has allocated it";
  EXPECT_EQ(debug.AllocationTrace(objects[0]).time_ns, anew.time_ns);
}

TEST(ObjectDebugTest, CheckFindsNothingInOrder) {
  for (const char* letters : {"F", "Z", "P", "U", "FZPU"}) {
    DebugObjects objects(Thing(letters), 4);
    objects.debug().OnAllocate(objects[1]);
    std::memset(objects[1], 'x', kSize);
    objects.debug().OnAllocate(objects[2]);
    objects.debug().OnRetire(objects[2]);
    objects.debug().OnReserve(objects[3]);
    for (size_t i = 0; i < 4; ++i) EXPECT_EQ(objects.debug().Check(objects[i]), absl::OkStatus()) << letters << i;
  }
}

// Each byte of the stride outside the object, in use, and of the whole stride, free, is somebody's.
TEST(ObjectDebugTest, CheckFindsEveryOverwrittenByte) {
  DebugObjects objects(Thing("FZP"), 2);
  ObjectDebug& debug = objects.debug();
  const ObjectLayout& layout = debug.layout();
  for (const bool in_use : {false, true}) {
    for (size_t at = 0; at < layout.stride; ++at) {
      const ptrdiff_t offset = static_cast<ptrdiff_t>(at) - static_cast<ptrdiff_t>(layout.prefix);
      objects[1][offset] ^= 1;
      const bool inside = offset >= 0 && offset < static_cast<ptrdiff_t>(kSize);
      EXPECT_EQ(debug.Check(objects[1]).ok(), in_use && inside) << "byte " << offset << (in_use ? " in use" : " free");
      objects[1][offset] ^= 1;
      EXPECT_EQ(debug.Check(objects[1]), absl::OkStatus()) << "Check changes nothing";
    }
    if (!in_use) debug.OnAllocate(objects[1]);
  }
}

TEST(ObjectDebugTest, CheckNamesWhatItFinds) {
  DebugObjects objects(Thing("FZPU"), 1);
  ObjectDebug& debug = objects.debug();
  objects[0][3] = 'x';
  EXPECT_THAT(Complaint(debug, objects[0]), StartsWith("D4: write after free: cache thing, object 0x"));
  EXPECT_THAT(Complaint(debug, objects[0]), HasSubstr("(free): byte 3 is 0x78, not 0x6b"));
  objects[0][3] = '\x6b';
  debug.OnAllocate(objects[0]);
  objects[0][-1] = 'x';
  EXPECT_THAT(Complaint(debug, objects[0]), StartsWith("D5: write before the object: cache thing"));
  EXPECT_THAT(Complaint(debug, objects[0]), HasSubstr("(live): byte -1 is 0x78, not 0xcc"));
  objects[0][-1] = '\xcc';
  objects[0][debug.layout().record_offset] ^= 1;
  EXPECT_THAT(Complaint(debug, objects[0]), StartsWith("D6: record overwritten: cache thing"));
  EXPECT_EQ(debug.State(objects[0]), ObjectState::kCorrupt);
  EXPECT_FALSE(debug.AllocationTrace(objects[0]).recorded());
}

}  // namespace
}  // namespace mxa::slab
