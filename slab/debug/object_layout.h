// SPDX-License-Identifier: Apache-2.0
//
// Where an object, its red zones and its debug record lie in one stride of a slab.
//
//   |<------------------------------ stride ------------------------------>|
//   | left red zone | object | right red zone, gap of alignment | record    |
//   ^ prefix bytes  ^ object ^ object_size                      ^ record_offset (from the object)
//
// Invariants:
//   D1  prefix and stride are multiples of the alignment, so that an aligned slab keeps every object aligned.
//   D2  every byte between one object's record and the next object is that object's left red zone, and every byte
//       between an object and its record its right one: an overrun by one byte meets a red zone.
//   D3  without checks the stride is what it is without debug options.
// Why not the record first: a write past the end of the object before is the common mistake; it should meet bytes that
// only say so before it meets the record that says who it was.
#ifndef MXA_SLAB_DEBUG_OBJECT_LAYOUT_H_
#define MXA_SLAB_DEBUG_OBJECT_LAYOUT_H_

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "slab/debug/debug_options.h"
#include "slab/debug/owner_track.h"

namespace mxa::slab {

struct ObjectLayout {
  // Two words, so that a write one element too far meets a red zone for most element types.
  static constexpr size_t kMinRedZone = 16;

  size_t object_size = 0;
  size_t prefix = 0;         // from the start of the stride to the object
  size_t record_offset = 0;  // from the object to its record
  size_t record_size = 0;    // a state word, then with track_owner two OwnerTracks
  size_t stride = 0;

  // Bytes from the end of the object to the end of the stride.
  size_t suffix() const { return stride - prefix - object_size; }

  // REQUIRES: `alignment` is a power of two, `object_size` not 0.    (CHECKed)
  static ObjectLayout For(size_t object_size, size_t alignment, const DebugOptions& options) {
    MXA_CHECK(std::has_single_bit(alignment) && object_size != 0, "an object's size and alignment");
    ObjectLayout layout;
    layout.object_size = object_size;
    if (!options.checks_objects()) {
      layout.stride = RoundUp(object_size, alignment);
      layout.record_offset = layout.stride;
      return layout;
    }
    // The record has words in it.
    alignment = std::max(alignment, alignof(OwnerTrack));
    const size_t red_zone = options.red_zones ? kMinRedZone : 0;
    layout.prefix = RoundUp(red_zone, alignment);
    layout.record_size = sizeof(std::atomic<uint64_t>) + (options.track_owner ? 2 * sizeof(OwnerTrack) : 0);
    layout.stride = RoundUp(layout.prefix + object_size + red_zone + layout.record_size, alignment);
    // At the very end, so that the right red zone takes what the alignment leaves.
    layout.record_offset = layout.stride - layout.prefix - layout.record_size;
    return layout;
  }

 private:
  static size_t RoundUp(size_t size, size_t alignment) { return (size + alignment - 1) & ~(alignment - 1); }
};

static_assert(alignof(OwnerTrack) == alignof(std::atomic<uint64_t>));
static_assert(sizeof(OwnerTrack) % alignof(OwnerTrack) == 0);

}  // namespace mxa::slab

#endif  // MXA_SLAB_DEBUG_OBJECT_LAYOUT_H_
