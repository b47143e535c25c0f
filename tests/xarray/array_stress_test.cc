// SPDX-License-Identifier: Apache-2.0
//
// Readers, writers and passes at once, for a while: no read is older than its beginning, newer than its end, or of
// another place.
//
// Every element names its array, index and version. A version's number says whether the index is in use with it. Before
// a writer changes an index it raises `begun`, after it `committed`; so a reader that takes `committed` before and
// `begun` after its read knows all versions the index may have had meanwhile. Elements are poisoned when their grace
// period has passed.
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "absl/types/span.h"
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
constexpr uint64_t kMagic = 0x6d78612d656c656d;
constexpr size_t kPlaces = 600;
constexpr int kWriters = 2;

// Spread so that leaves come and go and the height changes.
uint64_t IndexOf(size_t place) { return (place % 40) + (place / 40) * 700; }

// Every third version is absence.
bool IsPresent(uint64_t version) { return version % 3 != 0; }

struct Element : reclaim::RetireHead {
  std::atomic<uint64_t> magic{
      kMagic};  // atomic so that a reader that is too late reads poison, not undefined behaviour
  const void* array;
  size_t place;
  uint64_t version;
};

void RetireElement(Element* element) {
  reclaim::Retire(element, [](reclaim::RetireHead* head) {
    Element* old = static_cast<Element*>(head);
    old->magic.store(0, std::memory_order_relaxed);
    delete old;
  });
}

struct Place {
  std::atomic<uint64_t> begun{0};
  std::atomic<uint64_t> committed{0};
};

class Stress {
 public:
  Stress() : nodes_(xarray::NodeCache::Create().value()), array_(*nodes_), places_(kPlaces) {}

  ~Stress() {
    for (size_t place = 0; place < kPlaces; ++place) {
      if (Element* element = array_.Erase(IndexOf(place))) RetireElement(element);
    }
    EXPECT_TRUE(array_.empty());
    reclaim::RetireBarrier();
  }

  XArray<Element>& array() { return array_; }
  xarray::NodeCache& nodes() { return *nodes_; }
  bool stopped() const { return stop_.load(std::memory_order_relaxed); }
  void Stop() { stop_.store(true, std::memory_order_relaxed); }

  // Takes the next version of a place that no other writer writes.
  void Write(size_t place, Random& random) {
    Place& p = places_[place];
    const uint64_t version = p.committed.load(std::memory_order_relaxed) + 1;
    p.begun.store(version, std::memory_order_release);
    Element* old = nullptr;
    if (IsPresent(version)) {
      Element* element = new Element;
      element->array = &array_;
      element->place = place;
      element->version = version;
      old = array_.Store(IndexOf(place), element).value();
      if (random.OneIn(2)) array_.SetMark(IndexOf(place), Mark::k0);
      if (random.OneIn(2)) array_.ClearMark(IndexOf(place), Mark::k0);
    } else {
      old = array_.Erase(IndexOf(place));
    }
    p.committed.store(version, std::memory_order_release);
    EXPECT_EQ(old != nullptr, version > 1 && IsPresent(version - 1));
    if (old != nullptr) {
      EXPECT_EQ(old->version, version - 1);
      RetireElement(old);
    }
  }

  uint64_t Committed(size_t place) const { return places_[place].committed.load(std::memory_order_acquire); }
  uint64_t Begun(size_t place) const { return places_[place].begun.load(std::memory_order_acquire); }

  // What a read of `place` returned, between the versions `first` and `last`.
  void Judge(size_t place, const Element* element, uint64_t first, uint64_t last) {
    reads_.fetch_add(1, std::memory_order_relaxed);
    if (element != nullptr) {
      ASSERT_EQ(element->magic.load(std::memory_order_relaxed), kMagic) << "freed under a reader";
      ASSERT_EQ(element->array, &array_);
      ASSERT_EQ(element->place, place);
      ASSERT_GE(element->version, first) << "stale";
      ASSERT_LE(element->version, last);
      return;
    }
    for (uint64_t version = first; version <= last; ++version) {
      if (!IsPresent(version)) return;
    }
    FAIL() << "place " << place << " read as absent between versions " << first << " and " << last;
  }

  uint64_t reads() const { return reads_.load(); }

 private:
  std::unique_ptr<xarray::NodeCache> nodes_;
  XArray<Element> array_;
  std::vector<Place> places_;
  std::atomic<uint64_t> reads_{0};
  std::atomic<bool> stop_{false};
};

