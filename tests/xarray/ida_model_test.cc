// SPDX-License-Identifier: Apache-2.0
//
// An Ida agrees with a std::set after every operation, whether nodes stand still, are moved by passes all the time, or
// all move between any two operations.
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "absl/strings/str_format.h"
#include "gtest/gtest.h"
#include "tests/support/id_shapes.h"
#include "tests/support/ida_peer.h"
#include "tests/support/motion.h"
#include "tests/support/random.h"
#include "tests/support/shapes_and_motions.h"
#include "xarray/id_bitmap_cache.h"
#include "xarray/ida.h"
#include "xarray/node_cache.h"

namespace mxa::tests {
namespace {

using xarray::Ida;
using xarray::IdBitmapCache;
using xarray::IdLimit;
using xarray::NodeCache;

class IdaModel {
 public:
  IdaModel(uint64_t seed, IdShape shape, Motion& motion, NodeCache& nodes, IdBitmapCache& bitmaps)
      : shape_(shape), motion_(motion), random_(seed), ida_(nodes, bitmaps) {}

  void Step() {
    const uint64_t kind = random_.Below(100);
    if (kind < 50) {
      const IdLimit limit = PickLimit(shape_, random_);
      Allocate(limit, limit.min);
    } else if (kind < 53) {
      // Whole chunks, so that there are full ones.
      const IdLimit limit = {PickId(shape_, random_), ~uint64_t{0}};
      uint64_t known_used = limit.min;  // nothing is freed meanwhile: all before it is in use
      for (uint64_t left = random_.Below(2100); left > 0 && !testing::Test::HasFailure(); --left) {
        known_used = Allocate(limit, known_used);
      }
    } else if (kind < 92) {
      FreeOne();
    } else if (kind < 99) {
      FreeRun();
    } else if (random_.OneIn(4)) {
      ida_.Clear();
      oracle_.clear();
    }
    motion_.Between(xarray::IdaPeer::Chunks(ida_));
  }

  void CompareSome() {
    ASSERT_EQ(ida_.empty(), oracle_.empty());
    for (int i = 0; i < 10; ++i) {
      const uint64_t id = PickAllocatedOrNot();
      ASSERT_EQ(ida_.Exists(id), oracle_.contains(id)) << id;
      const IdLimit limit = PickLimit(shape_, random_);
      ASSERT_EQ(ida_.FindFirst(limit), First(limit)) << Text(limit);
    }
  }

  void CompareAll() {
    ASSERT_EQ(ida_.CheckInvariants(), absl::OkStatus());
    IdLimit limit;
    for (const uint64_t id : oracle_) {
      ASSERT_TRUE(ida_.Exists(id)) << id;
      ASSERT_EQ(ida_.FindFirst(limit), id);
      if (id == limit.max) return;
      limit.min = id + 1;
    }
    ASSERT_EQ(ida_.FindFirst(limit), std::nullopt);
  }

 private:
  uint64_t PickAllocatedOrNot() {
    if (oracle_.empty() || random_.OneIn(2)) return PickId(shape_, random_);
    const auto at = oracle_.lower_bound(PickId(shape_, random_));
    const uint64_t id = at == oracle_.end() ? *oracle_.rbegin() : *at;
    return random_.OneIn(3) ? id + 1 : id;
  }

  std::optional<uint64_t> LowestFree(IdLimit limit) const {
    if (limit.min > limit.max) return std::nullopt;
    uint64_t id = limit.min;
    for (auto at = oracle_.find(id); at != oracle_.end() && *at == id; ++at, ++id) {
      if (id == limit.max) return std::nullopt;
    }
    return id;
  }
  std::optional<uint64_t> First(IdLimit limit) const {
    const auto at = oracle_.lower_bound(limit.min);
    if (at == oracle_.end() || *at > limit.max) return std::nullopt;
    return *at;
  }

  // Nothing from the limit's beginning up to `from` is free. Returns what was allocated, or `from`.
  uint64_t Allocate(IdLimit limit, uint64_t from) {
    const auto got = ida_.Allocate(limit);
    const std::optional<uint64_t> expected = LowestFree({from, limit.max});
    EXPECT_EQ(got.ok(), expected.has_value()) << Text(limit) << got.status();
    if (!got.ok() || !expected.has_value()) {
      EXPECT_EQ(got.status().code(), absl::StatusCode::kOutOfRange);
      return from;
    }
    EXPECT_EQ(*got, *expected) << Text(limit);
    oracle_.insert(*got);
    return *got;
  }

  void FreeOne() {
    if (oracle_.empty()) return;
    const auto at = oracle_.lower_bound(PickId(shape_, random_));
    if (at == oracle_.end()) return;
    ida_.Free(*at);
    oracle_.erase(at);
  }

  void FreeRun() {
    auto at = oracle_.lower_bound(PickId(shape_, random_));
    for (uint64_t left = random_.Below(1500); left > 0 && at != oracle_.end(); --left) {
      ida_.Free(*at);
      at = oracle_.erase(at);
    }
  }

  static std::string Text(IdLimit limit) { return absl::StrFormat("limit %u to %u ", limit.min, limit.max); }

  const IdShape shape_;
  Motion& motion_;
  Random random_;
  Ida ida_;
  std::set<uint64_t> oracle_;
};

class IdaModelTest : public testing::TestWithParam<ShapeAndMotion> {};

TEST_P(IdaModelTest, AgreesAfterEachOperation) {
  const auto [shape, kind] = GetParam();
  const std::unique_ptr<NodeCache> nodes = NodeCache::Create().value();
  const std::unique_ptr<IdBitmapCache> bitmaps = IdBitmapCache::Create().value();
  {
    Motion motion(kind, *nodes);
    for (uint64_t run = 0; run < 3; ++run) {
      const uint64_t seed = TestSeed(900 + run);
      SCOPED_TRACE(testing::Message() << "seed " << seed);
      IdaModel model(seed, shape, motion, *nodes, *bitmaps);
      for (int step = 1; step <= 400 && !HasFailure(); ++step) {
        SCOPED_TRACE(testing::Message() << "step " << step);
        model.Step();
        if (!HasFailure()) model.CompareSome();
        if (!HasFailure() && step % 20 == 0) model.CompareAll();
      }
    }
  }
  EXPECT_EQ(nodes->slabs().CheckInvariants(), absl::OkStatus());
  bitmaps->slabs().FreeRcuBarrier();
  EXPECT_EQ(bitmaps->slabs().Stats().live, 0u);
}

INSTANTIATE_TEST_SUITE_P(Shapes, IdaModelTest, AllShapesAndMotions(), NameOfShapeAndMotion);

}  // namespace
}  // namespace mxa::tests
