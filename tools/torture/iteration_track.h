// SPDX-License-Identifier: Apache-2.0
//
// An array of entries of one order that are added and removed, and walks of all kinds over it.
//
// A step is held against what was there all the time that it took, at the place that comes next on the way; a walk against
// what always is.
//
// Invariants:
//   I1  place p is the indices p << order up to the next place's. Only the adder stores there, where nothing is, and numbers
//       what it stores from 1; so what is removed comes in the order of its numbers.
//   I2  anchors are stored and marked before anybody walks, and stay.
//   I3  entries of odd number are marked once they are stored, others never.
// Threads: AddSome by one, RemoveSome by one, Walk and Range by any; Audit at rest.
#ifndef MXA_TOOLS_TORTURE_ITERATION_TRACK_H_
#define MXA_TOOLS_TORTURE_ITERATION_TRACK_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "tools/torture/array_name.h"
#include "tools/torture/iteration_book.h"
#include "tools/torture/walk_check.h"
#include "tools/torture/world.h"

namespace mxa::torture {

// The entries of one order.
class IterationTrack {
 public:
  IterationTrack(World& world, unsigned order)
      : world_(world),
        order_(order),
        array_(world.nodes()),
        name_(&array_.core().anchor(), absl::StrFormat("iteration, order %u", order)),
        books_(kIterationPlaces) {
    for (uint64_t place = 0; place < kIterationPlaces; ++place) {
      if (!IsIterationAnchor(place)) continue;
      anchors_.push_back(place);
      while (!Add(place, Kind::kInsert)) continue;
    }
  }

  void AddSome(tool::Random& random);
  void RemoveSome(tool::Random& random);

  // Whole, or from within one entry to within another.
  void Walk(tool::Random& random);

  // By the C++ range, in sections of its own.
  void Range(tool::Random& random);

  // Reports unless the entries are those that the adder and the remover have left.
  void Audit();

 private:
  using Told = ToldByEntry;
  using Book = BookOfPlace;
  using Way = WalkCheck::Way;
  static constexpr Mark kMark = Mark::k0;

  enum class Kind { kInsert, kStore, kStoreRange };
  struct Run {
    uint64_t first;
    uint64_t last;
  };
  struct Walking {
    uint64_t first;
    uint64_t last;
    Way way;
    bool marked;
    WalkCheck check;  // of places, not of indices
  };

  // Of a place when a step towards it began; nothing beyond the last place.
  struct Watched {
    std::optional<uint64_t> place;
    uint64_t added = 0;
    uint64_t removed = 0;
  };

  std::optional<uint64_t> PlaceOf(uint64_t index) const;
  uint64_t FirstOf(uint64_t place) const { return place << order_; }
  uint64_t LastOf(uint64_t place) const { return ((place + 1) << order_) - 1; }
  uint64_t AnyIndex(uint64_t place, tool::Random& random) const;
  static Run AnyRun(tool::Random& random);
  void Report(Error error, const std::string& what);

  // False when something is there, or there is no memory.
  bool Add(uint64_t place, Kind kind);

  // A block without anchors, at once.
  void RemoveBlock(tool::Random& random);
  void NoteRemoved(uint64_t index, uint64_t value);
  Walking Begin(tool::Random& random) const;
  static std::optional<uint64_t> Step(XArrayCursor<Value>& cursor, const Walking& walk);
  Watched Watch(std::optional<uint64_t> place) const;

  // Behind a step, which met what is said or nothing: whether that is so of the place that it began at.
  bool Passed(const Walking& walk, const Watched& watched, std::optional<uint64_t> met);

  // False when the walk is to end, as something is wrong.
  bool Met(Walking& walk, uint64_t index, uint64_t value);
  void End(const Walking& walk);

  // The cursor's own index once more: what was met there, or what came after it.
  bool LookAgain(const XArrayCursor<Value>& cursor, uint64_t met);
  bool Wrong(const Walking& walk, Error error, const std::string& what);

  World& world_;
  const unsigned order_;
  XArray<Value> array_;
  const ArrayName name_;
  std::vector<uint64_t> anchors_;  // places
  std::vector<Book> books_;        // by place
};

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_ITERATION_TRACK_H_
