/* SPDX-License-Identifier: Apache-2.0
 *
 * A tree of two levels, two slots a node: a writer, a mover and a reader.
 *
 * Indices 0..3. B is the leaf of 0 and 1, A that of 2 and 3, P the node above. The writer stores to 1 to 3, erases 1 and
 * 2, clears: so leaves go and come, the head shrinks from P to B and grows again. The mover moves A and P, in
 * either order, or B, and retires them with the batch. The reader loads, then steps with a cursor that stands in the
 * leaf it came to, up by the parent when the index lies elsewhere.
 *
 * Claims: each read returns what was at the index at one moment of it (with the writer's steps at the moments marked
 * NOW, so that all reads together are linearizable); no reader looks at a node that is gone; no reader meets retry in one
 * node twice within a read; nothing stored is lost; everybody ends.
 * Not searched for endless runs, which would take minutes: the reader's restart is the only loop, and bounded by the third claim.
 */
#include "protocol.inc"

#define NODES 12
#define WRITES 2
#define READS 2
#define RETRY 63
#define W 1
#define M 2
#define NONE 0
#define ARRAY 1
#define RETIRED 2

byte head;                /* a node; its height, which a walk has from the word, is tall[] */
byte slot[24];            /* two a node: a value in a leaf, a node above */
byte parent[NODES];
byte owner[NODES];
bool tall[NODES], upper[NODES];  /* height 2; in slot 1 of its parent. Fixed once published (N4) */
bool dead[NODES], held[NODES];
byte lock = 0, fresh = 6; /* 1, 2, 3: A, B, P; 4, 5: the mover's destinations */

/* Ghosts. */
byte cur[4];              /* what each index holds */
byte old[4];              /* what it held before the Clear under way */
bool clearing = 0;
byte watch = 9, valid;    /* the index being read; a bit for each value it has held since the read began */
byte done = 0;

#define SLOT(n, o) slot[2 * (n) + (o)]
#define IS_NODE(word) ((word) != 0 && (word) != RETRY)

inline NOW(i, v) { cur[i] = v; valid = (watch == i -> valid | (1 << v) : valid) }

inline detach(n) {        /* detach.cc */
#ifndef MUTANT_ERASE_NO_RETRY
  SLOT(n, 0) = RETRY;
  SLOT(n, 1) = RETRY;
#endif
  d_step { owner[n] = RETIRED; retire_at(n) }
}

inline unlink(n) {        /* null takes its place */
  if
  :: parent[n] == 0 -> head = 0
  :: else -> SLOT(parent[n], upper[n]) = 0
  fi
}

inline drop(n) {
#ifdef MUTANT_ERASE_RETRY_FIRST
  detach(n);
  unlink(n)
#else
  unlink(n);
  detach(n)
#endif
}

inline build_leaf(leaf, i, v, above) {
  leaf = fresh; fresh++;
  SLOT(leaf, i & 1) = v; parent[leaf] = above; upper[leaf] = i >> 1; owner[leaf] = ARRAY
}

inline find(i, leaf) {
  if
  :: head == 0 -> leaf = 0
  :: head != 0 && tall[head] -> leaf = SLOT(head, i >> 1)
  :: head != 0 && !tall[head] -> leaf = (i < 2 -> head : 0)
  fi;
  assert(leaf != RETRY)   /* no tree leads to a node that has left */
}

inline store(i, v) {      /* array_store.cc */
  d_step { find(i, leaf) };
  if
  :: leaf != 0 -> d_step { SLOT(leaf, i & 1) = v; NOW(i, v) }
  :: leaf == 0 && head != 0 && tall[head] ->
     d_step { build_leaf(leaf, i, v, head) };
     d_step { SLOT(head, i >> 1) = leaf; NOW(i, v) }
  :: leaf == 0 && head == 0 && i < 2 ->
     d_step { build_leaf(leaf, i, v, 0); upper[leaf] = 0 };
     d_step { head = leaf; NOW(i, v) }
  :: leaf == 0 && (head == 0 || !tall[head]) && i >= 2 ->   /* GrowLocked: one store publishes height and entry */
     d_step {
       top = fresh; fresh++;
       tall[top] = 1; owner[top] = ARRAY;
       build_leaf(leaf, i, v, top);
       SLOT(top, 0) = head; SLOT(top, 1) = leaf
     };
#ifdef MUTANT_GROW_PARENT_FIRST
     if :: SLOT(top, 0) != 0 -> parent[SLOT(top, 0)] = top :: else fi;
#endif
     d_step { head = top; NOW(i, v) };
#ifndef MUTANT_GROW_PARENT_FIRST
     if :: SLOT(top, 0) != 0 -> parent[SLOT(top, 0)] = top :: else fi;
#endif
     top = 0
  fi;
  leaf = 0
}

