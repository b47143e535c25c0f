// SPDX-License-Identifier: Apache-2.0
//
// One container against several: all take turns, each turn yields a figure for every operation, and each operation and
// peer makes a row.
//
// Why turns of all, not pair by pair: building a container costs more than measuring it, and ours would be measured as
// often as there are peers. The ratio is the median over the rounds, as everywhere (bench.h).
#ifndef MXA_BENCH_SUPPORT_ROUNDS_H_
#define MXA_BENCH_SUPPORT_ROUNDS_H_

#include <functional>
#include <string>
#include <vector>

#include "bench/support/bench.h"

namespace mxa::bench {

// The figure of an operation that a container does not have. Ours has all.
double NoFigure();

struct Contender {
  std::string name;
  // One turn: a figure an operation.
  std::function<std::vector<double>()> turn;
};

struct Operation {
  std::string name;
  // On the ratio to each peer; empty for information.
  std::string goal;
};

// Rows are named `operation, what`. A first round is thrown away. REQUIRES: every turn yields as many figures as there are
// operations.    (CHECKed)
void CompareInRounds(Bench& bench, const std::string& what, const std::string& unit,
                     const std::vector<Operation>& operations, const Contender& ours,
                     const std::vector<Contender>& peers, int rounds = 5);

// Whether any such row is asked for.
bool WantsAny(const Bench& bench, const std::string& what, const std::vector<Operation>& operations);

}  // namespace mxa::bench

#endif  // MXA_BENCH_SUPPORT_ROUNDS_H_
