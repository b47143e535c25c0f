// SPDX-License-Identifier: Apache-2.0
#include "slab/observe/stats_server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/check.h"
#include "reclaim/fork_thread.h"
#include "reclaim/rcu.h"
#include "slab/observe/occupancy_text.h"
#include "slab/observe/prometheus_text.h"
#include "slab/observe/slabinfo_text.h"
#include "slab/observe/snapshot.h"
#include "slab/observe/snapshot_json.h"
#include "slab/observe/timed_stream.h"

namespace mxa::slab::observe {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(1);
constexpr size_t kLongestRequest = 64;

// The mode of the socket keeps others out already; this holds even when somebody has changed it.
bool MayAsk(int connection) {
  ucred peer = {};
  socklen_t size = sizeof peer;
  if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == 0 || peer.uid == geteuid();
}

}  // namespace

std::string AnswerTo(absl::string_view request) {
  if (request == "slabinfo") return SlabinfoText(TakeSnapshot());
  if (request == "json") return JsonText(TakeSnapshot());
  if (request == "prometheus") return PrometheusText(TakeSnapshot());
  if (request == "map") return OccupancyText(TakeSnapshot());
  return absl::StrCat("error: unknown request '", absl::CHexEscape(request),
                      "': ask for slabinfo, json, prometheus or map\n");
}

absl::StatusOr<std::unique_ptr<StatsServer>> StatsServer::Start(const std::string& path) {
  absl::StatusOr<std::unique_ptr<ListeningSocket>> socket = ListeningSocket::Listen(path);
  if (!socket.ok()) return socket.status();
  UniqueFd stop(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop.valid()) return absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot make an event descriptor"));
  std::unique_ptr<StatsServer> server(new StatsServer(*std::move(socket), std::move(stop)));
  const auto serve = [](void* raw) { static_cast<StatsServer*>(raw)->Serve(); };
  pthread_t thread;
  if (!reclaim::StartThread("mxa-stats", serve, server.get(), &thread)) {
    return absl::ResourceExhaustedError(absl::StrCat(path, ": no thread for the server of figures"));
  }
  server->thread_ = thread;
  return server;
}

StatsServer::~StatsServer() {
  if (!thread_.has_value()) return;  // it was never started
  MXA_CHECK(eventfd_write(stop_.get(), 1) == 0, "cannot stop the server of figures");
  reclaim::OfflineScope offline;
  MXA_CHECK(pthread_join(*thread_, nullptr) == 0, "the thread of the server of figures cannot be joined");
}

void StatsServer::Serve() {
  for (;;) {
    std::array<pollfd, 2> polled = {{{socket_->fd(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
    if (poll(polled.data(), polled.size(), -1) < 0) continue;
    if (polled[1].revents != 0) return;
    const UniqueFd connection(accept4(socket_->fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (connection.valid()) {
      ServeOne(connection.get());
    } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
      // Out of descriptors or memory, and the client is still there to be accepted: not at once again.
      poll(&polled[1], 1, 100);
    }
  }
}

void StatsServer::ServeOne(int connection) {
  TimedStream stream(connection, kPatience, stop_.get());
  std::string request;
  std::string answer;
  // Read in any case: a connection closed on what was not read is cut off, and the answer may be lost with it.
  const absl::Status status = stream.Read(kLongestRequest, '\n', request);
  if (!MayAsk(connection)) {
    answer = "error: another user's process\n";
  } else if (status.code() == absl::StatusCode::kResourceExhausted) {
    answer = absl::StrCat("error: a request is one line of less than ", kLongestRequest, " bytes\n");
  } else if (!status.ok() || request.empty()) {
    return;
  } else {
    answer = AnswerTo(absl::string_view(request).substr(0, request.find('\n')));
  }
  // A client that does not take its answer does without.
  stream.Write(answer).IgnoreError();
}

}  // namespace mxa::slab::observe
