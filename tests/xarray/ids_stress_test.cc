// SPDX-License-Identifier: Apache-2.0
//
// Allocators, readers and passes at once, for a while: no ID is handed out twice, an element that is found knows its ID,
// and a reader is never told that an ID exists which nobody ever allocated, or that one is gone which stays.
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "reclaim/retire.h"
#include "tests/support/motion.h"
#include "tests/support/random.h"
#include "tests/support/thread_group.h"
#include "xarray/id_bitmap_cache.h"
#include "xarray/ida.h"
#include "xarray/node_cache.h"
#include "xarray/xarray.h"

namespace mxa {
namespace {

using tests::Motion;
using tests::Random;
using tests::ThreadGroup;
using xarray::Ida;
using xarray::IdBitmapCache;
using xarray::NodeCache;

constexpr auto kDuration = std::chrono::milliseconds(1500);
constexpr size_t kIds = 6000;
constexpr size_t kHeldAtMost = 2000;

// Who holds which ID, by what allocators say.
class Holders {
 public:
  void Take(uint64_t id) {
    ASSERT_LT(id, kIds);
    ASSERT_FALSE(held_[id].exchange(true, std::memory_order_relaxed)) << "handed out twice: " << id;
  }
  void GiveUp(uint64_t id) { held_[id].store(false, std::memory_order_relaxed); }

