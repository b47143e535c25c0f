// SPDX-License-Identifier: Apache-2.0
//
// Property: every way to write an option is taken, and every mistake is answered by one line that names it.
#include "tools/mxa/relocate_options.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace mxa::tool {
namespace {

using Arguments = std::vector<absl::string_view>;

TEST(RelocateOptionsTest, HasDefaults) {
  const absl::StatusOr<RelocateOptions> options = ParseRelocateOptions({});
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->tree, "/usr");
  EXPECT_EQ(options->readers, 2u);
  EXPECT_EQ(options->writers, 0u);
  EXPECT_DOUBLE_EQ(options->keep, 0.1);
  EXPECT_DOUBLE_EQ(options->seconds, 0);
}

TEST(RelocateOptionsTest, TakesValuesWithAndWithoutEqualsSign) {
  const absl::StatusOr<RelocateOptions> options = ParseRelocateOptions(
      Arguments{"--trace=-", "--format", "msr", "--readers", "3", "--writers=4", "--keep", "25%", "--seed=9",
                "--seconds=1.5", "--json", "out", "--quiet", "--phase-seconds=0", "--max-entries=7"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->trace, "-");
  EXPECT_EQ(options->format, TraceFormat::kMsr);
  EXPECT_EQ(options->readers, 3u);
  EXPECT_EQ(options->writers, 4u);
  EXPECT_DOUBLE_EQ(options->keep, 0.25);
  EXPECT_EQ(options->seed, 9u);
  EXPECT_DOUBLE_EQ(options->seconds, 1.5);
  EXPECT_DOUBLE_EQ(options->phase_seconds, 0);
  EXPECT_EQ(options->json, "out");
  EXPECT_EQ(options->max_entries, 7u);
  EXPECT_TRUE(options->quiet);
}

TEST(RelocateOptionsTest, TakesAShareAsANumber) {
  EXPECT_DOUBLE_EQ(ParseRelocateOptions(Arguments{"--keep=0.5"})->keep, 0.5);
  EXPECT_DOUBLE_EQ(ParseRelocateOptions(Arguments{"--keep=100%"})->keep, 1);
}

TEST(RelocateOptionsTest, TheLastOfSeveralCounts) {
  EXPECT_EQ(ParseRelocateOptions(Arguments{"--readers=1", "--readers=5"})->readers, 5u);
}

struct Mistake {
  Arguments arguments;
  std::string names;  // a part of the message
};

class RelocateOptionsMistakeTest : public testing::TestWithParam<Mistake> {};

TEST_P(RelocateOptionsMistakeTest, IsNamedInOneLine) {
  const absl::StatusOr<RelocateOptions> options = ParseRelocateOptions(GetParam().arguments);
  ASSERT_EQ(options.status().code(), absl::StatusCode::kInvalidArgument);
  const std::string message(options.status().message());
  EXPECT_NE(message.find(GetParam().names), std::string::npos) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
}

INSTANTIATE_TEST_SUITE_P(
    All, RelocateOptionsMistakeTest,
    testing::Values(Mistake{{"--reader=2"}, "unknown option '--reader'"}, Mistake{{"-r"}, "unexpected argument '-r'"},
                    Mistake{{"/usr"}, "unexpected argument '/usr'"}, Mistake{{"--a\nb"}, "unknown option '--a\\nb'"},
                    Mistake{{"--"}, "unknown option '--'"}, Mistake{{"--readers"}, "--readers needs a value"},
                    Mistake{{"--readers="}, "--readers: ''"}, Mistake{{"--readers=-1"}, "--readers: '-1'"},
                    Mistake{{"--readers=2x"}, "--readers: '2x'"}, Mistake{{"--readers=1025"}, "--readers: '1025'"},
                    Mistake{{"--seed=18446744073709551616"}, "--seed"}, Mistake{{"--keep=0"}, "--keep: '0'"},
                    Mistake{{"--keep=101%"}, "--keep: '101%'"}, Mistake{{"--keep=10"}, "--keep: '10'"},
                    Mistake{{"--keep=nan"}, "--keep: 'nan'"}, Mistake{{"--keep=%"}, "--keep: '%'"},
                    Mistake{{"--seconds=-1"}, "--seconds: '-1'"}, Mistake{{"--seconds=inf"}, "--seconds: 'inf'"},
                    Mistake{{"--quiet=1"}, "--quiet takes no value"}, Mistake{{"--trace=x"}, "--format"},
                    Mistake{{"--format=arc"}, "--trace"}, Mistake{{"--trace=x", "--format=nix"}, "--format: 'nix'"},
                    Mistake{{"--trace=x", "--format=arc", "--tree=y"}, "exclude each other"},
                    Mistake{{"--tree="}, "--tree needs a value"}, Mistake{{"--max-entries=0"}, "--max-entries: '0'"}));

TEST(RelocateOptionsTest, HelpNamesEveryOption) {
  const std::string help = RelocateHelp();
  for (const char* name : {"--tree", "--trace", "--format", "--keep", "--readers", "--writers", "--seed", "--seconds",
                           "--phase-seconds", "--max-entries", "--json", "--quiet"}) {
    EXPECT_NE(help.find(name), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace mxa::tool
