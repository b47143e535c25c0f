// SPDX-License-Identifier: Apache-2.0
//
// A range of addresses without memory, given back when it ends.
//
// LeakSanitizer, where it is built in, takes what lies in the readable parts for pointers in use: objects that a cache
// holds may own memory of the heap's, and so does a slab with too many objects for the maps in its descriptor.
// Threads: as any object.
#ifndef MXA_SLAB_RESERVATION_H_
#define MXA_SLAB_RESERVATION_H_

#include <cstddef>
#include <utility>

namespace mxa::slab {

class Reservation {
 public:
  // Without addresses.
  Reservation() = default;
  // `bytes` of addresses aligned to `alignment`, a power of two of at least a page; none when the system refuses.
  Reservation(size_t bytes, size_t alignment);
  Reservation(Reservation&& other) noexcept
      : start_(std::exchange(other.start_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Reservation& operator=(Reservation&& other) noexcept {
    std::swap(start_, other.start_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Reservation();

  explicit operator bool() const { return start_ != nullptr; }
  void* start() const { return start_; }
  size_t bytes() const { return bytes_; }

 private:
  void* start_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_RESERVATION_H_
