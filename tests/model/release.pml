/* SPDX-License-Identifier: Apache-2.0
 *
 * A slab of two objects that a pass empties: when its places become free, its pages go, or it serves again.
 *
 * Object 0 moves; object 1 may be erased and retired by its user at any time, and may be refused by its owner. A reader holds a
 * section over as much of the pass as it likes. The reclaimer calls back in the order of retirement, one grace period for
 * what waits. Claims: no reader looks at released pages, or at a place that is free or constructed anew; who gets a place
 * from the slab gets it constructed; a slab whose objects all went before the freeze goes as well, with its batch.
 */
#include "protocol.inc"

#define LIVE 0
#define RETIRED 1
#define FREE 2            /* the bit is set */

byte state[2];
byte link[2];             /* where a reader finds it: 1: in this slab, 2: elsewhere, 0: nowhere */
bool constructed[2];
bool mark = 0, isolated = 0, listed = 1, released = 0;
bool dead[2], held[2];    /* of the places */
bool on_list = 0, list_queued = 0, sheaf_queued = 0, batch_queued = 0;
bool ahead = 0;           /* something was queued before the batch, and goes first */
bool moved = 0, early = 0;  /* early: object 1 had left before the freeze */

#define SHOW(x) assert(!released && state[x] != FREE && constructed[x])

proctype reader() {
  byte at, x;
  ENTER_SECTION(1);
  if :: x = 0 :: x = 1 fi;
  at = link[x];
  if
  :: at == 1 -> SHOW(x); SHOW(x)
  :: else
  fi;
  d_step { inside = 0; held[0] = 0; held[1] = 0; at = 0; x = 0 }
}

proctype user() {         /* Erase, FreeRcu */
  bool bypasses = 0;
  if
  :: link[1] = 0;
#ifdef MUTANT_FREED_AT_ONCE
     state[1] = FREE
#else
     d_step {                                              /* the mark is tested in the section that pushes */
       state[1] = RETIRED; retire_at(1);
       if :: mark -> bypasses = 1 :: else -> sheaf_queued = 1 fi
     };
     if
     :: bypasses ->                                        /* FreeRcuMarked: by now the pass may be over */
#ifdef MUTANT_LATE_ONE_LEFT_ON_LIST
        on_list = 1
#else
        d_step { if :: mark -> on_list = 1 :: else -> list_queued = 1 fi }
#endif
     :: else
     fi
#endif
  :: skip
  fi
}

proctype allocator() {    /* takes a place that is free from a slab that is listed */
end:
  do
  :: d_step { listed && !released && state[0] == FREE -> assert(constructed[0]); state[0] = LIVE }
  :: d_step { listed && !released && state[1] == FREE -> assert(constructed[1]); state[1] = LIVE }
  od
}

proctype reclaimer() {
end:
  do
  :: (sheaf_queued || list_queued) && held[1] == 0 ->      /* Recycle */
     d_step {
       sheaf_queued = 0; list_queued = 0; ahead = 0;
#ifdef MUTANT_DESTROYED_WHILE_ISOLATED
       constructed[1] = 0; assert(!isolated); constructed[1] = 1
#else
       if
       :: mark -> constructed[1] = 0                       /* undestroyed: due when the batch settles */
       :: else
       fi
#endif
     };
     state[1] = FREE
  :: batch_queued && !ahead && held[0] == 0 ->       /* SettleBatch: after what was queued before it */
     if :: moved -> d_step { state[0] = FREE; constructed[0] = 0 } :: else fi;
     if
#ifdef MUTANT_RELEASED_UNSEEN
     :: true ->
#else
     :: state[0] == FREE && state[1] == FREE ->
#endif
        d_step { isolated = 0; mark = 0; released = 1 }
     :: else ->
#ifdef MUTANT_LISTED_BEFORE_CONSTRUCTED
        d_step { isolated = 0; mark = 0; listed = 1 };
#endif
        if :: moved -> constructed[0] = 1 :: else fi;
        if :: state[1] == FREE -> constructed[1] = 1 :: else fi;
#ifndef MUTANT_LISTED_BEFORE_CONSTRUCTED
        d_step { isolated = 0; mark = 0; listed = 1 };
#endif
        skip
     fi;
     batch_queued = 0                                      /* Leave comes last */
  od
}

proctype pass() {
  d_step { mark = 1; listed = 0 };
  d_step { isolated = 1; early = (state[1] == FREE || on_list || sheaf_queued || list_queued) };  /* drained, frozen, collected */
  if
  ::                                                       /* Reclaim moves object 0 */
     link[0] = 2;                                          /* published, retry, owner */
#ifdef MUTANT_BIT_AT_THE_MOVE
     state[0] = FREE;
#else
     state[0] = RETIRED;
#endif
     moved = 1
  :: skip                                                  /* it is busy */
  fi;
#ifndef MUTANT_BATCH_BEFORE_LIST
  d_step { if :: on_list -> on_list = 0; list_queued = 1 :: else fi };   /* RetireMarked */
#endif
  d_step {
    if :: moved -> retire_at(0) :: else fi;
    batch_queued = 1;
    ahead = sheaf_queued || list_queued
  };
#ifdef MUTANT_BATCH_BEFORE_LIST
  d_step { if :: on_list -> on_list = 0; list_queued = 1 :: else fi };
#endif
  !batch_queued;
  d_step { if :: on_list -> on_list = 0; list_queued = 1 :: else fi }    /* at the pass's end */
}

proctype watcher() {
  timeout;
  assert(state[1] != RETIRED);                             /* nothing retired is forgotten */
  if
  :: moved && early -> assert(released)                    /* all its objects left before the freeze, or moved */
  :: else
  fi
}

init {
  atomic {
    link[0] = 1; link[1] = 1; constructed[0] = 1; constructed[1] = 1;
    run reader(); run user(); run allocator(); run reclaimer(); run pass(); run watcher()
  }
}
