// SPDX-License-Identifier: Apache-2.0
#include "slab/guard/signal_line.h"

#include <unistd.h>

#include <charconv>

namespace mxa::slab {

SignalLine& SignalLine::Text(const char* text) {
  // One byte stays free for the line end.
  while (*text != '\0' && size_ < kCapacity - 1) text_[size_++] = *text++;
  return *this;
}

SignalLine& SignalLine::Decimal(int64_t value) {
  char digits[24];
  *std::to_chars(digits, digits + sizeof(digits) - 1, value).ptr = '\0';
  return Text(digits);
}

SignalLine& SignalLine::Hex(uintptr_t value) {
  char digits[24];
  *std::to_chars(digits, digits + sizeof(digits) - 1, value, 16).ptr = '\0';
  return Text("0x").Text(digits);
}

void SignalLine::Write() {
  text_[size_++] = '\n';
  // The process is about to end: a short or failed write changes nothing that could still be done.
  [[maybe_unused]] const ssize_t ignored = write(STDERR_FILENO, text_.data(), size_);
}

}  // namespace mxa::slab
