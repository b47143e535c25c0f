// SPDX-License-Identifier: Apache-2.0
//
// Walks of every kind while writers and a pass run: what stays is met exactly once and in order, what is met is valid
// until the next step, and what marks stay are counted.
//
// Even places stay; each third of them carries Mark::k0 all the time, each other never. Odd places come and go, with
// and without marks. Elements are poisoned when their grace period has passed.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "reclaim/retire.h"
#include "tests/support/random.h"
#include "tests/support/thread_group.h"
#include "xarray/node_cache.h"
#include "xarray/xarray.h"

namespace mxa {
namespace {

using tests::Random;
using tests::ThreadGroup;

constexpr auto kDuration = std::chrono::milliseconds(2500);
constexpr uint64_t kMagic = 0x77616c6b65727321;
constexpr uint64_t kLast = ~uint64_t{0};
constexpr size_t kPlaces = 6000;  // more than a pause's worth

// Dense first, then a place a leaf, then ever wider, up to the very last index.
uint64_t IndexOf(size_t place) {
  if (place < 4000) return place;
  if (place < 5900) return place * 70;
  if (place == kPlaces - 2) return kLast;
  if (place == kPlaces - 1) return kLast - 64;
  return (uint64_t{1} << (20 + (place - 5900) % 40)) + place;
}

struct Element : reclaim::RetireHead {
  std::atomic<uint64_t> magic{kMagic};  // atomic: who is too late reads poison
  uint64_t index;
};

class WalkStressTest : public testing::Test {
 protected:
  WalkStressTest() {
    for (size_t place = 0; place < kPlaces; ++place) {
      if (StaysAt(place)) stable_.push_back(IndexOf(place));
      Put(place);
      if (IsMarked(place)) {
        marked_.push_back(IndexOf(place));
        array_.SetMark(IndexOf(place), Mark::k0);
      } else if (StaysAt(place)) {
        unmarked_.push_back(IndexOf(place));
      }
    }
    for (std::vector<uint64_t>* indices : {&stable_, &marked_, &unmarked_}) std::sort(indices->begin(), indices->end());
  }
  ~WalkStressTest() override {
    for (auto [index, element] : array_.Range()) Retire(array_.Erase(index));
    EXPECT_TRUE(array_.empty());
    reclaim::RetireBarrier();
  }

  static bool StaysAt(size_t place) { return place % 2 == 0; }
  static bool IsMarked(size_t place) { return place % 6 == 0; }

  void Put(size_t place) {
    Element* element = new Element;
    element->index = IndexOf(place);
    Retire(array_.Store(element->index, element).value());
  }
  static void Retire(Element* element) {
    if (element == nullptr) return;
    reclaim::Retire(element, [](reclaim::RetireHead* head) {
      Element* old = static_cast<Element*>(head);
      old->magic.store(0, std::memory_order_relaxed);
      delete old;
    });
  }

  // One walk: strictly one way, every one of `staying` exactly once.
  class Judge {
   public:
    Judge(const std::vector<uint64_t>& staying, bool is_up) : staying_(staying), is_up_(is_up) {}

    void Meet(uint64_t index, const Element& element) {
      ASSERT_EQ(element.magic.load(std::memory_order_relaxed), kMagic) << "freed under a walk";
      ASSERT_EQ(element.index, index);
      if (met_ > 0) {
        ASSERT_TRUE(is_up_ ? last_ < index : last_ > index) << last_ << " before " << index;
      }
      last_ = index;
      ++met_;
      if (seen_ < staying_.size() && Awaited() == index) ++seen_;
    }
    void End() {
      ASSERT_EQ(seen_, staying_.size()) << "missed " << (seen_ < staying_.size() ? Awaited() : 0) << " up " << is_up_;
    }

   private:
    uint64_t Awaited() const { return is_up_ ? staying_[seen_] : staying_[staying_.size() - 1 - seen_]; }

    const std::vector<uint64_t>& staying_;
    const bool is_up_;
    uint64_t last_ = 0;
    size_t met_ = 0;
    size_t seen_ = 0;
  };

