// SPDX-License-Identifier: Apache-2.0
//
// Runs random operations on an array whose entries have orders, and on an OrderOracle, and tells the first difference.
//
// Threads: one thread's.
#ifndef MXA_TESTS_SUPPORT_ORDER_MODEL_H_
#define MXA_TESTS_SUPPORT_ORDER_MODEL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/support/id_shapes.h"
#include "tests/support/motion.h"
#include "tests/support/order_oracle.h"
#include "tests/support/random.h"
#include "xarray/array_core.h"
#include "xarray/cursor.h"
#include "xarray/node_cache.h"

namespace mxa::tests {

class OrderModel {
 public:
  OrderModel(uint64_t seed, IdShape shape, Motion::Kind motion, xarray::NodeCache& nodes);

  // Runs `count` operations; compares everything after every `check_every`th. The error names the seed and the
  // operations that led to it.
  absl::Status Run(int count, int check_every);

 private:
  uint64_t PickIndex();
  unsigned PickOrder();
  absl::Status Step();
  absl::Status StepOnEntry(uint64_t index);
  absl::Status StepOnRange(uint64_t index);
  absl::Status Compare();
  absl::Status CompareAt(uint64_t index);
  absl::Status CompareWalk(bool up, bool marked);
  absl::Status CompareIndexByIndex();
  void Log(std::string op);

  const uint64_t seed_;
  const IdShape shape_;
  Random random_;
  xarray::ArrayCore array_;
  OrderOracle oracle_;
  Motion motion_;
  std::vector<std::string> history_;
};

}  // namespace mxa::tests

#endif  // MXA_TESTS_SUPPORT_ORDER_MODEL_H_
