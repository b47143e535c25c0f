// SPDX-License-Identifier: Apache-2.0
#include "bench/support/rounds.h"

#include <cmath>
#include <cstddef>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace mxa::bench {
namespace {

// By operation, then by round.
using Figures = std::vector<std::vector<double>>;

void TakeTurn(const Contender& contender, Figures* figures, size_t operations) {
  const std::vector<double> turn = contender.turn();
  MXA_CHECK(turn.size() == operations, "a figure for each operation");
  if (figures == nullptr) return;
  figures->resize(operations);
  for (size_t i = 0; i < operations; ++i) (*figures)[i].push_back(turn[i]);
}

}  // namespace

double NoFigure() { return std::numeric_limits<double>::quiet_NaN(); }

bool WantsAny(const Bench& bench, const std::string& what, const std::vector<Operation>& operations) {
  for (const Operation& operation : operations) {
    if (bench.Wants(absl::StrCat(operation.name, ", ", what))) return true;
  }
  return false;
}

void CompareInRounds(Bench& bench, const std::string& what, const std::string& unit,
                     const std::vector<Operation>& operations, const Contender& ours,
                     const std::vector<Contender>& peers, int rounds) {
  if (!WantsAny(bench, what, operations)) return;
  Figures our_figures;
  std::vector<Figures> peer_figures(peers.size());
  if (bench.smoke()) rounds = 1;
  for (int round = bench.smoke() ? 1 : 0; round <= rounds; ++round) {
    const bool counts = round > 0;
    TakeTurn(ours, counts ? &our_figures : nullptr, operations.size());
    for (size_t i = 0; i < peers.size(); ++i) {
      TakeTurn(peers[i], counts ? &peer_figures[i] : nullptr, operations.size());
    }
  }
  for (size_t i = 0; i < operations.size(); ++i) {
    for (size_t peer = 0; peer < peers.size(); ++peer) {
      if (std::isnan(peer_figures[peer][i].front())) continue;
      bench.Measured({absl::StrCat(operations[i].name, ", ", what), unit, peers[peer].name, operations[i].goal},
                     our_figures[i], peer_figures[peer][i]);
    }
  }
}

}  // namespace mxa::bench
