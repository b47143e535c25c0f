// SPDX-License-Identifier: Apache-2.0
//
// Forks while everybody works: the child finds the array that nobody writes to as it is, can use the caches, retires, waits
// for it, and ends.
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "absl/strings/str_format.h"
#include "base/mutex.h"
#include "reclaim/rcu.h"
#include "tools/torture/scenarios.h"
#include "tools/torture/threads.h"
#include "tools/torture/world.h"

namespace mxa::torture {
namespace {

constexpr uint64_t kStored = 200;
uint64_t IndexOf(uint64_t i) { return i * i * 37; }

class Forks final : public Scenario {
 public:
  explicit Forks(World& world) : array_(world.nodes()) {
    for (uint64_t i = 0; i < kStored; ++i) {
      while (!array_.Store(IndexOf(i), i).ok()) continue;
    }
  }

  std::vector<ActorSpec> Actors(World&) override {
    return {StatelessActor(
        "forker", [this](World& world, tool::Random&) { Fork(world); }, absl::Milliseconds(50))};
  }

 private:
  void Fork(World& world) {
    const pid_t child = ForkAlone(world);
    if (child == 0) _exit(ChildFinds(world));
    int status = 0;
    const reclaim::OfflineScope offline;
    if (child < 0 || waitpid(child, &status, 0) != child) return;
    Note("fork", static_cast<uint64_t>(status));
    if (status != 0) {
      world.errors().Report(Error::kChild, absl::StrFormat("the child of a fork ended with status %d", status));
    }
  }

  // In the child the lock stays as it is: threads that are not there may wait for it.
  static pid_t ForkAlone(World& world) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const reclaim::OfflineScope offline;
    world.thread_lives().Lock();
    const pid_t child = fork();
    if (child != 0) world.thread_lives().Unlock();
    return child;
  }

  // 0, or what is wrong. The child has this thread alone.
  int ChildFinds(World& world) {
    alarm(60);
    for (uint64_t i = 0; i < kStored; ++i) {
      if (array_.Load(IndexOf(i)) != i) return 2;
    }
    XArray<Value> own(world.nodes());
    for (uint64_t i = 0; i < kStored; ++i) own.Store(IndexOf(i) + 1, i).status().IgnoreError();
    for (uint64_t i = 0; i < kStored; ++i) own.Erase(IndexOf(i) + 1);
    if (!own.empty()) return 3;
    world.nodes().slabs().FreeRcuBarrier();
    reclaim::Synchronize();
    return array_.CheckInvariants().ok() ? 0 : 4;
  }

  XArray<Value> array_;
};

}  // namespace

std::unique_ptr<Scenario> MakeForks(World& world) { return std::make_unique<Forks>(world); }

}  // namespace mxa::torture
