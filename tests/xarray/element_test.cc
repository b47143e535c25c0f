// SPDX-License-Identifier: Apache-2.0
//
// What a user stores comes back as it was, in arrays of pointers, of values and of tagged pointers; what cannot be stored
// is refused.
#include "xarray/element.h"

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "xarray/xarray.h"

namespace mxa {
namespace {

TEST(ValueArrayTest, HoldsNumbersOf63Bits) {
  XArray<Value> array;
  const uint64_t kValues[] = {0, 1, 2, 3, kMaxValue / 2, kMaxValue - 1, kMaxValue};
  for (const uint64_t value : kValues) {
    ASSERT_EQ(array.Store(value, value).value(), std::nullopt);
    EXPECT_EQ(array.Load(value), value);
  }
  EXPECT_EQ(array.Load(4), std::nullopt);
  EXPECT_EQ(array.Store(0, 7).value(), 0u);
  EXPECT_EQ(array.CompareExchange(0, 6, 8).value(), 7u);
  EXPECT_EQ(array.CompareExchange(0, 7, 8).value(), 7u);
  EXPECT_EQ(array.Load(0), 8u);
  EXPECT_EQ(array.Insert(0, 9).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(array.Erase(0), 8u);
  EXPECT_EQ(array.Erase(0), std::nullopt);
  EXPECT_EQ(array.CheckInvariants(), absl::OkStatus());
}

// A value of 0 is there; nullopt is not.
TEST(ValueArrayTest, ToldApartFromNothing) {
  XArray<Value> array;
  ASSERT_TRUE(array.Store(5, 0).ok());
  EXPECT_FALSE(array.empty());
  EXPECT_EQ(array.CompareExchange(5, std::nullopt, 1).value(), 0u);
  EXPECT_EQ(array.Store(5, std::nullopt).value(), 0u);
  EXPECT_TRUE(array.empty());
}

TEST(ValueArrayTest, AWalkMeetsValues) {
  XArray<Value> array;
  for (uint64_t i = 0; i < 200; i += 3) ASSERT_TRUE(array.Store(i, i * i).ok());
  reclaim::ReadSection section;
  XArrayCursor<Value> cursor(array, 0);
  uint64_t met = 0;
  while (const std::optional<uint64_t> value = cursor.Next()) {
    EXPECT_EQ(cursor.index(), met * 3);
    EXPECT_EQ(*value, cursor.index() * cursor.index());
    ++met;
  }
  EXPECT_EQ(met, 67u);
}

TEST(ValueArrayTest, ARangeHandsOutValues) {
  XArray<Value> array;
  for (uint64_t i = 0; i < 200; i += 3) ASSERT_TRUE(array.Store(i, i * i).ok());
  uint64_t met = 0;
  for (const auto& [index, value] : array.Range(0, 99)) {
    EXPECT_EQ(value, index * index);
    ++met;
  }
  EXPECT_EQ(met, 34u);
  EXPECT_EQ(array.Find(4)->element, 36u);
}

TEST(ValueArrayDeathTest, RefusesA64thBit) {
  XArray<Value> array;
  EXPECT_DEATH(array.Store(0, kMaxValue + 1).IgnoreError(), "a value has more than 63 bits");
}

TEST(TaggedArrayTest, KeepsPointerAndTag) {
  XArray<Tagged<int>> array;
  int element = 0;
  for (const unsigned tag : {0u, 1u, 3u}) {
    const TaggedPtr<int> tagged{&element, tag};
    ASSERT_TRUE(array.Store(tag, tagged).ok());
    EXPECT_EQ(array.Load(tag), tagged);
    EXPECT_TRUE(array.Load(tag));
  }
  EXPECT_FALSE(array.Load(2));
  EXPECT_EQ(array.Erase(3), (TaggedPtr<int>{&element, 3}));
}

TEST(TaggedArrayDeathTest, RefusesOtherTags) {
  XArray<Tagged<int>> array;
  int element = 0;
  EXPECT_DEATH(array.Store(0, {&element, 2}).IgnoreError(), "a pointer's tag is 0, 1 or 3");
  EXPECT_DEATH(array.Store(0, {&element, 5}).IgnoreError(), "a pointer's tag is 0, 1 or 3");
  EXPECT_DEATH(array.Store(0, {nullptr, 1}).IgnoreError(), "null has no tag");
}

// Stored as it is, it would read as a value, a node or a tag.
TEST(PointerArrayDeathTest, RefusesMisalignedPointers) {
  XArray<int> array;
  alignas(8) char bytes[16] = {};
  for (int misaligned = 1; misaligned < 4; ++misaligned) {
    // Not a cast of the address: UBSan would find the pointer before the array does.
    const uintptr_t address = reinterpret_cast<uintptr_t>(bytes) + static_cast<uintptr_t>(misaligned);
    EXPECT_DEATH(array.Store(0, reinterpret_cast<int*>(address)).IgnoreError(), "not 4-byte aligned");
  }
}

TEST(LoadManyTest, AnySizeAndAnyTree) {
  std::vector<int> values(64);
  for (const uint64_t top : {uint64_t{0}, uint64_t{63}, uint64_t{64}, uint64_t{1} << 32, ~uint64_t{0}}) {
    XArray<int> array;
    for (const bool filled : {false, true}) {
      if (filled) {
        ASSERT_TRUE(array.Store(0, &values[1]).ok());
        ASSERT_TRUE(array.Store(top, &values[2]).ok());
      }
      for (const size_t size : {0, 1, 23, 24, 25, 95, 96, 97, 200}) {
        std::vector<uint64_t> indices(size);
        for (size_t i = 0; i < size; ++i) indices[i] = i % 3 == 0 ? top : i % 3 == 1 ? top + 1 : i;
        std::vector<int*> elements(size, &values[0]);
        reclaim::ReadSection section;
        array.LoadMany(indices, absl::MakeSpan(elements));
        for (size_t i = 0; i < size; ++i) ASSERT_EQ(elements[i], array.LoadInSection(indices[i])) << top << " " << i;
      }
    }
  }
}

TEST(LoadManyDeathTest, SpansOfDifferentSizes) {
  XArray<int> array;
  const std::vector<uint64_t> indices(3);
  std::vector<int*> elements(2);
  EXPECT_DEATH(array.LoadMany(indices, absl::MakeSpan(elements)), "LoadMany with fewer or more elements");
}

}  // namespace
}  // namespace mxa
