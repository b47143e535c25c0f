// SPDX-License-Identifier: Apache-2.0
//
// What makes a single-threaded run exact: nodes move and entries are written at schedule points of the one thread, by seeded
// chance, and all that is done goes into a digest that is the same in every run with the same seed.
//
// Nodes are moved by hand: a pass would wait for the read section that it interrupts. Points that are reached or not by
// what the library's own threads have given back by then are left out.
// Threads: one thread's; one at a time in a process. Without schedule points nothing moves inside operations.
#ifndef MXA_TOOLS_TORTURE_REPLAY_H_
#define MXA_TOOLS_TORTURE_REPLAY_H_

#include <cstdint>
#include <functional>

#include "tools/mxa/random.h"
#include "tools/torture/errors.h"
#include "xarray/node_cache.h"

namespace mxa::torture {

class Replay {
 public:
  // `meddle` does what another thread might do just then: inside any read, with no lock held. It waits for nothing.
  Replay(uint64_t seed, xarray::NodeCache& nodes, std::function<void(tool::Random&)> meddle, Errors& errors);
  ~Replay();
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  // To be called before and behind each step of an actor, with no section open: between steps nothing moves.
  void BeginStep();
  void EndStep() { in_step_ = false; }

  uint64_t digest() const { return digest_; }

 private:
  static void OnPoint(const char* point);
  static void OnNote(const char* what, uint64_t first, uint64_t second);
  void Reach(const char* point);
  void Digest(const char* what, uint64_t first, uint64_t second);
  void MoveAll();

  tool::Random random_;
  xarray::NodeCache& nodes_;
  const std::function<void(tool::Random&)> meddle_;
  Errors& errors_;
  uint64_t digest_ = 0;
  bool in_step_ = false;
  bool inside_ = false;  // what is done at a point comes to points as well
  uint64_t steps_ = 0;
  int moves_left_ = 0;  // of this step
};

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_REPLAY_H_
