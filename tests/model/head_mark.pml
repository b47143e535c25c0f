/* SPDX-License-Identifier: Apache-2.0
 *
 * The array's own mark word, which is the head entry's mark or the marks of a whole tree: the generation tells which.
 *
 * Index 0 and one other, which takes a tree. Head: null, an entry, or node T with entries in slots 0 and 1. A writer, a
 * reader that asks for the mark of index 0 (GetMark) or searches for a marked entry at 0 (Cursor::Walk). T's life after it has
 * left is tree.pml's and marks.pml's.
 * Claims: as in marks.pml.
 */
#include "protocol.inc"

#define W 1
#define TREE 32           /* head: TREE + which node; each is used once */

byte head = 1;
byte slot[8];             /* T's two slots, T being 0 to 3 */
byte word[4];             /* T's mark word */
bool has_left[4];
byte bits = 0;            /* of the array's mark word */
byte generation = 0;
byte lock = 0;

byte entry = 1; bool mark = 0;  /* ghosts: of index 0 */
byte answers = 0, carried = 0;
bool throughout = 0;

inline NOTE() { answers = answers | 1 << mark; carried = carried | (mark -> 1 << entry : 0); throughout = throughout & mark }

/* PublishHead. */
inline publish(h, kind_changes) {
#ifdef MUTANT_GENERATION_FIRST
  if :: kind_changes -> generation++ :: else fi;
  d_step { head = h; NOTE() }
#else
  d_step { head = h; NOTE() };
#ifndef MUTANT_NO_GENERATION
  if :: kind_changes -> generation++ :: else fi
#endif
#endif
}

proctype writer() {
  byte ops = 0, t = 0, fresh = 2;
each:
  LOCK(lock, W);
  if
  :: head == 0 ->                             /* store at 0 */
     entry = fresh; fresh++; publish(entry, 0)
  :: head != 0 && head < TREE ->              /* erase at 0: its mark goes first */
     if :: bits -> d_step { bits = 0; mark = 0; NOTE() } :: else fi;
     entry = 0; publish(0, 0)
  :: head != 0 && head < TREE ->              /* set or clear the mark of 0 */
     d_step { bits = 1 - bits; mark = bits; NOTE() }
  :: head != 0 && head < TREE && t < 3 ->     /* grow, for an entry at the other index; marked, too, or not */
     d_step { slot[2 * t] = head; slot[2 * t + 1] = 1; word[t] = bits };
     publish(TREE + t, 1);
     if
     :: bits = 1; word[t] = word[t] | 2
     :: skip
     fi
  :: head >= TREE ->                          /* erase the other one: its mark goes first; then shrink */
     if
     :: word[t] & 2 -> word[t] = word[t] & 1; bits = word[t]
     :: else
     fi;
     slot[2 * t + 1] = 0;
     publish(slot[2 * t], 1);
     slot[2 * t] = 63;
     has_left[t] = 1;
     t++
  :: head >= TREE ->                          /* set the mark of 0, from the top down */
     bits = 1;
     d_step { word[t] = word[t] | 1; mark = 1; NOTE() }
  fi;
  UNLOCK(lock, W);
  ops++;
  if :: ops < 4 -> goto each :: else fi
}

proctype get_mark() {
  byte before, h, after; bool m;
  d_step { answers = 1 << mark };
again:
  before = generation;
  h = head;
  if
  :: h == 0 -> m = 0
  :: h != 0 && h < TREE ->
     d_step { after = generation; m = bits };
#ifndef MUTANT_GENERATION_NOT_COMPARED
     if :: before != after -> goto again :: else fi
#endif
  :: else ->
     m = word[h - TREE] & 1;
     if :: has_left[h - TREE] -> goto again :: else fi
  fi;
  d_step { assert(answers & (1 << m)); h = 0; before = 0; after = 0 }
}

proctype search() {       /* of index 0 alone */
  byte before, h, after; bool m;
  d_step { carried = (mark -> 1 << entry : 0); throughout = mark };
again:
  before = generation;
  h = head;
  if
  :: h == 0 -> goto miss
  :: h != 0 && h < TREE ->
     d_step { after = generation; m = bits };
     if :: before != after -> goto again :: else fi;
#ifndef MUTANT_NO_SECOND_HEAD
     if :: head != h -> goto again :: else fi;
#endif
     if :: !m -> goto miss :: else fi;
     assert(carried & (1 << h))
  :: else -> goto out     /* a tree: marks.pml */
  fi;
  goto out;
miss:
  assert(!throughout);
out:
  skip;
  d_step { h = 0; before = 0; after = 0; m = 0 }
}

init { atomic { run writer(); if :: run get_mark() :: run search() fi } }
