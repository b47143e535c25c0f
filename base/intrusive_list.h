// SPDX-License-Identifier: Apache-2.0
//
// A doubly linked list through a link inside the elements, which knows which list an element is on.
//
// Invariants:
//   I1  an element is on at most one list; its link names that list, or null when it is on none.
//   I2  size() is the number of linked elements.
// Threads: none of its own; the owner of the list locks.
// Why not std::list: moving a slab between lists must not allocate, and must be possible from the slab alone.
#ifndef MXA_BASE_INTRUSIVE_LIST_H_
#define MXA_BASE_INTRUSIVE_LIST_H_

#include <cstddef>

#include "base/check.h"

namespace mxa {

struct ListLink {
  ListLink* next = nullptr;
  ListLink* previous = nullptr;
  const void* list = nullptr;
};

// `T` derives from ListLink.
template <typename T>
class IntrusiveList {
 public:
  IntrusiveList() { head_.next = head_.previous = &head_; }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  ~IntrusiveList() { MXA_CHECK(empty(), "list destroyed with elements on it"); }

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  bool contains(const T& element) const { return element.list == this; }

  void PushFront(T& element) { InsertAfter(head_, element); }
  void PushBack(T& element) { InsertAfter(*head_.previous, element); }

  void Remove(T& element) {
    MXA_CHECK(element.list == this, "element is not on this list");
    ListLink& link = element;
    link.previous->next = link.next;
    link.next->previous = link.previous;
    link.next = link.previous = nullptr;
    link.list = nullptr;
    --size_;
  }

  // The first element, or null.
  T* front() { return empty() ? nullptr : static_cast<T*>(head_.next); }
  T* back() { return empty() ? nullptr : static_cast<T*>(head_.previous); }

  // The element after `element`, or null at the end.
  T* next(T& element) {
    ListLink* link = static_cast<ListLink&>(element).next;
    return link == &head_ ? nullptr : static_cast<T*>(link);
  }

 private:
  void InsertAfter(ListLink& where, T& element) {
    MXA_CHECK(element.list == nullptr, "element is already on a list");
    ListLink& link = element;
    link.next = where.next;
    link.previous = &where;
    where.next->previous = &link;
    where.next = &link;
    link.list = this;
    ++size_;
  }

  ListLink head_;
  size_t size_ = 0;
};

}  // namespace mxa

#endif  // MXA_BASE_INTRUSIVE_LIST_H_
