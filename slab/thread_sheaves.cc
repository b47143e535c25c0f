// SPDX-License-Identifier: Apache-2.0
#include "slab/thread_sheaves.h"

#include <sched.h>

namespace mxa::slab {

void OwnerSection::EnterSlow() {
  // Out of the section before blocking: a drainer that holds the mutex waits for that.
  // ORDER(section-end) release; pairs with the acquire in ForeignSection.
  sheaves_.in_section.store(0, std::memory_order_release);
  sheaves_.mutex.Lock();
}

ForeignSection::ForeignSection(ThreadSheaves& sheaves) : sheaves_(sheaves) {
  sheaves.mutex.Lock();
  // An owner that came before the membarrier is inside for a few dozen instructions, unless it was preempted: then yielding lets it out.
  // ORDER(section-end) acquire; pairs with the release that ends an OwnerSection.
  while (sheaves.in_section.load(std::memory_order_acquire) != 0) sched_yield();
}

}  // namespace mxa::slab
