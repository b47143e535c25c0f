// SPDX-License-Identifier: Apache-2.0
//
// Makes elements and takes them back, by both ways there are to do so behind a grace period, and keeps account of each.
//
// Invariants:
//   E1  an element is free, live or retired; every step from one to the next is checked, so that a callback that runs twice,
//       or for what nobody retired, is noticed there and then.
//   E2  at rest, with everything called back, made = called back + freed + live.
// Threads: every function from any thread at once.
#ifndef MXA_TOOLS_TORTURE_ELEMENT_POOL_H_
#define MXA_TOOLS_TORTURE_ELEMENT_POOL_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "slab/arena.h"
#include "slab/cache.h"
#include "tools/mxa/random.h"
#include "tools/torture/element.h"
#include "tools/torture/errors.h"

namespace mxa::torture {

class ElementPool {
 public:
  ElementPool(slab::Arena& arena, Errors& errors);
  // REQUIRES: every element has been freed or retired.
  ~ElementPool();
  ElementPool(const ElementPool&) = delete;
  ElementPool& operator=(const ElementPool&) = delete;

  // Null when no memory can be had.
  Element* New(uint32_t array, uint64_t index, uint32_t version);

  // Takes back what was stored and is not any more, behind a grace period: by the cache's FreeRcu, or by reclaim::Retire.
  // Context: any, also inside a section and under an array lock.
  void Retire(Element* element, tool::Random& random);

  // Takes back at once what no reader can hold.
  void Free(Element* element);

  // Whether `element` is one of this place that nobody has taken back: for readers that know no more than where they
  // looked. Reports what is wrong. Counts it among the reads, and those that were replaced while they were held.
  bool Check(const Element& element, uint32_t array, uint64_t index);
  // The same for audits, which are no reads.
  bool Judge(const Element& element, uint32_t array, uint64_t index);

  // Waits until everything retired so far is free. Context: outside sections and locks.
  void AwaitRetired();

  // Reports Error::kCallback or kLeak unless E2 holds with `live` elements. REQUIRES: at rest, behind AwaitRetired.
  void Audit(uint64_t live);

  uint64_t retired() const { return retired_.load(std::memory_order_relaxed); }
  uint64_t called_back() const { return called_back_.load(std::memory_order_relaxed); }
  uint64_t live() const {
    return made_.load(std::memory_order_relaxed) - retired() - freed_.load(std::memory_order_relaxed);
  }

  slab::Cache& cache() { return *cache_; }

 private:
  static void Construct(void* memory);
  static void FreeRcuCallback(void* memory);              // by the cache
  static void RetireCallback(reclaim::RetireHead* head);  // by reclaim::Retire
  void CalledBack(Element& element, const char* by);
  void Wipe(Element& element);

  Errors& errors_;
  std::unique_ptr<slab::Cache> cache_;
  // Relaxed: sums that agree at rest.
  std::atomic<uint64_t> made_{0};
  std::atomic<uint64_t> freed_{0};
  std::atomic<uint64_t> retired_{0};
  std::atomic<uint64_t> called_back_{0};
};

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_ELEMENT_POOL_H_
