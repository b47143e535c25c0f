// SPDX-License-Identifier: Apache-2.0
//
// The nodes that memory comes from: how many, which one this thread is near to, how to tie addresses to one.
//
// Invariants:
//   N1  nodes are numbered 0 to nodes() - 1 without gaps, whatever the system calls them.
//   N2  nodes() does not change.
// Threads: every function from any thread at once.
// Why not libnuma where it is needed: a machine of one node shall pay nothing, and tests need nodes this machine has
// not got (tests/support/fake_topology.h).
#ifndef MXA_SLAB_TOPOLOGY_H_
#define MXA_SLAB_TOPOLOGY_H_

#include <cstddef>

namespace mxa::slab {

// In place of a node: whichever is best, the current one first.
inline constexpr int kAnyNode = -1;

class Topology {
 public:
  // More nodes than this count as one.
  static constexpr size_t kMaxNodes = 255;

  // The machine's: libnuma's nodes, where there are several that this process may use and bind memory to; else one node
  // and no system calls. Lives until the process ends.
  static const Topology& System();

  virtual ~Topology() = default;
  Topology(const Topology&) = delete;
  Topology& operator=(const Topology&) = delete;

  size_t nodes() const { return nodes_; }

  // The node of the cpu that the calling thread runs on. It may run elsewhere by the time it looks: a hint.
  // Context: any; no lock, no system call.
  int CurrentNode() const { return nodes_ == 1 ? 0 : CurrentOfSeveral(); }

  // Makes the pages of [start, start + bytes), which are not there yet, come from `node` from now on, as long as that has
  // memory. False when the system refuses.
  // REQUIRES: page-aligned; 0 <= node < nodes().
  // Context: a system call.
  virtual bool Bind(void* start, size_t bytes, int node) const = 0;

  // The node that the page of `address` lies on now; kAnyNode when it is on none, or on one that is not ours.
  // Context: a system call; for checks and statistics.
  virtual int NodeOf(const void* address) const = 0;

 protected:
  // REQUIRES: 1 <= nodes <= kMaxNodes.    (CHECKed)
  explicit Topology(size_t nodes);

 private:
  virtual int CurrentOfSeveral() const = 0;

  const size_t nodes_;
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_TOPOLOGY_H_
