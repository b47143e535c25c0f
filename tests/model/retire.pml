/* SPDX-License-Identifier: Apache-2.0
 *
 * The queue of what is retired, its thread, the barrier, and a pass that takes the turn.
 *
 * A writer that unlinks a thing and retires it; a pass that may retire a thing (RetireMarked), and then unlinks its own (the
 * batch): it takes the turn for that, or else retires it; a reader that follows any link; the thread, which takes all that
 * waits, waits for one grace period, and calls back; somebody who waits for all that was retired before. Grace periods
 * are run here: Synchronize waits for the readers that were inside when it began.
 *
 * Claims: nobody reads what was called back; what a barrier returns from has been called back; a batch is settled behind what
 * its pass has retired before, and while nothing is called back; nothing is left, and nobody waits for ever.
 */
#include "protocol.inc"

#define A 0
#define B 1
#define C 2   /* the pass's */

bool linked[3], queued[3], in_batch[3], freed[3];
byte retired = 0, called_back = 0;   /* stats_ */
byte batch_called_back = 0;
byte mutex = 0;
bool work_asleep = 0, barrier_asleep = 0;
bool section = 0;                    /* the reader is inside */
bool waited_for[2];                  /* the grace period under way waits for that section: the thread's, the pass's */
bool turn = 0;                       /* turn_taken_ */
byte callbacks = 0;                  /* running */

#define TAKE_BATCH d_step { in_batch[A] = queued[A]; in_batch[B] = queued[B]; in_batch[C] = queued[C]; \
                            queued[A] = 0; queued[B] = 0; queued[C] = 0 }

inline call_back(x) {
  callbacks++;
  assert(callbacks == 1 && !freed[x]);
  freed[x] = 1;
  callbacks--
}

inline synchronize(who) {
  waited_for[who] = section;
  !waited_for[who]
}

inline push(x, me) {      /* Retirer::Push */
  LOCK(mutex, me);
  d_step {
    queued[x] = 1;
#ifdef MUTANT_SIGNAL_LATE
    retired++;
    if :: retired == called_back && !turn -> work_asleep = 0 :: else fi
#else
    if :: retired == called_back && !turn -> work_asleep = 0 :: else fi;   /* nothing waits: the thread may sleep */
    retired++
#endif
  };
  UNLOCK(mutex, me)
}

proctype writer(byte x) {
#ifdef MUTANT_RETIRED_BEFORE_UNLINKED
  push(x, 10 + x);
  linked[x] = 0
#else
  linked[x] = 0;
  push(x, 10 + x)
#endif
}

proctype pass() {
  if
  :: linked[A] = 0; push(A, 3)
  :: skip
  fi;
  linked[C] = 0;
  bool mine = 0;
  LOCK(mutex, 3);                      /* TryTakeTurn */
#ifdef MUTANT_TURN_TAKEN_BEHIND_OTHERS
  if :: !queued[A] && !queued[B] -> turn = 1; mine = 1 :: else fi;
#else
  if :: retired == called_back -> turn = 1; mine = 1 :: else fi;
#endif
  UNLOCK(mutex, 3);
  if
  :: mine ->
#ifndef MUTANT_TURN_WITHOUT_GRACE_PERIOD
     synchronize(1);
#endif
     assert(linked[A] || freed[A]);
     call_back(C);
     LOCK(mutex, 3);                   /* EndTurn */
     d_step {
       turn = 0;
#ifndef MUTANT_TURN_ENDS_SILENTLY
       if :: queued[A] || queued[B] -> work_asleep = 0 :: else fi
#endif
     };
     UNLOCK(mutex, 3)
  :: else -> push(C, 3)
  fi
}

proctype reader() {
  byte x, times = 0;
each:
  section = 1;
  if :: x = A :: x = B :: x = C fi;
  if
  :: linked[x] -> skip; assert(!freed[x]); assert(!freed[x])
  :: else
  fi;
  d_step { section = 0; waited_for[0] = 0; waited_for[1] = 0; times++ };
  if :: times < 2 -> goto each :: else fi
}

proctype retirer() {
end:
  do
  :: LOCK(mutex, 1);                                       /* AwaitWork */
wait:
     if
#ifdef MUTANT_TURN_NOT_AWAITED
     :: !queued[A] && !queued[B] && !queued[C] ->
#else
     :: (!queued[A] && !queued[B] && !queued[C]) || turn ->
#endif
#ifdef MUTANT_SLEEPS_AFTER_UNLOCK
        UNLOCK(mutex, 1);
        work_asleep = 1;
#else
        d_step { work_asleep = 1; mutex = 0 };
#endif
end_idle:
        atomic { !work_asleep && mutex == 0 -> mutex = 1 };
        goto wait
     :: else
     fi;
     UNLOCK(mutex, 1);
#ifndef MUTANT_BATCH_TAKEN_AFTER
     LOCK(mutex, 1);                                       /* BeginBatch */
     TAKE_BATCH;
     UNLOCK(mutex, 1);
#endif
#ifndef MUTANT_NO_SYNCHRONIZE
     synchronize(0);
#endif
#ifdef MUTANT_BATCH_TAKEN_AFTER
     LOCK(mutex, 1);
     TAKE_BATCH;
     UNLOCK(mutex, 1);
#endif
     if :: in_batch[A] -> in_batch[A] = 0; call_back(A); batch_called_back++ :: else fi;
     if :: in_batch[B] -> in_batch[B] = 0; call_back(B); batch_called_back++ :: else fi;
     if :: in_batch[C] -> in_batch[C] = 0; call_back(C); batch_called_back++ :: else fi;
     LOCK(mutex, 1);                                       /* EndBatch */
     d_step {
       called_back = called_back + batch_called_back; batch_called_back = 0;
#ifndef MUTANT_BARRIER_NOT_WOKEN
       barrier_asleep = 0
#endif
     };
     UNLOCK(mutex, 1)
  od
}

proctype barrier() {      /* AwaitAll */
  byte goal;
  bool a, b;
  LOCK(mutex, 2);
  d_step { goal = retired; a = queued[A] || in_batch[A] || freed[A]; b = queued[B] || in_batch[B] || freed[B] };
wait:
#ifdef MUTANT_BARRIER_LOOKS_AT_QUEUE
  if
  :: queued[A] || queued[B] || queued[C] ->
#else
  if
  :: called_back < goal ->
#endif
     d_step { barrier_asleep = 1; mutex = 0 };
     atomic { !barrier_asleep && mutex == 0 -> mutex = 2 };
     goto wait
  :: else
  fi;
  assert((!a || freed[A]) && (!b || freed[B]));
  UNLOCK(mutex, 2)
}

proctype watcher() {      /* not before everybody else can go no further */
  timeout;
  assert((linked[A] || freed[A]) && freed[B] && freed[C])
}

init {
  atomic {
    linked[A] = 1; linked[B] = 1; linked[C] = 1;
    run writer(B); run pass(); run reader(); run retirer(); run barrier(); run watcher()
  }
}
