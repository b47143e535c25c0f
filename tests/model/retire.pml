/* SPDX-License-Identifier: Apache-2.0
 *
 * The queue of what is retired, its thread, and the barrier.
 *
 * Two writers, each of which unlinks a thing and retires it; a reader that follows either link; the thread, which takes all that
 * waits, waits for one grace period, and calls back; somebody who waits for all that was retired before. Grace periods
 * are run here: Synchronize waits for the readers that were inside when it began.
 *
 * Claims: nobody reads what was called back; what a barrier returns from has been called back; nothing is left, and nobody
 * waits for ever.
 */
#include "protocol.inc"

#define A 0
#define B 1

bool linked[2], queued[2], in_batch[2], freed[2];
byte retired = 0, called_back = 0;   /* stats_ */
byte batch_called_back = 0;
byte mutex = 0;
bool work_asleep = 0, barrier_asleep = 0;
bool section = 0, waited_for = 0;    /* the reader is inside; the grace period under way waits for that section */

inline push(x, me) {      /* Retirer::Push */
  LOCK(mutex, me);
  d_step {
    queued[x] = 1;
#ifdef MUTANT_SIGNAL_LATE
    retired++;
    if :: retired == called_back -> work_asleep = 0 :: else fi
#else
    if :: retired == called_back -> work_asleep = 0 :: else fi;   /* nothing waits: the thread may sleep */
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

proctype reader() {
  byte x, times = 0;
each:
  section = 1;
  if :: x = A :: x = B fi;
  if
  :: linked[x] -> skip; assert(!freed[x]); assert(!freed[x])
  :: else
  fi;
  d_step { section = 0; waited_for = 0; times++ };
  if :: times < 2 -> goto each :: else fi
}

proctype retirer() {
end:
  do
  :: LOCK(mutex, 1);                                       /* AwaitWork */
wait:
     if
     :: !queued[A] && !queued[B] ->
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
     d_step { in_batch[A] = queued[A]; in_batch[B] = queued[B]; queued[A] = 0; queued[B] = 0 };
     UNLOCK(mutex, 1);
#endif
#ifndef MUTANT_NO_SYNCHRONIZE
     waited_for = section;                                 /* Synchronize */
     !waited_for;
#endif
#ifdef MUTANT_BATCH_TAKEN_AFTER
     LOCK(mutex, 1);
     d_step { in_batch[A] = queued[A]; in_batch[B] = queued[B]; queued[A] = 0; queued[B] = 0 };
     UNLOCK(mutex, 1);
#endif
     if :: in_batch[A] -> in_batch[A] = 0; assert(!freed[A]); freed[A] = 1; batch_called_back++ :: else fi;
     if :: in_batch[B] -> in_batch[B] = 0; assert(!freed[B]); freed[B] = 1; batch_called_back++ :: else fi;
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
  :: queued[A] || queued[B] ->
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
  assert(freed[A] && freed[B])
}

init {
  atomic {
    linked[A] = 1; linked[B] = 1;
    run writer(A); run writer(B); run reader(); run retirer(); run barrier(); run watcher()
  }
}
