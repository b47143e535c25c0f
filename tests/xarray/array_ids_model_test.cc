// SPDX-License-Identifier: Apache-2.0
//
// Reservations and IDs agree with a std::map after every operation, whether nodes stand still, are moved by passes all
// the time, or all move between any two operations.
#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

#include "absl/strings/str_format.h"
#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "tests/support/id_shapes.h"
#include "tests/support/motion.h"
#include "tests/support/random.h"
#include "tests/support/shapes_and_motions.h"
#include "xarray/array_core.h"
#include "xarray/cursor.h"
#include "xarray/dump.h"
#include "xarray/node_cache.h"
#include "xarray/xarray_invariants.h"

namespace mxa::tests {
namespace {

using xarray::AsRead;
using xarray::CyclicState;
using xarray::Entry;
using xarray::IdLimit;
using xarray::kNull;
using xarray::kZero;
using xarray::Mark;

Entry ValueEntry(uint64_t value) { return value << 1 | 1; }

class IdModel {
 public:
  IdModel(uint64_t seed, IdShape shape, Motion& motion, xarray::NodeCache& nodes)
      : shape_(shape), motion_(motion), random_(seed), array_(nodes) {}

  void Step() {
    const uint64_t index = PickIndex();
    const Entry entry = random_.OneIn(4) ? kNull : ValueEntry(random_.Below(1000));
    const Entry there = There(index);
    switch (random_.Below(11)) {
      case 0:
        ASSERT_EQ(array_.Store(index, entry).value(), AsRead(there)) << index;
        Put(index, entry);
        break;
      case 1:
      case 2:
        ASSERT_EQ(array_.Erase(index), AsRead(there)) << index;
        Put(index, kNull);
        break;
      case 3:
        ASSERT_EQ(array_.Insert(index, entry).ok(), there == kNull) << index;
        if (there == kNull) Put(index, entry == kNull ? kZero : entry);
        break;
      case 4: {
        const Entry expected = random_.OneIn(3) ? kNull : AsRead(there);
        ASSERT_EQ(array_.CompareExchange(index, expected, entry).value(), AsRead(there)) << index;
        if (AsRead(there) == expected) Put(index, entry);
        break;
      }
      case 5:
        ASSERT_TRUE(array_.Reserve(index).ok());
        if (there == kNull) Put(index, kZero);
        break;
      case 6:
        ASSERT_EQ(array_.Release(index), there == kZero) << index;
        if (there == kZero) Put(index, kNull);
        break;
      case 7:
        ASSERT_EQ(array_.SetMark(index, Mark::k0), AsRead(there) != kNull) << index;
        break;
      case 8:
        Cyclic(entry);
        break;
      default:
        Allocate(entry, PickLimit(shape_, random_));
    }
    motion_.Between(array_);
  }

  void Compare() {
    ASSERT_EQ(xarray::CheckInvariants(array_), absl::OkStatus()) << xarray::Dump(array_);
    ASSERT_EQ(array_.empty(), oracle_.empty());
    for (const auto& [index, entry] : oracle_) ASSERT_EQ(array_.Load(index), AsRead(entry)) << index;
    reclaim::ReadSection section;
    xarray::Cursor cursor(array_, 0);
    for (const auto& [index, entry] : oracle_) {
      if (entry == kZero) continue;
      ASSERT_EQ(cursor.Next(~uint64_t{0}), entry);
      ASSERT_EQ(cursor.index(), index);
    }
    ASSERT_EQ(cursor.Next(~uint64_t{0}), kNull);
  }

 private:
  uint64_t PickIndex() {
    if (!oracle_.empty() && random_.OneIn(2)) {
      return std::next(oracle_.begin(), static_cast<ptrdiff_t>(random_.Below(oracle_.size())))->first;
    }
    return PickId(shape_, random_);
  }
  Entry There(uint64_t index) const {
    const auto found = oracle_.find(index);
    return found == oracle_.end() ? kNull : found->second;
  }
  void Put(uint64_t index, Entry entry) {
    if (entry == kNull) {
      oracle_.erase(index);
    } else {
      oracle_[index] = entry;
    }
  }