  void WalkByCursor(const MarkFilter& filter, const std::vector<uint64_t>& staying, bool is_up) {
    Judge judge(staying, is_up);
    reclaim::ReadSection section;
    XArrayCursor<Element> cursor(array_, is_up ? 0 : kLast);
    while (Element* element = is_up ? cursor.NextMatching(filter) : cursor.PrevMatching(filter)) {
      judge.Meet(cursor.index(), *element);
      if (HasFatalFailure()) return;
    }
    judge.End();
  }
  void WalkByRange(const MarkFilter& filter, const std::vector<uint64_t>& staying, bool is_up) {
    Judge judge(staying, is_up);
    auto range = array_.Range().Matching(filter);
    for (auto [index, element] : is_up ? range : range.Reversed()) {
      judge.Meet(index, *element);
      if (HasFatalFailure()) return;
    }
    judge.End();
  }
  // The dense places by index: at each even one something, at each odd one something or nothing.
  void StepByIndex(bool is_up) {
    reclaim::ReadSection section;
    XArrayCursor<Element> cursor(array_, is_up ? 0 : 4000);
    for (uint64_t i = 0; i < 4000; ++i) {
      const Element* element = is_up ? cursor.NextIndex() : cursor.PrevIndex();
      ASSERT_EQ(cursor.index(), is_up ? i : 4000 - i);
      if (element == nullptr) {
        ASSERT_TRUE(cursor.index() % 2 == 1 || cursor.index() >= 4000) << cursor.index();
        continue;
      }
      ASSERT_EQ(element->index, cursor.index());
      ASSERT_EQ(element->magic.load(std::memory_order_relaxed), kMagic);
    }
  }
  void Find() {
    for (uint64_t at = 0; at < 3998; at += 37) {
      reclaim::ReadSection section;
      const auto found = array_.FindAfter(at);
      ASSERT_TRUE(found.has_value());
      ASSERT_TRUE(found->index == at + 1 || found->index == at + 2) << at;
      ASSERT_EQ(found->element->index, found->index);
      const auto marked = array_.FindMarked(Mark::k0, at);
      ASSERT_TRUE(marked.has_value() && marked->index <= at + 5) << at;
    }
  }
  void Count() {
    const uint64_t count = array_.CountMarked(Mark::k0);
    ASSERT_GE(count, marked_.size());
    ASSERT_LE(count, kPlaces - unmarked_.size());
    ASSERT_EQ(array_.CountMarked(Mark::k2), marked2_exact_);
  }

  std::unique_ptr<xarray::NodeCache> nodes_ = xarray::NodeCache::Create().value();
  XArray<Element> array_{*nodes_};
  std::vector<uint64_t> stable_, marked_, unmarked_;
  size_t marked2_exact_ = 0;
};

TEST_F(WalkStressTest, WhatStaysIsMetOnceAndInOrder) {
  // A mark that only entries that stay carry, and nobody changes: its count is exact while nodes move.
  for (size_t place = 0; place < kPlaces; place += 10, ++marked2_exact_) array_.SetMark(IndexOf(place), Mark::k2);

  std::atomic<bool> stop{false};
  std::atomic<uint64_t> walks{0};
  std::atomic<uint64_t> moved{0};
  const MarkFilter any;
  const MarkFilter with = MarkFilter().With(Mark::k0);
  const MarkFilter without = MarkFilter().Without(Mark::k0);
  const auto repeat = [&](const std::function<void()>& walk) {
    return [&stop, &walks, walk] {
      while (!stop && !HasFatalFailure()) {
        walk();
        ++walks;
      }
    };
  };
  {
    ThreadGroup threads;
    for (const bool is_up : {true, false}) {
      threads.Start("cursor", repeat([=, this] {
                      WalkByCursor(any, stable_, is_up);
                      WalkByCursor(with, marked_, is_up);
                      WalkByCursor(without, unmarked_, is_up);
                      StepByIndex(is_up);
                    }));
      threads.Start("range", repeat([=, this] {
                      WalkByRange(any, stable_, is_up);
                      WalkByRange(with, marked_, is_up);
                      WalkByRange(without.Without(Mark::k1), {}, is_up);
                      Find();
                      Count();
                    }));
    }
    threads.Start("writer", [&] {
      Random random(tests::TestSeed(7));
      while (!stop) {
        // A stretch at a time, so that leaves empty and fill.
        const size_t from = random.Below(kPlaces);
        const bool stores = random.OneIn(2);
        for (size_t place = from | 1; place < from + 400 && place < kPlaces; place += 2) {
          if (!stores) {
            Retire(array_.Erase(IndexOf(place)));
          } else {
            Put(place);
            if (random.OneIn(2)) array_.SetMark(IndexOf(place), Mark::k0);
            if (random.OneIn(2)) array_.SetMark(IndexOf(place), Mark::k1);
          }
        }
      }
    });
    threads.Start("mover", [&] {
      slab::CompactOptions options;
      options.mode = slab::CompactOptions::Mode::kMoveEverything;
      while (!stop) {
        const auto stats = nodes_->slabs().Compact(options);
        ASSERT_TRUE(stats.ok()) << stats.status();
        moved += stats->objects_moved;
      }
    });
    // The box, not a synchronisation; longer where a sanitizer on a busy machine has not come to anything by then.
    for (int box = 0; box < 20 && (box == 0 || walks <= 10 || moved <= 100); ++box) {
      std::this_thread::sleep_for(kDuration);
    }
    stop = true;
  }
  EXPECT_EQ(array_.CheckInvariants(), absl::OkStatus());
  EXPECT_GT(walks.load(), 10u);
  EXPECT_GT(moved.load(), 100u);
}

}  // namespace
}  // namespace mxa
