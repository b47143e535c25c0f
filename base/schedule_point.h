// SPDX-License-Identifier: Apache-2.0
//
// Named points inside concurrent steps where a test may take over: hold a thread there, yield, or run other code.
//
// Compiled in with MXA_HOOKS=1 (the hooks, dbg, asan and tsan configurations) and to nothing at all otherwise.
// Threads: a handler is installed and removed while no other thread is at a point, and must be callable from any
// thread.
#ifndef MXA_BASE_SCHEDULE_POINT_H_
#define MXA_BASE_SCHEDULE_POINT_H_

#ifndef MXA_HOOKS
#define MXA_HOOKS 0
#endif

namespace mxa {

// Called with the point's name, on the thread that reached it, with whatever locks the point's site documents.
using ScheduleHandler = void (*)(const char* point);

#if MXA_HOOKS
// Null removes the handler. Returns the one before.
ScheduleHandler SetScheduleHandlerForTest(ScheduleHandler handler);
void ReachSchedulePoint(const char* point);
#define MXA_SCHEDULE_POINT(name) ::mxa::ReachSchedulePoint(name)
#else
#define MXA_SCHEDULE_POINT(name) static_cast<void>(0)
#endif

}  // namespace mxa

#endif  // MXA_BASE_SCHEDULE_POINT_H_
