// SPDX-License-Identifier: Apache-2.0
//
// Readers, writers and passes beside requests for contiguous memory of all sizes, in an arena that is too small for all.
//
// No reader sees an item that does not prove itself, no two blocks overlap, and afterwards all memory is there.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "slab/arena.h"
#include "slab/cache.h"
#include "slab/contiguous.h"
#include "tests/support/handle_table.h"
#include "tests/support/random.h"
#include "tests/support/thread_group.h"

namespace mxa::slab {
namespace {

using test::HandleTable;

constexpr size_t kRegions = 6;
constexpr size_t kSlots = 60'000;
constexpr absl::Duration kTime = absl::Seconds(4);

class ContiguousStress {
 public:
  explicit ContiguousStress(uint64_t seed) : seed_(seed) {
    for (size_t slot = 0; slot < kSlots; slot += 3) table_.Create(slot);
  }

  void Run() {
    const absl::Time end = absl::Now() + kTime;
    tests::ThreadGroup threads;
    for (int i = 0; i < 2; ++i) {
      threads.Start("reader", [&, i] { Read(tests::Random(seed_ + static_cast<uint64_t>(i)), end); });
      threads.Start("writer", [&, i] { Write(static_cast<size_t>(i), tests::Random(seed_ + 10), end); });
      threads.Start("asker", [&, i] { Ask(tests::Random(seed_ + 20 + static_cast<uint64_t>(i)), end); });
    }
    threads.Start("passes", [&] {
      while (absl::Now() < end) {
        table_.cache().Compact({.mode = CompactOptions::Mode::kMoveEverything, .batch_objects = 500}).IgnoreError();
        EXPECT_TRUE(table_.arena().CheckInvariants().ok()) << table_.arena().CheckInvariants();
        absl::SleepFor(absl::Milliseconds(1));
      }
    });
    threads.JoinAll();
  }

  void Check() {
    // Requests that were given up let go when the readers have left.
    while (table_.arena().isolations() != 0) absl::SleepFor(absl::Milliseconds(1));
    table_.cache().FreeRcuBarrier();
    EXPECT_EQ(table_.violations(), 0u);
    for (size_t slot = 0; slot < kSlots; ++slot) EXPECT_TRUE(table_.Read(slot));
    EXPECT_TRUE(table_.cache().CheckInvariants().ok()) << table_.cache().CheckInvariants();
    EXPECT_TRUE(table_.arena().CheckInvariants().ok()) << table_.arena().CheckInvariants();
    EXPECT_GT(granted_, 0u);
    for (size_t slot = 0; slot < kSlots; ++slot) table_.RemoveRcu(slot);
    const ContiguousResult all = AllocateContiguous(table_.arena(), size_t{4} << 20, absl::Now() + absl::Seconds(20));
    EXPECT_TRUE(all.verdict.granted()) << all.verdict.Text();
    if (all.block != nullptr) FreeContiguous(table_.arena(), all.block);
    EXPECT_EQ(table_.arena().isolations(), 0u);
  }

 private:
  void Read(tests::Random random, absl::Time end) {
    while (absl::Now() < end) {
      for (int i = 0; i < 200; ++i) EXPECT_TRUE(table_.Read(random.Below(kSlots)));
    }
  }
  // Each has slots of its own.
  void Write(size_t which, tests::Random random, absl::Time end) {
    while (absl::Now() < end) {
      for (int i = 0; i < 50; ++i) {
        const size_t slot = random.Below(kSlots / 2) * 2 + which;
        if (table_.Peek(slot) != nullptr) {
          table_.RemoveRcu(slot);
        } else if (random.OneIn(3)) {
          table_.Create(slot);
        }
      }
    }
  }
  void Ask(tests::Random random, absl::Time end) {
    std::vector<std::pair<char*, size_t>> mine;
    while (absl::Now() < end) {
      const size_t bytes = size_t{4096} << random.Below(11);
      std::atomic<bool> cancel{random.OneIn(10)};
      const ContiguousResult result = AllocateContiguous(
          table_.arena(), bytes, absl::Now() + absl::Milliseconds(static_cast<int64_t>(random.Below(40))), &cancel);
      if (result.block != nullptr) {
        auto* block = static_cast<char*>(result.block);
        granted_.fetch_add(1);
        for (size_t byte = 0; byte < bytes; byte += 4096) {
          EXPECT_EQ(block[byte], 0) << "somebody else's";
          block[byte] = 1;
        }
        mine.emplace_back(block, bytes);
      }
      if (mine.size() > 3 || (result.block == nullptr && !mine.empty())) {
        std::swap(mine[random.Below(mine.size())], mine.back());
        Free(mine);
      }
    }
    while (!mine.empty()) Free(mine);
  }
  void Free(std::vector<std::pair<char*, size_t>>& mine) {
    for (size_t byte = 0; byte < mine.back().second; byte += 4096) EXPECT_EQ(mine.back().first[byte], 1);
    FreeContiguous(table_.arena(), mine.back().first);
    mine.pop_back();
  }

  const uint64_t seed_;
  HandleTable table_{{.slots = kSlots, .sheaf_capacity = 16, .reserve_bytes = kRegions * kRegionSize}};
  std::atomic<size_t> granted_{0};
};

TEST(ContiguousStressTest, ReadersWritersPassesAndRequests) {
  const uint64_t seed = tests::TestSeed(1);
  SCOPED_TRACE(seed);
  ContiguousStress stress(seed);
  stress.Run();
  stress.Check();
}

}  // namespace
}  // namespace mxa::slab
