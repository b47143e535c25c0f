// SPDX-License-Identifier: Apache-2.0
//
// liburcu's lock-free hash table as a container to compare with (array_side.h says what is asked of one): the other
// structure here whose readers take a read section and nothing else.
//
// Its buckets are made for as many entries as it will hold: what it would grow by runs on a thread of its own, whose time
// nobody would count. An element is an allocation of its own, and freed by call_rcu.
#ifndef MXA_BENCH_SUPPORT_LFHT_SIDE_H_
#define MXA_BENCH_SUPPORT_LFHT_SIDE_H_

#include <cstddef>
#include <cstdint>

struct cds_lfht;

namespace mxa::bench {

class LfhtSide {
 public:
  static constexpr char kName[] = "cds_lfht";

  explicit LfhtSide(size_t expected);
  // REQUIRES: no other thread is inside.
  ~LfhtSide();
  LfhtSide(const LfhtSide&) = delete;
  LfhtSide& operator=(const LfhtSide&) = delete;

  // A read section each.
  uint64_t Load(uint64_t index) const;
  // One writer at a time overwrites an index.
  void Store(uint64_t index, uint64_t value);
  void Erase(uint64_t index);

  static void Settle();

 private:
  cds_lfht* const table_;
};

}  // namespace mxa::bench

#endif  // MXA_BENCH_SUPPORT_LFHT_SIDE_H_
