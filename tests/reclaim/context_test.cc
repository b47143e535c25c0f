// SPDX-License-Identifier: Apache-2.0
//
// What a thread may not do follows the scopes that are open on it, and on no other thread.
#include "reclaim/context.h"

#include <thread>

#include "gtest/gtest.h"

namespace mxa::reclaim {
namespace {

TEST(ContextTest, AThreadMayReclaimAtFirst) {
  EXPECT_TRUE(MayReclaim());
  std::thread([] { EXPECT_TRUE(MayReclaim()); }).join();
}

template <typename Scope>
void ForbidsReclaimWhileOpen() {
  {
    Scope outer;
    EXPECT_FALSE(MayReclaim());
    {
      Scope inner;
      EXPECT_FALSE(MayReclaim());
    }
    EXPECT_FALSE(MayReclaim()) << "scopes nest";
  }
  EXPECT_TRUE(MayReclaim());
}

TEST(ContextTest, ArrayLocksForbidReclaim) { ForbidsReclaimWhileOpen<ArrayLockScope>(); }
TEST(ContextTest, CallbacksForbidReclaim) { ForbidsReclaimWhileOpen<NoReclaimScope>(); }
TEST(ContextTest, CanFreeForbidsReclaim) { ForbidsReclaimWhileOpen<CanFreeScope>(); }

TEST(ContextTest, ScopesOfDifferentKindsAreCountedApart) {
  ArrayLockScope array_lock;
  {
    NoReclaimScope callback;
    CanFreeScope can_free;
    EXPECT_EQ(tls_context.array_locks, 1);
    EXPECT_EQ(tls_context.no_reclaim, 1);
    EXPECT_EQ(tls_context.can_free, 1);
  }
  EXPECT_EQ(tls_context.no_reclaim, 0);
  EXPECT_EQ(tls_context.can_free, 0);
  EXPECT_FALSE(MayReclaim()) << "the array lock is still held";
}

TEST(ContextTest, OtherThreadsAreNotConcerned) {
  ArrayLockScope array_lock;
  NoReclaimScope callback;
  std::thread([] { EXPECT_TRUE(MayReclaim()); }).join();
}

}  // namespace
}  // namespace mxa::reclaim
