// SPDX-License-Identifier: Apache-2.0
//
// Reading from and writing to a socket with a bound on the time spent waiting for the other side.
//
// Invariants:
//   Ts1  all waits of one stream together take at most its patience, however slowly the other side drips.
//   Ts2  a wait ends at once when the descriptor `stop` becomes readable.
// Threads: one.
// Why not SO_RCVTIMEO and SO_SNDTIMEO: they bound one call, and a side that sends a byte a call could hold on for ever.
#ifndef MXA_SLAB_OBSERVE_TIMED_STREAM_H_
#define MXA_SLAB_OBSERVE_TIMED_STREAM_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace mxa::slab::observe {

class TimedStream {
 public:
  // `socket` is a connected one and the caller's; `stop` is -1 or what ends the waiting.
  TimedStream(int socket, absl::Duration patience, int stop = -1) : socket_(socket), stop_(stop), left_(patience) {}

  // Appends what the other side sends to `text`, up to `most` bytes in all, until it ends or `end` has been read.
  // With end = '\0': until it ends.
  // Errors: kDeadlineExceeded, kCancelled (stop), kResourceExhausted (more than `most`), kUnavailable.
  absl::Status Read(size_t most, char end, std::string& text);

  // Sends all of `text`. Never raises SIGPIPE.
  // Errors: as Read.
  absl::Status Write(absl::string_view text);

 private:
  absl::Status Await(short events);

  const int socket_;
  const int stop_;
  absl::Duration left_;
};

}  // namespace mxa::slab::observe

#endif  // MXA_SLAB_OBSERVE_TIMED_STREAM_H_
