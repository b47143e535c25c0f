// SPDX-License-Identifier: Apache-2.0
#include "slab/membarrier.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "base/tsan.h"

namespace mxa::slab {

namespace {

// Asked before main, so that no fork comes between (reclaim/fork.h, F3).
[[maybe_unused]] const bool asked = HaveMembarrier();

}  // namespace

bool HaveMembarrier() {
#if MXA_TSAN
  return false;
#else
  static const bool have = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
  return have;
#endif
}

void Membarrier() {
  MXA_CHECK(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0,
            "membarrier(2) failed after it was registered");
}

}  // namespace mxa::slab
