// SPDX-License-Identifier: Apache-2.0
//
// The programs are ones in which bugs show: of the mover, of an Ida, of a pass over a cache. The text of the one that found
// it leads back to it.
#include <sys/wait.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
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

struct Shown {
  absl::Status found;  // ok if no program showed the bug
  absl::Status clean;  // the same program without it
};

// Runs random programs until one shows the bug.
template <typename Run>
Shown Show(PlantedBug bug, Run run) {
  PlantBugForTest(bug);
  Shown shown;
  uint64_t seed = 0;
  while (shown.found.ok() && seed < 3000) shown.found = run(++seed);
  PlantBugForTest(PlantedBug::kNone);
  shown.clean = run(seed);
  return shown;
}

// The text of what is found has `in_text`; without the bug the same program runs through.
template <typename Run>
void ExpectShown(PlantedBug bug, Run run, const char* in_text) {
  const Shown shown = Show(bug, run);
  ASSERT_FALSE(shown.found.ok()) << "not noticed";
  EXPECT_THAT(std::string(shown.found.message()), testing::HasSubstr(in_text));
  EXPECT_EQ(shown.clean, absl::OkStatus());
}

bool FailedOrAborted(int status) {
  return (WIFEXITED(status) && WEXITSTATUS(status) != EXIT_SUCCESS) ||
         (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

// For a bug that the library's own checks or a sanitizer may notice before the program does: then the process ends there.
// In another process, which succeeds when nothing was noticed.
template <typename Run>
void ExpectShownOrEnded(PlantedBug bug, Run run, const char* in_text) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto show = [&] {
    const Shown shown = Show(bug, run);
    std::fprintf(stderr, "%s\n", std::string(shown.found.message()).c_str());
    std::exit(!shown.found.ok() && shown.clean.ok() ? EXIT_FAILURE : EXIT_SUCCESS);
  };
  EXPECT_EXIT(
      show(), FailedOrAborted,
      testing::AnyOf(testing::HasSubstr(in_text), testing::HasSubstr("check failed"), testing::HasSubstr("Sanitizer")));
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

TEST(CacheFuzzBugDeathTest, CatchesAMissingGracePeriod) {
  ExpectShownOrEnded(PlantedBug::kNoGracePeriod, &RunCacheBytes, "hold ");
}

TEST(MixFuzzBugTest, CatchesNoRetryAfterMove) {
  ExpectShown(PlantedBug::kNoRetryAfterMove, &RunMixBytes, "inside steps ");
}

TEST(MixFuzzBugTest, CatchesAFreedIdThatIsNotFound) {
  ExpectShown(PlantedBug::kFreedIdNotFound, &RunMixBytes, "ida.Free");
}

TEST(MixFuzzBugDeathTest, CatchesAMissingGracePeriod) {
  ExpectShownOrEnded(PlantedBug::kNoGracePeriod, &RunMixBytes, "hold ");
}

}  // namespace
}  // namespace mxa::fuzz
