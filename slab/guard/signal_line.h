// SPDX-License-Identifier: Apache-2.0
//
// One line of text for standard error, put together and written where little is allowed: in a signal handler, before
// abort().
//
//   SignalLine().Text("mxa: object ").Hex(address).Text(", ").Decimal(size).Text(" bytes").Write();
//
// Threads: one owner's; the line goes out in one write, so that lines of several threads stay whole.
// Why not StrFormat or snprintf: neither promises to take no lock and to allocate nothing.
#ifndef MXA_SLAB_GUARD_SIGNAL_LINE_H_
#define MXA_SLAB_GUARD_SIGNAL_LINE_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace mxa::slab {

class SignalLine {
 public:
  // What does not fit is left out.
  static constexpr size_t kCapacity = 512;

  // Context of all: any; async-signal-safe.
  SignalLine& Text(const char* text);
  SignalLine& Decimal(int64_t value);
  // With 0x in front.
  SignalLine& Hex(uintptr_t value);
  SignalLine& Hex(const void* address) { return Hex(reinterpret_cast<uintptr_t>(address)); }
  // Writes the line and a line end to standard error. Once.
  void Write();

 private:
  std::array<char, kCapacity> text_;
  size_t size_ = 0;
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_GUARD_SIGNAL_LINE_H_