inline shrink() {         /* ShrinkLocked */
  if
  :: head != 0 && tall[head] && SLOT(head, 0) != 0 && SLOT(head, 1) == 0 ->
     top = head;
     assert(SLOT(top, 0) != RETRY);
     head = SLOT(top, 0);
#ifndef MUTANT_SHRINK_KEEPS_PARENT
     parent[head] = 0;
#endif
     detach(top);
     top = 0
  :: else
  fi
}

inline erase(i) {         /* array_erase.cc */
  d_step { find(i, leaf) };
  if
  :: leaf != 0 && SLOT(leaf, i & 1) != 0 ->
     d_step { SLOT(leaf, i & 1) = 0; NOW(i, 0) };
     if
     :: SLOT(leaf, 0) == 0 && SLOT(leaf, 1) == 0 ->
        top = parent[leaf];
        drop(leaf);
        if
        :: top != 0 && SLOT(top, 0) == 0 && SLOT(top, 1) == 0 -> drop(top)
        :: else
        fi;
        top = 0;
        shrink()
     :: else
     fi
  :: else
  fi;
  leaf = 0
}

inline clear() {          /* Clear: a cursor that stands inside may be answered as of before until it returns */
  if
  :: head != 0 ->
     d_step {
       top = head; head = 0; clearing = 1;
       old[1] = cur[1]; old[2] = cur[2]; old[3] = cur[3];
       NOW(1, 0); NOW(2, 0); NOW(3, 0)
     };
     if
     :: tall[top] ->      /* children first */
        if :: SLOT(top, 0) != 0 -> leaf = SLOT(top, 0); assert(leaf != RETRY); detach(leaf) :: else fi;
        if :: SLOT(top, 1) != 0 -> leaf = SLOT(top, 1); assert(leaf != RETRY); detach(leaf) :: else fi
     :: else
     fi;
     detach(top);
     d_step { clearing = 0; old[1] = 0; old[2] = 0; old[3] = 0; top = 0; leaf = 0 }
  :: else
  fi
}

proctype writer() {
  byte ops = 0, leaf = 0, top = 0;
  do
  :: ops < WRITES ->
     LOCK(lock, W);
     ops++;
     if
     :: store(1, 3 + ops)
     :: store(2, 3 + ops)
     :: store(3, 3 + ops)
     :: erase(1)
     :: erase(2)
     :: clear()
     fi;
     UNLOCK(lock, W)
  :: else -> break
  od;
  done++
}

proctype mover() {        /* node_mover.cc; pin and unpin: teardown.pml */
  byte v, next, d = 4, moved = 0;
#ifdef MUTANT_GRACE_PERIOD_BEGUN_EARLY
  byte began = inside;    /* the readers it waits for: those inside before the moves */
#endif
  if
  :: v = 1; next = 3
  :: v = 3; next = 1
  :: v = 2; next = 0
  fi;
each:
  if :: owner[v] != ARRAY -> goto settled :: else fi;
#ifndef MUTANT_NO_LOCK
  atomic { if :: lock == 0 -> lock = M :: else -> goto settled fi };
#endif
#ifndef MUTANT_NO_RECHECK
  if
  :: owner[v] != ARRAY -> goto unlock
  :: else
  fi;
#endif
  d_step {
    owner[d] = ARRAY; parent[d] = parent[v]; tall[d] = tall[v]; upper[d] = upper[v];
#ifndef MUTANT_PUBLISH_BEFORE_COPY
    SLOT(d, 0) = SLOT(v, 0); SLOT(d, 1) = SLOT(v, 1)
#endif
  };
#ifndef MUTANT_NO_ADOPT
  if
  :: tall[v] ->
     if :: IS_NODE(SLOT(v, 0)) -> parent[SLOT(v, 0)] = d :: else fi;
     if :: IS_NODE(SLOT(v, 1)) -> parent[SLOT(v, 1)] = d :: else fi
  :: else
  fi;
#endif
#ifdef MUTANT_MOVE_RETRY_FIRST
  SLOT(v, 0) = RETRY;
  SLOT(v, 1) = RETRY;
#endif
  if
  :: parent[v] == 0 -> head = d
  :: else -> SLOT(parent[v], upper[v]) = d
  fi;
#ifdef MUTANT_PUBLISH_BEFORE_COPY
  SLOT(d, 0) = SLOT(v, 0);
  SLOT(d, 1) = SLOT(v, 1);
#endif
#ifdef MUTANT_UNLOCK_BEFORE_RETRY
  UNLOCK(lock, M);
#endif
#if defined(MUTANT_NO_RETRY)
#elif defined(MUTANT_NULL_SLOTS_KEPT)
  if :: SLOT(v, 0) != 0 -> SLOT(v, 0) = RETRY :: else fi;
  if :: SLOT(v, 1) != 0 -> SLOT(v, 1) = RETRY :: else fi;
#elif defined(MUTANT_INTERIOR_KEPT)
  if :: !tall[v] -> SLOT(v, 0) = RETRY; SLOT(v, 1) = RETRY :: else fi;
#else
  SLOT(v, 0) = RETRY;
  SLOT(v, 1) = RETRY;
#endif
  owner[v] = RETIRED;
  moved = moved | (1 << v);
unlock:
  skip;
#if defined(MUTANT_UNLOCK_BEFORE_RETRY)
  if :: lock == M -> UNLOCK(lock, M) :: else fi;
#elif !defined(MUTANT_NO_LOCK)
  UNLOCK(lock, M);
#endif
settled:
  d++;
  if
  :: next != 0 -> v = next; next = 0; goto each
  :: else
  fi;
  d_step {                /* the batch: one grace period, begun after its last move */
    if :: moved & 2 -> retire_at(1) :: else fi;
    if :: moved & 4 -> retire_at(2) :: else fi;
    if :: moved & 8 -> retire_at(3) :: else fi;
#ifdef MUTANT_GRACE_PERIOD_BEGUN_EARLY
    if :: moved & 2 -> held[1] = inside & began :: else fi;
    if :: moved & 4 -> held[2] = inside & began :: else fi;
    if :: moved & 8 -> held[3] = inside & began :: else fi;
#endif
    moved = 0; v = 0; d = 0; done++
  }
}

