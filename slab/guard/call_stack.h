// SPDX-License-Identifier: Apache-2.0
//
// Who did it: a thread and the addresses it was called from, cheap to take, named only when printed.
//
// Threads: one owner's. Taking and printing are async-signal-safe.
// Why not libc's backtrace(): its first call loads a library and allocates, which an allocator's own path must not. The
// price: frames of code built without frame pointers are missing.
#ifndef MXA_SLAB_GUARD_CALL_STACK_H_
#define MXA_SLAB_GUARD_CALL_STACK_H_

#include <sys/types.h>

#include <array>

namespace mxa::slab {

class CallStack {
 public:
  static constexpr int kMaxFrames = 16;

  // Takes this thread's callers, from the function that calls this one or the one above it.
  void Take();
  // Takes where a signal interrupted this thread, and its callers. `context` is the handler's third argument.
  void TakeInterrupted(const void* context);

  // A headline `  WHAT by thread N:` and a line for each frame. Prints nothing when nothing was taken.
  void Print(const char* what) const;

  bool taken() const { return thread_ != 0; }
  pid_t thread() const { return thread_; }
  int depth() const { return depth_; }

 private:
  std::array<void*, kMaxFrames> frames_;
  int depth_ = 0;
  bool starts_at_call_ = true;  // the first frame is a return address too
  pid_t thread_ = 0;
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_GUARD_CALL_STACK_H_
