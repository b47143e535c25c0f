// SPDX-License-Identifier: Apache-2.0
//
// What does an object cost when two threads share the allocator: one allocating what the other frees, or both mixed?
//
// Producer and consumer: objects go through a ring, and come back to the producer only through the allocator. Mixed:
// each thread replaces objects at random in a table of its own; every eighth comes from or goes to the other's side.
// Baselines: glibc's malloc and free; jemalloc, mimalloc and tcmalloc where installed (foreign_allocator.h).
// Held equal: size, ring, tables, random numbers, one word written to each object.
// Goals: design.md, section 7: producer/consumer no slower than the fastest of the three libraries.
// Passed time: needs two free processors.
#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench/support/bench.h"
#include "bench/support/foreign_allocator.h"
#include "bench/support/object_source.h"
#include "bench/support/still_objects.h"
#include "bench/support/stream.h"

namespace mxa::bench {
namespace {

// One writer, one reader. Both look at the other's count once a batch, so that the ring itself costs little.
class Ring {
 public:
  static constexpr size_t kLength = 4096;
  static constexpr size_t kBatch = 64;

  // Waits for room for a batch from `at` on.
  void AwaitRoom(size_t at) const {
    // Acquire; pairs with the release in Consumed: the slots have been read.
    while (at + kBatch - consumed_.load(std::memory_order_acquire) > kLength) std::this_thread::yield();
  }
  void AwaitBatch(size_t at) const {
    // Acquire; pairs with the release in Produced: the slots have been written.
    while (produced_.load(std::memory_order_acquire) < at + kBatch) std::this_thread::yield();
  }
  void*& slot(size_t at) { return slots_[at % kLength]; }
  void Produced(size_t up_to) { produced_.store(up_to, std::memory_order_release); }
  void Consumed(size_t up_to) { consumed_.store(up_to, std::memory_order_release); }

 private:
  std::array<void*, kLength> slots_{};
  alignas(64) std::atomic<size_t> produced_{0};
  alignas(64) std::atomic<size_t> consumed_{0};
};

// Nanoseconds an object.
template <typename Source>
double TimeProducerConsumer(Source source, size_t size, size_t count) {
  Ring ring;
  const Stopwatch watch;
  std::thread consumer([&] {
    for (size_t i = 0; i < count; i += Ring::kBatch) {
      ring.AwaitBatch(i);
      for (size_t k = 0; k < Ring::kBatch; ++k) source.Free(ring.slot(i + k));
      ring.Consumed(i + Ring::kBatch);
    }
  });
  for (size_t i = 0; i < count; i += Ring::kBatch) {
    ring.AwaitRoom(i);
    for (size_t k = 0; k < Ring::kBatch; ++k) ring.slot(i + k) = AllocateWritten(source, size);
    ring.Produced(i + Ring::kBatch);
  }
  consumer.join();
  return watch.NsPer(count);
}

// Where the mixed threads exchange objects.
using Exchange = std::array<std::atomic<void*>, 256>;

template <typename Source>
void RunMixed(Source source, size_t size, size_t count, uint64_t seed, Exchange& exchange) {
  constexpr unsigned kTableBits = 12;
  std::vector<void*> table(size_t{1} << kTableBits);
  Stream stream(seed, 32);
  for (size_t i = 0; i < count; ++i) {
    const uint64_t random = stream.Next();
    void*& place = table[random >> (32 - kTableBits)];
    if (place != nullptr) source.Free(place);
    place = AllocateWritten(source, size);
    // Both ways: what the other thread wrote to the object comes before its free here.
    if (random % 8 == 0) place = exchange[random / 8 % 256].exchange(place, std::memory_order_acq_rel);
  }
  for (void* object : table) {
    if (object != nullptr) source.Free(object);
  }
}

// Nanoseconds an allocation with its free, on each of two threads.
template <typename Source>
double TimeMixed(Source source, size_t size, size_t count) {
  Exchange exchange{};
  const Stopwatch watch;
  std::thread other([&] { RunMixed(source, size, count, 1, exchange); });
  RunMixed(source, size, count, 2, exchange);
  other.join();
  const double ns = watch.NsPer(count);
  for (const std::atomic<void*>& left : exchange) {
    if (void* object = left.load(std::memory_order_relaxed)) source.Free(object);
  }
  return ns;
}

void Run(Bench& bench, const std::vector<ForeignAllocator>& libraries) {
  const size_t count = bench.Size(1 << 20, 2048);
  StillObjects still;
  for (const size_t size : {size_t{64}, size_t{576}}) {
    const std::unique_ptr<slab::Cache> cache = MakeCache(size, &still);
    for (const ForeignAllocator& library : libraries) {
      const std::string which = absl::StrCat(size, " B, against ", library.name);
      bench.Pair(
          {absl::StrCat("producer/consumer, ", which), "ns", library.name, "<=1.0"},
          [&] { return TimeProducerConsumer(OfCache{cache.get()}, size, count); },
          [&] { return TimeProducerConsumer(OfLibrary{&library}, size, count); });
      bench.Pair(
          {absl::StrCat("2 threads mixed, ", which), "ns", library.name, ""},
          [&] { return TimeMixed(OfCache{cache.get()}, size, count); },
          [&] { return TimeMixed(OfLibrary{&library}, size, count); });
    }
  }
}

}  // namespace
}  // namespace mxa::bench

int main(int argc, char** argv) { return mxa::bench::AgainstLibraries(argc, argv, &mxa::bench::Run); }
