// SPDX-License-Identifier: Apache-2.0
//
// One kind of user of the library, in steps between which it can rest, and scenarios: named sets of them.
//
// How to add a scenario: README.md.
#ifndef MXA_TOOLS_TORTURE_ACTOR_H_
#define MXA_TOOLS_TORTURE_ACTOR_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "tools/mxa/random.h"
#include "tools/torture/figures.h"

namespace mxa::torture {

class World;

// Threads: Step is called by one thread. In a single-threaded run all actors share one.
class Actor {
 public:
  virtual ~Actor() = default;

  // Some microseconds to some milliseconds of work. At its end it holds no lock and no section, and all threads it started
  // have ended. All chance comes from `random`, and it waits for no other actor, so that a single-threaded run replays.
  virtual void Step(World& world, tool::Random& random) = 0;
};

struct ActorSpec {
  std::string name;  // without digits at its end, of at most 12 letters: threads are called so
  size_t count = 1;  // threads of this kind
  absl::Duration pace = absl::ZeroDuration();  // rest after each step; zero: none
  std::function<std::unique_ptr<Actor>(World&)> make;
};

// A step without state of its own.
ActorSpec StatelessActor(std::string name, std::function<void(World&, tool::Random&)> step,
                         absl::Duration pace = absl::ZeroDuration(), size_t count = 1);

// A run in which the sum of `figure` stays below `least_per_second` for each second of work says nothing.
struct Minimum {
  Figure figure;
  double least_per_second;
};

// What the actors of a scenario share, made for one run. Ends, at rest, behind all its actors.
class Scenario {
 public:
  virtual ~Scenario() = default;

  virtual std::vector<ActorSpec> Actors(World& world) = 0;
  // Called at every pause, with all actors at rest and everything retired called back; reports to world.errors().
  virtual void Audit(World&) {}
  virtual std::vector<Minimum> Minima() const { return {}; }
};

struct ScenarioKind {
  const char* name;
  const char* summary;  // what it is about, in one line of help
  std::unique_ptr<Scenario> (*make)(World&);
  bool in_mixed = true;  // takes part where no scenario is named
  bool replays = true;   // comes out the same in every single-threaded run with the same seed
};

// All there are (scenario_list.cc).
absl::Span<const ScenarioKind> ScenarioKinds();
// Null when there is none of that name.
const ScenarioKind* ScenarioByName(absl::string_view name);

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_ACTOR_H_
