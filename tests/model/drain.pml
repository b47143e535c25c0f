/* SPDX-License-Identifier: Apache-2.0
 *
 * One object of a slab that a pass empties, on its way between user, sheaves, barn, retirement and slab.
 *
 * Two threads with a sheaf and an rcu-free sheaf each, one barn, recycling, one pass. An owner section is one step: that is
 * what handshake.pml shows. Claims: when the slab is frozen the object is with its user, retired, or free in the bitmap,
 * never in a sheaf or between two places; its destructor has not run while the slab is isolated, so that the owner may look at
 * it; a retired one is not left with a thread that may sleep for hours.
 * Not searched for endless runs: the threads go on.
 */
#include "protocol.inc"

/* Where the object is. */
#define USER 0
#define MAIN 2            /* MAIN + thread: in its sheaf */
#define RCU 4             /* RCU + thread: in its rcu-free sheaf */
#define BARN 6
#define SLAB 7            /* the bitmap says free */
#define TRANSIT 8         /* TRANSIT + thread: taken from the slab, not yet in the sheaf */
#define PASS_LIST 10      /* marked_retired_ */
#define QUEUE 11          /* waits for its grace period */
#define RECYCLED 12       /* at the recycling thread */

byte where = USER;
bool mark = 0, frozen = 0, over = 0;
bool filtering = 0;
bool slow = 0;            /* sections look at marks */
byte recycle = 0;         /* the recycle lock */
bool destroyed = 0;       /* the destructor has run, and nobody has allocated it since */
bool gone[2];             /* the thread has ended */

#define SEEN (slow && mark)   /* a section's test of the mark */

proctype thread(byte me) {
  bool seen = 0;
  do
  :: atomic { where == MAIN + me -> where = USER; destroyed = 0 }         /* Allocate */
  :: atomic { where == BARN -> where = MAIN + me }                        /* a full sheaf from the barn */
#ifdef MUTANT_REFILL_FROM_MARKED
  :: atomic { where == SLAB && !frozen -> where = MAIN + me }
#elif defined(MUTANT_TAKEN_AND_PUSHED_APART)
  :: atomic { where == SLAB && !mark -> where = TRANSIT + me }
  :: atomic { where == TRANSIT + me -> where = MAIN + me }
#else
  :: atomic { where == SLAB && !mark -> where = MAIN + me }               /* a refill, in one section */
#endif
#ifdef MUTANT_NO_MARK_AT_FREE
  :: atomic { where == USER -> where = MAIN + me }
#elif defined(MUTANT_MARK_SEEN_BEFORE_SECTION)
  :: seen = SEEN; atomic { if :: where == USER && seen -> where = SLAB :: where == USER && !seen -> where = MAIN + me :: else fi }
#else
  :: atomic { where == USER -> if :: SEEN -> where = SLAB :: else -> where = MAIN + me fi }   /* Free */
#endif
#ifdef MUTANT_NO_MARK_AT_RETIRE
  :: atomic { where == USER -> where = RCU + me }
#else
  :: atomic { where == USER -> if :: SEEN -> where = PASS_LIST :: else -> where = RCU + me fi }  /* FreeRcu */
#endif
  :: atomic { where == RCU + me -> where = QUEUE }                        /* that sheaf is full */
#ifdef MUTANT_BARN_OPEN
  :: atomic { where == MAIN + me -> where = BARN }
#else
  :: atomic { where == MAIN + me -> if :: filtering && mark -> where = SLAB :: else -> where = BARN fi }
#endif
  :: atomic { where == MAIN + me -> where = SLAB }                        /* a flush */
  :: atomic { !gone[me] -> gone[me] = 1;                                  /* the thread ends */
       if
       :: where == MAIN + me -> where = SLAB
       :: where == RCU + me -> where = QUEUE
       :: else
       fi }; break
  :: over -> break
  od
}

proctype reclaimer() {    /* Recycle; the grace period itself is retire.pml's */
  bool marked = 0;
end:
  do
  :: atomic { where == PASS_LIST -> where = QUEUE }                       /* full, or RetireMarked */
  :: atomic { where == QUEUE && recycle == 0 -> recycle = 1; where = RECYCLED };
#ifndef MUTANT_NO_MARK_AT_RECYCLING
     marked = mark;
#endif
     if
     :: marked -> where = SLAB                                            /* undestroyed: the batch does that */
     :: else ->
        atomic { destroyed = 1; assert(!frozen) };
        atomic { if :: filtering && mark -> where = SLAB :: else -> where = BARN fi }
     fi;
     marked = 0;
     recycle = 0
  od
}

inline drain_thread(t) {
  atomic {
    if
    :: where == MAIN + t -> where = SLAB
#ifndef MUTANT_RCU_SHEAF_NOT_DRAINED
    :: where == RCU + t -> where = PASS_LIST
#endif
    :: else
    fi
  }
}
inline drain_barn() { atomic { if :: where == BARN -> where = SLAB :: else fi } }

proctype pass() {
#ifndef MUTANT_NO_SLOW_MODE
  slow = 1;
#endif
#ifndef MUTANT_FILTERS_LATE
  filtering = 1;
#endif
  mark = 1;
#ifdef MUTANT_BARN_LAST
  drain_thread(0);
  drain_thread(1);
  drain_barn();
#else
#ifndef MUTANT_BARN_NOT_DRAINED
  drain_barn();
#endif
#ifdef MUTANT_FILTERS_LATE
  filtering = 1;
#endif
#ifndef MUTANT_THREADS_NOT_DRAINED
  drain_thread(0);
  drain_thread(1);
#endif
#endif
#ifndef MUTANT_RECYCLING_NOT_AWAITED
  atomic { recycle == 0 -> skip };
#endif
  frozen = 1;
  atomic {
    assert(where == USER || where == SLAB || where == PASS_LIST || where == QUEUE || where == RECYCLED);
    assert(where == SLAB || !destroyed)
  };
  /* Phase 2; then the batch settles: destructors that were due, and the mark goes. */
  d_step { frozen = 0; mark = 0; over = 1 };
  filtering = 0;
  slow = 0
}

init {
  atomic {
    if :: where = USER :: where = MAIN :: where = BARN :: where = SLAB :: where = RCU :: where = QUEUE fi;
    run thread(0); run thread(1); run reclaimer(); run pass()
  }
}
