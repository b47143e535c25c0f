// SPDX-License-Identifier: Apache-2.0
//
// A message from one reader to another, through a grace period: the second must see that the first has ended.
//
// A reader posts a letter inside its section, and notes behind it that the section is over. A courier collects letters, waits
// for a grace period and delivers them. Whoever opens one looks at what the sender noted: a section that was open when the
// courier came has ended before its grace period, and all that was done in it is visible to whoever learns of that.
// Threads: any; a sender is one thread at a time.
#ifndef MXA_TOOLS_TORTURE_MAILBOX_H_
#define MXA_TOOLS_TORTURE_MAILBOX_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/strings/str_format.h"
#include "tools/torture/errors.h"

namespace mxa::torture {

class Mailbox {
 public:
  static constexpr size_t kSenders = 16;

  // Inside the sender's section. False when its last letter is still on its way.
  bool Post(size_t sender, uint64_t section) {
    Letter& letter = letters_[sender];
    // Acquire; pairs with the release in Open: the letter is free again.
    if (letter.state.load(std::memory_order_acquire) != State::kNone) return false;
    letter.section = section;
    letter.state.store(State::kPosted, std::memory_order_release);  // pairs with the acquire in Collect
    return true;
  }
  // At the end of the sender's section, inside it. Relaxed: ordered by the grace period alone.
  void NoteEnd(size_t sender, uint64_t section) { ended_[sender].store(section, std::memory_order_relaxed); }

  // By the courier, before and behind a grace period. Returns how many.
  size_t Collect() { return Advance(State::kPosted, State::kCollected); }
  size_t Deliver() { return Advance(State::kCollected, State::kDelivered); }

  // Opens the letter of `sender`, if one was delivered; by one thread. False when there was none.
  bool Open(size_t sender, Errors& errors) {
    Letter& letter = letters_[sender];
    State delivered = State::kDelivered;
    // Acquire; pairs with the release in Advance: what the courier knows.
    if (!letter.state.compare_exchange_strong(delivered, State::kOpened, std::memory_order_acquire)) return false;
    const uint64_t ended = ended_[sender].load(std::memory_order_relaxed);
    if (ended < letter.section) {
      errors.Report(Error::kMailbox, absl::StrFormat("section %d of reader %d has not ended, says a letter that went "
                                                     "through a grace period: the last that ended is %d",
                                                     letter.section, sender, ended));
    }
    letter.state.store(State::kNone, std::memory_order_release);  // pairs with the acquire in Post
    return true;
  }

 private:
  enum class State : uint8_t { kNone, kPosted, kCollected, kDelivered, kOpened };
  struct Letter {
    std::atomic<State> state{State::kNone};
    uint64_t section = 0;
  };

  size_t Advance(State from, State to) {
    size_t count = 0;
    for (Letter& letter : letters_) {
      State expected = from;
      // Both ways; pairs with the release in Post and the acquire in Open.
      if (letter.state.compare_exchange_strong(expected, to, std::memory_order_acq_rel)) ++count;
    }
    return count;
  }

  std::array<Letter, kSenders> letters_;
  std::array<std::atomic<uint64_t>, kSenders> ended_{};
};

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_MAILBOX_H_
