// SPDX-License-Identifier: Apache-2.0
//
// A map of values answers as a std::map does, whatever the operations: while nothing moves, while passes run over values
// and nodes all the time, and with every value and node moved between any two operations.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/motion.h"
#include "tests/support/move_value.h"
#include "tests/support/random.h"
#include "tests/support/thread_group.h"
#include "xarray/movable_map.h"
#include "xarray/node_cache.h"

namespace mxa::tests {
namespace {

struct Number {
  uint64_t number;
  uint64_t check;  // not of the number's: a torn or foreign value
  friend bool operator==(const Number&, const Number&) = default;
};

Number Make(uint64_t number) { return {number, ~number}; }

class MovableMapModel {
 public:
  MovableMapModel(uint64_t seed, Motion::Kind kind)
      : seed_(seed), random_(seed), kind_(kind), nodes_motion_(kind, *nodes_), map_(*values_, *nodes_) {
    if (kind_ != Motion::Kind::kPasses) return;
    passes_.Start("values", [this] {
      slab::CompactOptions options;
      options.mode = slab::CompactOptions::Mode::kMoveEverything;
      while (!stop_) MXA_CHECK(values_->slabs().Compact(options).ok(), "a pass failed");
    });
  }
  ~MovableMapModel() {
    stop_ = true;
    passes_.JoinAll();
  }

  absl::Status Run(int count) {
    for (int i = 0; i < count; ++i) {
      std::string step;
      const bool agrees = Step(step);
      if (kind_ == Motion::Kind::kAllBetween) MoveAllValues(map_.core());
      nodes_motion_.Between(map_.core().array());
      if (!agrees || (i % 50 == 0 && !AgreesOnAll())) {
        return absl::InternalError(absl::StrCat("seed ", seed_, ", step ", i, ": ", step));
      }
      if (i % 50 != 0) continue;
      const absl::Status status = map_.CheckInvariants();
      if (!status.ok()) return absl::InternalError(absl::StrCat("seed ", seed_, ", step ", i, ": ", status.ToString()));
    }
    return absl::OkStatus();
  }

 private:
  // Few, so that they meet; near and far apart, so that the tree grows and shrinks.
  uint64_t Index() {
    const uint64_t near = random_.Below(40);
    return random_.OneIn(6) ? ~uint64_t{0} - near * 1000 : near * (random_.OneIn(2) ? 1 : 65);
  }

  bool Step(std::string& text) {
    const uint64_t index = Index();
    const uint64_t number = random_.Next();
    const auto at = model_.find(index);
    const bool is_there = at != model_.end();
    switch (random_.Below(8)) {
      case 0: {
        text = absl::StrCat("Insert ", index);
        const bool done = map_.Insert(index, Make(number)).ok();
        if (done) model_[index] = {Make(number), false};
        return done != is_there;
      }
      case 1:
        text = absl::StrCat("Store ", index);
        model_[index].value = Make(number);
        return map_.Store(index, Make(number)).value() == is_there;
      case 2: {
        text = absl::StrCat("Update ", index);
        const auto change = [&](Number& value) { value = Make(value.number + number); };
        if (is_there) change(at->second.value);
        return map_.Update(index, change).ok() == is_there;
      }
      case 3:
        text = absl::StrCat("Erase ", index);
        model_.erase(index);
        return map_.Erase(index) == is_there;
      case 4:
        text = absl::StrCat("SetMark ", index);
        if (is_there) at->second.is_marked = true;
        return map_.SetMark(index, Mark::k1) == is_there;
      case 5: {
        const uint64_t last = index + (random_.OneIn(20) ? ~index : std::min(~index, random_.Below(200)));
        if (!random_.OneIn(4)) return true;
        text = absl::StrCat("EraseRange ", index, " ", last);
        model_.erase(model_.lower_bound(index), model_.upper_bound(last));
        map_.EraseRange(index, last);
        return map_.size() == model_.size();
      }
      case 6: {
        text = absl::StrCat("Range from ", index);
        auto expected = model_.lower_bound(index);
        for (const auto [found, value] : map_.Range(index)) {
          if (expected == model_.end() || expected->first != found || expected->second.value != *value) return false;
          ++expected;
        }
        return expected == model_.end();
      }
      default: {
        text = absl::StrCat("Get ", index);
        const std::optional<Number> found = map_.Get(index);
        return is_there ? found == at->second.value : !found.has_value();
      }
    }
  }

  bool AgreesOnAll() const {
    if (map_.size() != model_.size() || map_.empty() != model_.empty()) return false;
    for (const auto& [index, item] : model_) {
      if (map_.Get(index) != item.value || map_.GetMark(index, Mark::k1) != item.is_marked) return false;
    }
    size_t marked = 0;
    for (const auto [index, value] : map_.Range().Marked(Mark::k1).Reversed()) {
      marked += model_.contains(index) && model_.at(index).is_marked ? 1 : model_.size() + 1;
    }
    size_t expected = 0;
    for (const auto& [index, item] : model_) expected += item.is_marked ? 1 : 0;
    return marked == expected;
  }

  struct Item {
    Number value;
    bool is_marked = false;
  };

  const uint64_t seed_;
  Random random_;
  const Motion::Kind kind_;
  std::unique_ptr<xarray::ValueCache> values_ = MovableMap<Number>::CreateCache().value();
  std::unique_ptr<xarray::NodeCache> nodes_ = xarray::NodeCache::Create().value();
  Motion nodes_motion_;
  MovableMap<Number> map_;
  std::map<uint64_t, Item> model_;
  std::atomic<bool> stop_{false};
  ThreadGroup passes_;
};

class MovableMapModelTest : public testing::TestWithParam<Motion::Kind> {};

TEST_P(MovableMapModelTest, AnswersAsAMapDoes) {
  for (uint64_t run = 0; run < 4; ++run) {
    MovableMapModel model(TestSeed(500 + run), GetParam());
    ASSERT_EQ(model.Run(GetParam() == Motion::Kind::kAllBetween ? 700 : 2000), absl::OkStatus());
  }
}

std::string NameOf(const testing::TestParamInfo<Motion::Kind>& info) {
  static constexpr const char* kNames[] = {"Still", "Passes", "AllBetween"};
  return kNames[static_cast<size_t>(info.param)];
}

INSTANTIATE_TEST_SUITE_P(Motions, MovableMapModelTest,
                         testing::Values(Motion::Kind::kStill, Motion::Kind::kPasses, Motion::Kind::kAllBetween),
                         NameOf);

}  // namespace
}  // namespace mxa::tests
