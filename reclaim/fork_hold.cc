// SPDX-License-Identifier: Apache-2.0
#include "reclaim/fork_hold.h"

#include "absl/base/attributes.h"
#include "reclaim/fork.h"
#include "reclaim/rcu.h"

namespace mxa::reclaim {
namespace {

ABSL_CONST_INIT thread_local unsigned depth = 0;

}  // namespace

ForkHold::ForkHold() {
  if (depth++ != 0) return;  // again, it could wait for a fork that waits for this thread
  OfflineScope offline;      // CHECKs; and the fork that it waits for waits for grace periods
  HoldForks();
}

ForkHold::~ForkHold() {
  if (--depth == 0) LetForksGo();
}

}  // namespace mxa::reclaim
