// SPDX-License-Identifier: Apache-2.0
#include "tools/torture/iteration_track.h"

#include <algorithm>
#include <utility>

#include "tools/torture/read_scope.h"
#include "tools/torture/threads.h"

namespace mxa::torture {

void IterationTrack::AddSome(tool::Random& random) {
  const Run run = AnyRun(random);
  Note("add", order_, run.first);
  for (uint64_t place = run.first; place <= run.last; ++place) {
    if (!IsIterationAnchor(place)) Add(place, static_cast<Kind>(random.Below(3)));
  }
}

void IterationTrack::RemoveSome(tool::Random& random) {
  if (random.OneIn(12)) return RemoveBlock(random);
  const Run run = AnyRun(random);
  Note("remove", order_, run.first);
  for (uint64_t place = run.first; place <= run.last; ++place) {
    if (IsIterationAnchor(place)) continue;
    const uint64_t index = AnyIndex(place, random);
    Book& book = books_[place];
    book.BeginRemoving(book.removed() + 1);
    const std::optional<uint64_t> removed = array_.Erase(index);
    if (removed.has_value()) NoteRemoved(index, *removed);
    book.BeginRemoving(book.removed());
    const std::optional<uint64_t> seen = array_.Load(index);
    if (seen.has_value() && Told::Of(*seen).number <= book.removed()) {
      Report(Error::kOrder, absl::StrFormat("index %u holds %s, which was removed", index, Told::Of(*seen).ToString()));
    }
  }
}

void IterationTrack::Walk(tool::Random& random) {
  Walking walk = Begin(random);
  const uint64_t paused_one_in = random.OneIn(3) ? 4 : 24;
  Note("walk", walk.first, walk.last);
  ReadScope section;
  XArrayCursor<Value> cursor(array_, walk.way == Way::kUp ? walk.first : walk.last);
  std::optional<uint64_t> place = PlaceOf(cursor.index());
  for (;;) {
    const Watched watched = Watch(place);
    const std::optional<uint64_t> met = Step(cursor, walk);
    if (met.has_value() && !Met(walk, cursor.index(), *met)) return;
    if (!Passed(walk, watched, met)) return;
    if (!met.has_value()) break;
    Count(Figure::kCursorSteps);
    const uint64_t here = Told::Of(*met).place;
    place = walk.way == Way::kUp ? PlaceOf(LastOf(here) + 1) : PlaceOf(FirstOf(here) - 1);
    // Long enough, now and then, for the entry to go, another to come, and the node to move.
    if (random.OneIn(64)) Delay(random, 200'000);
    section.Hold(random);
    if (random.OneIn(paused_one_in)) {
      cursor.Pause();
      section.Renew();
      Count(Figure::kCursorPauses);
    }
    if (random.OneIn(8) && !LookAgain(cursor, *met)) return;
  }
  End(walk);
}

void IterationTrack::Range(tool::Random& random) {
  Walking walk = Begin(random);
  Note("range", walk.first, walk.last);
  XArrayRange<Value> range = array_.Range(walk.first, walk.last);
  if (walk.marked) range = range.Marked(kMark);
  if (walk.way == Way::kDown) range = range.Reversed();
  for (const auto [index, value] : range) {
    Count(Figure::kCursorSteps);
    if (!value.has_value() || !Met(walk, index, *value)) return;
    if (random.OneIn(64)) Delay(random, 200'000);
  }
  End(walk);
}

void IterationTrack::Audit() {
  if (const absl::Status status = array_.CheckInvariants(); !status.ok()) {
    Report(Error::kAudit, std::string(status.message()));
  }
  uint64_t marked = 0;
  std::vector<uint64_t> present;
  for (uint64_t place = 0; place < kIterationPlaces; ++place) {
    const Book& book = books_[place];
    const bool is_present = book.added() != book.removed();
    const Told told = {place, order_, book.added()};
    if (is_present) present.push_back(told.Value());
    if (is_present && told.IsMarked()) ++marked;
    for (const uint64_t index : {FirstOf(place), LastOf(place)}) {
      const std::optional<uint64_t> seen = array_.Load(index);
      if (seen == (is_present ? std::optional<uint64_t>(told.Value()) : std::nullopt) &&
          array_.GetOrder(index) == (is_present ? std::optional<unsigned>(order_) : std::nullopt) &&
          array_.GetMark(index, kMark) == (is_present && told.IsMarked())) {
        continue;
      }
      Report(Error::kAudit,
             absl::StrFormat("index %u is not as it was left: %u added, %u removed, %s there", index, book.added(),
                             book.removed(), seen.has_value() ? Told::Of(*seen).ToString() : "nothing"));
    }
  }
  std::vector<uint64_t> met;
  for (const auto [index, value] : array_.Range()) met.push_back(value.value_or(0));
  if (met != present) Report(Error::kAudit, absl::StrFormat("%u entries, and %u met", present.size(), met.size()));
  if (const uint64_t counted = array_.CountMarked(kMark); counted != marked) {
    Report(Error::kMark, absl::StrFormat("%u entries carry a mark, and %u count", marked, counted));
  }
}

std::optional<uint64_t> IterationTrack::PlaceOf(uint64_t index) const {
  const uint64_t place = index >> order_;
  return place < kIterationPlaces ? std::optional<uint64_t>(place) : std::nullopt;
}

uint64_t IterationTrack::AnyIndex(uint64_t place, tool::Random& random) const {
  return FirstOf(place) + random.Below(uint64_t{1} << order_);
}

IterationTrack::Run IterationTrack::AnyRun(tool::Random& random) {
  const uint64_t first = random.Below(kIterationPlaces);
  return {first, std::min(kIterationPlaces - 1, first + random.Below(random.OneIn(4) ? kPlacesOfBlock : 4))};
}

void IterationTrack::Report(Error error, const std::string& what) {
  world_.errors().Report(error, absl::StrFormat("iteration, order %u: %s", order_, what));
}

bool IterationTrack::Add(uint64_t place, Kind kind) {
  const Told told = {place, order_, books_[place].added() + 1};
  // Only this thread adds: where nothing is, nothing comes meanwhile.
  if (kind != Kind::kInsert && array_.Load(FirstOf(place)).has_value()) return false;
  const absl::Status status = kind == Kind::kInsert  ? array_.InsertOrder(FirstOf(place), order_, told.Value())
                              : kind == Kind::kStore ? array_.StoreOrder(LastOf(place), order_, told.Value())
                                                     : array_.StoreRange(FirstOf(place), LastOf(place), told.Value());
  if (!status.ok()) {
    if (absl::IsResourceExhausted(status)) Count(Figure::kUpdatesRefused);
    return false;
  }
  // Of an entry that has gone by now nothing is marked: nobody else adds.
  if (told.IsMarked()) array_.SetMark(LastOf(place), kMark);
  books_[place].Added(told.number);
  Count(Figure::kUpdates);
  return true;
}

void IterationTrack::RemoveBlock(tool::Random& random) {
  const uint64_t block = 1 + 2 * random.Below(kIterationPlaces / kPlacesOfBlock / 2);
  const uint64_t first = FirstOf(block * kPlacesOfBlock);
  const uint64_t last = LastOf(block * kPlacesOfBlock + kPlacesOfBlock - 1);
  Note("remove block", first, last);
  // What is added while this goes on may be removed as well.
  for (uint64_t place = first >> order_; place <= last >> order_; ++place) books_[place].BeginRemoving(~uint64_t{0});
  std::vector<XArrayItem<Value>> removed;
  removed.reserve(kPlacesOfBlock);  // what is told must not be long about it: the array is locked
  const absl::Status status = array_.EraseRange(first, last, [&](uint64_t index, std::optional<uint64_t> value) {
    removed.push_back({index, value});
  });
  if (!status.ok()) Report(Error::kMemory, "a range was not removed for want of memory, though nothing is to be split");
  for (const XArrayItem<Value>& item : removed) NoteRemoved(item.index, item.element.value_or(0));
  for (uint64_t place = first >> order_; place <= last >> order_; ++place) {
    books_[place].BeginRemoving(books_[place].removed());
  }
}

void IterationTrack::NoteRemoved(uint64_t index, uint64_t value) {
  const Told told = Told::Of(value);
  const uint64_t place = index >> order_;
  if (told.place == place && told.order == order_ && told.number == books_[place].removed() + 1) {
    books_[place].Removed(told.number);
    Count(Figure::kUpdates);
    return;
  }
  Report(Error::kOrder, absl::StrFormat("removed %s from index %u, where %u have been removed before", told.ToString(),
                                        index, books_[place].removed()));
}

IterationTrack::Walking IterationTrack::Begin(tool::Random& random) const {
  uint64_t first = 0;
  uint64_t last = ~uint64_t{0};
  if (!random.OneIn(3)) {
    first = AnyIndex(random.Below(kIterationPlaces), random);
    last = AnyIndex((first >> order_) + random.Below(kIterationPlaces - (first >> order_)), random);
    if (first > last) std::swap(first, last);
  }
  const Way way = random.OneIn(2) ? Way::kUp : Way::kDown;
  return {first, last, way, random.OneIn(2),
          WalkCheck(anchors_, first >> order_, last >> order_, way, kIterationPlaces)};
}

std::optional<uint64_t> IterationTrack::Step(XArrayCursor<Value>& cursor, const Walking& walk) {
  if (walk.way == Way::kUp) return walk.marked ? cursor.NextMarked(kMark, walk.last) : cursor.Next(walk.last);
  return walk.marked ? cursor.PrevMarked(kMark, walk.first) : cursor.Prev(walk.first);
}

IterationTrack::Watched IterationTrack::Watch(std::optional<uint64_t> place) const {
  if (!place.has_value()) return {};
  return {place, books_[*place].added(), books_[*place].removed()};
}

bool IterationTrack::Passed(const Walking& walk, const Watched& watched, std::optional<uint64_t> met) {
  if (!watched.place.has_value()) return true;
  const uint64_t place = *watched.place;
  if (place < walk.first >> order_ || place > walk.last >> order_) return true;
  const Told told = Told::Of(met.value_or(0));
  if (met.has_value() && told.place == place) {
    if (told.number > watched.removed) return true;
    return Wrong(walk, Error::kVersion, absl::StrFormat("met %s, removed before the step", told.ToString()));
  }
  // In the order in which it is written: what is being removed is to be read behind the step.
  const Told expected = {place, order_, watched.added};
  const bool stayed = watched.added > watched.removed && watched.added > books_[place].removing();
  if (!stayed || (walk.marked && !expected.IsMarked())) return true;
  return Wrong(walk, Error::kVanished, absl::StrFormat("passed over %s", expected.ToString()));
}

bool IterationTrack::Met(Walking& walk, uint64_t index, uint64_t value) {
  const Told told = Told::Of(value);
  const uint64_t place = index >> order_;
  if (told.place != place || told.order != order_ || index < walk.first || index > walk.last) {
    return Wrong(walk, Error::kOrder, absl::StrFormat("met %s at index %u", told.ToString(), index));
  }
  if (walk.marked && !told.IsMarked()) {
    return Wrong(walk, Error::kMark, absl::StrFormat("met %s, which never is marked", told.ToString()));
  }
  // Of an entry that came meanwhile a part may have been passed already, of one that was there none.
  if (IsIterationAnchor(place) && (told.number != 1 || index != std::max(walk.first, FirstOf(place)))) {
    return Wrong(walk, Error::kWalk, absl::StrFormat("met an anchor, %s, at index %u", told.ToString(), index));
  }
  const std::optional<std::string> fault = walk.check.Met(place);
  return !fault.has_value() || Wrong(walk, Error::kWalk, absl::StrFormat("places: %s", *fault));
}

void IterationTrack::End(const Walking& walk) {
  const std::optional<std::string> fault = walk.check.AtEnd();
  if (fault.has_value()) Wrong(walk, Error::kWalk, absl::StrFormat("places: %s", *fault));
  Count(walk.marked ? Figure::kMarkedWalks : Figure::kWalks);
}

bool IterationTrack::LookAgain(const XArrayCursor<Value>& cursor, uint64_t met) {
  const uint64_t index = cursor.index();
  const Told before = Told::Of(met);
  const uint64_t removed = books_[before.place].removed();
  const std::optional<uint64_t> seen = cursor.Reload();
  const Told told = Told::Of(seen.value_or(met));
  const std::optional<uint64_t> loaded = array_.Load(index);
  const std::optional<unsigned> order = array_.GetOrder(index);
  Count(Figure::kReads);
  const bool stays = IsIterationAnchor(before.place);
  if (told.place == before.place && told.order == order_ && told.number >= before.number &&
      order.value_or(order_) == order_ && (!seen.has_value() || told.number > removed) &&
      (!stays || (seen == met && loaded == met && order.has_value()))) {
    return true;
  }
  Report(Error::kOrder, absl::StrFormat("index %u held %s and then %s, of order %d", index, before.ToString(),
                                        seen.has_value() ? told.ToString() : "nothing",
                                        order.has_value() ? static_cast<int>(*order) : -1));
  return false;
}

bool IterationTrack::Wrong(const Walking& walk, Error error, const std::string& what) {
  Report(error, absl::StrFormat("a %s walk %s from %u to %u: %s", walk.marked ? "marked" : "plain",
                                walk.way == Way::kUp ? "up" : "down", walk.first, walk.last, what));
  return false;
}

}  // namespace mxa::torture
