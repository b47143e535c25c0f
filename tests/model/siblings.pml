/* SPDX-License-Identifier: Apache-2.0
 *
 * Two slots that are one entry's, or one each: stores, erases and a split against a read through either.
 *
 * The second slot of a wide entry holds a sibling word: whose it is, how many slots, and a generation. A writer; a reader that
 * loads an index or asks for its order. Where slots are in use, a wide store publishes a changed copy of the node, as a move
 * does. Claims: each read returns what was at the index, of that order, at one moment of it; a wide entry comes and goes at
 * both indices at once.
 */
#include "protocol.inc"

#define W 1
#define RETRY 63
#define SIBLING 32        /* + generation */
#define NODES 6

byte head = 1;
byte slot[12];
#define SLOT(n, o) slot[2 * (n) + (o)]
byte ties = 1;
byte lock = 0;

byte cur[2]; bool wide = 1;  /* ghosts */
byte watch = 9;
byte seen = 0;            /* a bit for each value the watched index has had since the read began */
byte orders = 0;          /* bit 0: a single entry at a moment, bit 1: a wide one, bit 2: none */

inline NOTE() {
  if
  :: watch < 2 ->
     seen = seen | 1 << cur[watch];
     orders = orders | (cur[watch] == 0 -> 4 : 1 << wide)
  :: else
  fi
}

inline next_tie() {
#ifdef MUTANT_NO_GENERATION
  skip
#else
  ties++
#endif
}

proctype writer() {
  byte ops = 0, fresh = 2, copies = 2, i;
each:
  LOCK(lock, W);
  if
  :: SLOT(head, 1) >= SIBLING && SLOT(head, 0) != 0 ->   /* erase: the entry's own slot goes first */
#ifdef MUTANT_ERASE_SIBLING_FIRST
     SLOT(head, 1) = 0;
     d_step { SLOT(head, 0) = 0; cur[0] = 0; cur[1] = 0; wide = 0; NOTE() }
#else
     d_step { SLOT(head, 0) = 0; cur[0] = 0; cur[1] = 0; wide = 0; NOTE() };
     SLOT(head, 1) = 0
#endif
  :: SLOT(head, 1) >= SIBLING ->                         /* overwrite: one store */
     d_step { SLOT(head, 0) = fresh; cur[0] = fresh; cur[1] = fresh; NOTE() };
     fresh++
  :: SLOT(head, 1) >= SIBLING ->                         /* split: the same entry throughout */
     d_step { SLOT(head, 1) = SLOT(head, 0); wide = 0; NOTE() }
  :: SLOT(head, 0) == 0 && SLOT(head, 1) == 0 ->         /* wide, where nothing is: siblings first */
     next_tie();
#ifdef MUTANT_ENTRY_FIRST
     d_step { SLOT(head, 0) = fresh; cur[0] = fresh; cur[1] = fresh; wide = 1; NOTE() };
     SLOT(head, 1) = SIBLING + ties;
#else
     SLOT(head, 1) = SIBLING + ties;
     d_step { SLOT(head, 0) = fresh; cur[0] = fresh; cur[1] = fresh; wide = 1; NOTE() };
#endif
     fresh++
  :: SLOT(head, 1) < SIBLING ->                          /* one slot alone: store or erase */
     if :: i = 0 :: i = 1 fi;
     if
     :: d_step { SLOT(head, i) = fresh; cur[i] = fresh; NOTE() }; fresh++
     :: d_step { SLOT(head, i) = 0; cur[i] = 0; NOTE() }
     fi
  :: SLOT(head, 1) < SIBLING && (SLOT(head, 0) != 0 || SLOT(head, 1) != 0) ->   /* wide, over what is there */
     next_tie();
#ifdef MUTANT_CHANGED_IN_PLACE
     SLOT(head, 1) = SIBLING + ties;
     d_step { SLOT(head, 0) = fresh; cur[0] = fresh; cur[1] = fresh; wide = 1; NOTE() };
#else
     d_step { SLOT(copies, 0) = fresh; SLOT(copies, 1) = SIBLING + ties; i = head };
     d_step { head = copies; cur[0] = fresh; cur[1] = fresh; wide = 1; NOTE() };
     SLOT(i, 0) = RETRY;
     SLOT(i, 1) = RETRY;
     copies++;
#endif
     fresh++
  fi;
  i = 0;
  UNLOCK(lock, W);
  ops++;
  if :: ops < 4 -> goto each :: else fi
}

inline begin(index) { d_step { watch = index; seen = 0; orders = 0; NOTE() } }

proctype load() {         /* LoadSlow, ResolveSibling */
  byte at, e, first, again, i;
  if :: i = 0 :: i = 1 fi;
  begin(i);
restart:
  at = head;
  e = SLOT(at, i);
  if
  :: e >= SIBLING && e != RETRY ->
     first = SLOT(at, 0);
#ifndef MUTANT_NO_SECOND_LOOK
     again = SLOT(at, i);
     if :: again != e -> goto restart :: else fi;
#endif
     e = first
  :: else
  fi;
  if :: e == RETRY -> goto restart :: else fi;
  d_step { assert(seen & (1 << e)); watch = 9; at = 0; e = 0; first = 0; again = 0; i = 0 }
}

proctype get_order() {    /* GetOrder */
  byte at, e, next, again, order, i;
  if :: i = 0 :: i = 1 fi;
  begin(i);
restart:
  at = head;
  e = SLOT(at, i);
  if :: e == RETRY -> goto restart :: else fi;
  if
  :: e == 0 -> order = 2
  :: e >= SIBLING ->
     next = SLOT(at, 0);
     again = SLOT(at, i);
     if :: again != e || next == RETRY -> goto restart :: else fi;
     order = (next == 0 -> 2 : 1)
  :: else ->
     next = (i == 1 -> 0 : SLOT(at, 1));
#ifndef MUTANT_ORDER_WITHOUT_SECOND_LOOK
     again = SLOT(at, i);
     if :: again != e -> goto restart :: else fi;
#endif
     order = (next >= SIBLING && next != RETRY -> 1 : 0)
  fi;
  d_step { assert(orders & (1 << order)); watch = 9; at = 0; e = 0; next = 0; again = 0; i = 0; order = 0 }
}

init {
  atomic {
    SLOT(1, 0) = 1; SLOT(1, 1) = SIBLING + 1; cur[0] = 1; cur[1] = 1;
    run writer();
    if :: run load() :: run get_order() fi
  }
}
