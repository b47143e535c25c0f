// SPDX-License-Identifier: Apache-2.0
//
// Decides, batch by batch, whether a pass waits for the grace period itself or hands the batch over and goes on.
//
// Waiting itself wakes no thread and settles the old places where the moves have cached them; so it pays while grace periods
// are short. The retiring thread takes what can go on beside the next moves: long grace periods, and slabs that go back to
// the system, some 25 us each, in the middle of which the pass could not rest.
// Threads: the pass's own.
#ifndef MXA_SLAB_PASS_WAITS_H_
#define MXA_SLAB_PASS_WAITS_H_

#include <cstddef>
#include <cstdint>

namespace mxa::slab {

class PassWaits {
 public:
  // After a wait of more than kLongNs that many batches are handed over.
  static constexpr uint64_t kLongNs = 200'000;
  static constexpr unsigned kHandedOver = 8;
  // So are those of more victims than that.
  static constexpr size_t kMostKept = 64;
  static constexpr size_t kMostGivenBack = 8;

  // Whether the pass should wait for the next batch, of so many victims, which are given back once they are empty or kept.
  bool WaitsItself(size_t victims, bool given_back) {
    if (victims > (given_back ? kMostGivenBack : kMostKept)) return false;
    if (to_hand_over_ == 0) return true;
    --to_hand_over_;
    return false;
  }

  // It has waited for so long.
  void Waited(uint64_t ns) {
    if (ns > kLongNs) to_hand_over_ = kHandedOver;
  }

 private:
  unsigned to_hand_over_ = 0;
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_PASS_WAITS_H_
