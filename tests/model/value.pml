/* SPDX-License-Identifier: Apache-2.0
 *
 * One index of a MovableMap: values that are moved while they are stored, updated, erased and read, and the map's end,
 * which waits with OwnerPin (a futex, no mutex).
 *
 * Values: 1 is there at first, 2 the mover's destination, 3 and 4 the writer's. What is stored says how many updates it has seen.
 * The mover shows 1 and 3, one after the other; between them its pin may be another map's, whose object is never let go
 * before this map has ended. Store buffers as in teardown.pml.
 *
 * Claims: an update is not lost, what was replaced or erased does not come back, what is read stays as it was until the section
 * ends, a value that is not stored stays where it is, nobody touches a map that has ended, all end.
 */
#include "protocol.inc"

#define W 1
#define M 2
#define D 3
#define VALUES 6
#define NONE 0
#define MAP 1
#define RETIRED 2

byte slot = 1;
byte owner[VALUES], bytes[VALUES];
bool used_up[VALUES];     /* reset, and somebody else's by now */
bool dead[VALUES], held[VALUES];
bool buffered[VALUES];    /* the destructor's RETIRED is on its way to this owner word */
byte lock = 0;
byte pin = 0;             /* 1: this map, 2: another */
bool pin_buffered = 0, asleep = 0, alive = 1;
byte cur = 1;             /* ghost: what the index says; 0 when nothing is there */
byte outside = 0;         /* of reader and writer */

#define TOUCH_MAP assert(alive)

proctype buffers() {
end:
  do
  :: atomic { pin_buffered -> pin_buffered = 0; pin = 1 }
  :: atomic { buffered[1] -> buffered[1] = 0; owner[1] = RETIRED }
  :: atomic { buffered[3] -> buffered[3] = 0; owner[3] = RETIRED }
  od
}

inline let_go(v) { owner[v] = RETIRED; d_step { retire_at(v) } }

proctype writer() {
  byte was, now = 3, ops = 0, seen;
each:
  ops++;
  if
  :: ops == 1 && slot != 0 ->                 /* Insert where something is: refused, and used again */
     owner[4] = MAP;
     LOCK(lock, W); was = slot; UNLOCK(lock, W);
     assert(was != 0);
     owner[4] = NONE; used_up[4] = 1
  :: now == 3 ->                              /* Store: the owner comes before the lock */
     bytes[3] = 5; owner[3] = MAP;
     LOCK(lock, W);
     d_step { was = slot; slot = 3; cur = 5 };
     UNLOCK(lock, W);
     now = 5;
     if :: was != 0 -> let_go(was) :: else fi
  :: now == 3 && slot != 0 ->                 /* Update: a changed copy in its place */
#ifdef MUTANT_UPDATE_BEFORE_LOCK
     was = slot; bytes[3] = bytes[was] + 1; seen = cur;
     owner[3] = MAP;
     LOCK(lock, W);
#else
     LOCK(lock, W);
     d_step { was = slot; bytes[3] = bytes[was] + 1; seen = cur };
     owner[3] = MAP;
#endif
     d_step { slot = 3; cur = seen + 1 };
     UNLOCK(lock, W);
     now = 5;
     let_go(was)
  :: slot != 0 ->                             /* Erase: retired after the lock */
     LOCK(lock, W);
     d_step { was = slot; slot = 0; cur = 0 };
     UNLOCK(lock, W);
     if :: was != 0 -> let_go(was) :: else fi
  :: else -> ops = 2
  fi;
  was = 0; seen = 0;
  if :: ops < 2 -> goto each :: else fi;
  outside++
}

