// SPDX-License-Identifier: Apache-2.0
//
// A specification says for each cache which checks it runs; what makes no sense is named.
#include "slab/debug/debug_options.h"

#include <cstdlib>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mxa::slab {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr DebugOptions kNone;
constexpr DebugOptions kAllChecks = {.consistency = true, .red_zones = true, .poison = true, .track_owner = true};
constexpr DebugOptions kOwner = {.track_owner = true};

DebugOptions For(absl::string_view spec, absl::string_view cache) { return DebugOptionsFor(spec, cache).value(); }

TEST(DebugOptionsTest, EachLetterTurnsOnOne) {
  EXPECT_EQ(For("F", "x"), (DebugOptions{.consistency = true}));
  EXPECT_EQ(For("Z", "x"), (DebugOptions{.red_zones = true}));
  EXPECT_EQ(For("P", "x"), (DebugOptions{.poison = true}));
  EXPECT_EQ(For("U", "x"), kOwner);
  EXPECT_EQ(For("R", "x"), (DebugOptions{.random_order = true}));
  EXPECT_EQ(For("Q", "x"), (DebugOptions{.quarantine_objects = DebugOptions::kDefaultQuarantine}));
  EXPECT_EQ(For("FZPU", "x"), kAllChecks);
  EXPECT_EQ(For("fzpu", "x"), kAllChecks);
}

TEST(DebugOptionsTest, QuarantineTakesACount) {
  EXPECT_EQ(For("Q1", "x").quarantine_objects, 1u);
  EXPECT_EQ(For("Q128U", "x"), (DebugOptions{.track_owner = true, .quarantine_objects = 128}));
  EXPECT_EQ(For("Q1048576", "x").quarantine_objects, DebugOptions::kMaxQuarantine);
  for (const char* spec : {"Q0", "Q1048577", "Q99999999999999999999999"}) {
    EXPECT_THAT(DebugOptionsFor(spec, "x").status().message(), HasSubstr("number after Q")) << spec;
  }
}

TEST(DebugOptionsTest, NoLettersMeanAllChecks) {
  EXPECT_EQ(For(",dentry", "dentry"), kAllChecks);
  EXPECT_EQ(For(",dentry", "inode"), kNone);
}

TEST(DebugOptionsTest, AnEmptySpecificationAsksForNothing) {
  for (const char* spec : {"", " ", ";", " ; "}) EXPECT_EQ(For(spec, "x"), kNone) << spec;
}

TEST(DebugOptionsTest, GlobsSelectCaches) {
  EXPECT_EQ(For("U,dentry*,inode", "dentry_large"), kOwner);
  EXPECT_EQ(For("U,dentry*,inode", "inode"), kOwner);
  EXPECT_EQ(For("U,dentry*,inode", "inode_large"), kNone);
  EXPECT_EQ(For("U,node-[0-9]?", "node-17"), kOwner);
  EXPECT_EQ(For("U,node-[0-9]?", "node-x7"), kNone);
}

TEST(DebugOptionsTest, BlanksDoNotCount) {
  EXPECT_EQ(For(" U , dentry ; FZPU , inode ", "dentry"), kOwner);
  EXPECT_EQ(For(" U , dentry ; FZPU , inode ", "inode"), kAllChecks);
}

TEST(DebugOptionsTest, TheFirstBlockThatNamesTheCacheDecidesAlone) {
  EXPECT_EQ(For("FZPU,dentry*,inode;U,*", "inode"), kAllChecks);
  EXPECT_EQ(For("FZPU,dentry*,inode;U,*", "other"), kOwner);
  EXPECT_EQ(For("U,*;FZPU,inode", "inode"), kOwner) << "the first one";
}

