/* SPDX-License-Identifier: Apache-2.0
 *
 * A store of several indices over slots that are in use: a changed copy of the node takes its place.
 *
 * Node P above leaves 0 and 1, with one index of interest each, and a hole in slot 2. The writer stores an entry that takes slots
 * 1 and 2: the copy has it there, leaf 0 goes on below the copy, leaf 1 leaves. Then it stores to index 0. A reader loads, and
 * steps with a cursor that stands in the lowest node it came to. Claims: those of tree.pml; but a cursor that stands in what the
 * store ends may be answered as of before until it returns, which is the contract.
 */
#include "protocol.inc"

#define W 1
#define RETRY 63
#define ENTRY 32          /* a word of P that is an entry, not a leaf */
#define P 1
#define COPY 2
#define LEAF 3            /* LEAF + i: of index i */
#define NODES 5

byte head = P;
byte above[9];            /* three slots of P, three of the copy */
byte slot[NODES];         /* of a leaf */
byte parent[NODES];
bool dead[NODES], held[NODES];
byte lock = 0;

#define ABOVE(n, i) above[3 * ((n) - P) + (i)]
#define NEW (ENTRY + 7)

/* Ghosts. */
byte cur[3];
byte old[3];              /* what each index held before the store under way */
bool storing = 0;
byte watch = 9;
int valid;                /* a bit for each value; NEW as 7 */
#define BIT(v) (1 << ((v) & 31))

inline detach(n) {
#ifndef MUTANT_LEAF_NOT_DETACHED
  slot[n] = RETRY;
#endif
  d_step { retire_at(n) }
}

inline adopt() { parent[LEAF] = COPY }

proctype writer() {
  LOCK(lock, W);
  d_step { ABOVE(COPY, 0) = LEAF; ABOVE(COPY, 1) = NEW; ABOVE(COPY, 2) = NEW };
#ifdef MUTANT_CHANGED_COPY_ADOPTS_FIRST
  adopt();
#endif
  d_step {
    head = COPY; storing = 1;
    old[1] = cur[1]; old[2] = cur[2]; cur[1] = NEW; cur[2] = NEW;
    valid = (watch == 1 || watch == 2 -> valid | BIT(NEW) : valid)
  };
#ifndef MUTANT_CHANGED_COPY_ADOPTS_FIRST
#ifndef MUTANT_CHILD_NOT_ADOPTED
  adopt();
#endif
#endif
  detach(LEAF + 1);       /* DropAllLocked: what hung from those slots */
#ifndef MUTANT_OLD_NODE_KEPT_OPEN
  ABOVE(P, 0) = RETRY;
  ABOVE(P, 1) = RETRY;
  ABOVE(P, 2) = RETRY;
#endif
  d_step { retire_at(P) };
  d_step { storing = 0; old[1] = 0; old[2] = 0 };
  UNLOCK(lock, W);
  LOCK(lock, W);
  d_step { slot[LEAF] = 4; cur[0] = 4; valid = (watch == 0 -> valid | BIT(4) : valid) };
  UNLOCK(lock, W)
}

#define LOOK(n) assert(!GONE(n))

proctype reader() {
  byte at = 0, i, val, reads = 0;
  int met = 0;
  ENTER_SECTION(1);
again:
  if :: i = 0 :: i = 1 :: i = 2 fi;
  d_step { watch = i; valid = BIT(cur[i]) | (at != 0 && storing && i != 0 -> BIT(old[i]) : 0) };
  if
  :: at >= LEAF && at != LEAF + i -> atomic { LOOK(at); at = parent[at] }
  :: else
  fi;
restart:
  if
  :: at == 0 -> at = head
  :: else
  fi;
  if
  :: at < LEAF ->
     atomic {
       LOOK(at);
       val = ABOVE(at, i);
       if
       :: val == RETRY -> assert(!(met & (1 << at))); met = met | 1 << at; at = 0; goto restart
       :: val == 0 || (val != RETRY && val >= ENTRY) -> goto got
       :: else -> at = val
       fi
     }
  :: else
  fi;
  atomic {
    LOOK(at);
    val = slot[at];
    if
    :: val == RETRY -> assert(!(met & (1 << at))); met = met | 1 << at; at = 0; goto restart
    :: else
    fi;
got:
    assert(valid & BIT(val));
    watch = 9; valid = 0; met = 0; val = 0; reads++;
    if
    :: reads < 3 -> goto again
    :: else
    fi;
    inside = 0; held[P] = 0; held[COPY] = 0; held[3] = 0; held[4] = 0; at = 0; i = 0; reads = 0
  }
}

init {
  atomic {
    ABOVE(P, 0) = LEAF; ABOVE(P, 1) = LEAF + 1;
    parent[3] = P; parent[4] = P;
    slot[3] = 1; slot[4] = 2;
    cur[0] = 1; cur[1] = 2;
    run writer(); run reader()
  }
}
