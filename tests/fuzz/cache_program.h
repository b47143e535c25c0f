// SPDX-License-Identifier: Apache-2.0
//
// A program of operations on up to four slab caches of one arena, as a fuzzer writes it: decoded from any bytes.
//
// The bytes are read one after the other, and every value of each means something. A step that is asked of a cache that is
// not there, or of an object that no one has, does nothing.
#ifndef MXA_TESTS_FUZZ_CACHE_PROGRAM_H_
#define MXA_TESTS_FUZZ_CACHE_PROGRAM_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "slab/compact_options.h"

namespace mxa::fuzz {

inline constexpr size_t kCaches = 4;
inline constexpr size_t kMostCacheSteps = 200;

enum class CacheStepKind : uint8_t {
  kAllocate,  // `count` objects, one by one
  kAllocateBulk,
  kAllocateZeroed,
  kAllocateCritical,  // from the page pool, if there is one
  kFree,              // `count` objects from number `pick` on
  kFreeBulk,
  kFreeRcu,
  kThin,     // frees all but each `count`-th
  kFreeAll,  // of one cache
  kPrefill,  // a sheaf of `count`, if the cache has none; else Refill
  kTakePrefilled,
  kReturnPrefilled,
  kShrink,
  kBarrier,
  kHousekeep,  // a round as it would come when `delay_ms` has passed
  kCompact,
  kEvacuate,  // the block of `units` units that an object lies in, isolated meanwhile
  kContiguous,
  kFreeContiguous,
  kResizePool,  // to `count` units
  kRefillPool,
  kAnswer,  // what `count` objects say to the next passes
  kRefuse,  // CanFree refuses the next `count` slabs
  kFaults,  // `count` allocations, slabs or sheaves fail, after `pick` more
  kVeto,    // the notifier refuses the next `count` events, after `pick` more
  kNode,    // where the thread runs from now on
  kCreate,
  kDestroy,
  kHold,     // a reader opens a section and reads `count` objects
  kLetGo,    // it ends it
  kAtPoint,  // the next `count` steps run in the midst of what comes behind them, at a schedule point
  kEndHelper,
  kCheck,
};
inline constexpr unsigned kCacheStepKinds = static_cast<unsigned>(CacheStepKind::kCheck) + 1;

// What the owner of a movable object says when it is to move.
enum class Answer : uint8_t {
  kMove,
  kBusy,
  kPinned,
  kKeptBack,  // by CanFree
  kFrees,     // phase two frees it instead
  kRetires,   // phase two passes it to FreeRcu instead
  kCancels,   // it moves, and the pass is cancelled behind it
};
inline constexpr unsigned kAnswers = static_cast<unsigned>(Answer::kCancels) + 1;

// What a cache is made from.
struct CacheSpec {
  size_t object_size = 64;
  size_t alignment = 8;
  size_t sheaf_capacity = 0;
  bool has_constructor = false;  // and an rcu_destructor
  bool has_destructor = false;
  bool is_movable = false;
  bool has_faults = false;
  bool has_notifier = false;
  bool is_guarded = false;
  bool keeps_empty_slabs = true;
  bool refills_pool = false;
  std::string debug;  // letters, as in slab/debug/debug_options.h

  std::string ToString() const;
};

// Where steps can be made to run: names of schedule points.
inline constexpr const char* kCachePoints[] = {
    "pass.before_mark",   "pass.after_mark",          "drain.after_barn",         "pass.after_isolate",
    "pass.after_isolate", "pass.before_grace_period", "pass.before_grace_period", "take_back.detached"};

struct CacheStep {
  CacheStepKind kind = CacheStepKind::kAllocate;
  bool by_helper = false;  // the other thread does it
  size_t cache = 0;
  unsigned pick = 0;
  unsigned count = 1;
  bool may_reclaim = false;
  bool no_new_slab = false;
  bool waits = false;  // contiguous memory is waited for
  size_t bytes = 0;    // of a contiguous block
  size_t units = 1;
  int64_t delay_ms = 0;
  Answer answer = Answer::kMove;
  bool of_arena = false;  // the faults
  unsigned point = 0;     // of kCachePoints
  CacheSpec spec;
  slab::CompactOptions options;
  bool is_cancelled = false;  // the pass, before it begins

  std::string ToString() const;
};

struct CacheProgram {
  size_t regions = 2;  // of the arena
  size_t nodes = 1;
  int huge_pages = 0;  // by ArenaOptions::HugePages
  bool has_pool = false;
  size_t pool_units = 0;      // its target
  size_t pool_run_units = 1;  // its largest run
  std::vector<CacheStep> steps;

  std::string ToString() const;
};

CacheProgram DecodeCacheProgram(absl::Span<const uint8_t> bytes);

}  // namespace mxa::fuzz

#endif  // MXA_TESTS_FUZZ_CACHE_PROGRAM_H_
