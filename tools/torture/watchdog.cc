// SPDX-License-Identifier: Apache-2.0
#include "tools/torture/watchdog.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "reclaim/rcu_readers.h"
#include "tools/mxa/clock.h"
#include "tools/torture/array_name.h"
#include "tools/torture/threads.h"

namespace mxa::torture {
namespace {

double SecondsInStep(const ThreadRecord& record, uint64_t now_ns) {
  const uint64_t began_ns = record.step_began_ns();
  return began_ns == 0 || began_ns > now_ns ? 0 : static_cast<double>(now_ns - began_ns) / 1e9;
}

// "held by" whom, as far as it is known: who has no record may hold it as well.
std::string DescribeHolders(const void* anchor) {
  std::string holders;
  for (size_t i = 1; i < ThreadRecords(); ++i) {
    const ThreadRecord& record = ThreadRecordAt(i);
    if (!record.in_use() || !record.Holds(anchor)) continue;
    absl::StrAppendFormat(&holders, "%s%s", holders.empty() ? "" : ", ", record.name());
  }
  return holders.empty() ? "a thread of the library, or nobody" : holders;
}

// A line for each array lock it holds, and one for the lock it waits for.
std::string DescribeLocks(const ThreadRecord& record) {
  std::string text;
  for (size_t i = 0; i < ThreadRecord::kMostHeldLocks; ++i) {
    const void* held = record.held_lock(i);
    if (held != nullptr) absl::StrAppendFormat(&text, "  holds the lock of %s\n", DescribeArray(held));
  }
  if (const void* awaited = record.awaited_lock()) {
    absl::StrAppendFormat(&text, "  waits for the lock of %s, held by %s\n", DescribeArray(awaited),
                          DescribeHolders(awaited));
  }
  return text;
}

}  // namespace

std::string DescribeThreads() {
  std::string text;
  const uint64_t now_ns = tool::NowNs();
  for (size_t i = 1; i < ThreadRecords(); ++i) {
    const ThreadRecord& record = ThreadRecordAt(i);
    if (!record.in_use()) continue;
    absl::StrAppendFormat(&text, "%s: %.1f s in its step, last at '%s' with %d array locks, %s section %d\n",
                          record.name(), SecondsInStep(record, now_ns), record.point(), record.array_locks(),
                          record.section() % 2 == 1 ? "in" : "behind", record.section());
    text += DescribeLocks(record);
    text += record.operations().ToString();
  }
  for (const reclaim::GracePeriodHolder& holder : reclaim::GracePeriodHolders()) {
    absl::StrAppendFormat(&text, "the grace period under way waits for %s (thread %d)\n", holder.name,
                          holder.thread_id);
  }
  return text;
}

Watchdog::Watchdog(std::function<double()> limit, std::function<void(const std::string&)> on_stall)
    : limit_(std::move(limit)), on_stall_(std::move(on_stall)), thread_([this] { Watch(); }) {}

Watchdog::~Watchdog() {
  {
    MutexLock lock(&mutex_);
    ended_ = true;
    ended_changed_.SignalAll();
  }
  thread_.join();
}

void Watchdog::Watch() {
  MutexLock lock(&mutex_);
  while (!ended_) {
    ended_changed_.WaitWithTimeout(&mutex_, absl::Milliseconds(100));
    const uint64_t now_ns = tool::NowNs();
    for (size_t i = 1; i < ThreadRecords(); ++i) {
      if (!ThreadRecordAt(i).in_use() || SecondsInStep(ThreadRecordAt(i), now_ns) < limit_()) continue;
      return on_stall_(DescribeThreads());
    }
  }
}

}  // namespace mxa::torture
