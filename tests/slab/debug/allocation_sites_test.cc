// SPDX-License-Identifier: Apache-2.0
//
// Objects are counted by allocating stack, and the stacks with the most come first.
#include "slab/debug/allocation_sites.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mxa::slab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;

OwnerTrack At(std::vector<void*> frames) {
  OwnerTrack track;
  track.time_ns = 1;
  track.depth = static_cast<uint32_t>(frames.size());
  std::copy(frames.begin(), frames.end(), track.frames.begin());
  return track;
}

class AllocationSitesTest : public testing::Test {
 protected:
  AllocationSitesTest() {
    for (int i = 0; i < 2; ++i) sites_.Add(At({&code_[0], &code_[1]}));
    for (int i = 0; i < 5; ++i) sites_.Add(At({&code_[0]}));
    sites_.Add(At({&code_[0], &code_[2]}));
    sites_.Add(At({}));
  }

  char code_[3];
  AllocationSites sites_;
};

TEST_F(AllocationSitesTest, CountsByWholeStack) {
  const std::vector<AllocationSites::Site> top = sites_.Top(3);
  ASSERT_EQ(top.size(), 3u);
  EXPECT_EQ(top[0].objects, 5u);
  EXPECT_THAT(top[0].stack, ElementsAre(&code_[0]));
  EXPECT_EQ(top[1].objects, 2u);
  EXPECT_THAT(top[1].stack, ElementsAre(&code_[0], &code_[1]));
  EXPECT_EQ(top[2].objects, 1u);
  EXPECT_THAT(top[2].stack, ElementsAre()) << "nothing known comes before something known";
  EXPECT_EQ(sites_.Top(10).size(), 4u);
}

TEST_F(AllocationSitesTest, PrintsTheLargestWithTheirStacks) {
  EXPECT_THAT(sites_.ToString(1), MatchesRegex("  5 objects allocated at:\n    0x[0-9a-f]+ .*\n"));
}

int KnownFunction() { return 1; }

TEST(OwnerTrackTest, NamesTheFunctionsOfAStack) {
  void* inside = reinterpret_cast<char*>(&KnownFunction) + 1;
  EXPECT_THAT(At({inside}).Describe("allocated"), HasSubstr("KnownFunction"));
}

[[gnu::noinline]] OwnerTrack CaptureBelow(int calls) {
  OwnerTrack track = calls == 0 ? OwnerTrack::Capture() : CaptureBelow(calls - 1);
  asm volatile("" ::: "memory");  // or the recursion becomes a loop
  return track;
}

TEST(OwnerTrackTest, BeginsAtItsCaller) {
  const OwnerTrack track = CaptureBelow(0);
  ASSERT_GE(track.stack().size(), 2u);
  EXPECT_THAT(DescribeStack(track.stack().first(1)), HasSubstr("CaptureBelow"));
  EXPECT_EQ(CaptureBelow(40).stack().size(), OwnerTrack::kMaxFrames);
}

TEST(OwnerTrackTest, DescribesNothingThatIsNotRecorded) { EXPECT_EQ(OwnerTrack{}.Describe("freed"), ""); }

TEST(OwnerTrackTest, ADepthThatWasOverwrittenIsBounded) {
  OwnerTrack track = OwnerTrack::Capture();
  track.depth = ~uint32_t{0};
  EXPECT_EQ(track.stack().size(), OwnerTrack::kMaxFrames);
}

}  // namespace
}  // namespace mxa::slab
