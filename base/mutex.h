// SPDX-License-Identifier: Apache-2.0
//
// The one lock type of the project: Abseil's mutex, checked by clang's thread-safety analysis.
#ifndef MXA_BASE_MUTEX_H_
#define MXA_BASE_MUTEX_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace mxa {

using Mutex = absl::Mutex;
using MutexLock = absl::MutexLock;
using ReaderMutexLock = absl::ReaderMutexLock;
using CondVar = absl::CondVar;

}  // namespace mxa

#endif  // MXA_BASE_MUTEX_H_
