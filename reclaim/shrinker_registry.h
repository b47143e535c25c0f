// SPDX-License-Identifier: Apache-2.0
//
// All shrinkers, and the rounds that ask each for its share.
//
// A round at priority p asks a shrinker for count * 4 / seeks / 2^p objects, plus what earlier rounds asked for and did
// not get, in scans of a batch. What is less than a batch is carried over to the next round, unless it is all there is;
// what is carried never exceeds twice the count, so that a quiet week is not made up for at once.
//
// Invariants:
//   Sh1  a shrinker is called by one thread at a time, never after its handle has gone.
//   Sh2  one that fails, stops, frees nothing or does not return holds up no other: other callers pass it by.
// Threads: every function from any thread at once; ends of handles wait for who is inside that one shrinker.
// Fork: waits for the scans under way (roster.h).
#ifndef MXA_RECLAIM_SHRINKER_REGISTRY_H_
#define MXA_RECLAIM_SHRINKER_REGISTRY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "reclaim/clock.h"
#include "reclaim/roster.h"
#include "reclaim/shrinker.h"

namespace mxa::reclaim {

// Priorities go from this, a look at one object in 4096, down to 0: everything.
inline constexpr int kLowestPriority = 12;

struct ShrinkRequest {
  int priority = kLowestPriority;
  int node = kAnyNode;
  // Ends the round when this many bytes are back.
  uint64_t wanted_bytes = ~uint64_t{0};
  // Ends the round after the scan that has used it up; what is not done is carried over.
  absl::Duration time_limit = absl::Milliseconds(100);
  const std::atomic<bool>* cancel = nullptr;
  bool direct_only = false;  // only those with ShrinkerOptions::direct
};

struct ShrinkResult {
  size_t objects = 0;
  uint64_t bytes = 0;
  size_t scans = 0;
  size_t shrinkers = 0;  // asked
  size_t occupied = 0;   // passed by, as another thread was inside
};

struct ShrinkerStats {
  std::string name;
  uint64_t rounds = 0;  // in which it was asked
  uint64_t scans = 0;
  uint64_t asked = 0;  // objects
  uint64_t dropped = 0;
  uint64_t bytes = 0;
  uint64_t stops = 0;
  uint64_t errors = 0;
  std::string last_error;
  uint64_t fruitless = 0;  // rounds with scans and nothing dropped
  uint64_t rested = 0;     // rounds left out, as those before were fruitless
  uint64_t passed_by = 0;  // by callers that found another thread inside
  uint64_t carried = 0;    // objects, of all nodes, for rounds to come
  size_t last_count = 0;   // what Count said last
  absl::Duration longest_scan = absl::ZeroDuration();
  // A thread is inside since then, by the registry's clock.
  std::optional<absl::Duration> inside_since;
};

class ShrinkerRegistry;

// Ends a registration when it goes.
class [[nodiscard]] ShrinkerHandle {
 public:
  ShrinkerHandle() = default;
  ShrinkerHandle(ShrinkerHandle&& other) noexcept;
  ShrinkerHandle& operator=(ShrinkerHandle&& other) noexcept;
  ~ShrinkerHandle() { Reset(); }

  // Waits until nobody is inside the shrinker; it may be destroyed then.
  // REQUIRES: not from inside it.    (CHECKed)
  // Context: no read section; no lock that the shrinker takes.
  void Reset();

 private:
  friend class ShrinkerRegistry;
  struct Record;
  ShrinkerHandle(ShrinkerRegistry* registry, std::shared_ptr<Record> record);

  ShrinkerRegistry* registry_ = nullptr;
  std::shared_ptr<Record> record_;
};

class ShrinkerRegistry {
 public:
  explicit ShrinkerRegistry(const ReclaimClock& clock = ReclaimClock::System()) : clock_(clock) {}
  // The one that allocations and background reclaimers use unless told otherwise; lives until the process ends.
  static ShrinkerRegistry& Default();

  // `shrinker` outlives the handle, and the handle does not outlive the registry.
  // REQUIRES: options within their limits.    (CHECKed)
  // Context: any but a read section; not inside a ShrinkerRegistry's lock (it has none that callers see).
  ShrinkerHandle Register(Shrinker& shrinker, const ShrinkerOptions& options);

  // One round over all shrinkers, in the order of their registration, beginning with another one each time.
  //
  // REQUIRES: priority from 0 to kLowestPriority; no read section, array lock or reclaim callback on this thread.
  // (CHECKed)
  // Context: calls Count and Scan with no lock held and with reclaim forbidden.
  ShrinkResult Shrink(const ShrinkRequest& request);

  bool empty() const { return roster_.size() == 0; }
  std::vector<ShrinkerStats> Stats() const;
  // Those that a thread has been inside of for at least `longer_than`.
  std::vector<RosterOccupied> Stalled(absl::Duration longer_than) const;

 private:
  friend class ShrinkerHandle;

  const ReclaimClock& clock_;
  Roster roster_;
  std::atomic<size_t> next_{0};  // where the next round begins
};

}  // namespace mxa::reclaim

#endif  // MXA_RECLAIM_SHRINKER_REGISTRY_H_
