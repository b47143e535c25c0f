// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/input_stream.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

extern char** environ;

namespace mxa::tool {
namespace {

constexpr absl::string_view kZstdMagic("\x28\xb5\x2f\xfd", 4);
constexpr absl::string_view kGzipMagic("\x1f\x8b", 2);
constexpr size_t kPeek = 4;

ssize_t ReadRetrying(int fd, char* data, size_t size) {
  ssize_t got;
  do {
    got = read(fd, data, size);
  } while (got < 0 && errno == EINTR);
  return got;
}

bool WriteAll(int fd, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t put = write(fd, data, size);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    data += put;
    size -= static_cast<size_t>(put);
  }
  return true;
}

// Copies `first` and then all of `from` to `to`, until either ends. A reader that is gone is no error here: who reads
// its output hears of it.
void Feed(std::string first, UniqueFd from, UniqueFd to) {
  sigset_t pipe_signal;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe_signal, nullptr);
  bool open = WriteAll(to.get(), first.data(), first.size());
  std::vector<char> buffer(size_t{64} << 10);
  while (open) {
    const ssize_t got = ReadRetrying(from.get(), buffer.data(), buffer.size());
    open = got > 0 && WriteAll(to.get(), buffer.data(), static_cast<size_t>(got));
  }
}

bool MakePipe(UniqueFd& read_end, UniqueFd& write_end) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  read_end = UniqueFd(ends[0]);
  write_end = UniqueFd(ends[1]);
  return true;
}

}  // namespace

absl::Status InputStream::Failed(absl::string_view what) const {
  return absl::InvalidArgumentError(absl::StrCat(name_, ": ", what));
}

absl::StatusOr<std::unique_ptr<InputStream>> InputStream::Open(const std::string& path) {
  std::unique_ptr<InputStream> stream(new InputStream(path == "-" ? "standard input" : path));
  const int fd = path == "-" ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return stream->Failed(strerror(errno));
  stream->source_ = UniqueFd(fd);

  char first[kPeek];
  while (stream->peeked_.size() < kPeek) {
    const ssize_t got = ReadRetrying(fd, first, kPeek - stream->peeked_.size());
    if (got < 0) return stream->Failed(strerror(errno));
    if (got == 0) break;
    stream->peeked_.append(first, static_cast<size_t>(got));
  }
  absl::Status status;
  if (absl::StartsWith(stream->peeked_, kZstdMagic)) {
    status = stream->StartDecompressor("zstd");
  } else if (absl::StartsWith(stream->peeked_, kGzipMagic)) {
    status = stream->StartDecompressor("gzip");
  }
  if (!status.ok()) return status;
  return stream;
}

absl::Status InputStream::StartDecompressor(const char* program) {
  program_ = program;
  UniqueFd child_input, feed, child_output;
  if (!MakePipe(child_input, feed) || !MakePipe(plain_, child_output)) return Failed(strerror(errno));

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, child_input.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, child_output.get(), STDOUT_FILENO);
  // Its complaints would be a second error line; its exit status says enough.
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  char name[8], option[] = "-dc";
  strncpy(name, program, sizeof(name) - 1);
  name[sizeof(name) - 1] = '\0';
  char* arguments[] = {name, option, nullptr};
  const int error = posix_spawnp(&child_, program, &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    child_ = -1;
    return Failed(absl::StrCat("cannot run the program ", program_, " to decompress it: ", strerror(error)));
  }
  // Detached: it may sit in a read of a pipe that nobody writes to when decompression has long failed.
  std::thread(Feed, std::exchange(peeked_, std::string()), std::move(source_), std::move(feed)).detach();
  return absl::OkStatus();
}

absl::StatusOr<size_t> InputStream::Read(char* data, size_t size) {
  if (!peeked_.empty()) {
    const size_t count = std::min(size, peeked_.size());
    memcpy(data, peeked_.data(), count);
    peeked_.erase(0, count);
    return count;
  }
  const ssize_t got = ReadRetrying(plain_.valid() ? plain_.get() : source_.get(), data, size);
  if (got < 0) return Failed(strerror(errno));
  if (got == 0) {
    if (absl::Status status = AwaitDecompressor(); !status.ok()) return status;
  }
  return static_cast<size_t>(got);
}

absl::Status InputStream::AwaitDecompressor() {
  if (child_ < 0) return absl::OkStatus();
  int status = 0;
  while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
  }
  child_ = -1;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return absl::OkStatus();
  return Failed(absl::StrCat(program_, " could not decompress it"));
}

InputStream::~InputStream() {
  if (child_ < 0) return;
  kill(child_, SIGKILL);  // TERM may be ignored by inheritance; not waited for yet, so the number is still its own
  plain_.Close();
  while (waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace mxa::tool
