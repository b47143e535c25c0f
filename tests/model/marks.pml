/* SPDX-License-Identifier: Apache-2.0
 *
 * One mark on the two slots of a leaf A below a node P: a writer, a mover, and a reader that asks for a mark or searches.
 *
 * The writer sets, clears, or replaces an entry (erase, which takes the mark along, then store). The mover moves A or P.
 * Claims: GetMark answers what the mark was at one moment of the call; a search meets no entry that was without the mark
 * during all of it, and passes over none that had it during all of it.
 */
#include "protocol.inc"

#define W 1
#define M 2
#define RETRY 63

byte head = 3;            /* P is 3, then 5 */
byte child[6];            /* P's slot: A is 1, then 4 */
byte slot[12];            /* A's two */
#define SLOT(n, o) slot[2 * (n) + (o)]
byte word[6];             /* of A: a bit for each slot; of P: bit 0, for A */
bool has_left[6];             /* the owner word says retired */
byte lock = 0;

/* Ghosts: what is at each index, whether it is marked; and of the call under way which answers are right. */
byte entry[2]; bool mark[2];
byte carried = 0;         /* a bit for each entry that carried the mark at a moment of the search */
byte answers = 0;         /* bit 0: unmarked at a moment of GetMark, bit 1: marked */
byte throughout = 0;      /* a bit for each index that has been marked since the search began */
byte asked = 9;

inline NOTE() {
  carried = carried | (mark[0] -> 1 << entry[0] : 0) | (mark[1] -> 1 << entry[1] : 0);
  throughout = throughout & (mark[0] | mark[1] << 1);
  answers = (asked < 2 -> answers | 1 << mark[asked] : answers)
}
inline set_leaf(n, w) { d_step { word[n] = w; mark[0] = word[n] & 1; mark[1] = word[n] >> 1; NOTE() } }

inline clear_mark(i) {    /* ClearMarkLocked: from the leaf up */
  if
  :: word[a] & (1 << i) ->
#ifdef MUTANT_CLEAR_FROM_THE_TOP
     if :: word[a] == 1 << i -> word[head] = 0 :: else fi;
     set_leaf(a, word[a] & ~(1 << i))
#else
     set_leaf(a, word[a] & ~(1 << i));
     if :: word[a] == 0 -> word[head] = 0 :: else fi
#endif
  :: else
  fi
}

proctype writer() {
  byte ops = 0, i, a, fresh = 3;
each:
  if :: i = 0 :: i = 1 fi;
  LOCK(lock, W);
  a = child[head];
  if
  :: skip;                /* SetMarkLocked: from the top down */
     if :: SLOT(a, i) == 0 -> goto unlock :: else fi;
#ifdef MUTANT_SET_FROM_THE_LEAF
     set_leaf(a, word[a] | 1 << i);
     word[head] = 1
#else
     word[head] = 1;
     set_leaf(a, word[a] | 1 << i)
#endif
  :: skip; clear_mark(i)
  :: skip;                /* EraseLocked: the marks go first; then another entry */
#ifndef MUTANT_MARK_LEFT_BEHIND
     clear_mark(i);
#endif
     d_step { SLOT(a, i) = 0; entry[i] = 0; NOTE() };
     d_step { SLOT(a, i) = fresh; entry[i] = fresh;
#ifdef MUTANT_MARK_LEFT_BEHIND
       mark[i] = 0;
#endif
       NOTE() };
     fresh++
  fi;
unlock:
  skip;
  UNLOCK(lock, W);
  ops++; a = 0;
  if :: ops < 3 -> goto each :: else fi
}

proctype mover() {
  byte v, d;
  atomic { if :: lock == 0 -> lock = M :: else -> goto out fi };
  if
  ::                      /* A */
     d_step { v = child[head]; d = 4; SLOT(d, 0) = SLOT(v, 0); SLOT(d, 1) = SLOT(v, 1); word[d] = word[v] };
     child[head] = d;
     SLOT(v, 0) = RETRY;
     SLOT(v, 1) = RETRY
  ::                      /* P */
     d_step { v = head; d = 5; child[d] = child[v]; word[d] = word[v] };
     head = d;
     child[v] = RETRY
  fi;
#ifndef MUTANT_OWNER_KEPT
  has_left[v] = 1;
#endif
  d_step { v = 0; d = 0 };
  UNLOCK(lock, M);
out:
  skip
}

proctype get_mark() {     /* GetMark */
  byte at, i, w;
  if :: i = 0 :: i = 1 fi;
  d_step { asked = i; answers = 1 << mark[i] };
restart:
  at = head;
  at = child[at];
  if :: at == RETRY -> goto restart :: else fi;
  w = word[at];
#ifndef MUTANT_NO_LOOK_AT_OWNER
  if :: has_left[at] -> goto restart :: else fi;
#endif
  d_step { assert(answers & (1 << (w >> i & 1))); asked = 9; answers = 0; at = 0; w = 0; i = 0 }
}

/* NextMarked, twice: the second goes on in the leaf the first has come to (Cursor::Walk with OneMark). */
proctype search() {
  byte at = 0, next = 0, w, e, again;
  bool met = 0;
step:
  skip;
  d_step { throughout = mark[0] | mark[1] << 1; carried = 0; NOTE() };
look:
  if
  :: at == 0 ->
     at = head;
     w = word[at];
#ifndef MUTANT_NO_LOOK_AT_OWNER
     if :: has_left[at] -> at = 0; goto look :: else fi;
#endif
     if :: w == 0 -> goto miss :: else fi;
     at = child[at];
     if :: at == RETRY -> at = 0; goto look :: else fi
  :: else
  fi;
  w = word[at] >> next;
#ifndef MUTANT_NO_LOOK_AT_OWNER
  if :: has_left[at] -> at = 0; goto look :: else fi;
#endif
  if
  :: w == 0 -> goto miss
  :: w & 1
  :: else -> next++
  fi;
  e = SLOT(at, next);
  if
  :: e == RETRY -> at = 0; goto look
  :: e == 0 -> goto leave
  :: else
  fi;
#ifndef MUTANT_NO_SECOND_WORD
  w = word[at];
#endif
#ifndef MUTANT_NO_SECOND_SLOT
  again = SLOT(at, next);
  if :: again != e -> goto look :: else fi;
#endif
#ifndef MUTANT_NO_SECOND_WORD
  if :: !(w >> next & 1) -> goto leave :: else fi;
#endif
  assert(carried & (1 << e));                 /* it carried the mark at a moment of the search */
  assert(met || !(throughout & ((1 << next) - 1)));  /* and none before it did all the while */
  next++;
  if
  :: next < 2 && !met -> met = 1; goto step
  :: else
  fi;
  goto out;
leave:
  next++;
  if :: next < 2 -> goto look :: else fi;
miss:
  assert(!(throughout & (met -> 2 : 3)));
out:
  skip;
  d_step { carried = 0; throughout = 0; at = 0; w = 0; e = 0; again = 0; next = 0; met = 0 }
}

init {
  atomic {
    child[3] = 1; SLOT(1, 0) = 1; SLOT(1, 1) = 2; entry[0] = 1; entry[1] = 2;
    if
    :: word[1] = 1; mark[0] = 1; word[3] = 1
    :: word[1] = 2; mark[1] = 1; word[3] = 1
    :: skip
    fi;
    run writer(); run mover();
    if :: run get_mark() :: run search() fi
  }
}
