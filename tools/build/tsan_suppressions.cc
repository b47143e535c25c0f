// Copyright 2026 The Movable XArray Authors
// SPDX-License-Identifier: Apache-2.0
//
// Tells TSan which reports are known to be false; linked into every test and
// program, empty in other builds.

#ifdef __SANITIZE_THREAD__

extern "C" const char* __tsan_default_suppressions();

// Abseil hides the inner workings of its Mutex from TSan. When a blocked
// thread's semaphore comes fresh from mmap, which TSan takes for a write,
// waking that thread looks like a race with the mmap.
extern "C" const char* __tsan_default_suppressions() {
  return "race:AbslInternalPerThreadSemPost\n"
         "race:synchronization_internal::CreateThreadIdentity\n";
}

#endif  // __SANITIZE_THREAD__
