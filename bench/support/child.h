// SPDX-License-Identifier: Apache-2.0
//
// Figures taken in a process of their own: for what a process can do only once, or what all its allocators share.
#ifndef MXA_BENCH_SUPPORT_CHILD_H_
#define MXA_BENCH_SUPPORT_CHILD_H_

#include <cstddef>
#include <functional>
#include <vector>

namespace mxa::bench {

// What `measure` returns in a forked child that does nothing else; `count` figures.
// REQUIRES: this process has one thread, so no cache has been made in it yet.    (the child's success is CHECKed)
std::vector<double> InChild(size_t count, const std::function<std::vector<double>()>& measure);

// Resident bytes of this process, as the kernel tells.
double ResidentBytes();

}  // namespace mxa::bench

#endif  // MXA_BENCH_SUPPORT_CHILD_H_
