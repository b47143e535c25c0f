// SPDX-License-Identifier: Apache-2.0
//
// The contract of a cache that can drop objects rather than move them: it says how many, and drops some when asked.
//
//   class Thumbnails : public mxa::reclaim::Shrinker {
//     size_t Count(int node) override { return cache_.size(); }
//     absl::StatusOr<Scanned> Scan(const ScanRequest& request) override {
//       return Scanned{.objects = cache_.DropOldest(request.objects), .bytes = ...};
//     }
//   };
//   auto handle = ShrinkerRegistry::Default().Register(thumbnails, {.name = "thumbnails"});
//
// Semantics in the spirit of Linux's shrinkers; who calls, and how much is asked for: shrinker_registry.h.
#ifndef MXA_RECLAIM_SHRINKER_H_
#define MXA_RECLAIM_SHRINKER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace mxa::reclaim {

// As a node: of whichever.
inline constexpr int kAnyNode = -1;

struct ScanRequest {
  int node = kAnyNode;
  // Look at this many objects, and drop those that nobody uses.
  size_t objects = 0;
  // Once true, return with what has been done; null: never.
  const std::atomic<bool>* cancel = nullptr;

  // Relaxed: a request, not a message.
  bool cancelled() const { return cancel != nullptr && cancel->load(std::memory_order_relaxed); }
};

struct Scanned {
  size_t objects = 0;  // dropped
  uint64_t bytes = 0;  // that they took, as far as one can say
  // Nothing more can be had for now (a lock is held, say); what was asked for and not done is asked for again later.
  bool stop = false;
};

// Implemented by the owner of the objects. Called by one thread at a time.
class Shrinker {
 public:
  virtual ~Shrinker() = default;

  // Objects on `node` that a Scan could drop now; 0: none, or none that can be told.
  //
  // Context: no lock of this library held; reclaim is forbidden (context.h). Cheap: an estimate will do.
  virtual size_t Count(int node) = 0;

  // Drops up to about `request.objects`.
  //
  // Context: as Count. Where ShrinkerOptions::direct is set it may run on any thread that allocates: it only tries locks
  // that are held during an allocation. It forks not, nor registers or unregisters itself.
  // Errors: any; counted, and the shrinker is left for this round.
  virtual absl::StatusOr<Scanned> Scan(const ScanRequest& request) = 0;
};

struct ShrinkerOptions {
  std::string name = {};
  // What it costs to bring an object back, in the unit of one look at a disk or the like: twice as many, half as many
  // are dropped. 0: they cost nothing, half of them go at a time. At most 1024.
  unsigned seeks = 2;
  // Objects a Scan: bounds the time of one. At least 1.
  size_t batch = 128;
  // Whether Count and Scan tell nodes apart. If not they are called with kAnyNode, whichever node is short.
  bool by_node = false;
  // Whether an allocation that found no memory may call it on its own thread.
  bool direct = false;
};

}  // namespace mxa::reclaim

#endif  // MXA_RECLAIM_SHRINKER_H_
