// SPDX-License-Identifier: Apache-2.0
#include "xarray/node_cache.h"

#include <new>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/status/status.h"
#include "base/check.h"
#include "base/planted_bug.h"
#include "base/schedule_point.h"
#include "reclaim/fork_hold.h"

namespace mxa::xarray {
namespace {

// A node's area, if there is one, is zero as all of a new slab is, and whenever the node is in no tree.
void ConstructNode(void* object) { new (object) Node; }

void ResetNode(void* object) { static_cast<Node*>(object)->Reset(); }

}  // namespace

absl::StatusOr<std::unique_ptr<NodeCache>> NodeCache::Create(slab::Arena* arena, NodeUse use) {
  if (use.user == nullptr && use.area_bytes != 0) return absl::InvalidArgumentError("an area of nodes without a user");
  std::unique_ptr<NodeCache> nodes(new NodeCache(use));
  slab::CacheOptions options;
  options.name = "xarray_node";
  options.object_size = sizeof(Node) + use.area_bytes;
  options.alignment = alignof(Node);
  options.constructor = &ConstructNode;
  options.rcu_destructor = &ResetNode;
  options.movable = &nodes->mover_;
  options.arena = arena;
  absl::StatusOr<std::unique_ptr<slab::Cache>> slabs = slab::Cache::Create(options);
  if (!slabs.ok()) return slabs.status();
  nodes->slabs_ = *std::move(slabs);
  return nodes;
}

NodeCache& NodeCache::Default() {
  ABSL_CONST_INIT static reclaim::Immortal<NodeCache> nodes;
  return nodes.Get([] {
    absl::StatusOr<std::unique_ptr<NodeCache>> created = Create();
    MXA_CHECK(created.ok(), "cannot create the default node cache");
    return created->release();
  });
}

NodeCache::~NodeCache() = default;

Node* NodeCache::Allocate(slab::AllocFlags flags) {
  Node* node = static_cast<Node*>(slabs_->Allocate(flags));
  if (node != nullptr) node->MarkAllocated();
  return node;
}

void NodeCache::Free(Node* node) {
  node->MarkFree();
  slabs_->Free(node);
}

void NodeCache::Retire(Node* node) {
  MXA_CHECK(node->IsRetired(), "retired a node that is in a tree");
  if (PlantedBugIs(PlantedBug::kNodeFreedAtOnce)) {
    node->Reset();
    return slabs_->Free(node);
  }
  MXA_SCHEDULE_POINT("detach.before_retire");
  slabs_->FreeRcu(node);
}

}  // namespace mxa::xarray
