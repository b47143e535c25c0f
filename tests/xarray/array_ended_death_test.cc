// SPDX-License-Identifier: Apache-2.0
//
// An array that is used after its destructor ran, in memory that nobody else has taken yet, ends the process with one
// line.
#include <functional>
#include <memory>
#include <new>

#include "base/schedule_point.h"
#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "xarray/array_core.h"
#include "xarray/cursor.h"
#include "xarray/dump.h"
#include "xarray/memory_report.h"
#include "xarray/node_cache.h"

namespace mxa::xarray {
namespace {

constexpr char kLine[] = "check failed: .*: an array was used after its destructor ran";

Entry ValueEntry(uint64_t value) { return value << 1 | 1; }

// The array that a global might be by the time the destructor of another uses it.
class ArrayEndedDeathTest : public testing::Test {
 protected:
  ArrayEndedDeathTest() {
    ::new (static_cast<void*>(memory_)) ArrayCore(*nodes_);
    for (uint64_t index = 0; index < 100; ++index) EXPECT_TRUE(array().Store(index, ValueEntry(index)).ok());
    std::destroy_at(&array());
  }

  ArrayCore& array() { return *std::launder(reinterpret_cast<ArrayCore*>(memory_)); }

  void ExpectDeath(const std::function<void(ArrayCore&)>& use) { EXPECT_DEATH(use(array()), kLine); }

  std::unique_ptr<NodeCache> nodes_ = NodeCache::Create().value();
  alignas(ArrayCore) char memory_[sizeof(ArrayCore)];
};

TEST_F(ArrayEndedDeathTest, LoadsAndWhatNeedsNodesAreNoticedInEveryBuild) {
  ExpectDeath([](ArrayCore& array) { array.Load(0); });
  ExpectDeath([](ArrayCore& array) { array.Load(99); });
  ExpectDeath([](ArrayCore& array) {
    const uint64_t indices[] = {7, 70};
    Entry entries[2];
    reclaim::ReadSection section;
    array.LoadManyInSection(indices, entries);
  });
  ExpectDeath([](ArrayCore& array) { array.Store(99, ValueEntry(1)).IgnoreError(); });
  ExpectDeath([](ArrayCore& array) { array.Allocate(ValueEntry(1)).IgnoreError(); });
}

TEST_F(ArrayEndedDeathTest, AllElseIsNoticedWithHooks) {
  if (MXA_HOOKS == 0) GTEST_SKIP() << "the checks are not compiled in";
  ExpectDeath([](ArrayCore& array) { array.Store(0, ValueEntry(1)).IgnoreError(); });
  ExpectDeath([](ArrayCore& array) { array.Erase(0); });
  ExpectDeath([](ArrayCore& array) { array.SetMark(1, Mark::k0); });
  ExpectDeath([](ArrayCore& array) { array.empty(); });
  ExpectDeath([](ArrayCore& array) { array.HasMarked(Mark::k0); });
  ExpectDeath([](ArrayCore& array) { array.GetMark(1, Mark::k0); });
  ExpectDeath([](ArrayCore& array) { array.Clear(); });
  ExpectDeath([](ArrayCore& array) { std::destroy_at(&array); });
  ExpectDeath([](ArrayCore& array) { Dump(array); });
  ExpectDeath([](ArrayCore& array) { ReportMemory(array); });
  ExpectDeath([](ArrayCore& array) {
    reclaim::ReadSection section;
    Cursor(array, 0).Next(99);
  });
}

}  // namespace
}  // namespace mxa::xarray
