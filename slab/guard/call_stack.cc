// SPDX-License-Identifier: Apache-2.0
#include "slab/guard/call_stack.h"

#include <ucontext.h>
#include <unistd.h>

#include "absl/debugging/stacktrace.h"
#include "absl/debugging/symbolize.h"
#include "slab/guard/signal_line.h"

namespace mxa::slab {
namespace {

// Where the interrupted code was; null where this machine is not known.
void* InterruptedAt([[maybe_unused]] const void* context) {
#if defined(__x86_64__)
  return reinterpret_cast<void*>(static_cast<const ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return reinterpret_cast<void*>(static_cast<const ucontext_t*>(context)->uc_mcontext.pc);
#else
  return nullptr;
#endif
}

}  // namespace

void CallStack::Take() {
  // Skips this function only: where Abseil itself is built without frame pointers, one frame more is missing anyhow.
  depth_ = absl::GetStackTrace(frames_.data(), kMaxFrames, /*skip_count=*/1);
  starts_at_call_ = true;
  thread_ = gettid();
}

void CallStack::TakeInterrupted(const void* context) {
  depth_ = 0;
  if (void* place = InterruptedAt(context); place != nullptr) frames_[depth_++] = place;
  starts_at_call_ = depth_ == 0;
  int dropped = 0;
  // Skips this function and the handler, as in Take.
  depth_ +=
      absl::GetStackTraceWithContext(frames_.data() + depth_, kMaxFrames - depth_, /*skip_count=*/2, context, &dropped);
  thread_ = gettid();
}

void CallStack::Print(const char* what) const {
  if (!taken()) return;
  SignalLine().Text("  ").Text(what).Text(" by thread ").Decimal(thread_).Text(":").Write();
  for (int i = 0; i < depth_; ++i) {
    // A return address may lie behind the end of its function; the byte before belongs to the call.
    const bool is_return_address = i > 0 || starts_at_call_;
    char name[256];
    const bool named =
        absl::Symbolize(static_cast<char*>(frames_[i]) - (is_return_address ? 1 : 0), name, sizeof(name));
    SignalLine().Text("    #").Decimal(i).Text(" ").Hex(frames_[i]).Text(" ").Text(named ? name : "?").Write();
  }
}

}  // namespace mxa::slab
