// SPDX-License-Identifier: Apache-2.0
//
// The versions of one place that one thread at a time writes to: what readers may see there follows from two numbers.
//
//   writer: Begin(v); store v; Commit(v);
//   reader: c = committed(); look; b = begun();    // saw a version from c to b; c == b: exactly that
//
// Threads: one writer at a time; readers any.
#ifndef MXA_TOOLS_TORTURE_VERSIONED_H_
#define MXA_TOOLS_TORTURE_VERSIONED_H_

#include <atomic>
#include <cstdint>

namespace mxa::torture {

class Versioned {
 public:
  // Relaxed: the store of the version into the array, which is a release, comes behind it.
  void Begin(uint64_t version) { begun_.store(version, std::memory_order_relaxed); }
  // Release; pairs with the acquire in committed(): who sees it finds that version or a later one.
  void Commit(uint64_t version) { committed_.store(version, std::memory_order_release); }

  uint64_t committed() const { return committed_.load(std::memory_order_acquire); }
  // Relaxed: what was looked at was read with acquire, so that this load stays behind it.
  uint64_t begun() const { return begun_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> begun_{0};
  std::atomic<uint64_t> committed_{0};
};

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_VERSIONED_H_
