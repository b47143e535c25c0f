// SPDX-License-Identifier: Apache-2.0
//
// What an array holds, as its user sees it, and the word that stands for it.
//
//   XArray<Page>          Page*                     null: nothing there
//   XArray<Value>         std::optional<uint64_t>   63 bits; nullopt: nothing there
//   XArray<Tagged<Page>>  TaggedPtr<Page>           a pointer and a tag of 0, 1 or 3; null: nothing there
//
// Threads: pure functions. Where the idea comes from: value entries and tagged pointers of Linux's XArray (Wilcox 2017),
// which one array cannot tell apart there; here the array's type does.
#ifndef MXA_XARRAY_ELEMENT_H_
#define MXA_XARRAY_ELEMENT_H_

#include <cstdint>
#include <optional>

#include "base/check.h"
#include "xarray/entry.h"

namespace mxa {

// Makes an array one of numbers: XArray<Value>.
class Value;

inline constexpr uint64_t kMaxValue = ~uint64_t{0} >> 1;

// Makes an array one of pointers with two bits to spare: XArray<Tagged<T>>.
template <typename T>
class Tagged;

template <typename T>
struct TaggedPtr {
  T* pointer = nullptr;
  unsigned tag = 0;

  explicit operator bool() const { return pointer != nullptr; }
  friend bool operator==(const TaggedPtr&, const TaggedPtr&) = default;
};

namespace xarray {

// REQUIRES: 4-byte aligned.    (CHECKed)
template <typename T>
Entry PointerEntry(T* pointer) {
  static_assert(alignof(T) >= 4, "the low two bits of an element's address are the array's");
  const Entry entry = reinterpret_cast<Entry>(pointer);
  MXA_CHECK((entry & 3) == 0, "the address of an element is not 4-byte aligned");
  return entry;
}

template <typename T>
struct ElementTraits {
  using Element = T*;

  static Entry ToEntry(Element element) { return PointerEntry(element); }
  static Element FromEntry(Entry entry) { return reinterpret_cast<Element>(entry); }
};

template <>
struct ElementTraits<Value> {
  using Element = std::optional<uint64_t>;

  // REQUIRES: at most kMaxValue.    (CHECKed)
  static Entry ToEntry(Element element) {
    if (!element.has_value()) return kNull;
    MXA_CHECK(*element <= kMaxValue, "a value has more than 63 bits");
    return (*element << 1) | 1;
  }
  static Element FromEntry(Entry entry) {
    if (entry == kNull) return std::nullopt;
    return entry >> 1;
  }
};

template <typename T>
struct ElementTraits<Tagged<T>> {
  using Element = TaggedPtr<T>;

  // REQUIRES: the tag is 0, 1 or 3, and 0 if the pointer is null.    (CHECKed)
  static Entry ToEntry(Element element) {
    MXA_CHECK(element.tag == 0 || element.tag == 1 || element.tag == 3, "a pointer's tag is 0, 1 or 3");
    MXA_CHECK(element.tag == 0 || element.pointer != nullptr, "null has no tag");
    return PointerEntry(element.pointer) | element.tag;
  }
  static Element FromEntry(Entry entry) {
    return {reinterpret_cast<T*>(entry & ~Entry{3}), static_cast<unsigned>(entry & 3)};
  }
};

}  // namespace xarray
}  // namespace mxa

#endif  // MXA_XARRAY_ELEMENT_H_
