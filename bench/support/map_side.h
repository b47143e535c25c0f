// SPDX-License-Identifier: Apache-2.0
//
// Maps of the standard library's form as containers to compare with (array_side.h says what is asked of one): bare, and
// behind a reader-writer lock.
#ifndef MXA_BENCH_SUPPORT_MAP_SIDE_H_
#define MXA_BENCH_SUPPORT_MAP_SIDE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "base/mutex.h"

namespace mxa::bench {

struct BTree {
  static constexpr char kName[] = "btree_map";
  static constexpr char kLockedName[] = "btree_map + Mutex";
  using Map = absl::btree_map<uint64_t, uint64_t>;
  using Set = absl::btree_set<uint64_t>;
};
struct RedBlackTree {
  static constexpr char kName[] = "std::map";
  static constexpr char kLockedName[] = "std::map + Mutex";
  using Map = std::map<uint64_t, uint64_t>;
  using Set = std::set<uint64_t>;
};
struct FlatHash {
  static constexpr char kName[] = "flat_hash_map";
  static constexpr char kLockedName[] = "flat_hash_map + Mutex";
  using Map = absl::flat_hash_map<uint64_t, uint64_t>;
};

// Without any synchronization. What is marked stands in a second set, where there is one in order.
template <typename Kind>
class MapSide {
 public:
  static constexpr const char* kName = Kind::kName;

  explicit MapSide(size_t) {}

  uint64_t Load(uint64_t index) const {
    const auto found = map_.find(index);
    return found == map_.end() ? 0 : found->second;
  }
  void Store(uint64_t index, uint64_t value) { map_[index] = value; }
  void Erase(uint64_t index) { map_.erase(index); }

  uint64_t Sum() const {
    uint64_t sum = 0;
    for (const auto& [index, value] : map_) sum += value;
    return sum;
  }

  static void Settle() {}

 private:
  typename Kind::Map map_;
};

// The same, and a set of the marked indices beside it.
template <typename Kind>
class MarkedMapSide : public MapSide<Kind> {
 public:
  using MapSide<Kind>::MapSide;

  void Mark(uint64_t index) { marked_.insert(index); }
  uint64_t SumMarked() const {
    uint64_t sum = 0;
    for (const uint64_t index : marked_) sum += this->Load(index);
    return sum;
  }

 private:
  typename Kind::Set marked_;
};

// A Mutex inside each operation; loads take it as readers.
template <typename Kind>
class LockedMapSide {
 public:
  static constexpr const char* kName = Kind::kLockedName;

  explicit LockedMapSide(size_t expected) : bare_(expected) {}

  uint64_t Load(uint64_t index) const {
    ReaderMutexLock lock(&mutex_);
    return bare_.Load(index);
  }
  void Store(uint64_t index, uint64_t value) {
    MutexLock lock(&mutex_);
    bare_.Store(index, value);
  }
  void Erase(uint64_t index) {
    MutexLock lock(&mutex_);
    bare_.Erase(index);
  }

  static void Settle() {}

 private:
  mutable Mutex mutex_;
  MapSide<Kind> bare_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mxa::bench

#endif  // MXA_BENCH_SUPPORT_MAP_SIDE_H_
