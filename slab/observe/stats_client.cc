// SPDX-License-Identifier: Apache-2.0
#include "slab/observe/stats_client.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "slab/observe/listening_socket.h"
#include "slab/observe/timed_stream.h"

namespace mxa::slab::observe {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(10);
constexpr size_t kLargestAnswer = size_t{256} << 20;

absl::Status Connect(int socket, const sockaddr_un& address) {
  // The kernel waits for a place in a busy server's queue as long as for sending.
  const timeval patience = absl::ToTimeval(kPatience);
  setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return absl::OkStatus();
  if (errno == ECONNREFUSED) return absl::UnavailableError("nobody answers there: its process has ended");
  if (errno == EAGAIN) return absl::DeadlineExceededError("the server is busy");
  return absl::ErrnoToStatus(errno, "cannot connect");
}

absl::Status Exchange(const sockaddr_un& address, absl::string_view request, std::string& answer) {
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return absl::ErrnoToStatus(errno, "cannot make a socket");
  if (absl::Status status = Connect(socket.get(), address); !status.ok()) return status;
  TimedStream stream(socket.get(), kPatience);
  if (absl::Status status = stream.Write(absl::StrCat(request, "\n")); !status.ok()) return status;
  if (absl::Status status = stream.Read(kLargestAnswer, '\0', answer); !status.ok()) return status;
  absl::string_view error = answer;
  if (absl::ConsumePrefix(&error, "error: ")) {
    return absl::InvalidArgumentError(absl::StripTrailingAsciiWhitespace(error));
  }
  return answer.empty() ? absl::UnavailableError("the server gave no answer") : absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> AskStatsServer(const std::string& path, absl::string_view request) {
  const absl::StatusOr<sockaddr_un> address = UnixAddress(path);
  if (!address.ok()) return address.status();
  std::string answer;
  if (absl::Status status = Exchange(*address, request, answer); !status.ok()) {
    return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
  }
  return answer;
}

}  // namespace mxa::slab::observe
