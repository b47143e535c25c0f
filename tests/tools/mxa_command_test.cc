// SPDX-License-Identifier: Apache-2.0
//
// Property: bad usage and bad input end with status 2 and one line; help and version with 0.
#include "tools/mxa/mxa_command.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/tools/run_mxa.h"
#include "tests/tools/temp_folder.h"

namespace mxa::tool {
namespace {

void ExpectOneLine(const MxaRun& run, const std::string& part) {
  EXPECT_EQ(run.exit_status, 2);
  EXPECT_EQ(run.out, "");
  EXPECT_EQ(run.err.rfind("mxa: ", 0), 0u) << run.err;
  EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
  EXPECT_NE(run.err.find(part), std::string::npos) << run.err;
}

TEST(MxaCommandTest, RefusesBadUsage) {
  ExpectOneLine(RunMxa({}), "no command");
  ExpectOneLine(RunMxa({"move"}), "unknown command 'move'");
  ExpectOneLine(RunMxa({"relocate", "--fast"}), "unknown option '--fast'");
  ExpectOneLine(RunMxa({"relocate", "usr"}), "unexpected argument 'usr'");
  ExpectOneLine(RunMxa({"relocate", "--keep=none"}), "--keep: 'none'");
}

TEST(MxaCommandTest, RefusesBadInput) {
  TempFolder folder;
  ExpectOneLine(RunMxa({"relocate", "--tree", folder.PathOf("none")}), "No such file or directory");
  ExpectOneLine(RunMxa({"relocate", "--tree", folder.path()}), "no regular file");
  ExpectOneLine(RunMxa({"relocate", "--trace", folder.PathOf("none"), "--format=arc"}), "No such file or directory");
  const std::string trace = folder.Write("trace", "1 2 3 4\n1 2 x 4\n");
  ExpectOneLine(RunMxa({"relocate", "--trace", trace, "--format=arc"}), trace + ":2: third field 'x'");
}

TEST(MxaCommandTest, KeepsItsErrorOnOneLineWhateverThePath) {
  ExpectOneLine(RunMxa({"relocate", "--tree", "/no\nsuch\nfolder"}), "/no?such?folder");
}

TEST(MxaCommandTest, RefusesAnUnwritableJsonFileBeforeItWorks) {
  ExpectOneLine(RunMxa({"relocate", "--json", "/nowhere/at/all"}), "/nowhere/at/all: No such file or directory");
}

TEST(MxaCommandTest, LeavesTheOldJsonFileWhenItFails) {
  TempFolder folder;
  const std::string json = folder.Write("json", "old");
  ExpectOneLine(RunMxa({"relocate", "--tree", folder.PathOf("none"), "--json", json}), "No such file");
  EXPECT_EQ(folder.Read("json"), "old");
}

TEST(MxaCommandTest, Helps) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"help"}, {"--help"}, {"-h"}}) {
    const MxaRun run = RunMxa(arguments);
    EXPECT_EQ(run.exit_status, 0);
    EXPECT_NE(run.out.find("relocate"), std::string::npos);
  }
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"help", "relocate"}, {"relocate", "--help"}}) {
    const MxaRun run = RunMxa(arguments);
    EXPECT_EQ(run.exit_status, 0);
    EXPECT_NE(run.out.find("--phase-seconds"), std::string::npos);
  }
  EXPECT_EQ(RunMxa({"version"}).exit_status, 0);
}

}  // namespace
}  // namespace mxa::tool
