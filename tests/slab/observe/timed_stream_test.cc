// SPDX-License-Identifier: Apache-2.0
//
// Property: no other side, silent, slow or gone, holds a stream up for longer than its patience or ends the process.
#include "slab/observe/timed_stream.h"

#include <sys/eventfd.h>
#include <sys/socket.h>

#include <string>

#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"

namespace mxa::slab::observe {
namespace {

class TimedStreamTest : public testing::Test {
 protected:
  TimedStreamTest() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    here_ = UniqueFd(ends[0]);
    there_ = UniqueFd(ends[1]);
  }

  UniqueFd here_;
  UniqueFd there_;
  std::string text_;
};

TEST_F(TimedStreamTest, ReadsUpToItsEnd) {
  ASSERT_EQ(send(there_.get(), "one\ntwo", 7, 0), 7);
  EXPECT_TRUE(TimedStream(here_.get(), absl::Seconds(30)).Read(64, '\n', text_).ok());
  EXPECT_EQ(text_.substr(0, 4), "one\n");
  there_.Close();
  EXPECT_TRUE(TimedStream(here_.get(), absl::Seconds(30)).Read(64, '\0', text_).ok());
  EXPECT_EQ(text_, "one\ntwo");
}

TEST_F(TimedStreamTest, ReadsNoMoreThanItMay) {
  ASSERT_EQ(send(there_.get(), "12345678", 8, 0), 8);
  EXPECT_EQ(TimedStream(here_.get(), absl::Seconds(30)).Read(4, '\n', text_).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(text_, "1234");
}

TEST_F(TimedStreamTest, LosesPatience) {
  TimedStream stream(here_.get(), absl::Milliseconds(50));
  EXPECT_EQ(stream.Read(64, '\n', text_).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(stream.Write(std::string(size_t{4} << 20, 'x')).code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(TimedStreamTest, StopsWaitingWhenToldTo) {
  const UniqueFd stop(eventfd(1, EFD_CLOEXEC));
  EXPECT_EQ(TimedStream(here_.get(), absl::Hours(1), stop.get()).Read(64, '\n', text_).code(),
            absl::StatusCode::kCancelled);
}

// Without MSG_NOSIGNAL, the process would end here.
TEST_F(TimedStreamTest, SurvivesAnOtherSideThatIsGone) {
  there_.Close();
  EXPECT_EQ(TimedStream(here_.get(), absl::Seconds(30)).Write("text").code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace mxa::slab::observe
