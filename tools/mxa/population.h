// SPDX-License-Identifier: Apache-2.0
//
// The arrays under test with all they point to: loads a workload, drops most of it, and gives elements to who stores.
//
// Nodes and elements have an arena each, so that what the kernel holds for nodes is nodes and nothing else.
// Threads: Create, Load, Drop and the destructor by one thread while no other is inside; everything else by all at
// once.
#ifndef MXA_TOOLS_MXA_POPULATION_H_
#define MXA_TOOLS_MXA_POPULATION_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "slab/arena.h"
#include "slab/cache.h"
#include "tools/mxa/element.h"
#include "tools/mxa/keep.h"
#include "tools/mxa/ledger.h"
#include "tools/mxa/progress.h"
#include "tools/mxa/workload.h"
#include "xarray/node_cache.h"
#include "xarray/xarray.h"

namespace mxa::tool {

struct Place {
  uint32_t array = 0;
  uint64_t index = 0;
};

class Population {
 public:
  static absl::StatusOr<std::unique_ptr<Population>> Create();
  ~Population();
  Population(const Population&) = delete;
  Population& operator=(const Population&) = delete;

  // Stores every entry of `workload`, files in order, blocks in the order of their first touch.
  // Errors: kResourceExhausted.
  absl::Status Load(const Workload& workload, Progress& progress);

  // Erases everything that is not in `kept`, least recently used first, then marks the ledger's marked entries. Arrays
  // of which nothing is kept are cleared as a whole. `seed` chooses which dropped places are remembered.
  void Drop(const Workload& workload, const Kept& kept, uint64_t seed, Progress& progress);

  XArray<Element>& array(uint32_t id) { return arrays_[id]; }
  const XArray<Element>& array(uint32_t id) const { return arrays_[id]; }
  size_t arrays() const { return arrays_.size(); }

  // REQUIRES: Drop has been called.
  Ledger& ledger() { return *ledger_; }
  const Ledger& ledger() const { return *ledger_; }
  const std::vector<Place>& dropped() const { return dropped_; }  // a sample

  // Null when no memory can be had. Destroy takes one back that was stored and is not any more.
  Element* NewElement(uint32_t array, uint64_t index, uint32_t generation);
  void Destroy(Element* element) { elements_->FreeRcu(element); }

  // Waits until everything retired so far is free. Context: see slab::Cache::FreeRcuBarrier.
  void AwaitRetired();

  xarray::NodeCache& nodes() { return *nodes_; }
  slab::Arena& node_arena() { return *node_arena_; }
  slab::Cache& elements() { return *elements_; }

  // OK, or the first invariant broken in an array, a cache or an arena. REQUIRES: no other thread is inside.
  absl::Status CheckInvariants();

 private:
  static constexpr size_t kRemembered = 65536;

  Population() = default;
  void Remember(Place place, uint64_t& seen, Random& random);
  std::vector<Element*> ElementsOf(const XArray<Element>& array) const;

  std::unique_ptr<slab::Arena> node_arena_;
  std::unique_ptr<slab::Arena> element_arena_;
  std::unique_ptr<xarray::NodeCache> nodes_;
  std::unique_ptr<slab::Cache> elements_;
  std::deque<XArray<Element>> arrays_;  // neither copied nor moved as it grows
  std::unique_ptr<Ledger> ledger_;
  std::vector<Place> dropped_;
};

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_POPULATION_H_
