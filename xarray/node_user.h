// SPDX-License-Identifier: Apache-2.0
//
// What somebody keeps for each node of many arrays: a few bytes beside the node, and what he is told of it.
//
// For those who must find nodes again by what they hold: a cache that leaves values behind where it dropped elements, say,
// links the nodes that hold nothing but these, and takes back the oldest (locked_node.h). After the update callback and
// the private list of Linux's XArray (Weiner, 2014), with two differences: the user is set once, with the node cache, so
// that no store can forget to tell; and he is asked before a node moves, as what he linked moves with it.
//
// Locks: a user's own lock is taken inside array locks. Who holds it may try an array lock, not wait for one; so he may not
// destroy an array of the cache meanwhile, nor use one.
#ifndef MXA_XARRAY_NODE_USER_H_
#define MXA_XARRAY_NODE_USER_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "xarray/anchor.h"
#include "xarray/entry.h"
#include "xarray/node.h"

namespace mxa::xarray {

// A node, for its user. Valid during the call that it is an argument of; under the array lock it stands still.
class NodeView {
 public:
  explicit NodeView(const Node& node) : node_(node) {}

  // 1: the slots hold entries.
  unsigned height() const { return node_.height(); }
  // Of the indices it covers.
  uint64_t first_index() const;
  // Slots in use: entries, reservations and links, and each of the slots of an entry that takes several.
  unsigned used() const { return static_cast<unsigned>(std::popcount(node_.UsedLocked())); }
  // Of these, the ones that hold a value, or belong to one that takes several. Looks at all slots.
  unsigned values() const;
  // The user's bytes, zero when the node joins a tree.
  void* area() const { return AreaOf(node_); }
  // Of the array the node is in, by address.
  const ArrayAnchor* anchor() const { return node_.owner(); }

  static void* AreaOf(const Node& node) {
    return const_cast<char*>(reinterpret_cast<const char*>(&node)) + sizeof(Node);
  }
  static Node* NodeOf(void* area) { return reinterpret_cast<Node*>(static_cast<char*>(area) - sizeof(Node)); }

 private:
  const Node& node_;
};

// Implemented by the user. All arrays of one node cache have the same.
//
// Context of all calls: the array's lock is held. They must not use an array of the cache, wait, or allocate from movable
// caches; time is the array's writers' time.
class NodeUser {
 public:
  virtual ~NodeUser() = default;

  // The node has joined a tree, or its slots hold something else than before. Comes at least once for each operation that
  // changed them, when the readers see the change, and may come when nothing did change. Marks do not count.
  virtual void OnUpdate(const NodeView& node) = 0;

  // The node is about to leave its tree: emptied, not needed any more, replaced by a copy that OnUpdate has been told of,
  // or with its array. Whatever links to its area must be gone at the end; the area is zeroed then.
  virtual void OnLeave(const NodeView& node) = 0;

  // A pass moves the node; `to` is its copy, not yet seen by readers, with an area that is zero. True: whatever linked to
  // the area of `from` now links to that of `to`, which says the same. False: the node stays, as busy, for now.
  //
  // Only tries locks: who holds the user's may be waiting for what this pass does.
  // A user who does not override it keeps nodes in place as long as their areas are not all zero.
  virtual bool TryMove(const NodeView& from, const NodeView& to, size_t area_bytes);
};

// Who uses the nodes of a cache, and how many bytes he has for each; nobody unless told otherwise.
struct NodeUse {
  NodeUser* user = nullptr;
  size_t area_bytes = 0;

  // REQUIRES: there is a user.
  void ZeroArea(const Node& node) const { std::memset(NodeView::AreaOf(node), 0, area_bytes); }
};

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_NODE_USER_H_
