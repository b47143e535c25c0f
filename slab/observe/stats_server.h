// SPDX-License-Identifier: Apache-2.0
//
// Answers questions about this process's caches on a Unix socket, for as long as it lives.
//
//   auto server = mxa::slab::observe::StatsServer::Start("/run/user/1000/app.mxa");
//
// A client sends one line (`slabinfo`, `json`, `prometheus` or `map`), gets the text, and the connection ends. What is
// no such line gets one that begins with "error: ".
// Invariants:
//   Sv1  no socket unless asked for, and then for this user (or root) alone: mode 0600, and the peer is asked for.
//   Sv2  a client that is silent or slow is left after one second of waiting.
// Threads: Start and destruction from any thread; one thread of its own, which takes no signals.
#ifndef MXA_SLAB_OBSERVE_STATS_SERVER_H_
#define MXA_SLAB_OBSERVE_STATS_SERVER_H_

#include <pthread.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "slab/observe/listening_socket.h"

namespace mxa::slab::observe {

class StatsServer {
 public:
  // Errors: as ListeningSocket::Listen.
  static absl::StatusOr<std::unique_ptr<StatsServer>> Start(const std::string& path);

  // Ends the thread, which stops waiting at once but finishes the figures it is at; removes the socket.
  // Context: no read section is open on this thread; not inside ForEachCache.
  ~StatsServer();
  StatsServer(const StatsServer&) = delete;
  StatsServer& operator=(const StatsServer&) = delete;

 private:
  StatsServer(std::unique_ptr<ListeningSocket> socket, UniqueFd stop)
      : socket_(std::move(socket)), stop_(std::move(stop)) {}
  void Serve();
  void ServeOne(int connection);

  std::unique_ptr<ListeningSocket> socket_;
  UniqueFd stop_;  // readable once the thread is to end
  std::optional<pthread_t> thread_;
};

// The answer to one request: a text, or "error: " and what is wrong. Context: as TakeSnapshot.
std::string AnswerTo(absl::string_view request);

}  // namespace mxa::slab::observe

#endif  // MXA_SLAB_OBSERVE_STATS_SERVER_H_
