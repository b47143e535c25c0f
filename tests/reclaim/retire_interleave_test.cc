// SPDX-License-Identifier: Apache-2.0
//
// What is retired while a grace period is being waited for belongs to the next one.
#include <cstdint>

#include "gtest/gtest.h"
#include "reclaim/retire.h"
#include "tests/support/interleaver.h"

namespace mxa::reclaim {
namespace {

using tests::Interleaver;

// Notes how many batches had ended when it was called back.
struct Noted : RetireHead {
  static void CallBack(RetireHead* head) { static_cast<Noted*>(head)->batches_before = GetRetireStats().batches; }
  uint64_t batches_before = 0;
};

// 1. The thread has taken what was waiting and is about to wait for a grace period. 2. Something else is retired: a reader
//    may have come since, so that this grace period says nothing about it. 3. It is called back with the next batch.
TEST(RetireInterleaveTest, WhatComesDuringAGracePeriodWaitsForTheNext) {
  RetireBarrier();
  const uint64_t before = GetRetireStats().batches;
  Noted early;
  Noted late;
  Interleaver interleaver;
  interleaver.Hold("retire.before_grace_period");
  Retire(&early, &Noted::CallBack);
  interleaver.AwaitHeld("retire.before_grace_period");
  Retire(&late, &Noted::CallBack);
  interleaver.Release("retire.before_grace_period");
  RetireBarrier();
  EXPECT_EQ(early.batches_before, before);
  EXPECT_EQ(late.batches_before, before + 1);
  EXPECT_EQ(GetRetireStats().batches, before + 2);
}

}  // namespace
}  // namespace mxa::reclaim
