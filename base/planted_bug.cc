// SPDX-License-Identifier: Apache-2.0
#include "base/planted_bug.h"

#include <atomic>

namespace mxa {

#if MXA_HOOKS
namespace {
// Relaxed throughout: planted while the code under test is at rest, and the thread that starts it orders the rest.
std::atomic<PlantedBug> g_bug{PlantedBug::kNone};
std::atomic<int> g_runs{0};
}  // namespace

void PlantBugForTest(PlantedBug bug) {
  g_bug.store(bug, std::memory_order_relaxed);
  g_runs.store(0, std::memory_order_relaxed);
}

bool PlantedBugIs(PlantedBug bug) {
  if (g_bug.load(std::memory_order_relaxed) != bug) return false;
  g_runs.fetch_add(1, std::memory_order_relaxed);
  return true;
}

int PlantedBugRunsForTest() { return g_runs.load(std::memory_order_relaxed); }
#endif

}  // namespace mxa
