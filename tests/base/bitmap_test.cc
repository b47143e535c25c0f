// SPDX-License-Identifier: Apache-2.0
//
// Bit operations agree with a std::set of bit numbers, at word borders too.
#include "base/bitmap.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <vector>

#include "gtest/gtest.h"

namespace mxa {
namespace {

std::vector<size_t> BitsOf(const uint64_t* words, size_t bits) {
  std::vector<size_t> set;
  bitmap::ForEachSet(words, bits, [&](size_t bit) { set.push_back(bit); });
  return set;
}

TEST(BitmapTest, CountsTheWordsItNeeds) {
  EXPECT_EQ(bitmap::WordsFor(0), 0u);
  EXPECT_EQ(bitmap::WordsFor(1), 1u);
  EXPECT_EQ(bitmap::WordsFor(64), 1u);
  EXPECT_EQ(bitmap::WordsFor(65), 2u);
}

TEST(BitmapTest, FillSetsExactlyTheFirstBits) {
  for (const size_t bits : {0u, 1u, 63u, 64u, 65u, 113u, 127u, 128u, 192u}) {
    std::array<uint64_t, 4> words{};
    bitmap::Fill(words.data(), bits);
    EXPECT_EQ(bitmap::Count(words.data(), bits), bits);
    EXPECT_EQ(BitsOf(words.data(), 256).size(), bits) << "bits after the last one are clear";
    for (size_t i = 0; i < 256; ++i) ASSERT_EQ(bitmap::Test(words.data(), i), i < bits) << i << " of " << bits;
  }
}

TEST(BitmapTest, FillClearsTheRestOfTheLastWord) {
  std::array<uint64_t, 2> words{~uint64_t{0}, ~uint64_t{0}};
  bitmap::Fill(words.data(), 70);
  EXPECT_EQ(words[1], 0x3fu);
}

TEST(BitmapTest, ResetLeavesOtherWordsAlone) {
  std::array<uint64_t, 3> words{1, 2, 3};
  bitmap::Reset(words.data(), 65);
  EXPECT_EQ(words, (std::array<uint64_t, 3>{0, 0, 3}));
}

TEST(BitmapTest, AgreesWithASet) {
  constexpr size_t kBits = 200;
  std::mt19937_64 random(1);
  std::array<uint64_t, bitmap::WordsFor(kBits)> words{};
  std::set<size_t> expected;
  for (int i = 0; i < 20'000; ++i) {
    const size_t bit = random() % kBits;
    if (random() % 2 == 0) {
      bitmap::Set(words.data(), bit);
      expected.insert(bit);
    } else {
      bitmap::Clear(words.data(), bit);
      expected.erase(bit);
    }
    ASSERT_EQ(bitmap::Test(words.data(), bit), expected.contains(bit));
    ASSERT_EQ(bitmap::Count(words.data(), kBits), expected.size());
  }
  EXPECT_EQ(BitsOf(words.data(), kBits), std::vector<size_t>(expected.begin(), expected.end())) << "ascending";
}

}  // namespace
}  // namespace mxa