inline flush_owners() {   /* an unlock flushes nothing, but who gets the lock sees what was stored before its release */
  if :: buffered[1] -> buffered[1] = 0; owner[1] = RETIRED :: else fi;
  if :: buffered[3] -> buffered[3] = 0; owner[3] = RETIRED :: else fi
}
inline write_back_pin() { if :: pin_buffered -> pin_buffered = 0; pin = 1 :: else fi }
inline pin_map() {        /* owner_pin.cc */
  pin_buffered = 1;
#ifndef MUTANT_NO_FENCE_IN_PIN
  d_step { write_back_pin() };
#endif
}
inline unpin_map() {
  d_step { pin = 0; pin_buffered = 0 };
#ifndef MUTANT_NO_NOTIFY
  asleep = 0;             /* notify_all */
#endif
}

proctype mover() {
  byte v, moved = 0;
  if :: v = 1 :: v = 3 :: v = 4 fi;
  if :: owner[v] != MAP -> goto next :: else fi;
#ifndef MUTANT_NO_PIN
  pin_map();
#endif
#ifndef MUTANT_NO_SECOND_LOOK
  if :: owner[v] != MAP -> goto unpin :: else fi;
#endif
  TOUCH_MAP;
  atomic { if :: lock == 0 -> lock = M; flush_owners() :: else -> goto unpin fi };
#ifdef MUTANT_OWNER_FOR_SLOT                  /* the owner word is looked at again instead of the slot */
  if :: owner[v] != MAP -> goto unlock :: else fi;
#else
  if :: slot != v -> goto unlock :: else fi;
#endif
  TOUCH_MAP;
  assert(!used_up[v]);
  d_step { bytes[2] = bytes[v]; owner[2] = MAP };
  slot = 2;
  owner[v] = RETIRED;
  moved = v;
#ifdef MUTANT_UNPINNED_EARLY
  unpin_map();
#endif
unlock:
  skip;
  d_step { write_back_pin(); assert(lock == M); lock = 0 };  /* released: what comes before it is there */
  TOUCH_MAP;
unpin:
  skip;
  unpin_map();
next:
  if
  :: moved != 0 -> d_step { retire_at(moved) }
  :: else
  fi;
  if                      /* the next object is another map's, and its owner never lets go */
  :: pin = 2; !alive; pin = 0; asleep = 0
  :: skip
  fi;
  d_step { v = 0; moved = 0 }
}

proctype reader() {
  byte v, was;
  ENTER_SECTION(1);
  v = slot;
  if
  :: v != 0 ->
     atomic { assert(!GONE(v)); was = bytes[v] };
     assert(was != 0);
     atomic { assert(!GONE(v)); assert(bytes[v] == was) }   /* as it was */
  :: else
  fi;
  d_step { inside = 0; held[1] = 0; held[2] = 0; held[3] = 0; v = 0; was = 0; outside++ }
}

proctype destroyer() {
  byte v;
  /* The user's duty: no reader and no writer inside. */
  outside == 2;
#ifdef MUTANT_SKIPPED_WHEN_EMPTY
  if :: slot == 0 -> goto gone :: else fi;
#endif
  LOCK(lock, D);
  assert((slot == 0 && cur == 0) || (slot != 0 && bytes[slot] == cur));  /* no update is lost */
  d_step { v = slot; slot = 0 };
  if
  :: v == 1 || v == 3 -> buffered[v] = 1
  :: v == 2 -> owner[2] = RETIRED
  :: else
  fi;
  UNLOCK(lock, D);
#ifndef MUTANT_NO_FENCE_IN_AWAIT
  d_step { flush_owners() };
#endif
wait:
#ifdef MUTANT_WAITS_FOR_ANY_PIN
  if
  :: atomic { pin != 0 -> asleep = 1 }; !asleep; goto wait
#else
  if
  :: atomic { pin == 1 -> asleep = 1 };       /* the futex: looks and sleeps in one */
     !asleep;
     goto wait
#endif
  :: else
  fi;
gone:
  skip;
  d_step { alive = 0; v = 0 }
}

init {
  atomic {
    owner[1] = MAP; bytes[1] = 1;
    run writer(); run reader(); run mover(); run destroyer(); run buffers()
  }
}
