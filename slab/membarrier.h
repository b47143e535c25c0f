// SPDX-License-Identifier: Apache-2.0
//
// One full memory barrier on every running thread of this process, without the help of those threads.
#ifndef MXA_SLAB_MEMBARRIER_H_
#define MXA_SLAB_MEMBARRIER_H_

namespace mxa::slab {

// False where the kernel cannot, and under TSan, which cannot follow it: owner sections must lock then.
bool HaveMembarrier();

// REQUIRES: HaveMembarrier().    (CHECKed)
void Membarrier();

}  // namespace mxa::slab

#endif  // MXA_SLAB_MEMBARRIER_H_
