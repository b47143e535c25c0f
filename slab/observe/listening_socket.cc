// SPDX-License-Identifier: Apache-2.0
#include "slab/observe/listening_socket.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace mxa::slab::observe {
namespace {

constexpr mode_t kMode = S_IRUSR | S_IWUSR;
constexpr int kBacklog = 16;

int SocketOf(int flags) { return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0); }

const sockaddr* Generic(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

}  // namespace

absl::StatusOr<sockaddr_un> UnixAddress(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.empty()) return absl::InvalidArgumentError("the path of a socket is empty");
  if (path.find('\0') != std::string::npos) return absl::InvalidArgumentError("the path of a socket has a zero byte");
  if (path.size() >= sizeof address.sun_path) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", path.size(),
                                                   " bytes are too long for a socket, at most ",
                                                   sizeof address.sun_path - 1, " will do"));
  }
  memcpy(address.sun_path, path.data(), path.size());
  return address;
}

absl::StatusOr<std::unique_ptr<ListeningSocket>> ListeningSocket::Listen(const std::string& path) {
  const absl::StatusOr<sockaddr_un> address = UnixAddress(path);
  if (!address.ok()) return address.status();
  std::unique_ptr<ListeningSocket> listening(new ListeningSocket);
  absl::Status status = listening->OpenFolder(path);
  if (status.ok()) status = listening->LockFolder();
  if (status.ok()) status = listening->Bind(*address);
  if (status.ok()) status = listening->CheckMade();
  if (status.ok() && listen(listening->fd(), kBacklog) != 0) status = absl::ErrnoToStatus(errno, "listen");
  if (!status.ok()) return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
  flock(listening->folder_.get(), LOCK_UN);
  return listening;
}

absl::Status ListeningSocket::OpenFolder(const std::string& path) {
  const size_t slash = path.rfind('/');
  name_ = slash == std::string::npos ? path : path.substr(slash + 1);
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  folder_ = UniqueFd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return folder_.valid() ? absl::OkStatus() : absl::ErrnoToStatus(errno, "cannot open the folder");
}

// Between finding a socket dead and taking its place, another starter must not take it: it would be removed though it
// lives. The lock goes with the descriptor if we fail.
absl::Status ListeningSocket::LockFolder() {
  for (int attempt = 0; attempt < 100; ++attempt) {
    if (flock(folder_.get(), LOCK_EX | LOCK_NB) == 0) return absl::OkStatus();
    if (errno != EWOULDBLOCK && errno != EINTR) return absl::ErrnoToStatus(errno, "cannot lock the folder");
    absl::SleepFor(absl::Milliseconds(10));
  }
  return absl::UnavailableError("another process keeps the folder locked");
}

absl::Status ListeningSocket::Bind(const sockaddr_un& address) {
  socket_ = UniqueFd(SocketOf(SOCK_NONBLOCK));
  if (!socket_.valid()) return absl::ErrnoToStatus(errno, "cannot make a socket");
  if (fchmod(fd(), kMode) != 0) return absl::ErrnoToStatus(errno, "cannot set the socket's mode");
  // Once more after a dead one has been removed.
  for (int attempt = 0;; ++attempt) {
    if (bind(fd(), Generic(address), sizeof address) == 0) return absl::OkStatus();
    if (errno != EADDRINUSE || attempt > 0) return absl::ErrnoToStatus(errno, "cannot make the socket");
    if (absl::Status status = RemoveDead(address); !status.ok()) return status;
  }
}

absl::Status ListeningSocket::RemoveDead(const sockaddr_un& address) {
  struct stat file;
  if (fstatat(folder_.get(), name_.c_str(), &file, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno == ENOENT ? absl::OkStatus() : absl::ErrnoToStatus(errno, "cannot look at what is there");
  }
  if (!S_ISSOCK(file.st_mode)) return absl::AlreadyExistsError("is there, and is no socket");
  const UniqueFd probe(SocketOf(SOCK_NONBLOCK));
  if (!probe.valid()) return absl::ErrnoToStatus(errno, "cannot make a socket");
  // EAGAIN: somebody listens and is busy.
  if (connect(probe.get(), Generic(address), sizeof address) == 0 || errno == EAGAIN) {
    return absl::AlreadyExistsError("another server answers there");
  }
  if (errno == ENOENT) return absl::OkStatus();
  if (errno != ECONNREFUSED) return absl::ErrnoToStatus(errno, "is there, and cannot be asked whether anybody listens");
  if (unlinkat(folder_.get(), name_.c_str(), 0) != 0 && errno != ENOENT) {
    return absl::ErrnoToStatus(errno, "cannot remove the socket of a dead process");
  }
  return absl::OkStatus();
}

absl::Status ListeningSocket::CheckMade() {
  struct stat file;
  if (fstatat(folder_.get(), name_.c_str(), &file, AT_SYMLINK_NOFOLLOW) != 0) {
    return absl::ErrnoToStatus(errno, "cannot look at the socket just made");
  }
  made_ = true;
  device_ = file.st_dev;
  inode_ = file.st_ino;
  if (!S_ISSOCK(file.st_mode) || file.st_uid != geteuid()) {
    made_ = false;
    return absl::AbortedError("the socket just made was replaced");
  }
  // A umask can only have taken permissions away.
  if ((file.st_mode & 07777) != kMode) return absl::InternalError("the system did not give the socket mode 0600");
  return absl::OkStatus();
}

bool ListeningSocket::IsOurs() const {
  struct stat file;
  return made_ && fstatat(folder_.get(), name_.c_str(), &file, AT_SYMLINK_NOFOLLOW) == 0 && file.st_dev == device_ &&
         file.st_ino == inode_;
}

ListeningSocket::~ListeningSocket() {
  // Still listening, so that no other starter takes the file for a dead one's and puts its own there meanwhile.
  if (IsOurs()) unlinkat(folder_.get(), name_.c_str(), 0);
}

}  // namespace mxa::slab::observe
