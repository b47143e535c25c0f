// SPDX-License-Identifier: Apache-2.0
//
// The bytes of a file or of standard input, decompressed if their first bytes say zstd or gzip.
//
// Threads: one; a feeder thread of its own passes compressed bytes on to the program that decompresses them.
// Why not link libzstd and zlib: the programs are on every machine that has such files, and cost no dependency.
#ifndef MXA_TOOLS_MXA_INPUT_STREAM_H_
#define MXA_TOOLS_MXA_INPUT_STREAM_H_

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"

namespace mxa::tool {

class InputStream {
 public:
  // `path` "-": standard input.
  // Errors: kInvalidArgument, one line that names `path`.
  static absl::StatusOr<std::unique_ptr<InputStream>> Open(const std::string& path);

  // Ends the decompressing program early if it still runs.
  ~InputStream();
  InputStream(const InputStream&) = delete;
  InputStream& operator=(const InputStream&) = delete;

  // Reads up to `size` bytes; 0 at the end, and only then has decompression succeeded.
  absl::StatusOr<size_t> Read(char* data, size_t size);

  // How messages call it.
  const std::string& name() const { return name_; }

 private:
  explicit InputStream(std::string name) : name_(std::move(name)) {}
  absl::Status StartDecompressor(const char* program);
  absl::Status AwaitDecompressor();
  absl::Status Failed(absl::string_view what) const;

  std::string name_;
  UniqueFd source_;     // what was named; the feeder has it when there is one
  std::string peeked_;  // its first bytes, still to be delivered
  UniqueFd plain_;      // what the decompressor writes; not valid: source_ is plain
  std::string program_;
  pid_t child_ = -1;
};

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_INPUT_STREAM_H_
