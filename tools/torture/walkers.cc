// SPDX-License-Identifier: Apache-2.0
//
// Walks over the shared arrays, whole or a window of them: by cursors and ranges, up and down, all entries and marked ones,
// within one section; and cursors that are kept from step to step, across pauses in which nodes move.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "tools/mxa/error_log.h"
#include "tools/mxa/verify.h"
#include "tools/torture/read_scope.h"
#include "tools/torture/scenarios.h"
#include "tools/torture/threads.h"
#include "tools/torture/walk_check.h"
#include "tools/torture/world.h"

namespace mxa::torture {
namespace {

using Way = WalkCheck::Way;

// Of one array: what is always there, and how many places it has.
struct Anchors {
  std::vector<uint64_t> all;
  std::vector<uint64_t> marked;
  size_t places = 0;
};

struct Window {
  uint32_t array;
  uint64_t first;
  uint64_t last;
};

class Walkers final : public Scenario {
 public:
  explicit Walkers(World& world) : world_(world), anchors_(world.population().arrays()) {
    const tool::Ledger& ledger = world.population().ledger();
    for (size_t place = 0; place < ledger.size(); ++place) {
      Anchors& anchors = anchors_[ledger.array_of(place)];
      ++anchors.places;
      const uint64_t index = ledger.entry(place).index();
      if (ledger.IsStableEntry(place)) anchors.all.push_back(index);
      if (ledger.IsMarkedEntry(place)) anchors.marked.push_back(index);
    }
  }

  std::vector<ActorSpec> Actors(World&) override {
    return {StatelessActor("scanner", [this](World&, tool::Random& random) { Scan(random); }),
            StatelessActor("walker", [this](World&, tool::Random& random) { Walk(random); }),
            StatelessActor(
                "ranger", [this](World&, tool::Random& random) { Range(random); }, absl::Microseconds(100)),
            {.name = "cursor", .count = 2, .make = [this](World&) { return std::make_unique<KeptCursor>(*this); }}};
  }
  std::vector<Minimum> Minima() const override {
    return {{Figure::kWalks, 20}, {Figure::kMarkedWalks, 5}, {Figure::kCursorPauses, 20}};
  }

 private:
  Window AnyWindow(tool::Random& random) const {
    const tool::Ledger& ledger = world_.population().ledger();
    const auto id = static_cast<uint32_t>(random.Below(ledger.arrays()));
    if (random.OneIn(3)) return {id, 0, ~uint64_t{0}};
    const tool::LedgerRange& range = ledger.range(id);
    const size_t begin = range.first + random.Below(range.size());
    const size_t end = std::min(range.last - 1, begin + random.Below(200));
    return {id, ledger.entry(begin).index(), ledger.entry(end).index()};
  }

  WalkCheck CheckOf(const Window& window, Way way, bool marked) const {
    const Anchors& anchors = anchors_[window.array];
    // A marked walk meets nothing else: no other entry is ever marked.
    return WalkCheck(marked ? anchors.marked : anchors.all, window.first, window.last, way, anchors.places, marked);
  }

  // True when all is well.
  bool Tell(const std::optional<std::string>& fault, const Window& window, bool marked) {
    if (!fault.has_value()) return true;
    world_.errors().Report(
        Error::kWalk, absl::StrFormat("%s walk over array %d, %d to %d: %s", marked ? "marked" : "plain", window.array,
                                      window.first, window.last, *fault));
    return false;
  }

  static Element* Step(XArrayCursor<Element>& cursor, const Window& window, Way way, bool marked) {
    if (way == Way::kUp) return marked ? cursor.NextMarked(Mark::k0, window.last) : cursor.Next(window.last);
    return marked ? cursor.PrevMarked(Mark::k0, window.first) : cursor.Prev(window.first);
  }

  static void CountWalk(bool marked) { Count(marked ? Figure::kMarkedWalks : Figure::kWalks); }

