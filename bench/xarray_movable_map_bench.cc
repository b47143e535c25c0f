// SPDX-License-Identifier: Apache-2.0
//
// What does a map whose values move cost to read and to write, and what does it hold when most of them are gone?
//
// Baselines: absl::flat_hash_map and absl::btree_map behind an absl::Mutex that reads take as readers. Ours: reads in a
// section each. Bytes: flat_hash_map of values, and one of pointers to values made by new, before and after rehash(0);
// ours after one pass over values and one over nodes.
// Held equal: the indices, dense, stored and read in random order; values of 48 bytes, all of which a read adds up; which
// values are erased. Bytes are by how much a process of its own grew, malloc_trim before and after, by what is live: 48
// bytes a value. Counts of pages, not times: one repetition is enough.
// Goals: none yet; information.
#include <malloc.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/mutex.h"
#include "bench/support/bench.h"
#include "bench/support/child.h"
#include "bench/support/stream.h"
#include "benchmark/benchmark.h"
#include "slab/cache.h"
#include "xarray/movable_map.h"
#include "xarray/node_cache.h"

namespace mxa::bench {
namespace {

using Value = std::array<uint64_t, 6>;

Value ValueFor(uint64_t index) { return {index, 1, 2, 3, 4, 5}; }
uint64_t SumOf(const Value& value) {
  uint64_t sum = 0;
  for (const uint64_t word : value) sum += word;
  return sum;
}

class Movable {
 public:
  void Store(uint64_t index, const Value& value) { MXA_CHECK(map_.Store(index, value).ok(), "no memory"); }
  void Change(uint64_t index) {
    MXA_CHECK(map_.Update(index, [](Value& value) { ++value[1]; }).ok(), "no memory");
  }
  void Erase(uint64_t index) { map_.Erase(index); }
  uint64_t Read(uint64_t index) const {
    uint64_t sum = 0;
    map_.Read(index, [&](const Value& value) { sum = SumOf(value); });
    return sum;
  }
  void Settle() {
    for (slab::Cache* cache : {&MovableMap<Value>::DefaultCache().slabs(), &xarray::NodeCache::Default().slabs()}) {
      cache->FreeRcuBarrier();
      MXA_CHECK(cache->Compact().ok(), "no pass");
    }
  }

 private:
  MovableMap<Value> map_;
};

template <typename Map>
class Locked {
 public:
  void Store(uint64_t index, const Value& value) {
    MutexLock lock(&mutex_);
    map_[index] = value;
  }
  void Change(uint64_t index) {
    MutexLock lock(&mutex_);
    ++map_.find(index)->second[1];
  }
  void Erase(uint64_t index) {
    MutexLock lock(&mutex_);
    map_.erase(index);
  }
  uint64_t Read(uint64_t index) const {
    ReaderMutexLock lock(&mutex_);
    const auto found = map_.find(index);
    return found == map_.end() ? 0 : SumOf(found->second);
  }
  void Settle() {}

 protected:
  mutable Mutex mutex_;
  Map map_;
};
class FlatHash : public Locked<absl::flat_hash_map<uint64_t, Value>> {
 public:
  static constexpr char kName[] = "flat_hash_map + Mutex";
};
class FlatHashRehashed : public FlatHash {
 public:
  static constexpr char kName[] = "flat_hash_map, rehash(0)";
  void Settle() { map_.rehash(0); }
};
class BTree : public Locked<absl::btree_map<uint64_t, Value>> {
 public:
  static constexpr char kName[] = "btree_map + Mutex";
};
class Pointers {
 public:
  static constexpr char kName[] = "flat_hash_map of new'ed values";
  void Store(uint64_t index, const Value& value) { map_[index] = std::make_unique<Value>(value); }
  void Erase(uint64_t index) { map_.erase(index); }
  void Settle() { map_.rehash(0); }

