// SPDX-License-Identifier: Apache-2.0
#include "tools/torture/errors.h"

#include "absl/strings/str_format.h"
#include "tools/torture/threads.h"

namespace mxa::torture {
namespace {

constexpr std::array<const char*, kErrors> kNames = {"pipe",    "element",  "version", "vanished", "walk",    "oracle",
                                                     "mailbox", "callback", "audit",   "leak",     "backlog", "mark",
                                                     "order",   "id",       "memory",  "child",    "checker"};

}  // namespace

const char* ErrorName(Error error) { return kNames[static_cast<size_t>(error)]; }

void Errors::Report(Error error, absl::string_view what) {
  counts_[static_cast<size_t>(error)].fetch_add(1, std::memory_order_relaxed);
  MutexLock lock(&mutex_);
  if (any_) return;
  any_ = true;
  first_ = absl::StrFormat("%s: %s: %s", ErrorName(error), ThisThread().name(), what);
  first_operations_ = ThisThread().operations().ToString();
}

uint64_t Errors::total() const {
  uint64_t sum = 0;
  for (size_t i = 0; i < kErrors; ++i) sum += count(static_cast<Error>(i));
  return sum;
}

std::string Errors::first() const {
  MutexLock lock(&mutex_);
  return first_;
}

std::string Errors::first_operations() const {
  MutexLock lock(&mutex_);
  return first_operations_;
}

}  // namespace mxa::torture
