// SPDX-License-Identifier: Apache-2.0
#include "slab/debug/object_bytes.h"

#include <cstring>

#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

namespace mxa::slab {
namespace {

// The first of the bytes from `offset` to `end`, counted from the object, that is not `expected`.
std::optional<ByteFault> FirstWrong(const char* object, ptrdiff_t offset, ptrdiff_t end, uint8_t expected,
                                    const char* what) {
  const absl::string_view bytes(object + offset, static_cast<size_t>(end - offset));
  const size_t at = bytes.find_first_not_of(static_cast<char>(expected));
  if (at == absl::string_view::npos) return std::nullopt;
  return ByteFault{what, offset + static_cast<ptrdiff_t>(at), static_cast<uint8_t>(bytes[at]), expected};
}

}  // namespace

std::string ByteFault::ToString() const {
  return absl::StrFormat("byte %d is 0x%02x, not 0x%02x", offset, found, expected);
}

void ObjectBytes::FillRedZones(char* object, uint8_t byte) const {
  if (!red_zones_) return;
  std::memset(object - layout_.prefix, byte, layout_.prefix);
  std::memset(object + layout_.object_size, byte, layout_.record_offset - layout_.object_size);
}

void ObjectBytes::SetFree(void* object) const {
  auto* bytes = static_cast<char*>(object);
  FillRedZones(bytes, kRedZoneFree);
  if (!poison_) return;
  std::memset(bytes, kPoison, layout_.object_size - 1);
  bytes[layout_.object_size - 1] = static_cast<char>(kPoisonEnd);
}

void ObjectBytes::SetInUse(void* object) const {
  auto* bytes = static_cast<char*>(object);
  FillRedZones(bytes, kRedZoneInUse);
  if (poison_) std::memset(bytes, kUninitialized, layout_.object_size);
}

std::optional<ByteFault> ObjectBytes::FindFault(const void* object, bool in_use) const {
  const auto* bytes = static_cast<const char*>(object);
  const auto size = static_cast<ptrdiff_t>(layout_.object_size);
  std::optional<ByteFault> fault;
  if (red_zones_) {
    const uint8_t expected = in_use ? kRedZoneInUse : kRedZoneFree;
    const auto record = static_cast<ptrdiff_t>(layout_.record_offset);
    fault = FirstWrong(bytes, -static_cast<ptrdiff_t>(layout_.prefix), 0, expected, "write before the object");
    if (!fault) fault = FirstWrong(bytes, size, record, expected, "write past the object");
  }
  if (poison_ && !in_use && !fault) fault = FirstWrong(bytes, 0, size - 1, kPoison, "write after free");
  if (poison_ && !in_use && !fault) fault = FirstWrong(bytes, size - 1, size, kPoisonEnd, "write after free");
  return fault;
}

}  // namespace mxa::slab
