// SPDX-License-Identifier: Apache-2.0
//
// Every operation that can fail, with each of the allocations it makes failing: once, or that one and all after it.
//
// Either it is done, though one of its attempts failed, or it says so and everything is as it was: entries, marks,
// reservations, the shape of the tree, what the caller handed in, and how many nodes, bitmaps and elements there are.
// Before each run as many free nodes are left as make it fail in another place: under the lock or outside it, before the
// first node or after the last.
#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <new>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/fault_injector.h"
#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "reclaim/retire.h"
#include "slab/arena.h"
#include "tests/support/ida_peer.h"
#include "xarray/array_core.h"
#include "xarray/id_bitmap_cache.h"
#include "xarray/ida.h"
#include "xarray/locked_array.h"
#include "xarray/node_cache.h"
#include "xarray/owning_xarray.h"
#include "xarray/xarray_invariants.h"

namespace {
mxa::FaultInjector g_faults;  // of slabs, and of what is made without exceptions
}  // namespace

// Elements of an OwningXArray come from here.
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  if (g_faults.ShouldFail()) return nullptr;
  return ::operator new(size);
}

namespace mxa::xarray {
namespace {

constexpr uint64_t kLast = ~uint64_t{0};

Entry ValueEntry(uint64_t value) { return value << 1 | 1; }

std::atomic<int> alive{0};  // elements; they end on the retiring thread

struct Counted {
  explicit Counted(uint64_t value) : number(value) { ++alive; }
  ~Counted() { --alive; }
  const uint64_t number;
};

std::string WithoutAddresses(const std::string& dump) {
  std::string text;
  for (const absl::string_view word : absl::StrSplit(dump, ' ')) {
    if (!absl::StartsWith(word, "0x")) absl::StrAppend(&text, word, " ");
  }
  return text;
}

// What operations are tried on: of everything a little.
class Subject {
 public:
  Subject(NodeCache& nodes, IdBitmapCache& bitmaps) : array(nodes), ida(nodes, bitmaps), owned(nodes) {
    for (const uint64_t index : {0, 70, 4095}) EXPECT_TRUE(array.Store(index, ValueEntry(index)).ok());
    EXPECT_TRUE(array.Reserve(71).ok());
    EXPECT_TRUE(array.SetMark(70, Mark::k1));
    EXPECT_TRUE(array.SetMark(4095, Mark::k2));
    for (uint64_t id = 0; id < 63; ++id) EXPECT_EQ(ida.Allocate().value(), id);
    EXPECT_TRUE(owned.Emplace(0, uint64_t{5}).ok());
    EXPECT_TRUE(owned.SetMark(0, Mark::k0));
  }