  // Judged by the ledger as well: each entry is to be current when the walk comes to it.
  void Scan(tool::Random& random) {
    const tool::Ledger& ledger = world_.population().ledger();
    const size_t begin = random.Below(ledger.size());
    const bool marked = random.OneIn(3);
    const uint32_t id = ledger.array_of(begin);
    // Once in a while it stands still, long enough for a pass and a writer to overtake it where it stands.
    const uint64_t slow_step = random.Below(48);
    tool::ErrorLog log;
    tool::ScanCheck check(ledger, {begin, std::min(ledger.range(id).last, begin + 1 + random.Below(200))}, marked, log);
    Note("scan", begin, marked);
    {
      ReadScope section;
      XArrayCursor<Element> cursor(world_.population().array(id), check.first_index());
      for (uint64_t step = 0;; ++step) {
        if (step == slow_step) Delay(random, 3'000'000);
        check.BeforeStep();
        const Element* element =
            marked ? cursor.NextMarked(Mark::k0, check.last_index()) : cursor.Next(check.last_index());
        Count(Figure::kCursorSteps);
        if (element == nullptr) {
          check.AtEnd();
          break;
        }
        if (!check.Met(cursor.index(), *element)) break;
        section.Hold(random);
        world_.elements().Check(*element, id, cursor.index());
      }
    }
    if (log.count() != 0) world_.errors().Report(Error::kWalk, log.first());
    CountWalk(marked);
  }

  void Walk(tool::Random& random) {
    const Window window = AnyWindow(random);
    const Way way = random.OneIn(2) ? Way::kUp : Way::kDown;
    const bool marked = random.OneIn(3);
    Note("walk", window.first, window.last);
    WalkCheck check = CheckOf(window, way, marked);
    ReadScope section;
    XArrayCursor<Element> cursor(world_.population().array(window.array), way == Way::kUp ? window.first : window.last);
    while (const Element* element = Step(cursor, window, way, marked)) {
      Count(Figure::kCursorSteps);
      if (!Tell(check.Met(cursor.index()), window, marked)) return;
      section.Hold(random);
      world_.elements().Check(*element, window.array, cursor.index());
    }
    Tell(check.AtEnd(), window, marked);
    CountWalk(marked);
  }

  // By the C++ range, which opens sections of its own.
  void Range(tool::Random& random) {
    const Window window = AnyWindow(random);
    const Way way = random.OneIn(2) ? Way::kUp : Way::kDown;
    const bool marked = random.OneIn(3);
    Note("range", window.first, window.last);
    WalkCheck check = CheckOf(window, way, marked);
    XArrayRange<Element> range = world_.population().array(window.array).Range(window.first, window.last);
    if (marked) range = range.Marked(Mark::k0);
    if (way == Way::kDown) range = range.Reversed();
    for (auto [index, element] : range) {
      Count(Figure::kCursorSteps);
      if (!Tell(check.Met(index), window, marked)) return;
      world_.elements().Check(*element, window.array, index);
    }
    Tell(check.AtEnd(), window, marked);
    CountWalk(marked);
  }

  // One walk over many steps: what it stands on moves, comes and goes between them.
  class KeptCursor final : public Actor {
   public:
    explicit KeptCursor(Walkers& walkers) : walkers_(walkers) {}
    void Step(World& world, tool::Random& random) override {
      if (!walk_.has_value()) Begin(random);
      Note("cursor", walk_->window.first, walk_->cursor.index());
      ReadScope section;
      for (uint64_t left = 1 + random.Below(12); left > 0; --left) {
        const Element* element = Walkers::Step(walk_->cursor, walk_->window, walk_->way, walk_->marked);
        Count(Figure::kCursorSteps);
        if (element == nullptr) {
          walkers_.Tell(walk_->check.AtEnd(), walk_->window, walk_->marked);
          CountWalk(walk_->marked);
          return walk_.reset();
        }
        if (!walkers_.Tell(walk_->check.Met(walk_->cursor.index()), walk_->window, walk_->marked)) return walk_.reset();
        section.Hold(random);
        world.elements().Check(*element, walk_->window.array, walk_->cursor.index());
        if (random.OneIn(8)) {
          walk_->cursor.Pause();
          section.Renew();
          Count(Figure::kCursorPauses);
        }
      }
      walk_->cursor.Pause();
      Count(Figure::kCursorPauses);
    }

   private:
    struct Kept {
      Window window;
      Way way;
      bool marked;
      WalkCheck check;
      XArrayCursor<Element> cursor;
    };
    void Begin(tool::Random& random) {
      const Window window = walkers_.AnyWindow(random);
      const Way way = random.OneIn(2) ? Way::kUp : Way::kDown;
      const bool marked = random.OneIn(3);
      walk_.emplace(Kept{window, way, marked, walkers_.CheckOf(window, way, marked),
                         XArrayCursor<Element>(walkers_.world_.population().array(window.array),
                                               way == Way::kUp ? window.first : window.last)});
    }

    Walkers& walkers_;
    std::optional<Kept> walk_;
  };

  World& world_;
  std::vector<Anchors> anchors_;  // by array
};

}  // namespace

std::unique_ptr<Scenario> MakeWalkers(World& world) { return std::make_unique<Walkers>(world); }

}  // namespace mxa::torture
