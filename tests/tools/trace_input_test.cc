// SPDX-License-Identifier: Apache-2.0
//
// Property: a trace is read whole, or refused with the number of the line that is wrong; how it is packed makes no
// difference.
#include "tools/mxa/trace_input.h"

#include <stdlib.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/tools/temp_folder.h"

namespace mxa::tool {
namespace {

constexpr uint64_t kNoLimit = 1'000'000;

class TraceInputTest : public testing::Test {
 protected:
  absl::StatusOr<Workload> ReadFile(const std::string& path, TraceFormat format, uint64_t max_entries = kNoLimit) {
    absl::StatusOr<std::unique_ptr<InputStream>> stream = InputStream::Open(path);
    if (!stream.ok()) return stream.status();
    return ReadTrace(**stream, format, max_entries);
  }
  absl::StatusOr<Workload> ReadText(absl::string_view text, TraceFormat format = TraceFormat::kArc,
                                    uint64_t max_entries = kNoLimit) {
    return ReadFile(folder_.Write("trace", text), format, max_entries);
  }
  // What follows the file's name in the error.
  std::string ErrorOf(const absl::StatusOr<Workload>& workload, absl::string_view file = "trace") {
    const std::string message(workload.status().message());
    const std::string path = folder_.PathOf(file);
    return message.compare(0, path.size(), path) == 0 ? message.substr(path.size()) : message;
  }
  // Compresses the file `name` with `program`; false when the machine does not have it.
  bool Compress(absl::string_view program, absl::string_view name) {
    const std::string path = folder_.PathOf(name);
    return system(absl::StrCat(program, " -c ", path, " > ", path, ".packed 2>/dev/null").c_str()) == 0;
  }

