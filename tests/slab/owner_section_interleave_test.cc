// SPDX-License-Identifier: Apache-2.0
//
// The owner section against a drain: an owner that is inside before it, and a thread that comes while it is under way.
//
// Property: whoever wants another thread's sheaves waits for the section that this thread is in, and no thread gets a way
// past the marks while a pass is at work.
#include <cstddef>

#include "gtest/gtest.h"
#include "slab/cache.h"
#include "slab/membarrier.h"
#include "tests/support/handle_table.h"
#include "tests/support/interleaver.h"
#include "tests/support/thread_group.h"

namespace mxa::slab {
namespace {

using test::HandleTable;
using tests::Interleaver;
using tests::StartBarrier;
using tests::ThreadGroup;

constexpr size_t kItems = 4000;
constexpr size_t kSheaf = 8;

// 1. An owner stands inside a section that it entered the fast way. 2. Somebody wants all sheaves: the handshake, then the
//    wait for that section. 3. The owner goes on, and puts its object where it had begun to.
TEST(OwnerSectionInterleaveTest, ADrainWaitsForTheSectionUnderWay) {
  if (!HaveMembarrier()) GTEST_SKIP() << "sections lock here";
  HandleTable table({.slots = kItems, .sheaf_capacity = kSheaf});
  StartBarrier has_sheaves(2);
  StartBarrier may_free(2);
  ThreadGroup owner;
  owner.Start("owner", [&] {
    ASSERT_TRUE(table.Create(0));
    has_sheaves.Await();
    may_free.Await();
    table.RemoveNow(0);
  });
  has_sheaves.Await();
  Interleaver interleaver;
  interleaver.Hold("owner_section.entered");
  interleaver.Hold("foreign_section.waiting");
  may_free.Await();
  interleaver.AwaitHeld("owner_section.entered");
  ThreadGroup drainer;
  drainer.Start("drainer", [&] { table.cache().Shrink(); });
  interleaver.AwaitHeld("foreign_section.waiting");
  interleaver.Release("owner_section.entered");
  interleaver.Release("foreign_section.waiting");
  drainer.JoinAll();
  owner.JoinAll();
  EXPECT_EQ(table.cache().Stats().live, 0u);
  EXPECT_TRUE(table.cache().CheckInvariants().ok());
}

// 1. A pass has marked and drained, and frozen the first of its slabs. 2. A thread that the cache has never seen frees
//    objects of the others, and then sleeps. 3. They are frozen: what was freed must lie in the bitmap, not with that thread.
TEST(OwnerSectionInterleaveTest, AThreadThatComesDuringAPassTestsTheMarks) {
  HandleTable table({.slots = kItems, .sheaf_capacity = kSheaf});
  for (size_t i = 0; i < kItems; ++i) ASSERT_TRUE(table.Create(i));
  for (size_t i = 0; i < kItems; i += 2) table.RemoveRcu(i);
  table.cache().FreeRcuBarrier();
  Interleaver interleaver;
  interleaver.Hold("pass.after_isolate");
  ThreadGroup pass;
  pass.Start("pass", [&] { EXPECT_TRUE(table.cache().Compact().ok()); });
  interleaver.AwaitHeld("pass.after_isolate");
  StartBarrier freed(2);
  StartBarrier pass_over(2);
  ThreadGroup newcomer;
  newcomer.Start("newcomer", [&] {
    // No more than its sheaf takes: it flushes nothing.
    for (size_t i = 0; i < kSheaf; ++i) table.RemoveNow((i * 331 * 2 + 1) % kItems);
    freed.Await();
    pass_over.Await();
  });
  freed.Await();
  interleaver.Release("pass.after_isolate");
  pass.JoinAll();
  pass_over.Await();
  newcomer.JoinAll();
  EXPECT_EQ(table.violations(), 0u);
  EXPECT_TRUE(table.cache().CheckInvariants().ok());
}

}  // namespace
}  // namespace mxa::slab
