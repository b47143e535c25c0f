/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of an array while its nodes are being moved: the pin, its two fences, and the wait for it.
 *
 * Two nodes of one array, each reached by the mover without going through the tree. A writer may take the first out, or
 * both. The destructor retires what is left, then waits for the pin; after it has returned, another array may be
 * made at the same address. A user may hold the lock until the pass has ended.
 *
 * Store buffers: the stores that the code leaves to its fences (the pin, and the owner words of retired nodes) reach the others
 * late, and so would the clearing of the pin were it not sequentially consistent. An unlock flushes nothing, but who gets the
 * lock sees what was stored before its release. Claims: nobody but its destructor touches an array that has ended; a node that has left is not moved; both
 * sides end (no deadlock, no lost wake-up).
 */
#include "protocol.inc"

#define D 1
#define M 2
#define W 3
#define U 4
#define NONE 0
#define ARRAY 1
#define RETIRED 2

bool alive = 1;           /* the array's memory is an array's: this one's, or, after remade, the next one's */
bool remade = 0;
byte lock = 0;
byte head = 3;            /* a bit for each node in the tree */
byte owner[3];
bool buffered[3];         /* the destructor's store of RETIRED to this owner word is on its way */
bool pin = 0, pin_buffered = 0, unpin_buffered = 0;
byte waiters = 0;         /* counted by the atomic's wait */
bool asleep = 0;          /* in its futex */
bool pass_over = 0, moved[3];
byte done = 0;

#define TOUCH_ARRAY assert(alive)

/* The processor writes back what is buffered when it likes. */
proctype buffers() {
end:
  do
  :: atomic { pin_buffered -> pin_buffered = 0; pin = 1 }
  :: atomic { unpin_buffered -> unpin_buffered = 0; pin = 0 }
  :: atomic { buffered[1] -> buffered[1] = 0; owner[1] = RETIRED }
  :: atomic { buffered[2] -> buffered[2] = 0; owner[2] = RETIRED }
  od
}

inline write_back_pin() { if :: pin_buffered -> pin_buffered = 0; pin = 1 :: else fi }
inline full_fence_mover() {
#ifndef MUTANT_NO_FENCE_IN_PIN
  d_step { write_back_pin() };
#endif
  skip
}
inline flush_owners() {
  if :: buffered[1] -> buffered[1] = 0; owner[1] = RETIRED :: else fi;
  if :: buffered[2] -> buffered[2] = 0; owner[2] = RETIRED :: else fi
}
inline full_fence_destroyer() {
#ifndef MUTANT_NO_FENCE_IN_AWAIT
  d_step { flush_owners() };
#endif
  skip
}

inline unpin() {
#ifdef MUTANT_UNPIN_NOT_SEQ_CST
  unpin_buffered = 1;
#else
  d_step { pin = 0; pin_buffered = 0 };
#endif
  if
  :: waiters != 0 ->
     d_step { asleep = 0; if :: unpin_buffered -> unpin_buffered = 0; pin = 0 :: else fi }  /* notify_all */
  :: else
  fi
}

proctype mover() {
  byte v = 1, o;
  bool pinned = 0;
each:
  o = owner[v];                               /* step 1 */
  if :: o != ARRAY -> goto next :: else fi;
  if :: pinned -> goto locked :: else fi;     /* still, from the node before */
  pinned = 1;
#ifndef MUTANT_NO_PIN
  atomic { !unpin_buffered -> pin_buffered = 1 };  /* step 2 */
  full_fence_mover();
#endif
#ifndef MUTANT_NO_SECOND_LOOK
  o = owner[v];
  if :: o != ARRAY -> goto clear :: else fi;
#endif
locked:
  TOUCH_ARRAY;                                /* step 3 */
#ifdef MUTANT_WAITS_FOR_THE_LOCK
  LOCK(lock, M);
#else
  atomic { if :: lock == 0 -> lock = M; flush_owners() :: else -> goto next fi };
#endif
#ifndef MUTANT_NO_RECHECK
  o = owner[v];
  if :: o != ARRAY -> goto unlock :: else fi;
#endif
  TOUCH_ARRAY;                                /* steps 4 to 6 */
  assert(!remade);
  assert(head & v);                           /* it is in the tree, and its place can be taken */
  d_step { owner[v] = RETIRED; moved[v] = 1 };
unlock:
#ifdef MUTANT_CLEARED_EARLY
  unpin();
#endif
  TOUCH_ARRAY;
  d_step { write_back_pin(); assert(lock == M); lock = 0 };  /* released: what comes before it is there */
  TOUCH_ARRAY;                                /* the rest of the unlock, and HasWaiters */
  if
  :: goto next                                /* the pin stays for the next node, */
  :: skip                                     /* or goes before a rest */
  fi;
clear:
  pinned = 0;
#ifndef MUTANT_NO_PIN
  unpin();
#endif
next:
  v++;
  if :: v < 3 -> goto each :: else fi;
#ifndef MUTANT_KEPT_FOR_GOOD
  if :: pinned -> goto clear :: else fi;
#endif
  d_step { pass_over = 1; v = 0; o = 0; done++ }
}

proctype user() {         /* may hold the lock for hours: until a pass that somebody runs has ended */
  if
  :: LOCK(lock, U); pass_over; UNLOCK(lock, U)
  :: skip
  fi;
  done++
}

proctype writer() {
  if
  :: LOCK(lock, W);
     if
     :: head & 1 -> head = head & ~1; owner[1] = RETIRED
     :: else
     fi;
     if
     :: head & 2 -> head = head & ~2; owner[2] = RETIRED
     :: skip
     fi;
     UNLOCK(lock, W)
  :: skip
  fi;
  done++
}

proctype destroyer() {
  byte left;
  done >= 2 + (pass_over -> 1 : 0);           /* the user's duty: no writer and no user inside. The mover may be */
#ifdef MUTANT_SKIPPED_WHEN_EMPTY
  if :: head == 0 -> goto gone :: else fi;
#endif
  LOCK(lock, D);
  d_step { left = head; head = 0 };
#ifndef MUTANT_OWNER_KEPT
  if :: (left & 1) && !moved[1] -> buffered[1] = 1 :: else fi;
  if :: (left & 2) && !moved[2] -> buffered[2] = 1 :: else fi;
#endif
  UNLOCK(lock, D);
  full_fence_destroyer();
#ifdef MUTANT_NO_AWAIT
  goto gone;
#endif
  if :: !pin -> goto gone :: else fi;
#ifdef MUTANT_COUNTED_LATE
  if :: !pin -> goto gone :: else fi;
#else
  waiters++;
#endif
wait:
  if
#if defined(MUTANT_COUNTED_LATE)
  :: pin -> waiters = 1; asleep = 1; !asleep; goto wait
#elif defined(MUTANT_SLEEPS_UNCHECKED)
  :: pin -> asleep = 1; !asleep; goto wait
#else
  :: atomic { pin -> asleep = 1 };         /* the futex: looks and sleeps in one */
     !asleep; goto wait
#endif
  :: else
  fi;
  waiters = 0;
gone:
  skip;
  d_step { alive = 0; left = 0 };
  if
  :: d_step { alive = 1; remade = 1 }         /* another array, at the same address */
  :: skip
  fi;
  done++
}

init {
  atomic {
    owner[1] = ARRAY; owner[2] = ARRAY;
    run mover(); run user(); run writer(); run destroyer(); run buffers()
  }
}
