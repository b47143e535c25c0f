// SPDX-License-Identifier: Apache-2.0
#include "tools/torture/report.h"

#include <numeric>

namespace mxa::torture {

const char* VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kSuccess:
      return "SUCCESS";
    case Verdict::kFailure:
      return "FAILURE";
    case Verdict::kInconclusive:
      return "INCONCLUSIVE";
    case Verdict::kStall:
      return "STALL";
  }
  return "?";
}

int ExitStatus(Verdict verdict) {
  switch (verdict) {
    case Verdict::kSuccess:
      return 0;
    case Verdict::kFailure:
      return 1;
    case Verdict::kInconclusive:
      return 3;
    case Verdict::kStall:
      return 4;
  }
  return 1;
}

uint64_t Report::total_errors() const { return std::accumulate(errors.begin(), errors.end(), uint64_t{0}); }

// What was seen counts for more than what was not.
Verdict Report::verdict() const {
  if (total_errors() != 0) return Verdict::kFailure;
  if (stalled) return Verdict::kStall;
  return shortfalls.empty() ? Verdict::kSuccess : Verdict::kInconclusive;
}

}  // namespace mxa::torture
