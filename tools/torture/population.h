// SPDX-License-Identifier: Apache-2.0
//
// The arrays that readers, walkers, writers and movers share, with a ledger that says what each entry may be seen as.
//
// Each place of the ledger has one writer at a time, so that its versions can be told apart; writers meet at the locks of
// the arrays. Three of four places are anchors: replaced, never erased; some of these carry a mark that never goes.
// Threads: Write and Read from any thread at once; Audit at rest.
#ifndef MXA_TOOLS_TORTURE_POPULATION_H_
#define MXA_TOOLS_TORTURE_POPULATION_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "tools/mxa/ledger.h"
#include "tools/mxa/random.h"
#include "tools/torture/array_name.h"
#include "tools/torture/element_pool.h"
#include "tools/torture/errors.h"
#include "xarray/node_cache.h"
#include "xarray/xarray.h"

namespace mxa::torture {

// The versions that one reader has seen: they never go back.
class SeenVersions {
 public:
  explicit SeenVersions(size_t places) : seen_(places) {}
  // False when `version` is older than what was seen of `place` before.
  bool See(size_t place, uint32_t version) {
    if (version < seen_[place]) return false;
    seen_[place] = version;
    return true;
  }

 private:
  std::vector<uint32_t> seen_;
};

class Population {
 public:
  // Stores an element at every place.
  Population(const tool::Kept& indices, xarray::NodeCache& nodes, ElementPool& elements, Errors& errors,
             tool::Random& random);
  // Takes everything back. REQUIRES: nobody else is inside.
  ~Population();
  Population(const Population&) = delete;
  Population& operator=(const Population&) = delete;

  size_t places() const { return ledger_.size(); }
  const tool::Ledger& ledger() const { return ledger_; }
  XArray<Element>& array(uint32_t id) { return arrays_[id]; }
  size_t arrays() const { return arrays_.size(); }

  // The next version of `place`: stored, replaced or erased. Nothing when another writer is there.
  void Write(size_t place, tool::Random& random);
  // Loads `place` and judges what it finds.
  void Read(size_t place, SeenVersions& seen, tool::Random& random);

  // Every array's invariants, and every place as its ledger says.
  void Audit();

 private:
  // True when this writer has `place` to itself, until Unlock.
  bool TryLock(size_t place) { return !busy_[place].exchange(true, std::memory_order_acquire); }
  // Release; pairs with the acquire in TryLock: the next writer goes on from what this one has committed.
  void Unlock(size_t place) { busy_[place].store(false, std::memory_order_release); }
  void WriteLocked(size_t place, tool::Random& random);
  void CheckReplaced(size_t place, uint32_t committed, const Element* old);

  ElementPool& elements_;
  Errors& errors_;
  std::deque<XArray<Element>> arrays_;
  std::deque<ArrayName> names_;
  tool::Ledger ledger_;
  std::vector<std::atomic<bool>> busy_;
};

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_POPULATION_H_