#define LOOK(n) assert(!GONE(n))
/* The node says that it has left: to the head. It says so once a read, as nothing leads to it any more. */
#define MET_RETRY assert(!(met & (1 << at))); met = met | (1 << at); at = 0; val = 0

/* Two reads, in one section: a load, which ends in the lowest node there is, `at` (0: in none), and a step from there (LoadSlow, StepTo). */
proctype reader() {
  byte at = 0, base = 0, val = 0, i, reads = 0;
  short met = 0;
  ENTER_SECTION(1);
again:
  if
  :: i = 1
  :: i = 2
  :: i = 3
  fi;
  d_step {
    watch = i;
    valid = (1 << cur[i]) | (clearing -> 1 << old[i] : 0)
  };
  if                      /* up, when `at` does not cover i */
  :: at != 0 && !tall[at] && base != (i & 2) -> atomic { LOOK(at); at = parent[at] }
  :: else
  fi;
restart:
  atomic {
    if
    :: at == 0 -> at = head; if :: at == 0 || (!tall[at] && i > 1) -> at = 0; goto got :: else fi
    :: else
    fi
  };
  if
  :: tall[at] ->
     atomic {
       LOOK(at);
       val = SLOT(at, i >> 1);
       if
       :: val == RETRY -> MET_RETRY; goto restart
       :: val == 0 -> goto got                  /* a hole: it stays here */
       :: else -> at = val; val = 0
       fi
     }
  :: else
  fi;
  atomic {
    LOOK(at);
    val = SLOT(at, i & 1);
    if
    :: val == RETRY -> MET_RETRY; goto restart
    :: else
    fi;
got:
    assert(valid & (1 << val));
    base = i & 2; watch = 9; valid = 0; val = 0; met = 0; reads++;
    if
    :: reads < READS -> goto again
    :: else
    fi;
    inside = 0; at = 0; i = 0; base = 0; reads = 0;
    held[1] = 0; held[2] = 0; held[3] = 0; held[4] = 0; held[5] = 0; held[6] = 0; held[7] = 0;
    held[8] = 0; held[9] = 0; held[10] = 0; held[11] = 0;
    done++
  }
}

init {
  byte leaf = 0, i = 1;
  atomic {
    SLOT(1, 0) = 1; SLOT(2, 1) = 3; SLOT(3, 0) = 2; SLOT(3, 1) = 1;
    parent[1] = 3; parent[2] = 3; upper[1] = 1; tall[3] = 1; head = 3;
    owner[1] = ARRAY; owner[2] = ARRAY; owner[3] = ARRAY;
    cur[1] = 3; cur[2] = 1;
    run writer(); run mover(); run reader()
  }
  done == 3;
  d_step {                /* nothing is lost */
    do
    :: i < 4 ->
       find(i, leaf);
       assert((leaf == 0 && cur[i] == 0) || (leaf != 0 && SLOT(leaf, i & 1) == cur[i]));
       i++
    :: else -> break
    od
  }
}
