// SPDX-License-Identifier: Apache-2.0
//
// `mxa torture` takes its options, says what it found in words, as JSON and as a page, and ends with the status that it promises.
#include <fstream>
#include <iterator>
#include <string>

#include "base/schedule_point.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/tools/run_mxa.h"
#include "tests/tools/temp_folder.h"

namespace mxa::tool {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

TEST(TortureCommandTest, HelpNamesEveryOption) {
  const MxaRun run = RunMxa({"torture", "--help"});
  EXPECT_EQ(run.exit_status, 0);
  for (const char* option : {"--duration", "--seed", "--scenario", "--shape", "--readers", "--writers", "--stutter",
                             "--stall", "--no-delays", "--single-threaded", "--steps", "--break", "--json", "--html"}) {
    EXPECT_THAT(run.out, HasSubstr(option));
  }
  EXPECT_EQ(RunMxa({"help", "torture"}).out, run.out);
}

TEST(TortureCommandTest, ListsScenariosAndPlantedBugs) {
  EXPECT_THAT(RunMxa({"torture", "--list-scenarios"}).out, HasSubstr("readwrite"));
  EXPECT_THAT(RunMxa({"torture", "--list-breaks"}).out, HasSubstr("checker-skips-last-bucket"));
}

TEST(TortureCommandTest, BadUsageIsSaidInOneLine) {
  const struct {
    std::vector<std::string> arguments;
    const char* what;
  } kCases[] = {{{"torture", "--scenario=nothing"}, "--scenario"}, {{"torture", "--shape=round"}, "--shape"},
                {{"torture", "--duration=0"}, "--duration"},       {{"torture", "--frobnicate"}, "frobnicate"},
                {{"torture", "--break=nothing"}, "--break"},       {{"torture", "--json=/nowhere/at/all"}, "/nowhere"}};
  for (const auto& [arguments, what] : kCases) {
    const MxaRun run = RunMxa(arguments);
    EXPECT_EQ(run.exit_status, 2) << what;
    EXPECT_THAT(run.err, HasSubstr(what));
  }
}

#if !MXA_HOOKS
TEST(TortureCommandTest, BugsArePlantedInBuildsWithHooksOnly) {
  const MxaRun run = RunMxa({"torture", "--break=checker-skips-last-bucket"});
  EXPECT_EQ(run.exit_status, 2);
  EXPECT_THAT(run.err, HasSubstr("no planted bugs"));
}
#endif

std::string ContentsOf(const std::string& path) {
  std::ifstream stream(path);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

TEST(TortureCommandTest, ABriefRunIsToldInWordsAsJsonAndAsAPage) {
  const TempFolder folder;
  const std::string json = folder.path() + "/run.json";
  const std::string html = folder.path() + "/run.html";
  const MxaRun run = RunMxa({"torture", "--duration=1", "--stutter=0.3", "--seed=5",
                             "--scenario=readwrite,movers,pipe,grace", "--json", json, "--html", html});
  EXPECT_THAT(run.exit_status, AnyOf(0, 3)) << run.out;
  for (const char* line : {"Reader Pipe:", "Reader Batch:", "Free-Block Circulation:", "End of test:", "--seed=5"}) {
    EXPECT_THAT(run.out, HasSubstr(line));
  }
  EXPECT_THAT(run.out, Not(HasSubstr("!!!")));
  EXPECT_THAT(ContentsOf(json), HasSubstr("\"verdict\": \""));
  EXPECT_THAT(ContentsOf(html), HasSubstr("</html>"));
}

TEST(TortureCommandTest, JsonGoesToStandardOutputInsteadOfTheLines) {
  const MxaRun run = RunMxa({"torture", "--single-threaded", "--steps=50", "--scenario=readwrite,movers", "--json=-"});
  EXPECT_THAT(run.exit_status, AnyOf(0, 3));
  EXPECT_THAT(run.out, testing::StartsWith("{"));
  EXPECT_THAT(run.out, Not(HasSubstr("End of test")));
}

#if MXA_HOOKS
TEST(TortureCommandTest, AViolationIsMarkedAndEndsWithOne) {
  const MxaRun run = RunMxa({"torture", "--duration=1", "--scenario=pipe", "--break=checker-skips-last-bucket"});
  EXPECT_EQ(run.exit_status, 1);
  EXPECT_THAT(run.out, HasSubstr("!!! checker: 1"));
  EXPECT_THAT(run.out, HasSubstr("End of test: FAILURE"));
  EXPECT_THAT(run.out, HasSubstr("planted bug checker-skips-last-bucket: executed"));
}
#endif

}  // namespace
}  // namespace mxa::tool
