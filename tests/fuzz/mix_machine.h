// SPDX-License-Identifier: Apache-2.0
//
// Runs a program on arrays, an Ida, a MovableMap and an OwningXArray that share caches, and on maps at once, and tells the
// first difference.
//
// To add an operation: a MixStepKind with its bytes and its text in mix_program, and a case here that does it to both.
// Threads: one program at a time; it has a helper and a reader of its own (helper_thread.h, held_section.h).
#ifndef MXA_TESTS_FUZZ_MIX_MACHINE_H_
#define MXA_TESTS_FUZZ_MIX_MACHINE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/fault_injector.h"
#include "reclaim/rcu.h"
#include "slab/arena.h"
#include "tests/fuzz/held_section.h"
#include "tests/fuzz/mix_program.h"
#include "tests/fuzz/stamp.h"
#include "xarray/element.h"
#include "xarray/id_bitmap_cache.h"
#include "xarray/ida.h"
#include "xarray/movable_map.h"
#include "xarray/node_cache.h"
#include "xarray/owning_xarray.h"
#include "xarray/value_cache.h"
#include "xarray/xarray.h"

namespace mxa::fuzz {

// OK, or what differed and the program.
absl::Status RunMixProgram(const MixProgram& program);

class MixMachine {
 public:
  explicit MixMachine(const MixProgram& program);
  ~MixMachine();
  MixMachine(const MixMachine&) = delete;
  MixMachine& operator=(const MixMachine&) = delete;

  // Every step, and the end of all there is. OK, or what differed.
  absl::Status Run();

  // What the schedule handler calls on the program's own thread.
  void OnPoint(const char* point);

 private:
  // What is at an index, and whether it carries a mark.
  struct Entry {
    uint64_t id;
    bool is_marked = false;
  };
  using Model = std::map<uint64_t, Entry>;

  absl::Status RunStep(const MixStep& step);
  absl::Status Dispatch(const MixStep& step);

  // mix_machine_arrays.cc
  absl::Status RunOnArray(const MixStep& step);
  absl::Status StoreOne(XArray<Value>& array, Model& model, uint64_t index);
  absl::Status StoreMany(const MixStep& step);
  absl::Status Walk(const XArray<Value>& array, const Model& model, uint64_t from) const;
  // The cursor of the program's own section, `count` times.
  absl::Status Next(unsigned count);
  absl::Status RunOnIda(const MixStep& step);

  // mix_machine_values.cc
  absl::Status RunOnMap(const MixStep& step);
  absl::Status RunOnOwner(const MixStep& step);
  // What a reader holds of the map and the owning array, and looks at again.
  HeldSection::Check ReadSome(unsigned pick) const;
  absl::Status CheckValues() const;

  // mix_machine_memory.cc
  absl::Status Compact(const MixStep& step);
  absl::Status AllocateContiguous(const MixStep& step);
  void FreeContiguous(size_t pick);
  // Of three: nodes, values, bitmaps.
  slab::Cache& CacheOf(unsigned which);
  void MoveNodes();
  void WriteFromOutside();
  // OK for a shortage that was to be expected; else `status`.
  absl::Status Excused(const absl::Status& status) const;

  absl::Status CloseSection();
  absl::Status CheckAll();
  void Destroy(unsigned pick);
  absl::Status End();

  const MixProgram& program_;
  FaultInjector faults_;
  std::unique_ptr<slab::Arena> arena_;
  std::unique_ptr<xarray::NodeCache> nodes_;
  std::unique_ptr<xarray::IdBitmapCache> bitmaps_;
  std::unique_ptr<xarray::ValueCache> values_;

  std::array<std::unique_ptr<XArray<Value>>, kMixArrays> arrays_;
  std::array<Model, kMixArrays> models_;
  std::unique_ptr<Ida> ida_;
  std::set<uint64_t> ids_;
  std::unique_ptr<MovableMap<Stamp>> map_;
  Model map_model_;
  std::unique_ptr<OwningXArray<OwnedStamp>> owner_;
  Model owner_model_;
  const int64_t alive_before_ = OwnedStamp::alive;  // of a program that has failed
  uint64_t next_id_ = 1;

  std::optional<reclaim::ReadSection> own_section_;
  HeldSection::Check own_check_;
  std::optional<XArrayCursor<Value>> cursor_;  // in the section
  size_t cursor_array_ = 0;
  uint64_t cursor_from_ = 0;  // where it goes on
  HeldSection held_;

  std::vector<void*> blocks_;
  unsigned waits_left_ = 3;  // for contiguous memory

  // Inside a step: how often something may still happen, at which point next, and where the step is.
  unsigned actions_left_ = 0;
  unsigned points_ = 0;
  bool is_acting_ = false;
  std::optional<uint64_t> busy_index_;  // nothing: it may be anywhere
  size_t busy_array_ = 0;
  absl::Status inside_;
};

}  // namespace mxa::fuzz

#endif  // MXA_TESTS_FUZZ_MIX_MACHINE_H_
