// SPDX-License-Identifier: Apache-2.0
//
// Counts what the actors of a stress did, remembers each thread's last operations, and reports what must not be.
//
// A violation does not end the run: the first few are printed, each with the seed, the actor and its last operations. A
// failed check of the library ends the process, and prints the same.
// Threads: any. Relaxed counters: read at rest.
#ifndef MXA_TESTS_SLAB_STRESS_REFEREE_H_
#define MXA_TESTS_SLAB_STRESS_REFEREE_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace mxa::slab::stress {

enum class Op : uint8_t {
  kAllocate,
  kAllocateFailed,
  kFree,
  kFreeRcu,
  kDestroyed,  // rcu_destructor ran
  kBulkAllocate,
  kBulkFree,
  kPrefill,
  kFromPrefilled,
  kSend,
  kReceive,
  kThread,
  kIdle,
  kRead,
  kOutlived,  // an object that was removed or moved while a reader held it, and stayed intact
  kMove,
  kPass,
  kPassCancelled,
  kPassRefused,  // another was running
  kShrink,
  kBarrier,
  kLook,   // statistics, views
  kRound,  // of the housekeeper
  kCache,  // made and destroyed
  kPool,
  kArm,  // fault injection changed
  kCritical,
  kHandler,  // a notifier came or went
  kAudit,
  kCount,
};
inline constexpr size_t kOps = static_cast<size_t>(Op::kCount);
const char* OpName(Op op);

// Forgets everything, prints `seed`, and sees to it that a process that aborts says what the thread did last.
void StartReferee(uint64_t seed);

// The calling thread is `actor` from now on; the text outlives it.
void BecomeActor(const char* actor);

// `op` is about to happen, to `object` or `detail` of `where`.
void Did(Op op, const char* where, const void* object = nullptr, uint64_t detail = 0);
// Only counted.
void Count(Op op, uint64_t by);

void Violation(const std::string& what);

uint64_t Figure(Op op);
uint64_t Violations();

}  // namespace mxa::slab::stress

#endif  // MXA_TESTS_SLAB_STRESS_REFEREE_H_
