// SPDX-License-Identifier: Apache-2.0
//
// What ThreadSanitizer cannot see by itself: grace-period edges and full fences.
//
// TSan ignores standalone fences and does not know RCU. MXA_TSAN_RELEASE and MXA_TSAN_ACQUIRE draw the one edge that a
// grace period gives (end of a read section -> end of the wait), nothing more: an acquire on entry would hide bugs.
// MXA_TSAN_FORGET_LOCKED tells it that a mutex which this thread holds is about to be made anew instead of unlocked.
#ifndef MXA_BASE_TSAN_H_
#define MXA_BASE_TSAN_H_

#include <atomic>

#if defined(__SANITIZE_THREAD__)
#define MXA_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MXA_TSAN 1
#endif
#endif
#ifndef MXA_TSAN
#define MXA_TSAN 0
#endif

#if MXA_TSAN
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);
extern "C" int __tsan_mutex_pre_unlock(void* address, unsigned flags);
extern "C" void __tsan_mutex_post_unlock(void* address, unsigned flags);
#define MXA_TSAN_ACQUIRE(address) __tsan_acquire(address)
#define MXA_TSAN_RELEASE(address) __tsan_release(address)
#define MXA_TSAN_FORGET_LOCKED(address) (__tsan_mutex_pre_unlock(address, 0), __tsan_mutex_post_unlock(address, 0))
#else
#define MXA_TSAN_ACQUIRE(address) static_cast<void>(address)
#define MXA_TSAN_RELEASE(address) static_cast<void>(address)
#define MXA_TSAN_FORGET_LOCKED(address) static_cast<void>(address)
#endif

namespace mxa {

// A sequentially consistent fence. Each use names its partner.
inline void FullFence() {
#if MXA_TSAN
  // The compiler refuses fences under TSan; a read-modify-write on one shared word orders at least as much.
  static std::atomic<int> word{0};
  word.fetch_add(1, std::memory_order_seq_cst);
#else
  std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

}  // namespace mxa

#endif  // MXA_BASE_TSAN_H_
