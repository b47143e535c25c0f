// SPDX-License-Identifier: Apache-2.0
#include "slab/contiguous_verdict.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace mxa::slab {
namespace {

using Kind = ContiguousVerdict::Kind;
using Answer = ContiguousVerdict::Answer;

const char* AnswerText(Answer answer) {
  switch (answer) {
    case Answer::kBusy:
      return "busy";
    case Answer::kPinned:
      return "pinned";
    case Answer::kKeptBack:
      return "kept back: its owner does not know it";
    case Answer::kNone:
      break;
  }
  return "nothing";
}

std::string Blocker(const ContiguousVerdict& verdict) {
  switch (verdict.kind) {
    case Kind::kGranted:
      return "granted";
    case Kind::kImpossible:
      return "no power of two of bytes from 4 KiB to 1 GiB, or more than the arena reserves";
    case Kind::kUnmovable:
      if (verdict.cache.empty()) {
        return absl::StrFormat("every block holds unmovable memory, the nearest at %p: a page pool's or a block's",
                               verdict.address);
      }
      return absl::StrFormat("every block holds unmovable memory, the nearest a slab of cache %s at %p", verdict.cache,
                             verdict.address);
    case Kind::kObject:
      return absl::StrFormat("object %p of cache %s did not move: %s, %d times", verdict.address, verdict.cache,
                             AnswerText(verdict.answer), verdict.times);
    case Kind::kRefused:
      return absl::StrFormat("the owner of cache %s refused to empty the slab at %p, %d times", verdict.cache,
                             verdict.address, verdict.times);
    case Kind::kReader:
      return absl::StrFormat("thread %s (%d) has held up a grace period for at least %s", verdict.thread_name,
                             verdict.thread_id, absl::FormatDuration(verdict.held_at_least));
    case Kind::kNoMemory:
      return absl::StrFormat("%d bytes of free memory are missing elsewhere", verdict.missing_bytes);
    case Kind::kPassElsewhere:
      return absl::StrFormat("a pass over cache %s was running, %d tries", verdict.cache, verdict.times);
    case Kind::kOverlap:
      return "another request was evacuating the blocks there are";
    case Kind::kDeadline:
      return "time was up before anything blocked";
    case Kind::kCancelled:
      return "cancelled";
  }
  return "corrupt";
}

}  // namespace

std::string ContiguousVerdict::Text() const {
  std::string text = Blocker(*this);
  if (kind != Kind::kReader && thread_id != 0) {
    absl::StrAppendFormat(&text, "; thread %s (%d) has held up a grace period for at least %s", thread_name, thread_id,
                          absl::FormatDuration(held_at_least));
  }
  if (deadline_passed && kind != Kind::kDeadline) absl::StrAppend(&text, "; the deadline has passed");
  return text;
}

}  // namespace mxa::slab
