// SPDX-License-Identifier: Apache-2.0
//
// A block of an arena that nobody is handed anything of, until it is taken whole or let go.
//
// Invariants:
//   Bi1  while one exists, no unit of its block is handed out, and what is freed there stays there (A5 of arena.h).
//   Bi2  it ends in exactly one of two ways: Take, or the isolation is lifted and every free unit is anybody's again.
// Threads: one owner's. Isolations of overlapping blocks exclude each other.
#ifndef MXA_SLAB_BLOCK_ISOLATION_H_
#define MXA_SLAB_BLOCK_ISOLATION_H_

#include "slab/arena.h"
#include "slab/unit_block.h"

namespace mxa::slab {

class [[nodiscard]] BlockIsolation {
 public:
  // Isolates `block`, or nothing: as Arena::IsolateBlock.
  // Context: the arena's leaf lock.
  BlockIsolation(Arena& arena, UnitBlock block) : arena_(arena), block_(block), holds_(arena.IsolateBlock(block)) {}
  ~BlockIsolation() {
    if (holds_) arena_.EndIsolation(block_);
  }
  BlockIsolation(const BlockIsolation&) = delete;
  BlockIsolation& operator=(const BlockIsolation&) = delete;

  bool holds() const { return holds_; }
  // Takes the block if all of it is free by now.
  bool Take() {
    if (!arena_.TakeIsolated(block_)) return false;
    holds_ = false;
    return true;
  }

 private:
  Arena& arena_;
  const UnitBlock block_;
  bool holds_;
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_BLOCK_ISOLATION_H_
