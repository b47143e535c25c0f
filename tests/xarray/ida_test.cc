// SPDX-License-Identifier: Apache-2.0
//
// IDs without elements, one operation at a time: chunks as values and as bitmaps, limits, and what a reader that came
// before a change still sees.
#include "xarray/ida.h"

#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "tests/support/array_core_peer.h"
#include "tests/support/ida_peer.h"
#include "xarray/id_bitmap.h"

namespace mxa::xarray {
namespace {

constexpr uint64_t kLast = ~uint64_t{0};

class IdaTest : public testing::Test {
 protected:
  ~IdaTest() override {
    EXPECT_EQ(ida_.CheckInvariants(), absl::OkStatus());
    ida_.Clear();
    bitmaps_->slabs().FreeRcuBarrier();
    EXPECT_EQ(bitmaps_->slabs().Stats().live, 0u);
  }

  void AllocateUpTo(uint64_t count) {
    for (uint64_t id = 0; id < count; ++id) ASSERT_EQ(ida_.Allocate().value(), id);
  }
  size_t Bitmaps() { return bitmaps_->slabs().Stats().live; }
  Entry Chunk(uint64_t chunk) { return IdaPeer::Chunks(ida_).Load(chunk); }

  std::unique_ptr<NodeCache> nodes_ = NodeCache::Create().value();
  std::unique_ptr<IdBitmapCache> bitmaps_ = IdBitmapCache::Create().value();
  Ida ida_{*nodes_, *bitmaps_};
};

TEST_F(IdaTest, IsEmptyAtFirst) {
  EXPECT_TRUE(ida_.empty());
  for (const uint64_t id : {uint64_t{0}, uint64_t{63}, uint64_t{1024}, kLast}) EXPECT_FALSE(ida_.Exists(id));
  EXPECT_EQ(ida_.FindFirst(), std::nullopt);
}

TEST_F(IdaTest, HandsOutTheLowestFreeId) {
  AllocateUpTo(5000);
  EXPECT_EQ(ida_.CheckInvariants(), absl::OkStatus());
  for (const uint64_t id : {uint64_t{4500}, uint64_t{1023}, uint64_t{1024}, uint64_t{62}, uint64_t{0}}) ida_.Free(id);
  for (const uint64_t id :
       {uint64_t{0}, uint64_t{62}, uint64_t{1023}, uint64_t{1024}, uint64_t{4500}, uint64_t{5000}}) {
    EXPECT_EQ(ida_.Allocate().value(), id);
  }
}

TEST_F(IdaTest, SixtyThreeIdsNeedNoBitmapAndNoNode) {
  AllocateUpTo(63);
  EXPECT_EQ(Bitmaps(), 0u);
  EXPECT_EQ(nodes_->slabs().Stats().live, 0u);
  EXPECT_EQ(ida_.Allocate().value(), 63u);
  EXPECT_EQ(Bitmaps(), 1u);
  for (uint64_t id = 0; id < 64; ++id) EXPECT_TRUE(ida_.Exists(id));
  EXPECT_FALSE(ida_.Exists(64));
}

TEST_F(IdaTest, KeepsToItsLimit) {
  EXPECT_EQ(ida_.Allocate({70, 71}).value(), 70u);
  EXPECT_EQ(ida_.Allocate({70, 71}).value(), 71u);
  EXPECT_EQ(ida_.Allocate({70, 71}).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ida_.Allocate({71, 70}).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ida_.Allocate({1020, 1030}).value(), 1020u);
  for (uint64_t id = 1021; id <= 1030; ++id) EXPECT_EQ(ida_.Allocate({1020, 1030}).value(), id);
  EXPECT_EQ(ida_.Allocate({1020, 1030}).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ida_.Allocate().value(), 0u);
}

// Linux's end at 2^31-1.
TEST_F(IdaTest, IdsHave64Bits) {
  for (const uint64_t id : {uint64_t{1} << 31, uint64_t{1} << 32, (uint64_t{1} << 63) + 62, kLast - 1, kLast}) {
    EXPECT_EQ(ida_.Allocate({id, id}).value(), id);
    EXPECT_TRUE(ida_.Exists(id));
    EXPECT_FALSE(ida_.Exists(id - 2));
    EXPECT_EQ(ida_.FindFirst({id, kLast}), id);
    EXPECT_EQ(ida_.CheckInvariants(), absl::OkStatus());
  }
  EXPECT_EQ(ida_.Allocate({kLast, kLast}).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ida_.Allocate({kLast - 1, kLast}).status().code(), absl::StatusCode::kOutOfRange);
}

TEST_F(IdaTest, FindsTheFirstOfALimit) {
  for (const uint64_t id : {uint64_t{5}, uint64_t{700}, uint64_t{9000}}) ASSERT_TRUE(ida_.Allocate({id, id}).ok());
  EXPECT_EQ(ida_.FindFirst(), 5u);
  EXPECT_EQ(ida_.FindFirst({5, 5}), 5u);
  EXPECT_EQ(ida_.FindFirst({6, kLast}), 700u);
  EXPECT_EQ(ida_.FindFirst({6, 699}), std::nullopt);
  EXPECT_EQ(ida_.FindFirst({701, 9000}), 9000u);
  EXPECT_EQ(ida_.FindFirst({701, 8999}), std::nullopt);
  EXPECT_EQ(ida_.FindFirst({9001, kLast}), std::nullopt);
  EXPECT_EQ(ida_.FindFirst({700, 6}), std::nullopt);
}

TEST_F(IdaTest, ChunksGoWhenTheirLastIdIsFreed) {
  AllocateUpTo(3000);
  for (uint64_t id = 0; id < 3000; ++id) {
    ida_.Free(id);
    ASSERT_FALSE(ida_.Exists(id));
  }
  EXPECT_TRUE(ida_.empty());
  EXPECT_EQ(ida_.FindFirst(), std::nullopt);
}

TEST_F(IdaTest, ClearFreesEveryId) {
  AllocateUpTo(3000);
  ASSERT_TRUE(ida_.Allocate({kLast, kLast}).ok());
  ida_.Clear();
  EXPECT_TRUE(ida_.empty());
  for (const uint64_t id : {uint64_t{0}, uint64_t{2999}, kLast}) EXPECT_FALSE(ida_.Exists(id));
  AllocateUpTo(100);
}

// A bitmap that was reused while a reader is in it would tell of the IDs of another chunk.
TEST_F(IdaTest, ABitmapIsNotReusedUnderAReader) {
  ASSERT_TRUE(ida_.Allocate({100, 100}).ok());
  reclaim::ReadSection section;
  const Entry seen = Chunk(0);
  ASSERT_TRUE(HasId(seen, 100));
  ida_.Free(100);
  for (uint64_t chunk = 1; chunk < 200; ++chunk) {
    ASSERT_TRUE(ida_.Allocate({chunk * 1024 + 100, chunk * 1024 + 100}).ok());
    ASSERT_NE(Chunk(chunk), seen);
  }
  EXPECT_FALSE(HasId(seen, 100));
}

TEST_F(IdaTest, ClearedBitmapsAreNotReusedUnderAReader) {
  ASSERT_TRUE(ida_.Allocate({100, 100}).ok());
  ASSERT_TRUE(ida_.Allocate({5000, 5000}).ok());
  reclaim::ReadSection section;
  const Entry seen[] = {Chunk(0), Chunk(4)};
  ida_.Clear();
  for (uint64_t chunk = 1; chunk < 200; ++chunk) {
    ASSERT_TRUE(ida_.Allocate({chunk * 1024 + 500, chunk * 1024 + 500}).ok());
    for (const Entry entry : seen) ASSERT_NE(Chunk(chunk), entry);
  }
  EXPECT_FALSE(HasId(seen[0], 500));
}

TEST_F(IdaTest, TheInvariantCheckFindsAWrongMarkAndAnEmptyChunk) {
  AllocateUpTo(1025);
  ArrayCore& chunks = IdaPeer::Chunks(ida_);
  ASSERT_TRUE(chunks.SetMark(0, Mark::k0));
  EXPECT_NE(ida_.CheckInvariants().message().find("D2"), std::string::npos);
  chunks.ClearMark(0, Mark::k0);
  chunks.ClearMark(1, Mark::k0);
  EXPECT_NE(ida_.CheckInvariants().message().find("D2"), std::string::npos);
  ASSERT_TRUE(chunks.SetMark(1, Mark::k0));
  ASSERT_TRUE(chunks.Store(7, IdValueEntry(0)).ok());
  ASSERT_TRUE(chunks.SetMark(7, Mark::k0));
  EXPECT_NE(ida_.CheckInvariants().message().find("D1"), std::string::npos);
  chunks.Erase(7);
}

// A stretch that says of a chunk that it is full when that has gone, or the other way round.
TEST_F(IdaTest, TheInvariantCheckFindsAWrongStretch) {
  AllocateUpTo(3 * kChunkIds + 100);
  ASSERT_EQ(ida_.CheckInvariants(), absl::OkStatus());
  ArrayCore& chunks = IdaPeer::Chunks(ida_);
  const Entry bitmap = chunks.Erase(1);
  EXPECT_NE(ida_.CheckInvariants().message().find("D3: a chunk of the stretch is not there"), std::string::npos);
  ASSERT_TRUE(chunks.Store(1, IdValueEntry(1)).ok());
  ASSERT_TRUE(chunks.SetMark(1, Mark::k0));
  EXPECT_NE(ida_.CheckInvariants().message().find("D3: a chunk of the stretch is not full"), std::string::npos);
  ASSERT_TRUE(chunks.Store(1, bitmap).ok());
  chunks.ClearMark(1, Mark::k0);
}

TEST(IdBitmapTest, FindsSetAndClearBits) {
  IdBitmap bitmap;
  EXPECT_TRUE(bitmap.IsEmptyLocked());
  EXPECT_EQ(bitmap.FindSet(0), kChunkIds);
  for (unsigned bit = 0; bit < kChunkIds; ++bit) {
    EXPECT_FALSE(bitmap.IsFullLocked());
    EXPECT_EQ(bitmap.FindClearLocked(0), bit);
    EXPECT_EQ(bitmap.FirstClearLocked(), bit);
    bitmap.SetLocked(bit);
    EXPECT_FALSE(bitmap.IsEmptyLocked());
    EXPECT_TRUE(bitmap.Test(bit));
    EXPECT_EQ(bitmap.FindSet(bit), bit);
  }
  EXPECT_TRUE(bitmap.IsFullLocked());
  bitmap.ClearLocked(777);
  EXPECT_FALSE(bitmap.IsFullLocked());
  for (unsigned from = 0; from <= kChunkIds; ++from) {
    EXPECT_EQ(bitmap.FindClearLocked(from), from <= 777 ? 777u : kChunkIds) << from;
  }
  EXPECT_EQ(bitmap.FirstClearLocked(), 777u);
  EXPECT_EQ(bitmap.FindSet(777), 778u);
  EXPECT_EQ(bitmap.FindSet(kChunkIds), kChunkIds);
  for (unsigned bit = 0; bit < kChunkIds; ++bit) {
    EXPECT_FALSE(bitmap.IsEmptyLocked());
    bitmap.ClearLocked(bit);
  }
  EXPECT_TRUE(bitmap.IsEmptyLocked());
  bitmap.InitFirst(6);
  EXPECT_EQ(bitmap.FirstClearLocked(), 0u);
  EXPECT_EQ(bitmap.FindClearLocked(1), 3u);
  EXPECT_FALSE(bitmap.IsEmptyLocked());
  bitmap.Reset();
  EXPECT_TRUE(bitmap.IsEmptyLocked());
}

TEST(IdaDeathTest, FreeingWhatIsNotAllocatedEndsTheProcess) {
  const std::unique_ptr<NodeCache> nodes = NodeCache::Create().value();
  const std::unique_ptr<IdBitmapCache> bitmaps = IdBitmapCache::Create().value();
  Ida ida(*nodes, *bitmaps);
  EXPECT_DEATH(ida.Free(0), "freed an ID that is not allocated");
  ASSERT_EQ(ida.Allocate().value(), 0u);
  EXPECT_DEATH(ida.Free(1), "freed an ID that is not allocated");
  EXPECT_DEATH(ida.Free(1000), "freed an ID that is not allocated");
  EXPECT_DEATH(ida.Free(~uint64_t{0}), "freed an ID that is not allocated");
  ASSERT_EQ(ida.Allocate({1000, 1000}).value(), 1000u);
  EXPECT_DEATH(ida.Free(1001), "freed an ID that is not allocated");
  ida.Free(0);
  EXPECT_DEATH(ida.Free(0), "freed an ID that is not allocated");
}

}  // namespace
}  // namespace mxa::xarray
