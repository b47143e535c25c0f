// SPDX-License-Identifier: Apache-2.0
//
// A topology of as many nodes as a test wants, on any machine: remembers what was bound where, and can refuse.
//
// Threads: any; each thread says for itself which node it runs on, node 0 at first.
#ifndef MXA_TESTS_SUPPORT_FAKE_TOPOLOGY_H_
#define MXA_TESTS_SUPPORT_FAKE_TOPOLOGY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>

#include "base/mutex.h"
#include "slab/topology.h"

namespace mxa::test {

class FakeTopology final : public slab::Topology {
 public:
  explicit FakeTopology(size_t nodes) : Topology(nodes) {}

  // From here on the calling thread runs on `node`, of every fake topology.
  static void RunOn(int node) { Current() = node; }

  // While set to a node, Bind refuses that node; kAllNodes: every node.
  static constexpr int kNone = -1;
  static constexpr int kAllNodes = -2;
  std::atomic<int> refuse{kNone};

  bool Bind(void* start, size_t bytes, int node) const override {
    MutexLock lock(&mutex_);
    ++binds_;
    const int refused = refuse.load();
    if (refused == kAllNodes || refused == node) return false;
    bound_[reinterpret_cast<uintptr_t>(start)] = {bytes, node};
    return true;
  }
  // The node that `address` was bound to last, whether its page is there or not.
  int NodeOf(const void* address) const override {
    MutexLock lock(&mutex_);
    const auto after = bound_.upper_bound(reinterpret_cast<uintptr_t>(address));
    if (after == bound_.begin()) return slab::kAnyNode;
    const auto& [start, range] = *std::prev(after);
    return reinterpret_cast<uintptr_t>(address) - start < range.bytes ? range.node : slab::kAnyNode;
  }

  // Calls of Bind, refused ones too.
  size_t binds() const {
    MutexLock lock(&mutex_);
    return binds_;
  }

 private:
  struct Range {
    size_t bytes;
    int node;
  };
  static int& Current() {
    static thread_local int node = 0;
    return node;
  }
  int CurrentOfSeveral() const override { return Current(); }

  mutable Mutex mutex_;
  mutable std::map<uintptr_t, Range> bound_ ABSL_GUARDED_BY(mutex_);
  mutable size_t binds_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace mxa::test

#endif  // MXA_TESTS_SUPPORT_FAKE_TOPOLOGY_H_