void ReadPoints(Stress& stress, uint64_t seed) {
  Random random(seed);
  while (!stress.stopped() && !testing::Test::HasFatalFailure()) {
    reclaim::ReadSection section;
    for (int i = 0; i < 20; ++i) {
      const size_t place = random.Below(kPlaces);
      const uint64_t first = stress.Committed(place);
      const Element* element = stress.array().LoadInSection(IndexOf(place));
      stress.Judge(place, element, first, stress.Begun(place));
    }
  }
}

void ReadMany(Stress& stress, uint64_t seed) {
  Random random(seed);
  std::array<size_t, 100> places;
  std::array<uint64_t, 100> indices;
  std::array<uint64_t, 100> first;
  std::array<Element*, 100> elements;
  while (!stress.stopped() && !testing::Test::HasFatalFailure()) {
    for (size_t i = 0; i < places.size(); ++i) {
      places[i] = random.Below(kPlaces);
      indices[i] = IndexOf(places[i]);
      first[i] = stress.Committed(places[i]);
    }
    reclaim::ReadSection section;
    stress.array().LoadMany(indices, absl::MakeSpan(elements));
    for (size_t i = 0; i < places.size(); ++i) stress.Judge(places[i], elements[i], first[i], stress.Begun(places[i]));
  }
}

void Scan(Stress& stress) {
  std::vector<uint64_t> first(kPlaces);
  std::vector<const Element*> met(kPlaces);
  while (!stress.stopped() && !testing::Test::HasFatalFailure()) {
    for (size_t place = 0; place < kPlaces; ++place) first[place] = stress.Committed(place);
    met.assign(kPlaces, nullptr);
    reclaim::ReadSection section;
    XArrayCursor<Element> cursor(stress.array(), 0);
    size_t expected_at_least = 0;
    while (const Element* element = cursor.Next()) {
      ASSERT_LT(element->place, kPlaces);
      ASSERT_EQ(cursor.index(), IndexOf(element->place));
      ASSERT_GE(element->place, expected_at_least) << "not ascending";
      expected_at_least = element->place + 1;
      met[element->place] = element;
    }
    for (size_t place = 0; place < kPlaces; ++place) stress.Judge(place, met[place], first[place], stress.Begun(place));
  }
}

// Whether the mark is there changes all the time; an element that is met is one of its index, and the walk ascends.
void ScanMarked(Stress& stress) {
  while (!stress.stopped() && !testing::Test::HasFatalFailure()) {
    std::vector<uint64_t> first(kPlaces);
    for (size_t place = 0; place < kPlaces; ++place) first[place] = stress.Committed(place);
    reclaim::ReadSection section;
    XArrayCursor<Element> cursor(stress.array(), 0);
    size_t expected_at_least = 0;
    while (const Element* element = cursor.NextMarked(Mark::k0)) {
      ASSERT_GE(element->place, expected_at_least) << "not ascending";
      expected_at_least = element->place + 1;
      ASSERT_EQ(cursor.index(), IndexOf(element->place));
      stress.Judge(element->place, element, first[element->place], stress.Begun(element->place));
    }
  }
}

void WriteAll(Stress& stress, int writer) {
  Random random(tests::TestSeed(42) + static_cast<uint64_t>(writer));
  // Now and then everything of the writer's goes, so that the tree shrinks to nothing and grows anew.
  while (!stress.stopped()) {
    const size_t span = random.OneIn(4) ? kPlaces : 100;
    for (size_t i = 0; i < 2 * span && !stress.stopped(); ++i) {
      stress.Write(random.Below(span) / kWriters * kWriters + static_cast<size_t>(writer), random);
    }
  }
}

void MoveAll(Stress& stress, std::atomic<uint64_t>& moved) {
  slab::CompactOptions options;
  options.mode = slab::CompactOptions::Mode::kMoveEverything;
  while (!stress.stopped()) {
    const auto stats = stress.nodes().slabs().Compact(options);
    ASSERT_TRUE(stats.ok()) << stats.status();
    moved += stats->objects_moved;
  }
}

