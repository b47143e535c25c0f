// SPDX-License-Identifier: Apache-2.0
//
// Arrays that writers fill, change and thin out while readers check every entry they meet.
//
// An index has at most one writer, who remembers what is there. A value names its index, so that each load proves
// itself; at every 64th place the value stays the same all the time, so that a reader knows when one is lost.
// Threads: Write by one thread a writer, Read and Walk by any at once; Verify while the writers rest.
#ifndef MXA_TESTS_RECLAIM_STRESS_LOAD_H_
#define MXA_TESTS_RECLAIM_STRESS_LOAD_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "tests/support/random.h"
#include "xarray/xarray.h"

namespace mxa::reclaim::stress {

class Load {
 public:
  static constexpr size_t kArrays = 3;
  static constexpr size_t kWriters = 2;

  // `places` entries an array when full, a node each.
  Load(xarray::NodeCache& nodes, size_t places);

  // One change by `writer` somewhere, which leads towards `percent` of all places in use. Errors are counted.
  void Write(size_t writer, unsigned percent, tests::Random& random);
  // Brings every place of `writer`'s there; 100 leaves nothing out.
  void Settle(size_t writer, unsigned percent, tests::Random& random);

  // One load; one walk over some hundred places.
  void Read(tests::Random& random);
  void Walk(tests::Random& random);

  // "", or what is not as the writers left it.
  std::string Verify();

  uint64_t errors() const { return errors_; }
  uint64_t loads() const { return loads_; }
  uint64_t steps() const { return steps_; }
  uint64_t writes() const { return writes_; }

 private:
  static constexpr uint64_t kSpread = 64;  // a leaf a place
  static constexpr uint64_t kStableEvery = 64;
  static bool IsStable(size_t place) { return place % kStableEvery == 0; }
  static uint64_t IndexOf(size_t place) { return place * kSpread + place % kSpread; }
  static uint64_t ValueOf(size_t place, uint64_t version) { return version << 32 | place; }

  void Change(size_t array, size_t place, bool present);
  void Check(size_t place, const std::optional<uint64_t>& value);

  const size_t places_;
  std::deque<XArray<Value>> arrays_;
  // By array and place: the version there, 0 for none. Each of the place's writer.
  std::vector<std::vector<uint32_t>> versions_;
  std::atomic<uint64_t> errors_{0};
  std::atomic<uint64_t> loads_{0};
  std::atomic<uint64_t> steps_{0};
  std::atomic<uint64_t> writes_{0};
};

}  // namespace mxa::reclaim::stress

#endif  // MXA_TESTS_RECLAIM_STRESS_LOAD_H_
