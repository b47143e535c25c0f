// SPDX-License-Identifier: Apache-2.0
//
// Why a request for contiguous memory got none: the exact blocker, as fields and as text.
//
// Threads: plain data, a copy of what the request has seen.
#ifndef MXA_SLAB_CONTIGUOUS_VERDICT_H_
#define MXA_SLAB_CONTIGUOUS_VERDICT_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace mxa::slab {

struct ContiguousVerdict {
  enum class Kind : uint8_t {
    kGranted,        // the block is there
    kImpossible,     // no power of two from 4 KiB to 1 GiB, or more than the arena has
    kUnmovable,      // every block holds memory that no pass can move; the nearest one is named
    kObject,         // an object stayed where it is: its owner's answer is named
    kRefused,        // CanFree said no to a whole slab
    kReader,         // a read section held up a grace period
    kNoMemory,       // what would have to move has nowhere to go: so many bytes are missing
    kPassElsewhere,  // another pass over a cache of the block was running
    kOverlap,        // another request was evacuating what was left to choose from
    kDeadline,       // time was up before anything blocked
    kCancelled,      // the caller's flag was set
  };
  // What the owner of `object` last said.
  enum class Answer : uint8_t {
    kNone,
    kBusy,      // MoveResult::kBusy: its lock was held
    kPinned,    // MoveResult::kPinned
    kKeptBack,  // CanFree took it off the list: its owner does not know it
  };

  Kind kind = Kind::kDeadline;
  bool deadline_passed = false;  // kind says what was in the way until then

  // kObject, kRefused, kUnmovable, kPassElsewhere: the cache. Of kUnmovable empty when the memory is no cache's: a page
  // pool's, or contiguous memory handed out before.
  std::string cache;
  const void* address = nullptr;  // kObject: the object; kRefused, kUnmovable: the first object of the slab
  Answer answer = Answer::kNone;  // kObject
  uint64_t times = 0;             // kObject: it got this answer so often; kRefused: so; kPassElsewhere: tried so often

  // kReader; with the other kinds where one was seen that may be behind it.
  std::string thread_name;
  int64_t thread_id = 0;
  absl::Duration held_at_least = absl::ZeroDuration();

  size_t missing_bytes = 0;  // kNoMemory

  bool granted() const { return kind == Kind::kGranted; }
  // One line that names the blocker.
  std::string Text() const;
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_CONTIGUOUS_VERDICT_H_
