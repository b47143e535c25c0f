// SPDX-License-Identifier: Apache-2.0
#include "slab/observe/timed_stream.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace mxa::slab::observe {
namespace {

bool WouldWait(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

// CLOCK_MONOTONIC: a clock that is set must not lengthen a wait.
absl::Duration Monotonic() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::DurationFromTimespec(now);
}

}  // namespace

absl::Status TimedStream::Await(short events) {
  for (;;) {
    if (left_ <= absl::ZeroDuration()) return absl::DeadlineExceededError("the other side took too long");
    std::array<pollfd, 2> polled = {{{socket_, events, 0}, {stop_, POLLIN, 0}}};
    const absl::Duration begun = Monotonic();
    // Rounded up, so that a rest of a millisecond is no busy loop.
    const int ready =
        poll(polled.data(), polled.size(), static_cast<int>(std::ceil(absl::ToDoubleMilliseconds(left_))));
    left_ -= std::max(Monotonic() - begun, absl::ZeroDuration());
    if (ready < 0 && errno != EINTR) return absl::ErrnoToStatus(errno, "poll");
    if (ready > 0 && polled[1].revents != 0) return absl::CancelledError("stopped");
    if (ready > 0) return absl::OkStatus();
  }
}

absl::Status TimedStream::Read(size_t most, char end, std::string& text) {
  std::array<char, 16384> buffer;
  for (;;) {
    if (end != '\0' && text.find(end) != std::string::npos) return absl::OkStatus();
    if (text.size() >= most) return absl::ResourceExhaustedError(absl::StrCat("more than ", most, " bytes"));
    const ssize_t count = recv(socket_, buffer.data(), std::min(buffer.size(), most - text.size()), MSG_DONTWAIT);
    if (count == 0) return absl::OkStatus();
    if (count > 0) {
      text.append(buffer.data(), static_cast<size_t>(count));
    } else if (WouldWait(errno)) {
      if (absl::Status status = Await(POLLIN); !status.ok()) return status;
    } else if (errno != EINTR) {
      return absl::UnavailableError(absl::ErrnoToStatus(errno, "cannot read").message());
    }
  }
}

absl::Status TimedStream::Write(absl::string_view text) {
  while (!text.empty()) {
    const ssize_t count = send(socket_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count >= 0) {
      text.remove_prefix(static_cast<size_t>(count));
    } else if (WouldWait(errno)) {
      if (absl::Status status = Await(POLLOUT); !status.ok()) return status;
    } else if (errno != EINTR) {
      return absl::UnavailableError(absl::ErrnoToStatus(errno, "cannot write").message());
    }
  }
  return absl::OkStatus();
}

}  // namespace mxa::slab::observe
