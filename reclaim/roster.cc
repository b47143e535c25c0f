// SPDX-License-Identifier: Apache-2.0
#include "reclaim/roster.h"

#include <algorithm>

#include "base/check.h"
#include "base/mutex.h"
#include "base/schedule_point.h"
#include "reclaim/rcu.h"

namespace mxa::reclaim {
namespace {

// Of all rosters: no path that is worth making fast comes here. Lives until the process ends.
struct State {
  Mutex mutex;
  CondVar someone_left;
};

State& GetState() {
  static State& state = *new State;
  return state;
}

// Made before main, so that no fork comes between (reclaim/fork.h, F3).
[[maybe_unused]] State& state_from_start = GetState();

}  // namespace

Roster::~Roster() { MXA_CHECK(size() == 0, "a roster destroyed while somebody is on it"); }

void Roster::Add(std::shared_ptr<RosterMember> member) {
  const ForkHold hold;
  MutexLock lock(&GetState().mutex);
  MXA_CHECK(!member->listed_, "a member added twice");
  member->listed_ = true;
  members_.push_back(std::move(member));
}

void Roster::Remove(RosterMember& member) {
  std::shared_ptr<RosterMember> last;  // goes after the lock: its destructor is somebody else's
  const ForkHold hold;
  MXA_SCHEDULE_POINT("roster.remove");
  MutexLock lock(&GetState().mutex);
  MXA_CHECK(member.listed_, "a member removed that is not listed");
  MXA_CHECK(member.inside_ != std::this_thread::get_id(), "a member removed by a thread that is inside it");
  member.listed_ = false;
  if (member.inside_ != std::thread::id()) {
    OfflineScope offline;
    while (member.inside_ != std::thread::id()) GetState().someone_left.Wait(&GetState().mutex);
  }
  auto place =
      std::find_if(members_.begin(), members_.end(), [&](const auto& listed) { return listed.get() == &member; });
  MXA_CHECK(place != members_.end(), "a member removed from a roster that it is not on");
  last = std::move(*place);
  members_.erase(place);
}

std::vector<std::shared_ptr<RosterMember>> Roster::Members() const {
  const ForkHold hold;
  MutexLock lock(&GetState().mutex);
  return members_;
}

size_t Roster::size() const {
  const ForkHold hold;
  MutexLock lock(&GetState().mutex);
  return members_.size();
}

std::vector<RosterOccupied> Roster::Occupied() const {
  const ForkHold hold;
  MutexLock lock(&GetState().mutex);
  std::vector<RosterOccupied> occupied;
  for (const auto& member : members_) {
    if (member->inside_ != std::thread::id()) occupied.push_back({member.get(), member->name(), member->since_});
  }
  return occupied;
}

bool Roster::TryEnter(RosterMember& member, absl::Duration now) {
  MutexLock lock(&GetState().mutex);
  if (!member.listed_ || member.inside_ != std::thread::id()) return false;
  member.inside_ = std::this_thread::get_id();
  member.since_ = now;
  return true;
}

void Roster::Leave(RosterMember& member) {
  MutexLock lock(&GetState().mutex);
  member.inside_ = std::thread::id();
  GetState().someone_left.SignalAll();
}

}  // namespace mxa::reclaim
