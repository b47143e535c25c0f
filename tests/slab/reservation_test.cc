// SPDX-License-Identifier: Apache-2.0
#include "slab/reservation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstdint>
#include <utility>

#include "absl/base/config.h"
#include "absl/debugging/leak_check.h"

namespace mxa::slab {
namespace {

constexpr size_t kAlignment = size_t{2} << 20;
constexpr size_t kBytes = 3 * kAlignment;

TEST(ReservationTest, IsAlignedAndUsableOnceCommitted) {
  const Reservation reservation(kBytes, kAlignment);
  ASSERT_TRUE(reservation);
  EXPECT_EQ(reservation.bytes(), kBytes);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(reservation.start()) % kAlignment, 0u);
  ASSERT_EQ(mprotect(reservation.start(), kBytes, PROT_READ | PROT_WRITE), 0);
  static_cast<char*>(reservation.start())[kBytes - 1] = 1;
}

TEST(ReservationTest, HasNoneOfWhatTheSystemRefuses) {
  const Reservation reservation(size_t{1} << 60, kAlignment);
  EXPECT_FALSE(reservation);
  EXPECT_EQ(reservation.bytes(), 0u);
}

TEST(ReservationTest, MovesAndEndsOnce) {
  Reservation first(kBytes, kAlignment);
  void* const start = first.start();
  Reservation second = std::move(first);
  EXPECT_FALSE(first);
  EXPECT_EQ(second.start(), start);
  unsigned char in_core[kBytes / 4096];
  EXPECT_EQ(mincore(start, kBytes, in_core), 0);
  second = Reservation();
  EXPECT_EQ(mincore(start, kBytes, in_core), -1) << "the addresses are still mapped";
}

#ifdef ABSL_HAVE_LEAK_SANITIZER
// The pointers are written in a frame of their own, so that none is left on the stack.
__attribute__((noinline)) void HoldHeapMemory(void* readable, size_t count) {
  for (size_t i = 0; i < count; ++i) static_cast<char**>(readable)[i] = new char[100];
}

TEST(ReservationTest, KeepsWhatItsObjectsOwnFromBeingReportedAsLeaked) {
  const Reservation reservation(kBytes, kAlignment);
  ASSERT_TRUE(reservation);
  ASSERT_EQ(mprotect(reservation.start(), 4096, PROT_READ | PROT_WRITE), 0);
  HoldHeapMemory(reservation.start(), 400);
  EXPECT_FALSE(absl::FindAndReportLeaks());
  for (size_t i = 0; i < 400; ++i) delete[] static_cast<char**>(reservation.start())[i];
}
#endif

}  // namespace
}  // namespace mxa::slab
