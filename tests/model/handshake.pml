/* SPDX-License-Identifier: Apache-2.0
 *
 * The owner section: a flag of the owner's and a fence of the drainer's, with membarrier and no lock on the owner's side.
 *
 * One owner, which registers, goes through three sections, is perhaps parked and comes back; a pass and a housekeeper, which
 * both want its sheaves. The owner's stores go through a buffer, first in, first out, which the processor writes back when
 * it likes, and membarrier at once. A section counts as over only when the store that ends it has been written back.
 *
 * Claims: never two at the sheaves; nobody is left waiting.
 */
#include "protocol.inc"

#define O 1
#define P 2
#define H 3

chan buffer = [4] of { bit };    /* the owner's stores to in_section */
bool in_section = 0, fence = 0;  /* fence: up */
bool registered = 0, parked = 0;
byte requests = 0;               /* slow_requests_ */
byte registry = 0, mutex = 0;
/* Ghosts. */
byte owner_inside = 0;           /* sections of the owner that may still touch the sheaves */
bool foreign_inside = 0;

inline write_back() { buffer ? in_section; owner_inside = (in_section -> owner_inside : 0) }

proctype buffers() {
end:
  do
  :: atomic { nempty(buffer) -> write_back() }
  od
}

inline membarrier() {
#ifdef MUTANT_NO_MEMBARRIER
  skip
#else
  atomic { do :: nempty(buffer) -> write_back() :: empty(buffer) -> break od }
#endif
}

proctype owner() {
  byte sections = 0;
  bool up;
  LOCK(registry, O);                           /* NewSheaves */
#ifdef MUTANT_NEW_THREAD_FAST
  d_step { fence = 1; registered = 1 };
#else
  d_step { fence = (requests == 0); registered = 1 };
#endif
  UNLOCK(registry, O);
each:
#ifdef MUTANT_FLAG_AFTER_TEST
  up = fence;
  if
  :: up -> d_step { assert(!foreign_inside); owner_inside = 1 }
  :: else
  fi;
  buffer ! 1;
#else
  buffer ! 1;                                  /* FastOwnerSection */
  d_step {
    up = fence;
    if
    :: up -> assert(!foreign_inside); owner_inside = 1
    :: else
    fi
  };
#endif
  if
  :: up -> buffer ! 0                          /* with release: after what the section did */
  :: else ->                                   /* EnterSlow */
#ifndef MUTANT_FLAG_KEPT
     buffer ! 0;
#endif
     LOCK(mutex, O);
#ifdef MUTANT_FLAG_KEPT
     buffer ! 0;
#endif
     assert(!foreign_inside);
     UNLOCK(mutex, O);
     if
     :: parked ->                              /* LeaveBusy, Unpark */
        LOCK(registry, O);
        parked = 0;
#ifdef MUTANT_UNPARK_IGNORES_REQUESTS
        fence = 1;
#else
        if :: requests == 0 -> fence = 1 :: else fi;
#endif
        UNLOCK(registry, O)
     :: else
     fi
  fi;
  sections++; up = 0;
  if :: sections < 3 -> goto each :: else fi
}

inline begin_slow_locked() {
  requests++;
  if
  :: requests == 1 ->
     if :: registered -> fence = 0 :: else fi;
     membarrier()
  :: else
  fi
}
inline end_slow_locked() {
#ifdef MUTANT_REQUESTS_NOT_COUNTED
  requests = 0;
#else
  requests--;
#endif
  if
  :: requests == 0 && registered && !parked -> fence = 1
  :: else
  fi
}
inline foreign_section(me) {
  if
  :: registered ->
     LOCK(mutex, me);
#ifndef MUTANT_FLAG_NOT_AWAITED
     in_section == 0;
#endif
     d_step { assert(owner_inside == 0 && !foreign_inside); foreign_inside = 1 };
     foreign_inside = 0;
     UNLOCK(mutex, me)
  :: else
  fi
}

proctype pass() {
#ifdef MUTANT_BEGUN_WITHOUT_REGISTRY
  begin_slow_locked();
#else
  LOCK(registry, P);
  begin_slow_locked();
  UNLOCK(registry, P);
#endif
  LOCK(registry, P);
  foreign_section(P);
  UNLOCK(registry, P);
  LOCK(registry, P);
  foreign_section(P);
  UNLOCK(registry, P);
  LOCK(registry, P);
  end_slow_locked();
  UNLOCK(registry, P)
}

proctype housekeeper() {
  LOCK(registry, H);
  begin_slow_locked();
  foreign_section(H);
  if
  :: registered -> parked = 1
  :: skip
  fi;
  end_slow_locked();
  UNLOCK(registry, H)
}

init { atomic { run owner(); run pass(); run housekeeper(); run buffers() } }
