// SPDX-License-Identifier: Apache-2.0
#include "tests/reclaim/stress/load.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_format.h"
#include "reclaim/rcu.h"

namespace mxa::reclaim::stress {
namespace {

constexpr uint64_t kNothing = ~uint64_t{0};  // no value

}  // namespace

Load::Load(xarray::NodeCache& nodes, size_t places) : places_(places) {
  for (size_t array = 0; array < kArrays; ++array) {
    arrays_.emplace_back(nodes);
    versions_.emplace_back(places, 0);
    for (size_t place = 0; place < places; place += kStableEvery) Change(array, place, /*present=*/true);
  }
}

void Load::Change(size_t array, size_t place, bool present) {
  uint32_t& version = versions_[array][place];
  const uint64_t before = version == 0 ? kNothing : ValueOf(place, version);
  uint64_t found;
  if (present) {
    const uint32_t next = version % 1'000'000 + 1;
    const auto stored = arrays_[array].Store(IndexOf(place), ValueOf(place, next));
    if (!stored.ok()) {
      ++errors_;
      return;
    }
    found = stored->value_or(kNothing);
    version = next;
  } else {
    found = arrays_[array].Erase(IndexOf(place)).value_or(kNothing);
    version = 0;
  }
  ++writes_;
  if (found != before) ++errors_;
}

void Load::Write(size_t writer, unsigned percent, tests::Random& random) {
  const size_t place = random.Below(places_ / kWriters) * kWriters + writer;
  if (IsStable(place)) return;
  Change(random.Below(kArrays), place, random.Below(100) < percent);
}

void Load::Settle(size_t writer, unsigned percent, tests::Random& random) {
  for (size_t array = 0; array < kArrays; ++array) {
    for (size_t place = writer; place < places_; place += kWriters) {
      if (IsStable(place)) continue;
      const bool present = random.Below(100) < percent;
      if (present != (versions_[array][place] != 0)) Change(array, place, present);
    }
  }
}

void Load::Check(size_t place, const std::optional<uint64_t>& value) {
  const bool lost = IsStable(place) && value.value_or(kNothing) != ValueOf(place, 1);
  if (lost || (value.has_value() && (*value & 0xffffffff) != place)) ++errors_;
}

void Load::Read(tests::Random& random) {
  const size_t place = random.OneIn(4) ? random.Below(places_ / kStableEvery) * kStableEvery : random.Below(places_);
  Check(place, arrays_[random.Below(kArrays)].Load(IndexOf(place)));
  ++loads_;
}

void Load::Walk(tests::Random& random) {
  const size_t first = random.Below(places_);
  const size_t last = std::min(first + 500, places_ - 1);
  const reclaim::ReadSection section;
  XArrayCursor<Value> cursor(arrays_[random.Below(kArrays)], IndexOf(first));
  size_t stable = 0;
  std::optional<uint64_t> before;
  while (const std::optional<uint64_t> value = cursor.Next(IndexOf(last))) {
    const size_t place = cursor.index() / kSpread;
    if (cursor.index() != IndexOf(place) || (before.has_value() && cursor.index() <= *before)) ++errors_;
    before = cursor.index();
    Check(place, value);
    stable += IsStable(place) ? 1 : 0;
    ++steps_;
  }
  if (stable != last / kStableEvery - (first + kStableEvery - 1) / kStableEvery + 1) ++errors_;
}

std::string Load::Verify() {
  for (size_t array = 0; array < kArrays; ++array) {
    const absl::Status sound = arrays_[array].CheckInvariants();
    if (!sound.ok()) return sound.ToString();
    for (size_t place = 0; place < places_; ++place) {
      const uint32_t version = versions_[array][place];
      const std::optional<uint64_t> value = arrays_[array].Load(IndexOf(place));
      if (value.has_value() != (version != 0) || (version != 0 && *value != ValueOf(place, version))) {
        return absl::StrFormat("array %d, place %d is not as its writer left it", array, place);
      }
    }
  }
  return "";
}

}  // namespace mxa::reclaim::stress
