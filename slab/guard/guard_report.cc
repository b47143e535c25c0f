// SPDX-License-Identifier: Apache-2.0
#include "slab/guard/guard_report.h"

#include "slab/guard/signal_line.h"

namespace mxa::slab {
namespace {

const char* Headline(GuardFault fault, bool right) {
  switch (fault) {
    case GuardFault::kNone:
      return "nothing wrong";
    case GuardFault::kUseAfterFree:
      return "use after free";
    case GuardFault::kOutOfBounds:
      return right ? "out-of-bounds right of object" : "out-of-bounds left of object";
    case GuardFault::kUnexplained:
      return "fault in guarded memory that belongs to no object";
    case GuardFault::kDoubleFree:
      return "double free";
    case GuardFault::kWrongOwner:
      return "free to the wrong cache";
    case GuardFault::kWrongPointer:
      return "free of a pointer that is not an object's start";
    case GuardFault::kNoObject:
      return "free of a pointer that is no object";
    case GuardFault::kDamaged:
      return right ? "bytes right of object overwritten" : "bytes left of object overwritten";
    case GuardFault::kLeaked:
      return "leaked";
  }
  return "?";
}

bool IsAboutAnObject(GuardFault fault) { return fault != GuardFault::kUnexplained && fault != GuardFault::kNoObject; }

const char* StateName(GuardState state) {
  switch (state) {
    case GuardState::kUnused:
      return "unused";
    case GuardState::kLive:
      return "live";
    case GuardState::kRetired:
      return "retired";
    case GuardState::kFreed:
      return "freed";
  }
  return "?";
}

void AddPlace(SignalLine& line, const GuardRecord& record, const char* address) {
  const char* end = record.object + record.size;
  line.Hex(address).Text(", offset ").Decimal(address - record.object);
  if (address >= end) {
    line.Text(", byte ").Decimal(address - end + 1).Text(" past its end");
  } else if (address < record.object) {
    line.Text(", byte ").Decimal(record.object - address).Text(" before its start");
  }
}

}  // namespace

void ReportGuardFault(GuardFault fault, const GuardRecord& record, const void* address) {
  const char* place = static_cast<const char*>(address);
  SignalLine line;
  line.Text("mxa: ").Text(Headline(fault, place >= record.object)).Text(": ");
  if (!IsAboutAnObject(fault)) {
    line.Hex(place).Write();
    return;
  }
  line.Text("cache ").Text(record.cache_name.data()).Text(", object ").Hex(record.object).Text(", ");
  line.Decimal(static_cast<int64_t>(record.size)).Text(" bytes, ").Text(StateName(record.state));
  switch (fault) {
    case GuardFault::kUseAfterFree:
    case GuardFault::kOutOfBounds:
      AddPlace(line.Text(", accessed at "), record, place);
      break;
    case GuardFault::kWrongPointer:
      AddPlace(line.Text(", freed at "), record, place);
      break;
    case GuardFault::kDamaged:
      AddPlace(line.Text(", first at "), record, place);
      line.Text(", found ").Hex(uintptr_t{static_cast<unsigned char>(*place)});
      break;
    case GuardFault::kWrongOwner:
      line.Text(", of cache ").Hex(record.owner).Text(", freed to ").Hex(address);
      break;
    default:
      break;
  }
  line.Write();
  record.allocated.Print("allocated");
  record.freed.Print(record.state == GuardState::kRetired ? "retired" : "freed");
}

}  // namespace mxa::slab