  // All there is to be seen, but for where it lies in memory.
  std::string Text() {
    EXPECT_EQ(CheckInvariants(array), absl::OkStatus());
    EXPECT_EQ(ida.CheckInvariants(), absl::OkStatus());
    EXPECT_EQ(owned.CheckInvariants(), absl::OkStatus());
    std::string text =
        absl::StrCat(WithoutAddresses(Dump(array, 100'000)), WithoutAddresses(Dump(IdaPeer::Chunks(ida))));
    const reclaim::ReadSection section;
    OwningXArrayCursor<Counted> cursor(owned, 0);
    while (const Counted* element = cursor.Next()) {
      absl::StrAppend(&text, "owned ", cursor.index(), ": ", element->number,
                      owned.GetMark(cursor.index(), Mark::k0) ? " marked\n" : "\n");
    }
    return absl::StrCat(text, "cyclic ", state.next, " ", state.past_end, " id ", id);
  }

  ArrayCore array;
  Ida ida;
  OwningXArray<Counted> owned;
  CyclicState state = {kLast - 5, false};
  uint64_t id = 77;  // where an allocation writes it
};

struct Case {
  const char* name;
  size_t nodes_needed;
  std::function<absl::Status(Subject&)> run;
};

absl::Status StoreRun(ArrayCore& array, uint64_t first, uint64_t stride, size_t count) {
  std::vector<uint64_t> indices(count);
  for (size_t i = 0; i < count; ++i) indices[i] = first + i * stride;
  return array.StoreMany(
      indices, [](size_t i) { return ValueEntry(i); }, [](size_t, Entry) {});
}

// The array has height 2 before: 9 nodes on the way to the full height and 10 down to its last leaf.
const Case kCases[] = {
    {"StoreThatGrows", 19, [](Subject& s) { return s.array.Store(kLast, ValueEntry(1)).status(); }},
    {"StoreOnANewPath", 1, [](Subject& s) { return s.array.Store(2000, ValueEntry(1)).status(); }},
    {"Insert", 19, [](Subject& s) { return s.array.Insert(kLast, ValueEntry(1)); }},
    {"InsertNull", 1, [](Subject& s) { return s.array.Insert(2000, kNull); }},
    {"CompareExchange", 19, [](Subject& s) { return s.array.CompareExchange(kLast, kNull, ValueEntry(1)).status(); }},
    {"Reserve", 19, [](Subject& s) { return s.array.Reserve(kLast); }},
    {"Allocate", 19,
     [](Subject& s) {
       return s.array.Allocate(ValueEntry(1), {kLast - 9, kLast}, &s.id).status();
     }},
    {"AllocateCyclic", 19,
     [](Subject& s) {
       return s.array.AllocateCyclic(kNull, {9, kLast}, s.state, &s.id).status();
     }},
    {"StoreMany", 20, [](Subject& s) { return StoreRun(s.array, 70, 64, 21); }},
    {"StoreManyOverSlabs", 407, [](Subject& s) { return StoreRun(s.array, 4096, 64, 400); }},
    {"LockedStore", 19, [](Subject& s) { return LockedArray(s.array).Store(kLast, ValueEntry(1)).status(); }},
    {"LockedInsert", 1, [](Subject& s) { return LockedArray(s.array).Insert(2000, ValueEntry(1)); }},
    {"LockedCompareExchange", 19,
     [](Subject& s) { return LockedArray(s.array).CompareExchange(kLast, kNull, ValueEntry(1)).status(); }},
    {"LockedReserve", 19, [](Subject& s) { return LockedArray(s.array).Reserve(kLast); }},
    {"IdaAllocateWithABitmap", 0, [](Subject& s) { return s.ida.Allocate().status(); }},
    {"IdaAllocateFarAway", 17,
     [](Subject& s) {
       return s.ida.Allocate({kLast, kLast}).status();
     }},
    {"OwningEmplace", 21, [](Subject& s) { return s.owned.Emplace(kLast, uint64_t{6}).status(); }},
    {"OwningEmplaceOver", 0, [](Subject& s) { return s.owned.Emplace(0, uint64_t{6}).status(); }},
    {"OwningTryEmplace", 21, [](Subject& s) { return s.owned.TryEmplace(kLast, uint64_t{6}); }},
};

// Everything that a cache has without asking for more.
template <typename Cache, typename Object>
class Hoard {
 public:
  explicit Hoard(Cache& cache) : cache_(cache) {
    while (Object* object = cache_.Allocate(slab::AllocFlags::kNoNewSlab)) taken_.push_back(object);
  }
  ~Hoard() { GiveBack(taken_.size()); }
  size_t size() const { return taken_.size(); }
  void GiveBack(size_t count) {
    for (; count > 0; --count) {
      cache_.Free(taken_.back());
      taken_.pop_back();
    }
  }

 private:
  Cache& cache_;
  std::vector<Object*> taken_;
};

enum class Failing { kOne, kThatAndAllAfter };

class FailNthTest : public testing::TestWithParam<Case> {
 protected:
  FailNthTest() {
    slab::ArenaOptions options;
    options.faults = &g_faults;
    arena_ = slab::Arena::Create(options).value();
    nodes_ = NodeCache::Create(arena_.get()).value();
    bitmaps_ = IdBitmapCache::Create(arena_.get()).value();
  }

  // What the subject is after the operation when nothing fails.
  std::string Done() {
    Subject subject(*nodes_, *bitmaps_);
    EXPECT_EQ(GetParam().run(subject), absl::OkStatus());
    return subject.Text();
  }

  // Runs the operation with `free` nodes at hand and no bitmap; its n-th attempt to get memory beyond that fails. Says
  // whether there was one.
  bool Run(size_t free, uint64_t n, Failing failing, const std::string& done) {
    SCOPED_TRACE(testing::Message() << free << " nodes free, attempt " << n
                                    << (failing == Failing::kOne ? " fails" : " and all after it fail"));
    bool failed_one = false;
    {
      Subject subject(*nodes_, *bitmaps_);
      const std::string before = subject.Text();
      reclaim::RetireBarrier();
      nodes_->slabs().FreeRcuBarrier();  // those of the subject before come back now rather than when they help
      bitmaps_->slabs().FreeRcuBarrier();
      Hoard<NodeCache, Node> hoard(*nodes_);
      const Hoard<IdBitmapCache, IdBitmap> bitmaps(*bitmaps_);
      hoard.GiveBack(std::min(free, hoard.size()));
      const size_t nodes_before = nodes_->slabs().Stats().live;
      const size_t bitmaps_before = bitmaps_->slabs().Stats().live;
      const int alive_before = alive;
      const absl::Status status = RunFailing(subject, n, failing, failed_one);
      if (status.ok()) {
        EXPECT_EQ(subject.Text(), done);
      } else {
        EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
        EXPECT_EQ(subject.Text(), before);
        EXPECT_EQ(nodes_->slabs().Stats().live, nodes_before) << "a node was kept";
        EXPECT_EQ(bitmaps_->slabs().Stats().live, bitmaps_before) << "a bitmap was kept";
        EXPECT_EQ(alive, alive_before) << "an element was kept";
        EXPECT_EQ(GetParam().run(subject), absl::OkStatus()) << "afterwards, with memory";
        EXPECT_EQ(subject.Text(), done);
        ++failures_;
      }
    }
    return failed_one;
  }

  void RunAll(Failing failing) {
    const std::string done = Done();
    const size_t needed = GetParam().nodes_needed;
    std::set<size_t> frees = {0, needed / 2, needed};
    if (needed > 0) frees.insert({1, needed - 1});
    size_t attempts_before = 0;
    for (const size_t free : frees) {
      uint64_t n = 1;
      while (Run(free, n, failing, done) && !HasFailure()) {
        ASSERT_LT(++n, 200u) << "there is always one more attempt to fail";
      }
      if (HasFailure()) return;
      const size_t attempts = n - 1;
      attempts_ += attempts;
      // Where what was left is less than a slab, the numbers are exact.
      if (needed < 64 && free > 0 && free < needed) {
        EXPECT_GE(attempts, 1u) << "needed fewer nodes than it should";
      }
      if (needed < 64 && free > 0 && free == needed) {
        EXPECT_LT(attempts, attempts_before) << "needed more nodes than it should";
      }
      attempts_before = attempts;
    }
    reclaim::RetireBarrier();
    EXPECT_EQ(alive, 0);
    nodes_->slabs().FreeRcuBarrier();
    EXPECT_EQ(nodes_->slabs().Stats().live, 0u);
    EXPECT_EQ(nodes_->slabs().CheckInvariants(), absl::OkStatus());
  }

  size_t attempts_ = 0;  // that were made to fail
  size_t failures_ = 0;  // of the operation

 private:
  absl::Status RunFailing(Subject& subject, uint64_t n, Failing failing, bool& failed_one) {
    if (failing == Failing::kOne) {
      const FailNthScope scope(g_faults, n);
      const absl::Status status = GetParam().run(subject);
      failed_one = scope.fired();
      return status;
    }
    const uint64_t failures = g_faults.GetCounters().failures;
    g_faults.Arm({.space = n - 1});
    const absl::Status status = GetParam().run(subject);
    g_faults.Disarm();
    failed_one = g_faults.GetCounters().failures > failures;
    return status;
  }

  std::unique_ptr<slab::Arena> arena_;
  std::unique_ptr<NodeCache> nodes_;
  std::unique_ptr<IdBitmapCache> bitmaps_;
};

TEST_P(FailNthTest, OneFailedAttemptIsMadeGoodOrChangesNothing) {
  RunAll(Failing::kOne);
  EXPECT_GT(attempts_, 0u) << "the operation never asked for memory";
}

TEST_P(FailNthTest, WithoutMemoryFromSomewhereOnNothingChanges) {
  RunAll(Failing::kThatAndAllAfter);
  EXPECT_GT(failures_, 0u) << "the operation never failed";
}

INSTANTIATE_TEST_SUITE_P(Operations, FailNthTest, testing::ValuesIn(kCases),
                         [](const testing::TestParamInfo<Case>& info) { return info.param.name; });

}  // namespace
}  // namespace mxa::xarray