TEST(DebugOptionsTest, ABlockWithoutGlobsIsForCachesNoBlockNames) {
  for (const char* spec : {"U;FZPU,inode", "FZPU,inode;U", "FZPU,inode;U;Z"}) {
    EXPECT_EQ(For(spec, "inode"), kAllChecks) << spec;
    EXPECT_EQ(For(spec, "other"), kOwner) << spec;
  }
}

TEST(DebugOptionsTest, ADashSparesACache) {
  EXPECT_EQ(For("-,inode;U", "inode"), kNone);
  EXPECT_EQ(For("-,inode;U", "other"), kOwner);
}

TEST(DebugOptionsTest, NamesTheBlockThatMakesNoSense) {
  EXPECT_EQ(DebugOptionsFor("U;FX,inode", "other").status().message(),
            "slab debug options \"FX,inode\": 'X' is none of F, Z, P, U, R, Q");
  EXPECT_THAT(DebugOptionsFor("U,,inode", "other").status().message(), HasSubstr("name is missing after ','"));
  EXPECT_THAT(DebugOptionsFor("F-", "other").status().message(), HasSubstr("'-' is none of"));
  EXPECT_EQ(DebugOptionsFor("X", "other").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(DebugOptionsTest, LenientParsingLeavesOutTheBadBlocksOnly) {
  std::vector<std::string> complaints;
  const DebugSpec spec = DebugSpec::ParseLeniently("X;FZPU,inode;U,;U", complaints);
  EXPECT_THAT(complaints, ElementsAre(HasSubstr("\"X\""), HasSubstr("\"U,\"")));
  EXPECT_EQ(spec.For("inode"), kAllChecks);
  EXPECT_EQ(spec.For("other"), kOwner);
}

TEST(DebugOptionsTest, PrintsWhatItParses) {
  for (const char* letters : {"-", "F", "FZPURQ7", "ZU"}) EXPECT_EQ(For(letters, "x").ToString(), letters);
}

TEST(DebugOptionsTest, KnowsWhatNeedsARecordBesideTheObject) {
  for (const char* letters : {"F", "Z", "P", "U", "Q"}) EXPECT_TRUE(For(letters, "x").checks_objects()) << letters;
  EXPECT_FALSE(For("R", "x").checks_objects());
  EXPECT_TRUE(For("R", "x").any());
  EXPECT_FALSE(kNone.any());
}

// The variable is read once a process, so each case has a process of its own.
class DebugOptionsDeathTest : public testing::Test {
 protected:
  DebugOptionsDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }

  static void ReadTwiceAndExit(const char* text) {
    if (text != nullptr) {
      setenv(kDebugEnvironmentVariable, text, 1);
    } else {
      unsetenv(kDebugEnvironmentVariable);
    }
    const bool as_said = DebugOptionsFromEnvironment("inode") == (text == nullptr ? kNone : kAllChecks);
    setenv(kDebugEnvironmentVariable, "-", 1);
    std::exit(as_said && DebugOptionsFromEnvironment("inode") == (text == nullptr ? kNone : kAllChecks) ? 0 : 1);
  }
};

TEST_F(DebugOptionsDeathTest, TheEnvironmentIsReadOnce) {
  EXPECT_EXIT(ReadTwiceAndExit("FZPU,inode"), testing::ExitedWithCode(0), Not(HasSubstr("ignored")));
  EXPECT_EXIT(ReadTwiceAndExit(nullptr), testing::ExitedWithCode(0), Not(HasSubstr("ignored")));
}

TEST_F(DebugOptionsDeathTest, ABadBlockInTheEnvironmentIsNamedOnceAndIgnored) {
  const std::string line = "mxa: MXA_SLAB_DEBUG: ignored: slab debug options \"X,inode\": 'X' is none of";
  EXPECT_EXIT(ReadTwiceAndExit("X,inode;FZPU,ino*"), testing::ExitedWithCode(0),
              AllOf(HasSubstr(line), Not(testing::ContainsRegex("ignored(.|\n)*ignored"))));
}

}  // namespace
}  // namespace mxa::slab
