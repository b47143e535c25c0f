// SPDX-License-Identifier: Apache-2.0
//
// The programs are ones in which bugs show: of the mover, of an Ida, of a pass over a cache. The text of the one that found
// it leads back to it.
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "base/planted_bug.h"
#include "gmock/gmock.h"
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
#include "xarray/id_bitmap_cache.h"
#include "xarray/node_cache.h"

namespace mxa::fuzz {
namespace {

absl::Status RunCacheBytes(uint64_t seed) { return RunCacheProgram(DecodeCacheProgram(RandomBytes(seed))); }
absl::Status RunMixBytes(uint64_t seed) { return RunMixProgram(DecodeMixProgram(RandomBytes(seed))); }

// Runs random programs until one shows the bug; its text has `in_text`. Without the bug the same program runs through.
template <typename Run>
void ExpectShown(PlantedBug bug, Run run, const char* in_text) {
  PlantBugForTest(bug);
  absl::Status found;
  uint64_t seed = 0;
  while (found.ok() && seed < 3000) found = run(++seed);
  PlantBugForTest(PlantedBug::kNone);
  testing::Test::RecordProperty("programs", std::to_string(seed));
  ASSERT_FALSE(found.ok()) << "not noticed";
  EXPECT_THAT(std::string(found.message()), testing::HasSubstr(in_text));
  EXPECT_EQ(run(seed), absl::OkStatus());
}

TEST(FuzzBugTest, CatchesNoRetryAfterMove) {
  const auto nodes = xarray::NodeCache::Create().value();
  ExpectShown(
      PlantedBug::kNoRetryAfterMove, [&](uint64_t seed) { return RunProgram(Decode(RandomBytes(seed)), *nodes); },
      "cursor.emplace(array, ");
}

TEST(FuzzBugTest, CatchesAFreedIdThatIsNotFound) {
  const auto nodes = xarray::NodeCache::Create().value();
  const auto bitmaps = xarray::IdBitmapCache::Create().value();
  ExpectShown(
      PlantedBug::kFreedIdNotFound,
      [&](uint64_t seed) { return RunIdaProgram(DecodeIda(RandomBytes(seed)), *nodes, *bitmaps); }, "ida.Free(");
}

TEST(CacheFuzzBugTest, CatchesASkippedDrain) { ExpectShown(PlantedBug::kDrainSkipped, &RunCacheBytes, "Compact "); }

TEST(CacheFuzzBugTest, CatchesABarnOpenDuringTheDrain) {
  ExpectShown(PlantedBug::kBarnOpenDuringDrain, &RunCacheBytes, "steps run at ");
}

TEST(CacheFuzzBugTest, CatchesAMissingGracePeriod) { ExpectShown(PlantedBug::kNoGracePeriod, &RunCacheBytes, "hold "); }

TEST(MixFuzzBugTest, CatchesNoRetryAfterMove) {
  ExpectShown(PlantedBug::kNoRetryAfterMove, &RunMixBytes, "inside steps ");
}

TEST(MixFuzzBugTest, CatchesAFreedIdThatIsNotFound) {
  ExpectShown(PlantedBug::kFreedIdNotFound, &RunMixBytes, "ida.Free");
}

TEST(MixFuzzBugTest, CatchesAMissingGracePeriod) { ExpectShown(PlantedBug::kNoGracePeriod, &RunMixBytes, "hold "); }

}  // namespace
}  // namespace mxa::fuzz
