// SPDX-License-Identifier: Apache-2.0
//
// A tree that grows and shrinks all the time above an entry that never goes: index 0 stays, is replaced, and keeps its
// mark, while others come and go, so that it is in the head, in a leaf, and under tops of any height.
//
// What the regression tests of Linux's radix tree look for, among other things: a reader that spins on an entry that has
// moved to the root, a walk by a stale mark of the root without end, index 0 that vanishes while 1 toggles.
#include <array>
#include <memory>
#include <optional>

#include "absl/strings/str_format.h"
#include "tools/torture/read_scope.h"
#include "tools/torture/scenarios.h"
#include "tools/torture/threads.h"
#include "tools/torture/versioned.h"
#include "tools/torture/world.h"

namespace mxa::torture {
namespace {

constexpr std::array<uint64_t, 7> kToggled = {1, 1, 63, 64, 4095, uint64_t{1} << 30, ~uint64_t{0}};

class Roots final : public Scenario {
 public:
  explicit Roots(World& world) : array_(world.nodes()) {
    for (uint64_t i = 0; i < 16 && !array_.Store(0, 0).ok(); ++i) continue;
    array_.SetMark(0, Mark::k0);
  }

  std::vector<ActorSpec> Actors(World&) override {
    return {StatelessActor("toggler", [this](World& w, tool::Random& random) { Toggle(w, random); }),
            StatelessActor("rootreader", [this](World& w, tool::Random& random) { Read(w, random); })};
  }
  void Audit(World& world) override {
    if (const absl::Status status = array_.CheckInvariants(); !status.ok()) {
      world.errors().Report(Error::kAudit, absl::StrFormat("roots: %s", std::string(status.message())));
    }
  }

 private:
  void Toggle(World& world, tool::Random& random) {
    for (int i = 0; i < 16; ++i) {
      const uint64_t index = kToggled[random.Below(kToggled.size())];
      if (array_.Store(index, index / 2).ok()) {
        Note("toggle", index);
        CheckMarks(world, index, random);
        if (random.OneIn(2)) Replace();
        if (random.OneIn(4)) array_.Store(index / 2 + 7, 5).status().IgnoreError();
        array_.Erase(index / 2 + 7);
        array_.Erase(index);
      }
      Replace();
      Count(Figure::kUpdates, 3);
    }
  }

  void Replace() {
    const uint64_t next = zero_.committed() + 1;
    zero_.Begin(next);
    if (array_.Store(0, next).ok()) zero_.Commit(next);
  }

  // Only this thread sets mark 1: what it set is found from the head, and what it cleared leaves nothing behind.
  void CheckMarks(World& world, uint64_t index, tool::Random& random) {
    array_.SetMark(index, Mark::k1);
    const auto found = array_.FindMarked(Mark::k1);
    if (!found.has_value() || found->index != index || !array_.HasMarked(Mark::k1)) {
      world.errors().Report(Error::kMark, absl::StrFormat("index %u carries a mark and is not found by it", index));
    }
    if (random.OneIn(2)) {
      array_.ClearMark(index, Mark::k1);
      if (array_.HasMarked(Mark::k1) || array_.GetMark(index, Mark::k1)) {
        world.errors().Report(Error::kMark, "a mark that was cleared everywhere is still there");
      }
    }
  }

  void Read(World& world, tool::Random& random) {
    for (int i = 0; i < 16; ++i) {
      LoadOnce(world, random);
      Spin(world, random);
      Walk(world, random);
    }
    Count(Figure::kReads, 32);
    Count(Figure::kWalks, 16);
  }

  void Judge(World& world, std::optional<uint64_t> seen, uint64_t committed, const char* how) {
    const uint64_t begun = zero_.begun();
    if (!seen.has_value()) {
      world.errors().Report(Error::kVanished, absl::StrFormat("index 0 has vanished: %s", how));
    } else if (*seen < committed || *seen > begun) {
      world.errors().Report(
          Error::kVersion, absl::StrFormat("index 0 is version %u and not %u to %u: %s", *seen, committed, begun, how));
    }
  }

  void LoadOnce(World& world, tool::Random& random) {
    const uint64_t committed = zero_.committed();
    Judge(world, array_.Load(0), committed, "a load");
    if (!array_.GetMark(0, Mark::k0) || array_.GetMark(0, Mark::k2) || !array_.HasMarked(Mark::k0)) {
      world.errors().Report(Error::kMark, "index 0 is not marked as it always is");
    }
    if (random.OneIn(4) && array_.CountMarked(Mark::k0) != 1) {
      world.errors().Report(Error::kMark, "the mark that one entry has is not counted once");
    }
  }

  // Stays where index 0 was at first, steps off and on it, and wants what is there by now.
  void Spin(World& world, tool::Random& random) {
    ReadScope section;
    XArrayCursor<Value> cursor(array_, 0);
    uint64_t committed = zero_.committed();
    Judge(world, cursor.NextIndex(), committed, "a step by index");
    for (int i = 0; i < 6; ++i) {
      section.Hold(random);
      cursor.NextIndex();
      committed = zero_.committed();
      Judge(world, cursor.PrevIndex(), committed, "a step back by index");
      if (random.OneIn(2)) Judge(world, cursor.Reload(), committed, "a cursor's look once more");
    }
  }

  void Walk(World& world, tool::Random& random) {
    ReadScope section;
    const bool marked = random.OneIn(2);
    XArrayCursor<Value> cursor(array_, 0);
    uint64_t committed = zero_.committed();
    const auto next = [&] { return marked ? cursor.NextMarked(Mark::k0) : cursor.Next(); };
    std::optional<uint64_t> met = next();
    if (met.has_value() && cursor.index() != 0) met.reset();
    Judge(world, met, committed, marked ? "a marked walk" : "a walk");
    uint64_t before = 0;
    while (next().has_value()) {
      if (marked || cursor.index() <= before) {
        world.errors().Report(Error::kWalk, absl::StrFormat("a walk met index %u behind %u", cursor.index(), before));
        return;
      }
      before = cursor.index();
      section.Hold(random);
    }
  }

  XArray<Value> array_;
  Versioned zero_;
};

}  // namespace

std::unique_ptr<Scenario> MakeRoots(World& world) { return std::make_unique<Roots>(world); }

}  // namespace mxa::torture
