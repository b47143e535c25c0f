// SPDX-License-Identifier: Apache-2.0
//
// Runs a program on caches of one arena and on an exact model of their objects, and tells the first difference.
//
// To add an operation: a CacheStepKind with its bytes and its text in cache_program, and a case here.
// Threads: one program at a time; it has a helper and a reader of its own (helper_thread.h, held_section.h).
#ifndef MXA_TESTS_FUZZ_CACHE_MACHINE_H_
#define MXA_TESTS_FUZZ_CACHE_MACHINE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "slab/arena.h"
#include "slab/page_pool.h"
#include "slab/topology.h"
#include "tests/fuzz/cache_program.h"
#include "tests/fuzz/cache_subject.h"
#include "tests/fuzz/cache_world.h"
#include "tests/fuzz/held_section.h"

namespace mxa::fuzz {

// OK, or what differed and the program.
absl::Status RunCacheProgram(const CacheProgram& program);

class CacheMachine {
 public:
  explicit CacheMachine(const CacheProgram& program);
  ~CacheMachine();
  CacheMachine(const CacheMachine&) = delete;
  CacheMachine& operator=(const CacheMachine&) = delete;

  // Every step, and the end of all caches. OK, or what differed.
  absl::Status Run(absl::Span<const CacheStep> steps);

  // What the schedule handler calls on the program's own thread.
  void OnPoint(const char* point);

 private:
  // Contiguous memory.
  struct Block {
    void* start;
    size_t bytes;
  };
  // Steps that run in the midst of another.
  struct Planned {
    const char* point = nullptr;  // null: none
    unsigned let_pass = 0;
    absl::Span<const CacheStep> steps;
  };

  absl::Status RunStep(const CacheStep& step);
  // `is_inside`: from within a pass or an allocation of this thread.
  absl::Status Dispatch(const CacheStep& step, CacheSubject* subject, bool is_inside);
  absl::Status CheckAll();
  absl::Status End();

  // cache_machine_objects.cc
  absl::Status Allocate(const CacheStep& step, CacheSubject& subject, bool is_inside);
  absl::Status AllocateBulk(const CacheStep& step, CacheSubject& subject);
  absl::Status AllocateCritical(const CacheStep& step, CacheSubject& subject);
  absl::Status Prefill(const CacheStep& step, CacheSubject& subject);
  absl::Status TakePrefilled(const CacheStep& step, CacheSubject& subject);
  // What may have made an allocation fail, counted.
  uint64_t Refusals(CacheSubject& subject) const;
  absl::Status CheckRefused(const CacheStep& step, CacheSubject& subject, bool is_inside);

  // cache_machine_memory.cc
  absl::Status Shrink(CacheSubject& subject);
  absl::Status Barrier(CacheSubject& subject);
  absl::Status Compact(const CacheStep& step, CacheSubject& subject);
  absl::Status RunPass(const slab::CompactOptions& options, CacheSubject& subject);
  absl::Status Evacuate(const CacheStep& step, CacheSubject& subject);
  absl::Status AllocateContiguous(const CacheStep& step);
  absl::Status FreeContiguous(size_t pick);
  absl::Status CheckBlock(const Block& block) const;

  std::unique_ptr<slab::Topology> topology_;  // null: the system's
  CacheWorld world_;
  std::unique_ptr<slab::Arena> arena_;
  std::unique_ptr<slab::PagePool> pool_;
  std::array<std::unique_ptr<CacheSubject>, kCaches> subjects_;
  HeldSection section_;
  std::vector<Block> blocks_;
  unsigned waits_left_ = 3;  // for contiguous memory

  Planned planned_;
  bool ran_inside_ = false;  // steps at a point, since the step that is under way began
  absl::Status inside_;      // what they found
};

}  // namespace mxa::fuzz

#endif  // MXA_TESTS_FUZZ_CACHE_MACHINE_H_
