// SPDX-License-Identifier: Apache-2.0
#include "slab/thread_sheaves.h"

#include <sched.h>

#include "base/check.h"
#include "base/schedule_point.h"
#include "reclaim/context.h"

namespace mxa::slab {

void OwnerSection::EnterSlow() {
  // While an owner is being asked, every section of the cache comes through here.
  MXA_CHECK(reclaim::tls_context.can_free == 0, "a call into the cache inside CanFree");
  fast_.reset();  // before blocking: a drainer that holds the mutex waits for the flag
  sheaves_.mutex.Lock();
}

void EnterForeign(ThreadSheaves& sheaves) {
  sheaves.mutex.Lock();
  // An owner that came before the membarrier is inside for a few dozen instructions, unless it was preempted: then
  // yielding lets it out.
  // ORDER(section-end) acquire; pairs with the release that ends an OwnerSection.
  while (sheaves.in_section.load(std::memory_order_acquire) != 0) {
    MXA_SCHEDULE_POINT("foreign_section.waiting");
    sched_yield();
  }
}

}  // namespace mxa::slab
