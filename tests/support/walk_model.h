// SPDX-License-Identifier: Apache-2.0
//
// Takes random steps with a cursor between random changes, and asks a std::map what each step had to meet.
//
// On one thread each step must give exactly what the map says: the cursor may keep no memory of what it looked at but
// its index. Nodes move meanwhile or not, as asked.
// Threads: one thread's.
#ifndef MXA_TESTS_SUPPORT_WALK_MODEL_H_
#define MXA_TESTS_SUPPORT_WALK_MODEL_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "reclaim/rcu.h"
#include "tests/support/array_model.h"
#include "tests/support/random.h"
#include "xarray/cursor.h"
#include "xarray/mark_filter.h"
#include "xarray/xarray.h"

namespace mxa::tests {

struct alignas(8) WalkElement {
  uint64_t index;
};

class WalkModel {
 public:
  // With `moves_all`, every node moves after every operation.
  WalkModel(uint64_t seed, IndexShape shape, bool moves_all, xarray::NodeCache& nodes);

  // Runs `count` changes and steps, and now and then compares whole ranges, finds and counts. The error names the seed
  // and the operations that led to it.
  absl::Status Run(int count);

 private:
  enum class Way { kStart, kUp, kDown, kIndex };
  struct Held {
    WalkElement* element;
    unsigned marks;
  };
  using Oracle = std::map<uint64_t, Held>;

  uint64_t PickIndex();
  xarray::MarkFilter PickFilter();
  void Change();
  absl::Status Step();
  absl::Status StepByIndex(bool is_up);
  absl::Status StepTo(bool is_up);
  absl::Status CompareRange();
  absl::Status CompareFinds();
  absl::Status MoveEveryNode();
  void Renew();
  Oracle::const_iterator First(uint64_t from, uint64_t last, const xarray::MarkFilter& filter) const;
  Oracle::const_iterator Last(uint64_t from, uint64_t first, const xarray::MarkFilter& filter) const;
  absl::Status Differs(const std::string& what, const WalkElement* got, const WalkElement* expected) const;
  void Log(std::string text) { history_.push_back(std::move(text)); }

  const uint64_t seed_;
  const IndexShape shape_;
  const bool moves_all_;
  xarray::NodeCache& nodes_;
  Random random_;
  XArray<WalkElement> array_;
  std::map<uint64_t, WalkElement> elements_;  // of every index ever used
  Oracle oracle_;
  std::vector<std::string> history_;

  std::optional<reclaim::ReadSection> section_;
  std::optional<XArrayCursor<WalkElement>> cursor_;
  Way way_ = Way::kStart;
  uint64_t at_ = 0;         // what the cursor's index() must be
  bool exhausted_ = false;  // a null answer: only a turn says where it goes on
};

}  // namespace mxa::tests

#endif  // MXA_TESTS_SUPPORT_WALK_MODEL_H_
