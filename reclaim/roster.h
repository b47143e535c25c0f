// SPDX-License-Identifier: Apache-2.0
//
// Things of others that come and go while this library calls into them: each is entered by one thread at a time, with no
// lock held, and leaving the roster waits for who is inside.
//
//   for (const auto& member : roster.Members()) {
//     RosterVisit visit(roster, *member, clock.Now());
//     if (visit.inside()) static_cast<Shrinker&>(*member).Call();
//   }
//
// Invariants:
//   Ro1  at most one thread is inside a member, and only while the member is listed.
//   Ro2  after Remove has returned nobody is inside the member, and nobody will be.
//   Ro3  a member that is stuck holds up only its own Remove, and a fork.
// Threads: every function from any thread at once. One process-wide leaf lock for all rosters.
// Fork: waits for who is inside, so that the child finds nobody there. The lock is only ever held inside a ForkHold.
// Why not a lock held during the call: a call may last for ever, and who only wants to look must not wait for it.
#ifndef MXA_RECLAIM_ROSTER_H_
#define MXA_RECLAIM_ROSTER_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "reclaim/fork_hold.h"

namespace mxa::reclaim {

class RosterMember {
 public:
  explicit RosterMember(std::string name) : name_(std::move(name)) {}
  virtual ~RosterMember() = default;
  RosterMember(const RosterMember&) = delete;
  RosterMember& operator=(const RosterMember&) = delete;

  const std::string& name() const { return name_; }

 private:
  friend class Roster;

  const std::string name_;
  // Under the rosters' lock.
  bool listed_ = false;
  std::thread::id inside_;  // none: nobody
  absl::Duration since_ = absl::ZeroDuration();
};

// Who is inside a member, and since when by the clock of who entered.
struct RosterOccupied {
  const RosterMember* member;  // to compare with: it may be gone
  std::string name;
  absl::Duration since;
};

class Roster {
 public:
  Roster() = default;
  // REQUIRES: every member has been removed.    (CHECKed)
  ~Roster();
  Roster(const Roster&) = delete;
  Roster& operator=(const Roster&) = delete;

  void Add(std::shared_ptr<RosterMember> member);

  // Waits until nobody is inside `member`, and for nobody else.
  // REQUIRES: it is listed, and this thread is not inside it.    (CHECKed)
  // Context: no read section; no lock that the member takes.
  void Remove(RosterMember& member);

  // Those listed now, in the order in which they came. One may have been removed by the time it is entered.
  std::vector<std::shared_ptr<RosterMember>> Members() const;
  size_t size() const;

  // Members with somebody inside.
  std::vector<RosterOccupied> Occupied() const;

 private:
  friend class RosterVisit;

  bool TryEnter(RosterMember& member, absl::Duration now);
  void Leave(RosterMember& member);

  std::vector<std::shared_ptr<RosterMember>> members_;  // under the rosters' lock
};

// Being inside a member, or having found that one cannot: it is occupied, or not listed any more.
// Context: outside read sections; keeps other threads from forking.
class [[nodiscard]] RosterVisit {
 public:
  RosterVisit(Roster& roster, RosterMember& member, absl::Duration now)
      : roster_(roster), member_(member), inside_(roster.TryEnter(member, now)) {}
  ~RosterVisit() {
    if (inside_) roster_.Leave(member_);
  }
  RosterVisit(const RosterVisit&) = delete;
  RosterVisit& operator=(const RosterVisit&) = delete;

  bool inside() const { return inside_; }

 private:
  const ForkHold hold_;  // first in, last out
  Roster& roster_;
  RosterMember& member_;
  const bool inside_;
};

}  // namespace mxa::reclaim

#endif  // MXA_RECLAIM_ROSTER_H_