TEST(ArrayStressTest, ReadsAreCurrentWhileNodesMove) {
  std::atomic<uint64_t> moved{0};
  Stress stress;
  {
    ThreadGroup threads;
    threads.Start("reader", [&] { ReadPoints(stress, 1); });
    threads.Start("reader", [&] { ReadPoints(stress, 2); });
    threads.Start("many", [&] { ReadMany(stress, 3); });
    threads.Start("scanner", [&] { Scan(stress); });
    threads.Start("marked", [&] { ScanMarked(stress); });
    for (int writer = 0; writer < kWriters; ++writer)
      threads.Start("writer", [&stress, writer] { WriteAll(stress, writer); });
    threads.Start("mover", [&] { MoveAll(stress, moved); });
    std::this_thread::sleep_for(kDuration);  // the box, not a synchronisation
    // Longer where the machine is busy with other things: what did not happen proves nothing.
    for (int i = 0; i < 20 && (moved <= 100 || stress.reads() <= 1000); ++i) std::this_thread::sleep_for(kDuration);
    stress.Stop();
  }
  EXPECT_EQ(stress.array().CheckInvariants(), absl::OkStatus());
  EXPECT_EQ(stress.nodes().slabs().CheckInvariants(), absl::OkStatus());
  EXPECT_GT(stress.reads(), 1000u);
  EXPECT_GT(moved.load(), 100u);
}

// Index 0 is there all the time while its neighbour comes and goes, so that the head is an entry and a node in turn.
// Its mark too.
TEST(ArrayStressTest, IndexZeroNeverVanishesWhileOneToggles) {
  Stress stress;
  Element zero;
  Element one;
  auto nodes = xarray::NodeCache::Create().value();
  XArray<Element> array(*nodes);
  ASSERT_TRUE(array.Store(0, &zero).ok());
  ASSERT_TRUE(array.SetMark(0, Mark::k0));
  {
    ThreadGroup threads;
    for (int i = 0; i < 2; ++i) {
      threads.Start("reader", [&] {
        while (!stress.stopped()) {
          ASSERT_EQ(array.Load(0), &zero);
          ASSERT_TRUE(array.GetMark(0, Mark::k0));
          ASSERT_FALSE(array.GetMark(0, Mark::k1));
          reclaim::ReadSection section;
          XArrayCursor<Element> cursor(array, 0);
          ASSERT_EQ(cursor.NextMarked(Mark::k0), &zero);
          XArrayCursor<Element> none(array, 0);
          if (none.NextMarked(Mark::k1) != nullptr) {
            ASSERT_NE(none.index(), 0u);
          }
        }
      });
    }
    threads.Start("writer", [&] {
      for (uint64_t i = 0; !stress.stopped(); ++i) {
        const uint64_t index = i % 2 == 0 ? 1 : uint64_t{1} << (i % 40);
        ASSERT_TRUE(array.Store(index, &one).ok());
        array.SetMark(index, Mark::k1);
        ASSERT_EQ(array.Erase(index), &one);
      }
    });
    threads.Start("mover", [&] {
      slab::CompactOptions options;
      options.mode = slab::CompactOptions::Mode::kMoveEverything;
      while (!stress.stopped()) ASSERT_TRUE(nodes->slabs().Compact(options).ok());
    });
    std::this_thread::sleep_for(kDuration);  // the box, not a synchronisation
    stress.Stop();
  }
  EXPECT_EQ(array.CheckInvariants(), absl::OkStatus());
}

// Arrays come and go by the thousand in one node cache while passes run over it.
TEST(ArrayStressTest, ArraysEndWhilePassesRun) {
  Stress stress;
  std::atomic<uint64_t> moved{0};
  std::atomic<uint64_t> ended{0};
  Element element;
  {
    ThreadGroup threads;
    for (uint64_t i = 0; i < 2; ++i) {
      threads.Start("churn", [&, i] {
        Random random(i);
        // A few live on while others end, so that there is always something to move.
        std::array<std::unique_ptr<XArray<Element>>, 50> arrays;
        for (size_t turn = 0; !stress.stopped(); ++turn) {
          auto& array = arrays[turn % arrays.size()];
          array = std::make_unique<XArray<Element>>(stress.nodes());
          const uint64_t entries = random.Below(30);
          for (uint64_t k = 0; k < entries; ++k) {
            ASSERT_TRUE(array->Store(random.Next() >> random.Below(64), &element).ok());
          }
          if (random.OneIn(4)) array->Clear();
          ++ended;
        }
      });
    }
    threads.Start("mover", [&] { MoveAll(stress, moved); });
    std::this_thread::sleep_for(kDuration);  // the box, not a synchronisation
    stress.Stop();
  }
  stress.nodes().slabs().FreeRcuBarrier();
  EXPECT_EQ(stress.nodes().slabs().Stats().live, 0u);
  EXPECT_GT(ended.load(), 100u) << "few even for a sanitizer on a busy machine";
  EXPECT_GT(moved.load(), 0u);
}

}  // namespace
}  // namespace mxa
