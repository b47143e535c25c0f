// SPDX-License-Identifier: Apache-2.0
//
// The movable slab cache that the nodes of any number of arrays live in, with the mover that moves them.
//
// Invariants:
//   C1  an object the slabs call free, or are about to hand out, is in the node's constructed state (N1), canary free.
//   C2  Retire takes only detached nodes (N3); after their grace period they return to C1.
// Threads: everything but the destructor, from any thread at once.
#ifndef MXA_XARRAY_NODE_CACHE_H_
#define MXA_XARRAY_NODE_CACHE_H_

#include <cstddef>
#include <memory>

#include "absl/status/statusor.h"
#include "slab/cache.h"
#include "xarray/node.h"
#include "xarray/node_mover.h"
#include "xarray/node_user.h"

namespace mxa::xarray {

class NodeCache {
 public:
  // `arena` null: slab::Arena::Default(). With `user.user`, each node has `user.area_bytes` bytes beside it, aligned to a
  // cache line, which make it that much larger; the user outlives the cache.
  // Errors: as slab::Cache::Create.
  static absl::StatusOr<std::unique_ptr<NodeCache>> Create(slab::Arena* arena = nullptr, NodeUse user = {});

  // The cache that arrays use unless told otherwise; lives until the process ends.
  static NodeCache& Default();

  // REQUIRES: every array that uses it has been destroyed.    (CHECKed)
  // Context: as slab::Cache's destructor.
  ~NodeCache();
  NodeCache(const NodeCache&) = delete;
  NodeCache& operator=(const NodeCache&) = delete;

  // A node in its constructed state but for the canary, which is live; null when no memory can be had.
  // Context: any; see slab::Cache::Allocate.
  [[nodiscard]] Node* Allocate(slab::AllocFlags flags);

  // Takes back a node that was never published and is in its constructed state but for the canary.
  // Context: any; see slab::Cache::Free.
  void Free(Node* node);

  // Takes back a node that has been detached (N3).
  // Context: any, also under the array lock.
  void Retire(Node* node);

  // For compaction, statistics and checks.
  slab::Cache& slabs() { return *slabs_; }
  NodeMover& mover() { return mover_; }
  const NodeUse& use() const { return mover_.use(); }

 private:
  explicit NodeCache(NodeUse use) : mover_(use) {}

  NodeMover mover_;  // before the slabs: it outlives them
  std::unique_ptr<slab::Cache> slabs_;
};

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_NODE_CACHE_H_
