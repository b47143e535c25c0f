// SPDX-License-Identifier: Apache-2.0
//
// What an array whose entries may have orders must hold after each operation: a map from an entry's first index, written to
// be plainly right.
//
// Threads: one thread's.
#ifndef MXA_TESTS_SUPPORT_ORDER_ORACLE_H_
#define MXA_TESTS_SUPPORT_ORDER_ORACLE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "xarray/entry.h"

namespace mxa::tests {

class OrderOracle {
 public:
  struct Held {
    unsigned order;
    xarray::Entry entry;  // kZero: reserved
    unsigned marks;       // a bit a mark
  };
  using Map = std::map<uint64_t, Held>;
  // First index and entry of what was there.
  using Told = std::vector<std::pair<uint64_t, xarray::Entry>>;

  static uint64_t LastOf(uint64_t first, const Held& held) { return first + xarray::OrderMask(held.order); }

  // The entry or reservation that `index` is one of, or end().
  Map::iterator Find(uint64_t index);
  // The first that has an index at `index` or behind it.
  Map::iterator FindFrom(uint64_t index);
  Map& map() { return map_; }

  // As ArrayCore's.
  xarray::Entry Load(uint64_t index);
  void Store(uint64_t index, xarray::Entry entry);  // kNull erases
  Told StoreOrder(uint64_t index, unsigned order, xarray::Entry entry);
  bool InsertOrder(uint64_t index, unsigned order, xarray::Entry entry);
  Told StoreRange(uint64_t first, uint64_t last, xarray::Entry entry);
  Told EraseRange(uint64_t first, uint64_t last);
  std::optional<unsigned> GetOrder(uint64_t index);
  bool Split(uint64_t index, unsigned order);
  bool SplitToward(uint64_t index, unsigned order);

 private:
  // Splits until no entry goes over from before `index` to `index`.
  void Cut(uint64_t index);

  Map map_;
};

}  // namespace mxa::tests

#endif  // MXA_TESTS_SUPPORT_ORDER_ORACLE_H_
