// SPDX-License-Identifier: Apache-2.0
//
// The read section of an actor: one of the library's, with a number that the grace-period oracle watches, and delays
// between load and use.
//
//   ReadScope section;
//   const Element* element = array.Load(index);
//   section.Hold(random);                        // now and then for long
//   CheckElement(*element, ...);
//
// Threads: one thread's; they do not nest.
#ifndef MXA_TOOLS_TORTURE_READ_SCOPE_H_
#define MXA_TOOLS_TORTURE_READ_SCOPE_H_

#include "tools/mxa/random.h"

namespace mxa::torture {

class [[nodiscard]] ReadScope {
 public:
  ReadScope();
  ~ReadScope();
  ReadScope(const ReadScope&) = delete;
  ReadScope& operator=(const ReadScope&) = delete;

  // Lets time pass while what was loaded is held: mostly none, some microseconds now and then, milliseconds once in a
  // while.
  void Hold(tool::Random& random);

  // Ends the section and begins another, for cursors that pause.
  void Renew();

 private:
  void Enter();
  void Leave();

  bool entered_ = false;  // a section of the library is open
};

// For as long as that: spins, or sleeps when it is long. Nothing is held up but this thread.
void Delay(tool::Random& random, uint64_t most_ns);

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_READ_SCOPE_H_
