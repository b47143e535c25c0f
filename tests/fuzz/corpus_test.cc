// SPDX-License-Identifier: Apache-2.0
//
// What fuzzing has kept (tests/fuzz/corpus/) and some random programs, run as an ordinary test in every configuration.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/fuzz/array_machine.h"
#include "tests/fuzz/array_program.h"
#include "tests/fuzz/cache_machine.h"
#include "tests/fuzz/cache_program.h"
#include "tests/fuzz/ida_machine.h"
#include "tests/fuzz/ida_program.h"
#include "tests/fuzz/mix_machine.h"
#include "tests/fuzz/mix_program.h"
#include "tests/fuzz/random_program.h"
#include "tests/support/random.h"
#include "xarray/id_bitmap_cache.h"
#include "xarray/node_cache.h"

namespace mxa::fuzz {
namespace {

std::vector<std::filesystem::path> FilesOf(const std::string& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& file : std::filesystem::directory_iterator(folder)) files.push_back(file.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<uint8_t> BytesOf(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

TEST(CorpusTest, EveryKeptProgramOfAnArray) {
  const auto nodes = xarray::NodeCache::Create().value();
  const auto files = FilesOf("tests/fuzz/corpus/array");
  EXPECT_GT(files.size(), 20u) << "the corpus is not where it is looked for";
  for (const auto& file : files) {
    ASSERT_EQ(RunProgram(Decode(BytesOf(file)), *nodes), absl::OkStatus()) << file;
  }
  EXPECT_EQ(nodes->slabs().CheckInvariants(), absl::OkStatus());
}

TEST(CorpusTest, RandomProgramsOfAnArray) {
  const auto nodes = xarray::NodeCache::Create().value();
  for (uint64_t run = 0; run < 60; ++run) {
    const uint64_t seed = tests::TestSeed(run);
    ASSERT_EQ(RunProgram(Decode(RandomBytes(seed)), *nodes), absl::OkStatus()) << "seed " << seed;
  }
  EXPECT_EQ(nodes->slabs().CheckInvariants(), absl::OkStatus());
}

TEST(CorpusTest, EveryKeptProgramOfAnIda) {
  const auto nodes = xarray::NodeCache::Create().value();
  const auto bitmaps = xarray::IdBitmapCache::Create().value();
  const auto files = FilesOf("tests/fuzz/corpus/ida");
  EXPECT_GT(files.size(), 20u) << "the corpus is not where it is looked for";
  for (const auto& file : files) {
    ASSERT_EQ(RunIdaProgram(DecodeIda(BytesOf(file)), *nodes, *bitmaps), absl::OkStatus()) << file;
  }
  EXPECT_EQ(nodes->slabs().CheckInvariants(), absl::OkStatus());
}

TEST(CorpusTest, RandomProgramsOfAnIda) {
  const auto nodes = xarray::NodeCache::Create().value();
  const auto bitmaps = xarray::IdBitmapCache::Create().value();
  for (uint64_t run = 0; run < 20; ++run) {
    const uint64_t seed = tests::TestSeed(run);
    ASSERT_EQ(RunIdaProgram(DecodeIda(RandomBytes(seed)), *nodes, *bitmaps), absl::OkStatus()) << "seed " << seed;
  }
  EXPECT_EQ(nodes->slabs().CheckInvariants(), absl::OkStatus());
}

TEST(CorpusTest, EveryKeptProgramOfCaches) {
  const auto files = FilesOf("tests/fuzz/corpus/cache");
  EXPECT_GT(files.size(), 20u) << "the corpus is not where it is looked for";
  for (const auto& file : files) {
    ASSERT_EQ(RunCacheProgram(DecodeCacheProgram(BytesOf(file))), absl::OkStatus()) << file;
  }
}

TEST(CorpusTest, RandomProgramsOfCaches) {
  for (uint64_t run = 0; run < 40; ++run) {
    const uint64_t seed = tests::TestSeed(run);
    ASSERT_EQ(RunCacheProgram(DecodeCacheProgram(RandomBytes(seed))), absl::OkStatus()) << "seed " << seed;
  }
}

TEST(CorpusTest, EveryKeptProgramOfAMix) {
  const auto files = FilesOf("tests/fuzz/corpus/mix");
  EXPECT_GT(files.size(), 20u) << "the corpus is not where it is looked for";
  for (const auto& file : files) {
    ASSERT_EQ(RunMixProgram(DecodeMixProgram(BytesOf(file))), absl::OkStatus()) << file;
  }
}

TEST(CorpusTest, RandomProgramsOfAMix) {
  for (uint64_t run = 0; run < 40; ++run) {
    const uint64_t seed = tests::TestSeed(run);
    ASSERT_EQ(RunMixProgram(DecodeMixProgram(RandomBytes(seed))), absl::OkStatus()) << "seed " << seed;
  }
}

TEST(CorpusTest, AnyBytesAreAProgramThatCanBeRead) {
  EXPECT_TRUE(Decode({}).steps.empty());
  const std::vector<uint8_t> bytes = {0, 0, 0, 65, 9};
  const Program program = Decode(bytes);
  EXPECT_EQ(program.ToString(),
            "// nothing moves but what the lines say\n"
            "array.Store(65, Entry{0x13}).IgnoreError();\n");
}

}  // namespace
}  // namespace mxa::fuzz
