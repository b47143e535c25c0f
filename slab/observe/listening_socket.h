// SPDX-License-Identifier: Apache-2.0
//
// A Unix socket that listens under a path, for this user alone, and goes with its owner.
//
// Invariants:
//   Ls1  nobody else can connect, not even for a moment: the mode is set before the socket has a name (Linux gives the
//        file the mode of the socket's descriptor), it is looked at once it has one, and only then does it listen;
//        before that every connection is refused, whatever the mode.
//   Ls2  a socket that somebody listens on is never replaced; the file of a dead process is.
//   Ls3  what is removed at the end is the file that was made, not one that has taken its place.
// Threads: one; concurrent Listen calls, also of other processes, take turns by a lock on the folder.
// Why not umask(2) around bind: it is the whole process's, and other threads make files meanwhile.
// Why not chmod(2) after it: a path may have become another file by then.
#ifndef MXA_SLAB_OBSERVE_LISTENING_SOCKET_H_
#define MXA_SLAB_OBSERVE_LISTENING_SOCKET_H_

#include <sys/types.h>
#include <sys/un.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/unique_fd.h"

namespace mxa::slab::observe {

// Errors: kInvalidArgument, which says how long a path may be, for one that is too long, empty, or has a zero byte.
absl::StatusOr<sockaddr_un> UnixAddress(const std::string& path);

class ListeningSocket {
 public:
  // Errors: kInvalidArgument for the path, kAlreadyExists when somebody listens there or the file is no socket,
  // kUnavailable when another process keeps the folder's lock, else as the system says. All name the path.
  static absl::StatusOr<std::unique_ptr<ListeningSocket>> Listen(const std::string& path);

  // Removes the file, if it still is the one that was made.
  ~ListeningSocket();
  ListeningSocket(const ListeningSocket&) = delete;
  ListeningSocket& operator=(const ListeningSocket&) = delete;

  // Non-blocking.
  int fd() const { return socket_.get(); }

 private:
  ListeningSocket() = default;
  absl::Status OpenFolder(const std::string& path);
  absl::Status LockFolder();
  absl::Status Bind(const sockaddr_un& address);
  absl::Status RemoveDead(const sockaddr_un& address);
  absl::Status CheckMade();
  bool IsOurs() const;

  UniqueFd folder_;  // the file is removed from here, wherever the process has gone meanwhile
  std::string name_;
  UniqueFd socket_;
  bool made_ = false;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace mxa::slab::observe

#endif  // MXA_SLAB_OBSERVE_LISTENING_SOCKET_H_
