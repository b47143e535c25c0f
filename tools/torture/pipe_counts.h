// SPDX-License-Identifier: Apache-2.0
//
// At what age readers saw the published elements, and how many elements came to each age.
//
// An element is of age 0 while it is published and of age 1 as soon as it is replaced; from then on it ages by one with each
// grace period. A reader that found it while it was published holds up the first of these: it can never see an age above 1.
// Threads: every function from any thread at once.
// The idea is rcutorture's; so is the lesson that the sum has to reach the last bucket, which SelfTest proves in each run.
#ifndef MXA_TOOLS_TORTURE_PIPE_COUNTS_H_
#define MXA_TOOLS_TORTURE_PIPE_COUNTS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace mxa::torture {

class PipeCounts {
 public:
  static constexpr uint32_t kOldest = 10;  // at which an element is free; buckets 0 to kOldest
  using Buckets = std::array<uint64_t, kOldest + 1>;

  // A reader saw `age`, during which so many grace periods ended. False when no reader may see that.
  bool See(uint32_t age, uint64_t grace_periods);
  // An element came to `age`.
  void Reach(uint32_t age) { Add(reached_, age); }

  Buckets seen() const { return Values(seen_); }        // by age
  Buckets batches() const { return Values(batches_); }  // by grace periods that ended during the section
  Buckets reached() const { return Values(reached_); }

  // Sum over the ages that no reader may see.
  uint64_t too_old() const;

  // Feeds a pipe of its own with each age, and expects too_old to say so. False when it does not: it would miss bugs.
  static bool SelfTest();

 private:
  // Relaxed: counts.
  using Counts = std::array<std::atomic<uint64_t>, kOldest + 1>;
  static void Add(Counts& counts, uint64_t bucket);
  static Buckets Values(const Counts& counts);

  Counts seen_{};
  Counts batches_{};
  Counts reached_{};
};

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_PIPE_COUNTS_H_