 private:
  std::vector<std::atomic<bool>> held_ = std::vector<std::atomic<bool>>(kIds);
};

void RunFor(std::atomic<bool>& stop) {
  reclaim::OfflineScope offline;
  const auto end = std::chrono::steady_clock::now() + kDuration;
  while (std::chrono::steady_clock::now() < end) std::this_thread::yield();
  stop.store(true, std::memory_order_relaxed);
}

struct Session : reclaim::RetireHead {
  uint64_t id = ~uint64_t{0};
};

TEST(IdsStressTest, AllocatorsOfAnArrayNeverShareAnIdAndElementsKnowTheirs) {
  const std::unique_ptr<NodeCache> nodes = NodeCache::Create().value();
  {
    XArray<Session> sessions(*nodes);
    Motion motion(Motion::Kind::kPasses, *nodes);
    Holders holders;
    CyclicState state;
    std::atomic<bool> stop{false};
    std::atomic<uint64_t> found{0};
    ThreadGroup threads;
    for (uint64_t i = 0; i < 3; ++i) {
      threads.Start("allocator", [&, i] {
        Random random(tests::TestSeed(i + 1));
        std::vector<Session*> mine;
        const auto give_back = [&](size_t at) {
          holders.GiveUp(mine[at]->id);
          EXPECT_EQ(sessions.Erase(mine[at]->id), mine[at]);
          reclaim::Retire(mine[at], [](reclaim::RetireHead* head) { delete static_cast<Session*>(head); });
          mine[at] = mine.back();
          mine.pop_back();
        };
        while (!stop.load(std::memory_order_relaxed) && !testing::Test::HasFatalFailure()) {
          if (mine.size() < kHeldAtMost && random.Below(5) < 3) {
            auto* session = new Session;
            const IdLimit limit = {0, kIds - 1};
            const bool ok = random.OneIn(2) ? sessions.Allocate(session, limit, &session->id).ok()
                                            : sessions.AllocateCyclic(session, limit, state, &session->id).ok();
            if (!ok) {
              delete session;
              continue;
            }
            holders.Take(session->id);
            mine.push_back(session);
          } else if (!mine.empty()) {
            give_back(random.Below(mine.size()));
          }
        }
        while (!mine.empty()) give_back(mine.size() - 1);
      });
    }
    threads.Start("reader", [&] {
      Random random(9);
      while (!stop.load(std::memory_order_relaxed)) {
        const uint64_t id = random.Below(kIds);
        reclaim::ReadSection section;
        if (const Session* session = sessions.LoadInSection(id)) {
          ASSERT_EQ(session->id, id);
          found.fetch_add(1, std::memory_order_relaxed);
        }
      }
    });
    RunFor(stop);
    threads.JoinAll();
    EXPECT_GT(found.load(), 0u);
    EXPECT_TRUE(sessions.empty());
    EXPECT_EQ(sessions.CheckInvariants(), absl::OkStatus());
    reclaim::RetireBarrier();
  }
}

// Odd IDs, in chunks that come and go, are allocated; even ones never. One ID in every fourth chunk
// stays.
TEST(IdsStressTest, ExistsNeitherMissesWhatStaysNorFindsWhatNeverWas) {
  constexpr uint64_t kFirst = uint64_t{100} * 1024;
  constexpr uint64_t kChunks = 40;
  const std::unique_ptr<NodeCache> nodes = NodeCache::Create().value();
  const std::unique_ptr<IdBitmapCache> bitmaps = IdBitmapCache::Create().value();
  {
    Ida ida(*nodes, *bitmaps);
    Motion motion(Motion::Kind::kPasses, *nodes);
    const auto steady = [](uint64_t chunk) { return kFirst + chunk * 4 * 1024 + 501; };
    for (uint64_t chunk = 0; chunk < kChunks / 4; ++chunk) {
      ASSERT_TRUE(ida.Allocate({steady(chunk), steady(chunk)}).ok());
    }
    std::atomic<bool> stop{false};
    ThreadGroup threads;
    for (uint64_t writer = 0; writer < 2; ++writer) {
      threads.Start("writer", [&, writer] {
        Random random(tests::TestSeed(writer + 20));
        while (!stop.load(std::memory_order_relaxed) && !testing::Test::HasFatalFailure()) {
          // A few IDs of one chunk, of one parity of chunks a writer: they come as a value, become a bitmap, and go.
          const uint64_t base = kFirst + (random.Below(kChunks / 2) * 2 + writer) * 1024;
          for (const uint64_t id : {base + 1, base + 61, base + 63, base + 1023}) {
            ASSERT_EQ(ida.Allocate({id, id}).value(), id);
            ASSERT_TRUE(ida.Exists(id));
          }
          for (const uint64_t id : {base + 1, base + 63, base + 61, base + 1023}) {
            ida.Free(id);
            ASSERT_FALSE(ida.Exists(id));
          }
        }
      });
    }
    for (uint64_t reader = 0; reader < 2; ++reader) {
      threads.Start("reader", [&, reader] {
        Random random(reader + 40);
        while (!stop.load(std::memory_order_relaxed) && !testing::Test::HasFatalFailure()) {
          ASSERT_FALSE(ida.Exists(kFirst + random.Below(kChunks * 512) * 2));
          ASSERT_TRUE(ida.Exists(steady(random.Below(kChunks / 4))));
          const uint64_t chunk = random.Below(kChunks / 4);
          const auto first = ida.FindFirst({steady(chunk) - 500, ~uint64_t{0}});
          ASSERT_TRUE(first.has_value());
          ASSERT_LE(*first, steady(chunk));
          ASSERT_EQ(*first % 2, 1u);
        }
      });
    }
    RunFor(stop);
    threads.JoinAll();
    EXPECT_EQ(ida.CheckInvariants(), absl::OkStatus());
  }
}

TEST(IdsStressTest, AllocatorsOfAnIdaNeverShareAnId) {
  const std::unique_ptr<NodeCache> nodes = NodeCache::Create().value();
  const std::unique_ptr<IdBitmapCache> bitmaps = IdBitmapCache::Create().value();
  {
    Ida ida(*nodes, *bitmaps);
    Motion motion(Motion::Kind::kPasses, *nodes);
    Holders holders;
    std::atomic<bool> stop{false};
    ThreadGroup threads;
    for (uint64_t i = 0; i < 4; ++i) {
      threads.Start("allocator", [&, i] {
        Random random(tests::TestSeed(i + 60));
        std::vector<uint64_t> mine;
        while (!stop.load(std::memory_order_relaxed) && !testing::Test::HasFatalFailure()) {
          if (mine.size() < kHeldAtMost && random.Below(5) < 3) {
            const auto id = ida.Allocate({0, kIds - 1});
            if (!id.ok()) continue;
            holders.Take(*id);
            mine.push_back(*id);
          } else if (!mine.empty()) {
            const size_t at = random.Below(mine.size());
            holders.GiveUp(mine[at]);
            ida.Free(mine[at]);
            mine[at] = mine.back();
            mine.pop_back();
          }
        }
        for (const uint64_t id : mine) {
          holders.GiveUp(id);
          ida.Free(id);
        }
      });
    }
    RunFor(stop);
    threads.JoinAll();
    EXPECT_TRUE(ida.empty());
    EXPECT_EQ(ida.CheckInvariants(), absl::OkStatus());
  }
}

}  // namespace
}  // namespace mxa