  TempFolder folder_;
};

TEST_F(TraceInputTest, KeepsFirstTouchOrderAndLastTouches) {
  const absl::StatusOr<Workload> workload = ReadText("10 2 0 0\n5 1 0 1\n10 1 0 2\n");
  ASSERT_TRUE(workload.ok()) << workload.status();
  ASSERT_EQ(workload->arrays.size(), 1u);
  EXPECT_EQ(workload->arrays[0].blocks, (std::vector<uint64_t>{10, 11, 5}));
  EXPECT_EQ(workload->arrays[0].last_touch, (std::vector<uint32_t>{3, 1, 2}));
}

TEST_F(TraceInputTest, MakesAnArrayADevice) {
  const absl::StatusOr<Workload> workload = ReadText(
      "Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime\r\n1,hm,0,Read,0,1,1\r\n2,hm,1,Write,0,1,1\r\n3,hm,"
      "0,Read,0,1,1",
      TraceFormat::kMsr);
  ASSERT_TRUE(workload.ok()) << workload.status();
  ASSERT_EQ(workload->arrays.size(), 2u);
  EXPECT_EQ(workload->arrays[0].name, "hm.0");
  EXPECT_EQ(workload->arrays[1].name, "hm.1");
  EXPECT_EQ(workload->entries(), 2u);
}

TEST_F(TraceInputTest, TakesEmptyLinesAtTheEndOnly) {
  EXPECT_TRUE(ReadText("1 1 0 0\r\n\r\n\n").ok());
  EXPECT_EQ(ErrorOf(ReadText("1 1 0 0\n\n\n2 1 0 1\n")), ":2: empty line");
}

TEST_F(TraceInputTest, NamesTheLine) {
  EXPECT_EQ(ErrorOf(ReadText("1 1 0 0\n2 1 0 1\nx 1 0 2\n")), ":3: start 'x' is not a whole number");
  EXPECT_EQ(ErrorOf(ReadText("1 1 0 0\n2 1 0")), ":2: 3 fields, wanted 4: start nblocks ignore sequence");  // cut short
  EXPECT_EQ(ErrorOf(ReadText("version,time,op,size,lbn\n1,2,28,512,y\n", TraceFormat::kCloudPhysics)),
            ":2: lbn 'y' is not a whole number");
  EXPECT_EQ(ErrorOf(ReadText("1,2,28,512,3\nversion,time,op,size,lbn\n", TraceFormat::kCloudPhysics)),
            ":2: version 'version' is not a whole number");
}

TEST_F(TraceInputTest, RefusesTooMuchAndTooLittle) {
  EXPECT_EQ(ErrorOf(ReadText("1 3 0 0\n9 2 0 1\n", TraceFormat::kArc, 4)),
            ":2: more than 4 distinct blocks; see --max-entries");
  EXPECT_TRUE(ReadText("1 3 0 0\n1 3 0 1\n9 1 0 2", TraceFormat::kArc, 4).ok());
  EXPECT_EQ(ErrorOf(ReadText("")), ": no block is touched in it");
  EXPECT_EQ(ErrorOf(ReadText("1 18446744073709551614 0 0\n")),
            ":1: more than 1000000 distinct blocks; see --max-entries");
}

TEST_F(TraceInputTest, RefusesALineWithoutEnd) {
  EXPECT_EQ(ErrorOf(ReadText("1 1 0 0\n" + std::string(1 << 20, ' '))), ":2: the line is too long");
}

TEST_F(TraceInputTest, RefusesAMissingFileAndAFolder) {
  EXPECT_EQ(ErrorOf(ReadFile(folder_.PathOf("none"), TraceFormat::kArc), "none"), ": No such file or directory");
  EXPECT_EQ(ErrorOf(ReadFile(folder_.path(), TraceFormat::kArc), ""), folder_.path() + ": Is a directory");
}

class PackedTraceTest : public TraceInputTest, public testing::WithParamInterface<const char*> {};

TEST_P(PackedTraceTest, ReadsAsThePlainOne) {
  std::string text;
  for (uint64_t i = 0; i < 100'000; ++i) absl::StrAppend(&text, (i * 7919) % 65536, " 3 0 ", i, "\n");
  folder_.Write("big", text);
  if (!Compress(GetParam(), "big")) GTEST_SKIP() << "no " << GetParam() << " here";
  const absl::StatusOr<Workload> plain = ReadFile(folder_.PathOf("big"), TraceFormat::kArc);
  const absl::StatusOr<Workload> packed = ReadFile(folder_.PathOf("big.packed"), TraceFormat::kArc);
  ASSERT_TRUE(plain.ok() && packed.ok()) << plain.status() << packed.status();
  EXPECT_EQ(plain->arrays[0].blocks, packed->arrays[0].blocks);
}

TEST_P(PackedTraceTest, IsRefusedWhenItIsCutShort) {
  std::string text;
  for (uint64_t i = 0; i < 100'000; ++i) absl::StrAppend(&text, (i * 7919) % 65536, " 3 0 ", i, "\n");
  folder_.Write("big", text);
  if (!Compress(GetParam(), "big")) GTEST_SKIP() << "no " << GetParam() << " here";
  const std::string packed = folder_.Read("big.packed");
  folder_.Write("cut", packed.substr(0, packed.size() / 2));
  const absl::StatusOr<Workload> cut = ReadFile(folder_.PathOf("cut"), TraceFormat::kArc);
  EXPECT_EQ(cut.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_P(PackedTraceTest, MayBeLeftHalfRead) {
  std::string text = "broken\n";
  for (uint64_t i = 0; i < 300'000; ++i) absl::StrAppend(&text, (i * 7919) % 65536, " 3 0 ", i, "\n");
  folder_.Write("big", text);
  if (!Compress(GetParam(), "big")) GTEST_SKIP() << "no " << GetParam() << " here";
  const absl::StatusOr<Workload> broken = ReadFile(folder_.PathOf("big.packed"), TraceFormat::kArc);
  EXPECT_EQ(ErrorOf(broken, "big.packed"), ":1: 1 field, wanted 4: start nblocks ignore sequence");
}

INSTANTIATE_TEST_SUITE_P(All, PackedTraceTest, testing::Values("zstd", "gzip"));

}  // namespace
}  // namespace mxa::tool
