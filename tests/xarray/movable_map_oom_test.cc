// SPDX-License-Identifier: Apache-2.0
//
// Each write of a map of values that can fail, with the n-th of its attempts to get memory failing, or that one and all
// after it: it is done all the same, or it says so and nothing has changed: values, marks, size, and how many values and
// nodes there are.
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/fault_injector.h"
#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "slab/arena.h"
#include "xarray/movable_map.h"
#include "xarray/node_cache.h"

namespace mxa {
namespace {

constexpr uint64_t kLast = ~uint64_t{0};

struct Case {
  const char* name;
  std::function<absl::Status(MovableMap<uint64_t>&)> run;
};

const Case kCases[] = {
    {"Insert", [](MovableMap<uint64_t>& map) { return map.Insert(kLast, 6); }},
    {"Store", [](MovableMap<uint64_t>& map) { return map.Store(kLast, 6).status(); }},
    {"StoreOver", [](MovableMap<uint64_t>& map) { return map.Store(5, 6).status(); }},
    {"Update", [](MovableMap<uint64_t>& map) { return map.Update(5, [](uint64_t& value) { value += 2; }); }},
};

enum class Failing { kOne, kThatAndAllAfter };

class MovableMapOomTest : public testing::TestWithParam<Case> {
 protected:
  MovableMapOomTest() {
    slab::ArenaOptions options;
    options.faults = &faults_;
    arena_ = slab::Arena::Create(options).value();
    nodes_ = xarray::NodeCache::Create(arena_.get()).value();
    values_ = MovableMap<uint64_t>::CreateCache(arena_.get()).value();
  }

  static std::string Text(const MovableMap<uint64_t>& map) {
    EXPECT_EQ(map.CheckInvariants(), absl::OkStatus());
    std::string text = absl::StrCat("size ", map.size());
    for (const auto [index, value] : map.Range()) {
      absl::StrAppend(&text, ", ", index, ": ", *value, map.GetMark(index, Mark::k0) ? " marked" : "");
    }
    return text;
  }

  // All that the caches have without asking for more, so that the next value and the next node each need a slab.
  void TakeAll() {
    nodes_->slabs().FreeRcuBarrier();
    values_->slabs().FreeRcuBarrier();
    for (slab::Cache* cache : {&nodes_->slabs(), &values_->slabs()}) {
      while (void* object = cache->Allocate(slab::AllocFlags::kNoNewSlab)) taken_.push_back({cache, object});
    }
  }
  void GiveBackAll() {
    for (const auto& [cache, object] : taken_) cache->Free(object);
    taken_.clear();
  }

  // Says whether there was an n-th attempt.
  bool Run(uint64_t n, Failing failing) {
    MovableMap<uint64_t> map(*values_, *nodes_);
    EXPECT_TRUE(map.Insert(5, 50).ok());
    EXPECT_TRUE(map.SetMark(5, Mark::k0));
    const std::string before = Text(map);
    TakeAll();
    const size_t values_before = values_->slabs().Stats().live;
    const size_t nodes_before = nodes_->slabs().Stats().live;
    bool fired = false;
    absl::Status status;
    if (failing == Failing::kOne) {
      const FailNthScope scope(faults_, n);
      status = GetParam().run(map);
      fired = scope.fired();
    } else {
      const uint64_t failures = faults_.GetCounters().failures;
      faults_.Arm({.space = n - 1});
      status = GetParam().run(map);
      faults_.Disarm();
      fired = faults_.GetCounters().failures > failures;
    }
    if (!status.ok()) {
      ++failures_;
      EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
      EXPECT_EQ(Text(map), before);
      EXPECT_EQ(values_->slabs().Stats().live, values_before) << "a value was kept";
      EXPECT_EQ(nodes_->slabs().Stats().live, nodes_before) << "a node was kept";
      EXPECT_EQ(GetParam().run(map), absl::OkStatus()) << "afterwards, with memory";
    }
    EXPECT_NE(Text(map), before);
    GiveBackAll();
    return fired;
  }

  FaultInjector faults_;
  std::unique_ptr<slab::Arena> arena_;
  std::unique_ptr<xarray::NodeCache> nodes_;
  std::unique_ptr<xarray::ValueCache> values_;
  std::vector<std::pair<slab::Cache*, void*>> taken_;
  int failures_ = 0;
};

TEST_P(MovableMapOomTest, OneFailedAttemptIsMadeGoodOrChangesNothing) {
  uint64_t n = 1;
  while (Run(n, Failing::kOne)) ASSERT_LT(++n, 100u) << "there is always one more attempt to fail";
  EXPECT_GT(n, 1u) << "the operation never asked for memory";
}

TEST_P(MovableMapOomTest, WithoutMemoryFromSomewhereOnNothingChanges) {
  uint64_t n = 1;
  while (Run(n, Failing::kThatAndAllAfter)) ASSERT_LT(++n, 100u) << "there is always one more attempt to fail";
  EXPECT_GT(failures_, 0) << "the operation never failed";
}

INSTANTIATE_TEST_SUITE_P(Operations, MovableMapOomTest, testing::ValuesIn(kCases),
                         [](const testing::TestParamInfo<Case>& info) { return info.param.name; });

}  // namespace
}  // namespace mxa
