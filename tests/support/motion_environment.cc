// SPDX-License-Identifier: Apache-2.0
#include "tests/support/motion_environment.h"

#include <atomic>
#include <cstdio>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "base/check.h"
#include "base/schedule_point.h"
#include "reclaim/context.h"
#include "slab/cache_registry.h"

namespace mxa::tests {
namespace {

// Points of readers and writers; those of passes, of the mover and of the slabs are not places to begin a pass at.
bool IsInOperation(absl::string_view point) {
  for (const char* prefix :
       {"load.", "load_many.", "cursor.", "store.", "store_many.", "allocate.", "ida.", "map.", "range."}) {
    if (absl::StartsWith(point, prefix)) return true;
  }
  return false;
}

std::atomic<MotionEnvironment*> g_environment{nullptr};
thread_local bool is_pass_thread = false;

}  // namespace

void MotionEnvironment::SetUp() {
  {
    MutexLock lock(&mutex_);
    stop_ = false;
  }
  g_environment.store(this);
  passes_ = std::thread([this] { Run(); });
  if (mode_ == Mode::kCompactor) stalls_.emplace();
#if MXA_HOOKS
  if (mode_ == Mode::kEverywhere) SetScheduleHandlerForTest(&OnPoint);
#else
  MXA_CHECK(mode_ != Mode::kEverywhere, "schedule points are not compiled in");
#endif
}

void MotionEnvironment::TearDown() {
  stalls_.reset();
#if MXA_HOOKS
  if (mode_ == Mode::kEverywhere) SetScheduleHandlerForTest(nullptr);
#endif
  {
    MutexLock lock(&mutex_);
    stop_ = true;
    changed_.SignalAll();
  }
  passes_.join();
  g_environment.store(nullptr);
  MutexLock lock(&mutex_);
  std::printf("%llu objects moved in %llu rounds, %llu of them at schedule points\n",
              static_cast<unsigned long long>(objects_), static_cast<unsigned long long>(begun_),
              static_cast<unsigned long long>(points_));
}

void MotionEnvironment::Run() {
  is_pass_thread = true;
  for (;;) {
    {
      MutexLock lock(&mutex_);
      is_passing_ = false;
      changed_.SignalAll();
      // Everywhere: an operation that comes to a point should find no pass under way that cannot end.
      while (!stop_ && mode_ == Mode::kEverywhere && wanted_ <= begun_) changed_.Wait(&mutex_);
      if (stop_) return;
      is_passing_ = true;
      ++begun_;
    }
    MoveAll();
    std::this_thread::yield();  // all the time, but where there is nothing to move others come first
  }
}

// Under the lock of the list of caches, so that none ends meanwhile. cache_registry.h asks visitors not to wait for
// grace periods, for the sake of who comes to the list with a section open or a lock held; tests do not.
void MotionEnvironment::MoveAll() {
  slab::ForEachCache([this](slab::Cache& cache) {
    if (!cache.Shape().movable || cache.Stats().live == 0) return;
    slab::CompactOptions options;
    options.mode = slab::CompactOptions::Mode::kMoveEverything;
    const auto pass = cache.Compact(options);
    MXA_CHECK(pass.ok(), "a pass failed, or the test runs its own");
    MutexLock lock(&mutex_);
    objects_ += pass->objects_moved;
  });
}

void MotionEnvironment::OnPoint(const char* point) {
  MotionEnvironment* environment = g_environment.load();
  if (environment == nullptr) return;
  if (is_pass_thread) {
    if (absl::string_view(point) != "pass.before_grace_period") return;
    MutexLock lock(&environment->mutex_);
    environment->moved_ = environment->begun_;
    environment->changed_.SignalAll();
    return;
  }
  if (reclaim::MayReclaim() && IsInOperation(point)) environment->MoveNow();
}

// Has everything moved before it returns, unless a pass is under way that waits for a section to end, or another thread
// is here.
void MotionEnvironment::MoveNow() {
  MutexLock lock(&mutex_);
  if (is_passing_ || wanted_ > begun_) return;
  ++points_;
  wanted_ = begun_ + 1;
  const uint64_t round = wanted_;
  changed_.SignalAll();
  while (begun_ < round || (is_passing_ && begun_ == round && moved_ < round)) changed_.Wait(&mutex_);
}

}  // namespace mxa::tests
