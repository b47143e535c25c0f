// SPDX-License-Identifier: Apache-2.0
#include "bench/support/lfht_side.h"

#include "reclaim/rcu.h"
// Behind the flavour, as it asks for.
#include <urcu/rculfhash.h>

#include <algorithm>
#include <atomic>
#include <bit>

#include "absl/hash/hash.h"
#include "base/check.h"

namespace mxa::bench {
namespace {

// The links come first, so that an element's address is theirs.
struct Element {
  cds_lfht_node links;
  uint64_t index;
  std::atomic<uint64_t> value;
  rcu_head head;
};

Element* FromLinks(cds_lfht_node* links) { return reinterpret_cast<Element*>(links); }

unsigned long HashOf(uint64_t index) { return absl::Hash<uint64_t>()(index); }

int Matches(cds_lfht_node* links, const void* index) {
  return FromLinks(links)->index == *static_cast<const uint64_t*>(index) ? 1 : 0;
}

void FreeLater(Element* element) {
  MXA_URCU(call_rcu)
  (&element->head,
   [](rcu_head* head) { delete reinterpret_cast<Element*>(reinterpret_cast<char*>(head) - offsetof(Element, head)); });
}

// REQUIRES: a read section is open.
Element* Find(cds_lfht* table, uint64_t index) {
  cds_lfht_iter place;
  cds_lfht_lookup(table, HashOf(index), &Matches, &index, &place);
  cds_lfht_node* const links = cds_lfht_iter_get_node(&place);
  return links == nullptr ? nullptr : FromLinks(links);
}

cds_lfht* MakeTable(size_t expected) {
  const size_t buckets = std::bit_ceil(std::max<size_t>(expected, 64));
  return cds_lfht_new_flavor(buckets, buckets, buckets, 0, &MXA_URCU(flavor), nullptr);
}

}  // namespace

LfhtSide::LfhtSide(size_t expected) : table_(MakeTable(expected)) { MXA_CHECK(table_ != nullptr, "no memory"); }

LfhtSide::~LfhtSide() {
  {
    reclaim::ReadSection section;
    cds_lfht_iter place;
    cds_lfht_first(table_, &place);
    while (cds_lfht_node* const links = cds_lfht_iter_get_node(&place)) {
      cds_lfht_next(table_, &place);
      cds_lfht_del(table_, links);
      FreeLater(FromLinks(links));
    }
  }
  Settle();
  MXA_CHECK(cds_lfht_destroy(table_, nullptr) == 0, "a table that is not empty");
}

uint64_t LfhtSide::Load(uint64_t index) const {
  reclaim::ReadSection section;
  const Element* const element = Find(table_, index);
  // Acquire: with the release in Store, as a load of ours carries what an entry leads to.
  return element == nullptr ? 0 : element->value.load(std::memory_order_acquire);
}

void LfhtSide::Store(uint64_t index, uint64_t value) {
  reclaim::ReadSection section;
  if (Element* const element = Find(table_, index)) {
    element->value.store(value, std::memory_order_release);  // as the acquire in Load
    return;
  }
  auto* const element = new Element{{}, index, value, {}};
  cds_lfht_node_init(&element->links);
  cds_lfht_add(table_, HashOf(index), &element->links);
}

void LfhtSide::Erase(uint64_t index) {
  reclaim::ReadSection section;
  Element* const element = Find(table_, index);
  MXA_CHECK(element != nullptr && cds_lfht_del(table_, &element->links) == 0, "erased what is not there");
  FreeLater(element);
}

void LfhtSide::Settle() { MXA_URCU(barrier)(); }

}  // namespace mxa::bench
