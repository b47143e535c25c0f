// SPDX-License-Identifier: Apache-2.0
//
// Property: a line becomes exactly the blocks its bytes lie in, or a message that says what is wrong with it.
#include "tools/mxa/trace_format.h"

#include <string>

#include "gtest/gtest.h"

namespace mxa::tool {
namespace {

struct Good {
  TraceFormat format;
  const char* line;
  const char* device;
  uint64_t first;
  uint64_t count;
};

class TraceFormatGoodTest : public testing::TestWithParam<Good> {};

TEST_P(TraceFormatGoodTest, NamesItsBlocks) {
  const absl::StatusOr<Request> request = ParseTraceLine(GetParam().format, GetParam().line);
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->device, GetParam().device);
  EXPECT_EQ(request->first, GetParam().first);
  EXPECT_EQ(request->count, GetParam().count);
}

constexpr TraceFormat kCp = TraceFormat::kCloudPhysics;
constexpr TraceFormat kArc = TraceFormat::kArc;
constexpr TraceFormat kMsr = TraceFormat::kMsr;

INSTANTIATE_TEST_SUITE_P(
    All, TraceFormatGoodTest,
    testing::Values(Good{kCp, "1,5633898,2a,512,42932745", "", 5366593, 1},            // one sector
                    Good{kCp, "1,0,28,4096,8", "", 1, 1},                              // one page
                    Good{kCp, "1,0,28,4096,9", "", 1, 2},                              // across a border
                    Good{kCp, "1,0,28,4097,8", "", 1, 2},                              // a byte more
                    Good{kCp, "1,0,28,0,8", "", 1, 0},                                 // nothing
                    Good{kCp, " 1, 0, 28, 512, 7 ", "", 0, 1},                         // blanks
                    Good{kCp, "1,0,28,1,36028797018963967", "", 4503599627370495, 1},  // the last sector of 2^64 bytes
                    Good{kArc, "1936993 8 0 0", "", 1936993, 8}, Good{kArc, "  5\t1  0 7 ", "", 5, 1},
                    Good{kArc, "18446744073709551615 1 0 0", "", 18446744073709551615u, 1},
                    Good{kMsr, "128166372003061629,hm,1,Read,383496192,32768,413", "hm.1", 93627, 8},
                    Good{kMsr, "1,usr,0,write,4095,2,-5", "usr.0", 0, 2},
                    Good{kMsr, "1,usr,0,Write,18446744073709551615,1,5", "usr.0", 4503599627370495, 1}));

struct Bad {
  TraceFormat format;
  const char* line;
  const char* says;
};

class TraceFormatBadTest : public testing::TestWithParam<Bad> {};

TEST_P(TraceFormatBadTest, SaysWhatIsWrong) {
  const absl::StatusOr<Request> request = ParseTraceLine(GetParam().format, GetParam().line);
  ASSERT_EQ(request.status().code(), absl::StatusCode::kInvalidArgument);
  const std::string message(request.status().message());
  EXPECT_NE(message.find(GetParam().says), std::string::npos) << message;
}

INSTANTIATE_TEST_SUITE_P(
    All, TraceFormatBadTest,
    testing::Values(Bad{kCp, "1,2,28,512", "4 fields, wanted 5"}, Bad{kCp, "1,2,28,512,3,4", "6 fields"},
                    Bad{kCp, "1,2,28,512,3,4,5,6", "too many fields"}, Bad{kCp, "1,2,2g,512,3", "op '2g'"},
                    Bad{kCp, "1,2,,512,3", "op ''"}, Bad{kCp, "1,2,28,-512,3", "size '-512'"},
                    Bad{kCp, "1,2,28,512,x", "lbn 'x'"}, Bad{kCp, "1,2,28,512,36028797018963968", "lbn lies beyond"},
                    Bad{kCp, "1,2,28,513,36028797018963967", "beyond 2^64"}, Bad{kCp, "x,2,28,512,3", "version 'x'"},
                    Bad{kCp, "1,2,28,0x10,3", "size '0x10'"}, Bad{kCp, "1,2,28,99999999999999999999,3", "size"},
                    Bad{kArc, "1 2 3", "3 fields, wanted 4"}, Bad{kArc, "1 2 3 4 5", "5 fields"},
                    Bad{kArc, "1,2,3,4", "1 field"}, Bad{kArc, "1 two 3 4", "nblocks 'two'"},
                    Bad{kArc, "18446744073709551615 2 0 0", "beyond the largest"},
                    Bad{kMsr, "1,hm,1,Read,0,1", "6 fields"}, Bad{kMsr, "1,hm,1,Trim,0,1,2", "Type 'Trim'"},
                    Bad{kMsr, "1,,1,Read,0,1,2", "Hostname"}, Bad{kMsr, "1,hm,x,Read,0,1,2", "DiskNumber 'x'"},
                    Bad{kMsr, "1,hm,1,Read,18446744073709551615,2,2", "beyond 2^64"},
                    Bad{kMsr, "1,hm,1,Read,0,1,fast", "ResponseTime 'fast'"}));

TEST(TraceFormatTest, KnowsHeaders) {
  EXPECT_TRUE(IsTraceHeader(kCp, "version,time,op,size,lbn"));
  EXPECT_TRUE(IsTraceHeader(kMsr, "Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime"));
  EXPECT_FALSE(IsTraceHeader(kCp, "1,2,28,512,3"));
  EXPECT_FALSE(IsTraceHeader(kArc, "start nblocks ignore sequence"));
}

}  // namespace
}  // namespace mxa::tool
