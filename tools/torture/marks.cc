// SPDX-License-Identifier: Apache-2.0
//
// Marks against readers that know what each place may say: some are always marked, some never, some are marked and
// cleared, and some hold by turns an entry that is marked and another that never is.
//
// Invariant: of a place that toggles, an odd version is marked and an even one is not.
#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/str_format.h"
#include "tools/torture/read_scope.h"
#include "tools/torture/scenarios.h"
#include "tools/torture/threads.h"
#include "tools/torture/versioned.h"
#include "tools/torture/world.h"

namespace mxa::torture {
namespace {

constexpr size_t kPlaces = 96;
constexpr uint64_t kPlainValue = 1'000'000;  // of entries that never are marked, and more

enum class Role { kMarked, kPlain, kToggles, kAlternates };

// The first leaf has all kinds; others, more and more of them apart, only what toggles: their last mark comes and goes.
uint64_t IndexOf(size_t place) { return place < 64 ? place : uint64_t{place - 63} << (6 + place % 3 * 6); }
Role RoleOf(size_t place) {
  if (place < 64) return static_cast<Role>(place % 4);
  return place % 2 == 0 ? Role::kToggles : Role::kAlternates;
}

class Marks final : public Scenario {
 public:
  explicit Marks(World& world) : array_(world.nodes()), places_(kPlaces) {
    for (size_t place = 0; place < kPlaces; ++place) {
      const bool is_plain = RoleOf(place) == Role::kPlain || RoleOf(place) == Role::kAlternates;
      while (!array_.Store(IndexOf(place), is_plain ? kPlainValue : 1).ok()) continue;
      if (RoleOf(place) == Role::kMarked) array_.SetMark(IndexOf(place), Mark::k0);
    }
  }

  std::vector<ActorSpec> Actors(World&) override {
    return {StatelessActor("marker", [this](World& w, tool::Random& random) { Change(w, random); }),
            StatelessActor("markreader", [this](World& w, tool::Random& random) { Read(w, random); }),
            StatelessActor("marksearcher", [this](World& w, tool::Random&) { SearchHot(w); })};
  }

  void Audit(World& world) override {
    if (const absl::Status status = array_.CheckInvariants(); !status.ok()) {
      world.errors().Report(Error::kAudit, absl::StrFormat("marks: %s", std::string(status.message())));
    }
    uint64_t marked = 0;
    for (size_t place = 0; place < kPlaces; ++place) marked += IsMarked(place, places_[place].committed()) ? 1 : 0;
    if (const uint64_t counted = array_.CountMarked(Mark::k0); counted != marked) {
      world.errors().Report(Error::kMark, absl::StrFormat("%u entries carry a mark, and %u count", marked, counted));
    }
  }

 private:
  static bool IsMarked(size_t place, uint64_t version) {
    return RoleOf(place) == Role::kMarked || (RoleOf(place) != Role::kPlain && version % 2 == 1);
  }
  static size_t AnyThatChanges(tool::Random& random) {
    for (;;) {
      const size_t place = random.Below(kPlaces);
      if (RoleOf(place) == Role::kToggles || RoleOf(place) == Role::kAlternates) return place;
    }
  }

  void Change(World& world, tool::Random& random) {
    // One of them most often: what it says changes between the looks of whoever is there.
    size_t hot = AnyThatChanges(random);
    while (RoleOf(hot) != Role::kAlternates && !random.OneIn(4)) hot = AnyThatChanges(random);
    hot_.store(hot, std::memory_order_relaxed);  // relaxed: only says where it is worth looking
    for (int i = 0; i < 32; ++i) {
      const size_t place = random.OneIn(4) ? AnyThatChanges(random) : hot;
      const uint64_t index = IndexOf(place);
      const uint64_t next = places_[place].committed() + 1;
      const bool is_marked = next % 2 == 1;
      Note(is_marked ? "mark" : "clear", index, next);
      places_[place].Begin(next);
      if (RoleOf(place) == Role::kToggles) {
        if (is_marked) {
          array_.SetMark(index, Mark::k0);
        } else {
          array_.ClearMark(index, Mark::k0);
        }
      } else {
        array_.Erase(index);
        // Nothing else takes the slot, so that memory is needed for a leaf of its own only.
        while (!array_.Store(index, is_marked ? next : kPlainValue + next).ok()) continue;
        if (is_marked) array_.SetMark(index, Mark::k0);
      }
      if (array_.GetMark(index, Mark::k0) != is_marked) {
        world.errors().Report(Error::kMark, absl::StrFormat("index %u: its only writer sees another mark", index));
      }
      places_[place].Commit(next);
      Count(Figure::kUpdates);
    }
  }

  void Read(World& world, tool::Random& random) {
    for (int i = 0; i < 8; ++i) ReadOne(world, random.Below(kPlaces));
    for (int i = 0; i < 4; ++i) Walk(world, random);
    Count(Figure::kReads, 8);
    Count(Figure::kMarkedWalks, 4);
  }

  void ReadOne(World& world, size_t place) {
    const uint64_t committed = places_[place].committed();
    const bool marked = array_.GetMark(IndexOf(place), Mark::k0);
    if (places_[place].begun() == committed && marked != IsMarked(place, committed)) {
      world.errors().Report(
          Error::kMark, absl::StrFormat("index %u is marked: %d, in version %u", IndexOf(place), marked, committed));
    }
  }

  // A marked search of one place only, which changes all the time.
  void SearchHot(World& world) {
    for (int i = 0; i < 200; ++i) {
      const uint64_t index = IndexOf(hot_.load(std::memory_order_relaxed));  // relaxed: wherever it is
      const auto met = array_.FindMarked(Mark::k0, index, index);
      if (!met.has_value() || met->element < kPlainValue) continue;
      world.errors().Report(Error::kMark,
                            absl::StrFormat("a marked search found index %u, which is %u and never marked", index,
                                            met->element.value_or(0)));
      return;
    }
    Count(Figure::kMarkedWalks, 200);
  }

  // Each step meets what is marked throughout the step, and nothing that never is.
  void Walk(World& world, tool::Random& random) {
    ReadScope section;
    XArrayCursor<Value> cursor(array_, 0);
    size_t next = 0;  // of the first leaf, which is in the order of its indices
    for (;;) {
      size_t watched = next;
      uint64_t committed = 0;
      for (; watched < 64; ++watched) {
        committed = places_[watched].committed();
        if (IsMarked(watched, committed)) break;
      }
      const std::optional<uint64_t> met = cursor.NextMarked(Mark::k0);
      if (watched < 64 && (!met.has_value() || cursor.index() > watched) && places_[watched].begun() == committed) {
        world.errors().Report(Error::kMark,
                              absl::StrFormat("a walk passed over index %u, marked in version %u", watched, committed));
        return;
      }
      if (!met.has_value()) return;
      if (*met >= kPlainValue) {
        world.errors().Report(Error::kMark, absl::StrFormat("a marked walk met index %u, which is %u and never marked",
                                                            cursor.index(), *met));
        return;
      }
      if (cursor.index() < next) {
        world.errors().Report(Error::kWalk, absl::StrFormat("a marked walk met index %u twice", cursor.index()));
        return;
      }
      next = cursor.index() + 1;
      // So that the node it stands in moves, and marks change in the copy.
      if (random.OneIn(16)) Delay(random, 200'000);
      section.Hold(random);
    }
  }

  XArray<Value> array_;
  std::vector<Versioned> places_;
  std::atomic<size_t> hot_{0};
};

}  // namespace

std::unique_ptr<Scenario> MakeMarks(World& world) { return std::make_unique<Marks>(world); }

}  // namespace mxa::torture
