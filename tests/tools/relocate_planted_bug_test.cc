// SPDX-License-Identifier: Apache-2.0
//
// Property: the whole job notices bugs planted in the layers below, so that its zero errors mean something.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/planted_bug.h"
#include "gtest/gtest.h"
#include "tests/tools/run_mxa.h"
#include "tests/tools/temp_folder.h"
#include "tools/mxa/random.h"

namespace mxa::tool {
namespace {

class RelocatePlantedBugTest : public testing::Test {
 protected:
  ~RelocatePlantedBugTest() override { PlantBugForTest(PlantedBug::kNone); }

  // A trace of one device, so that writers, readers and mover are in each other's way.
  std::string MakeTrace() {
    Random random(3);
    std::string text;
    for (int i = 0; i < 10'000; ++i) absl::StrAppend(&text, random.Below(20'000), " 8 0 ", i, "\n");
    return folder_.Write("trace", text);
  }

  TempFolder folder_;
};

TEST_F(RelocatePlantedBugTest, NoticesNodesThatAreNotLeftForTheirCopies) {
  const std::string trace = MakeTrace();
  PlantBugForTest(PlantedBug::kNoRetryAfterMove);
  MxaRun run;
  for (int attempt = 0; attempt < 5 && run.exit_status == 0; ++attempt) {
    run = RunMxa({"relocate", "--trace", trace, "--format=arc", "--keep=20%", "--readers=2", "--writers=2",
                  "--seconds=2", "--phase-seconds=0", "--quiet", "--seed", absl::StrCat(attempt)});
  }
  EXPECT_GT(PlantedBugRunsForTest(), 0);
  EXPECT_EQ(run.exit_status, 1);
  EXPECT_NE(run.err.find("wrong reads"), std::string::npos) << run.err;
}

}  // namespace
}  // namespace mxa::tool
