// SPDX-License-Identifier: Apache-2.0
//
// oneTBB's concurrent_hash_map as a container to compare with (array_side.h says what is asked of one). It locks each
// bucket and each element by itself, so every operation may run at once with every other.
#ifndef MXA_BENCH_SUPPORT_TBB_SIDE_H_
#define MXA_BENCH_SUPPORT_TBB_SIDE_H_

#include <oneapi/tbb/concurrent_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/hash/hash.h"

namespace mxa::bench {

class TbbSide {
 public:
  static constexpr char kName[] = "TBB concurrent_hash_map";

  explicit TbbSide(size_t) {}

  uint64_t Load(uint64_t index) const {
    Map::const_accessor found;
    return map_.find(found, index) ? found->second : 0;
  }
  void Store(uint64_t index, uint64_t value) {
    Map::accessor place;
    map_.insert(place, index);
    place->second = value;
  }
  void Erase(uint64_t index) { map_.erase(index); }

  static void Settle() {}

 private:
  struct Hash {
    static size_t hash(uint64_t index) { return absl::Hash<uint64_t>()(index); }
    static bool equal(uint64_t a, uint64_t b) { return a == b; }
  };
  // Not TBB's own allocator: every map has malloc.
  using Map = tbb::concurrent_hash_map<uint64_t, uint64_t, Hash, std::allocator<std::pair<const uint64_t, uint64_t>>>;

  Map map_;
};

}  // namespace mxa::bench

#endif  // MXA_BENCH_SUPPORT_TBB_SIDE_H_
