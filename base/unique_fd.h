// SPDX-License-Identifier: Apache-2.0
//
// A file descriptor that is closed when its owner goes.
//
// Threads: one at a time.
#ifndef MXA_BASE_UNIQUE_FD_H_
#define MXA_BASE_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

namespace mxa {

class [[nodiscard]] UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~UniqueFd() { Close(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

  // The caller closes it from now on.
  int Release() { return std::exchange(fd_, -1); }

  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

}  // namespace mxa

#endif  // MXA_BASE_UNIQUE_FD_H_
