// SPDX-License-Identifier: Apache-2.0
//
// The programs are ones in which a bug shows, of the mover and of an Ida, and the text of the one that found it leads back to it.
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "base/planted_bug.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fuzz/array_machine.h"
#include "tests/fuzz/array_program.h"
#include "tests/fuzz/ida_machine.h"
#include "tests/fuzz/ida_program.h"
#include "tests/fuzz/random_program.h"
#include "xarray/id_bitmap_cache.h"
#include "xarray/node_cache.h"

namespace mxa::fuzz {
namespace {

TEST(FuzzBugTest, CatchesNoRetryAfterMove) {
  const auto nodes = xarray::NodeCache::Create().value();
  PlantBugForTest(PlantedBug::kNoRetryAfterMove);
  absl::Status found;
  uint64_t seed = 0;
  while (found.ok() && seed < 3000) found = RunProgram(Decode(RandomBytes(++seed)), *nodes);
  PlantBugForTest(PlantedBug::kNone);
  RecordProperty("programs", std::to_string(seed));
  ASSERT_FALSE(found.ok()) << "not noticed";
  EXPECT_THAT(std::string(found.message()), testing::HasSubstr("cursor.emplace(array, "));
  // Without the bug the same program runs through.
  EXPECT_EQ(RunProgram(Decode(RandomBytes(seed)), *nodes), absl::OkStatus());
}

TEST(FuzzBugTest, CatchesAFreedIdThatIsNotFound) {
  const auto nodes = xarray::NodeCache::Create().value();
  const auto bitmaps = xarray::IdBitmapCache::Create().value();
  PlantBugForTest(PlantedBug::kFreedIdNotFound);
  absl::Status found;
  uint64_t seed = 0;
  while (found.ok() && seed < 3000) found = RunIdaProgram(DecodeIda(RandomBytes(++seed)), *nodes, *bitmaps);
  PlantBugForTest(PlantedBug::kNone);
  RecordProperty("programs", std::to_string(seed));
  ASSERT_FALSE(found.ok()) << "not noticed";
  EXPECT_THAT(std::string(found.message()), testing::HasSubstr("ida.Free("));
  EXPECT_EQ(RunIdaProgram(DecodeIda(RandomBytes(seed)), *nodes, *bitmaps), absl::OkStatus());
}

}  // namespace
}  // namespace mxa::fuzz
