// SPDX-License-Identifier: Apache-2.0
#include "base/schedule_point.h"

#include <atomic>

namespace mxa {

#if MXA_HOOKS
namespace {
std::atomic<ScheduleHandler> g_handler{nullptr};
}  // namespace

ScheduleHandler SetScheduleHandlerForTest(ScheduleHandler handler) {
  // ORDER(schedule-handler) acq_rel; pairs with the acquire in ReachSchedulePoint: the handler sees what its installer
  // set up.
  return g_handler.exchange(handler, std::memory_order_acq_rel);
}

void ReachSchedulePoint(const char* point) {
  // ORDER(schedule-handler) acquire; pairs with SetScheduleHandlerForTest.
  if (ScheduleHandler handler = g_handler.load(std::memory_order_acquire)) handler(point);
}
#endif

}  // namespace mxa