 private:
  absl::flat_hash_map<uint64_t, std::unique_ptr<Value>> map_;
};

template <typename Side>
double BytesLeft(size_t count, size_t percent) {
  return InChild(1, [=] {
    const std::vector<uint32_t> stored = Shuffled(count, 1);
    const std::vector<uint32_t> erased = Shuffled(count, 2);
    malloc_trim(0);
    const double before = ResidentBytes();
    auto* side = new Side;  // not destroyed: the process ends
    for (const uint32_t index : stored) side->Store(index, ValueFor(index));
    for (size_t i = 0; i < count * percent / 100; ++i) side->Erase(erased[i]);
    side->Settle();
    malloc_trim(0);
    return std::vector<double>{ResidentBytes() - before};
  })[0];
}

void CompareBytes(Bench& bench, size_t count, size_t percent) {
  const std::string name = absl::StrCat("resident / live, ", percent, " % erased at random");
  if (!bench.Wants(name)) return;
  const double live = static_cast<double>((count - count * percent / 100) * sizeof(Value));
  const double ours = BytesLeft<Movable>(count, percent) / live;
  const auto row = [&]<typename Side>() {
    bench.Single({name, "bytes/byte", Side::kName, ""}, ours, BytesLeft<Side>(count, percent) / live);
  };
  row.template operator()<FlatHash>();
  row.template operator()<FlatHashRehashed>();
  row.template operator()<Pointers>();
  row.template operator()<BTree>();
}

template <typename Side, typename Operation>
double Time(Side& side, const std::vector<uint32_t>& order, Operation operation) {
  const ThreadStopwatch watch;
  for (const uint32_t index : order) operation(side, index);
  return watch.NsPer(order.size());
}

template <typename Peer>
void CompareTimes(Bench& bench, size_t count) {
  Movable ours;
  Peer peer;
  const std::vector<uint32_t> order = Shuffled(count, 3);
  for (const uint32_t index : order) {
    ours.Store(index, ValueFor(index));
    peer.Store(index, ValueFor(index));
  }
  const std::vector<uint32_t> other = Shuffled(count, 4);
  const auto pair = [&](const std::string& what, auto operation) {
    bench.Pair(
        {absl::StrCat(what, ", ", count, " values"), "ns", Peer::kName, ""},
        [&] { return Time(ours, other, operation); }, [&] { return Time(peer, other, operation); });
  };
  pair("read", [](auto& side, uint64_t index) { benchmark::DoNotOptimize(side.Read(index)); });
  pair("overwrite", [](auto& side, uint64_t index) { side.Store(index, ValueFor(index)); });
  pair("change", [](auto& side, uint64_t index) { side.Change(index); });
}

// What a pass that moves everything takes a value, in all and inside Reclaim.
void NoteMoves(Bench& bench, size_t count) {
  Movable map;
  for (const uint32_t index : Shuffled(count, 5)) map.Store(index, ValueFor(index));
  slab::Cache& cache = MovableMap<Value>::DefaultCache().slabs();
  const Stopwatch watch;
  const auto pass = cache.Compact({.mode = slab::CompactOptions::Mode::kMoveEverything});
  MXA_CHECK(pass.ok() && pass->objects_moved > 0, "a pass over live values moves some");
  bench.Note(absl::StrCat("a pass that moved ", pass->objects_moved, " values took ",
                          static_cast<int>(watch.NsPer(pass->objects_moved)), " ns each, ",
                          pass->move_ns / pass->objects_moved, " ns of it inside Reclaim"));
}

}  // namespace
}  // namespace mxa::bench

int main(int argc, char** argv) {
  using namespace mxa::bench;
  Bench bench(argc, argv);
  // First, while this process has one thread.
  for (const size_t percent : {0, 50, 90}) CompareBytes(bench, bench.Size(1'000'000, 5000), percent);
  const size_t count = bench.Size(1'000'000, 2000);
  CompareTimes<FlatHash>(bench, count);
  CompareTimes<BTree>(bench, count);
  NoteMoves(bench, count);
  return bench.Finish();
}