  std::optional<uint64_t> LowestFree(IdLimit limit) const {
    if (limit.min > limit.max) return std::nullopt;
    uint64_t index = limit.min;
    for (auto at = oracle_.find(index); at != oracle_.end() && at->first == index; ++at, ++index) {
      if (index == limit.max) return std::nullopt;
    }
    return index;
  }

  void Allocate(Entry entry, IdLimit limit) {
    uint64_t written = 12345;
    const auto got = array_.Allocate(entry, limit, &written);
    const std::optional<uint64_t> expected = LowestFree(limit);
    ASSERT_EQ(got.ok(), expected.has_value()) << Text(limit) << got.status();
    if (!got.ok()) {
      ASSERT_EQ(got.status().code(), absl::StatusCode::kOutOfRange);
      ASSERT_EQ(written, 12345u);
      return;
    }
    ASSERT_EQ(*got, *expected) << Text(limit);
    ASSERT_EQ(written, *got);
    Put(*got, entry == kNull ? kZero : entry);
  }

  void Cyclic(Entry entry) {
    if (random_.OneIn(8)) {
      limit_ = PickLimit(shape_, random_);
      state_ = {PickId(shape_, random_), false};
    }
    const CyclicState before = state_;
    std::optional<uint64_t> expected;
    bool wrapped = false;
    if (!before.past_end) expected = LowestFree({std::max(before.next, limit_.min), limit_.max});
    if (!expected) {
      expected = LowestFree(limit_);
      wrapped = true;
    }
    const auto got = array_.AllocateCyclic(entry, limit_, state_);
    ASSERT_EQ(got.ok(), expected.has_value()) << Text(limit_) << got.status();
    if (!got.ok()) {
      ASSERT_EQ(got.status().code(), absl::StatusCode::kOutOfRange);
      ASSERT_EQ(state_.next, before.next);
      return;
    }
    ASSERT_EQ(got->id, *expected) << Text(limit_) << "from " << before.next;
    ASSERT_EQ(got->wrapped, wrapped);
    ASSERT_EQ(state_.next, got->id + 1);
    ASSERT_EQ(state_.past_end, got->id == ~uint64_t{0});
    Put(got->id, entry == kNull ? kZero : entry);
  }

  static std::string Text(IdLimit limit) { return absl::StrFormat("limit %u to %u ", limit.min, limit.max); }

  const IdShape shape_;
  Motion& motion_;
  Random random_;
  xarray::ArrayCore array_;
  std::map<uint64_t, Entry> oracle_;
  IdLimit limit_;
  CyclicState state_;
};

class ArrayIdsModelTest : public testing::TestWithParam<ShapeAndMotion> {};

TEST_P(ArrayIdsModelTest, AgreesAfterEachOperation) {
  const auto [shape, kind] = GetParam();
  const std::unique_ptr<xarray::NodeCache> nodes = xarray::NodeCache::Create().value();
  {
    Motion motion(kind, *nodes);
    for (uint64_t run = 0; run < 4; ++run) {
      const uint64_t seed = TestSeed(500 + run);
      SCOPED_TRACE(testing::Message() << "seed " << seed);
      IdModel model(seed, shape, motion, *nodes);
      // Moving a sparse tree's thousand nodes at each step takes its time.
      const int steps = run > 0 ? 100 : kind == Motion::Kind::kAllBetween ? 300 : 2000;
      for (int step = 1; step <= steps && !HasFatalFailure(); ++step) {
        SCOPED_TRACE(testing::Message() << "step " << step);
        model.Step();
        if (!HasFatalFailure() && (run > 0 || step % 50 == 0)) model.Compare();
      }
    }
  }
  EXPECT_EQ(nodes->slabs().CheckInvariants(), absl::OkStatus());
}

INSTANTIATE_TEST_SUITE_P(Shapes, ArrayIdsModelTest, AllShapesAndMotions(), NameOfShapeAndMotion);

}  // namespace
}  // namespace mxa::tests
