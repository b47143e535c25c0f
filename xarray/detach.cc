// SPDX-License-Identifier: Apache-2.0
#include "xarray/detach.h"

#include "base/schedule_point.h"
#include "base/tsan.h"

#if defined(__x86_64__) && !MXA_TSAN
#include <immintrin.h>
#endif

namespace mxa::xarray {
namespace {

void StoreRetryInAll(Node* node) {
#if defined(__x86_64__) && !MXA_TSAN
  // Two slots a store: the stores of a detachment are a good part of a move. The processor stores each aligned half at once and
  // no store before an earlier one, so these are what StoreRetry's are; the statement is opaque to the compiler, which keeps
  // what comes before it before, and what comes after it after.
  static_assert(sizeof(Entry) == sizeof(long long));
  const __m128i pair = _mm_set1_epi64x(static_cast<long long>(kRetry));
  auto* const pairs = static_cast<__m128i*>(node->SlotsForRetry());
#pragma GCC unroll 32
  for (unsigned i = 0; i < kSlots / 2; ++i) {
    // ORDER(retry) release; as in StoreRetry.
    asm volatile("movdqa %1, %0" : "=m"(pairs[i]) : "x"(pair) : "memory");
  }
#else
  for (unsigned offset = 0; offset < kSlots; ++offset) node->StoreRetry(offset);
#endif
}

}  // namespace

void Detach(Node* node) {
  MXA_SCHEDULE_POINT("detach.before_retry");
  StoreRetryInAll(node);
  MXA_SCHEDULE_POINT("detach.before_owner");
  node->MarkRetired();
}

}  // namespace mxa::xarray
