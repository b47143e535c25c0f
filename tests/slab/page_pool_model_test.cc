// SPDX-License-Identifier: Apache-2.0
//
// Random operations against a model that knows only which units of which blocks are out: a take succeeds exactly when
// some block has an aligned hole, breaks a whole block only when no other has one, and never hands out a unit twice.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "gtest/gtest.h"
#include "slab/arena.h"
#include "slab/page_pool.h"

namespace mxa::slab {
namespace {

constexpr size_t kBlock = 8;

class Model {
 public:
  // What the pool's own figures must be.
  size_t target() const { return target_; }
  size_t held() const { return (whole_ + broken_.size()) * kBlock - out_; }
  size_t out() const { return (whole_ + broken_.size()) * kBlock - held(); }
  size_t missing() const { return held() >= target_ ? 0 : (target_ - held() + kBlock - 1) / kBlock; }

  void Resize(size_t units) {
    target_ = (units + kBlock - 1) / kBlock * kBlock;
    Settle();
    Add(missing());
  }
  void Add(size_t blocks) { whole_ += blocks; }

  bool HasHole(size_t units) const {
    for (const auto& [block, taken] : broken_) {
      for (size_t first = 0; first < kBlock; first += units) {
        if ((taken & Mask(first, units)) == 0) return true;
      }
    }
    return false;
  }
  bool Fits(size_t units) const { return whole_ != 0 || HasHole(units); }

  // False when the pool must not have handed this run out.
  bool Take(const char* start, size_t units) {
    const auto [block, first] = Place(start);
    if (first % units != 0) return false;
    if (!broken_.contains(block)) {
      if (whole_ == 0 || HasHole(units)) return false;
      --whole_;
    }
    uint8_t& taken = broken_[block];
    if ((taken & Mask(first, units)) != 0) return false;
    taken |= Mask(first, units);
    out_ += units;
    return true;
  }
  void Put(const char* start, size_t units) {
    const auto [block, first] = Place(start);
    uint8_t& taken = broken_[block];
    taken &= static_cast<uint8_t>(~Mask(first, units));
    out_ -= units;
    if (taken == 0) {
      broken_.erase(block);
      ++whole_;
    }
    Settle();
  }

 private:
  static uint8_t Mask(size_t first, size_t units) { return static_cast<uint8_t>(((1u << units) - 1) << first); }
  static std::pair<uintptr_t, size_t> Place(const char* start) {
    const uintptr_t unit = reinterpret_cast<uintptr_t>(start) / kUnitSize;
    return {unit / kBlock, unit % kBlock};
  }
  void Settle() {
    while (whole_ != 0 && held() >= target_ + kBlock) --whole_;
  }

  size_t target_ = 0;
  size_t whole_ = 0;
  size_t out_ = 0;
  std::map<uintptr_t, uint8_t> broken_;  // block -> its units that are out, not none
};

class PagePoolModelTest : public testing::TestWithParam<uint32_t> {};

TEST_P(PagePoolModelTest, DoesWhatTheModelDoes) {
  auto arena = Arena::Create({.reserve_bytes = 64 * kRegionSize, .min_reserve_bytes = kRegionSize}).value();
  auto pool =
      PagePool::Create({.name = "model", .arena = arena.get(), .min_units = 24, .largest_run_units = kBlock}).value();
  Model model;
  model.Resize(24);
  std::vector<Slab*> out;
  std::mt19937 random(GetParam());
  std::string log;
  for (int step = 0; step < 1500; ++step) {
    const uint32_t dice = random() % 100;
    if (dice < 50) {
      const size_t units = size_t{1} << random() % 4;
      absl::StrAppendFormat(&log, "take %d;", units);
      SCOPED_TRACE(log);
      const bool fits = model.Fits(units);
      Slab* run = pool->Take(units);
      ASSERT_EQ(run != nullptr, fits);
      if (run != nullptr) {
        ASSERT_EQ(run->units, units);
        ASSERT_TRUE(model.Take(run->objects, units)) << static_cast<void*>(run->objects);
        for (size_t i = 0; i < units; ++i) {
          char& byte = run->objects[i * kUnitSize + random() % kUnitSize];
          ASSERT_EQ(byte, 0);
          byte = 1;
        }
        out.push_back(run);
      }
    } else if (dice < 94) {
      if (out.empty()) continue;
      const size_t which = random() % out.size();
      Slab* run = out[which];
      out.erase(out.begin() + static_cast<std::ptrdiff_t>(which));
      absl::StrAppendFormat(&log, "put %p+%d;", run->objects, run->units);
      model.Put(run->objects, run->units);
      pool->Put(run);
    } else if (dice < 96) {
      const size_t units = random() % 48;
      absl::StrAppendFormat(&log, "resize %d;", units);
      model.Resize(units);
      ASSERT_TRUE(pool->Resize(units).ok()) << log;
    } else if (dice < 98) {
      log += "refill;";
      model.Add(model.missing());
      ASSERT_TRUE(pool->Refill().ok()) << log;
    } else {
      const size_t units = size_t{1} << random() % 6;
      absl::StrAppendFormat(&log, "offer %d;", units);
      std::vector<Slab*> runs{arena->AllocateRun(units)};
      if (runs[0] == nullptr) continue;
      std::memset(runs[0]->objects, 0xab, units * kUnitSize);
      const size_t kept = std::min(model.missing(), units / kBlock);
      ASSERT_EQ(pool->Offer(runs), kept != 0) << log;
      model.Add(kept);
      arena->FreeRuns(runs);
    }
    const PagePoolStats stats = pool->Stats();
    ASSERT_EQ(stats.target_units, model.target()) << log;
    ASSERT_EQ(stats.held_units, model.held()) << log;
    ASSERT_EQ(stats.out_units, model.out()) << log;
    ASSERT_EQ(arena->units_held(), model.held() + model.out()) << log;
    if (step % 50 == 0) {
      ASSERT_TRUE(pool->CheckInvariants().ok()) << pool->CheckInvariants() << log;
      ASSERT_TRUE(arena->CheckInvariants().ok()) << arena->CheckInvariants() << log;
    }
  }
  for (Slab* run : out) pool->Put(run);
  EXPECT_TRUE(pool->CheckInvariants().ok()) << pool->CheckInvariants();
  EXPECT_EQ(pool->Stats().out_units, 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, PagePoolModelTest, testing::Values(1, 2, 3));

}  // namespace
}  // namespace mxa::slab
