/* SPDX-License-Identifier: Apache-2.0
 *
 * What all models share: locks, read sections and grace periods.
 *
 * Grace periods are not run but judged: what is retired remembers which readers are inside, and is gone as soon as the last of
 * those has left. That is the earliest that any grace period may end, so a look at what is gone is an error in some
 * schedule of the real thing. It spares the models a process that waits.
 */
#define LOCK(lock, me) atomic { lock == 0 -> lock = me }
#define UNLOCK(lock, me) d_step { assert(lock == me); lock = 0 }

/* One reader a model, or a bit for each. */
byte inside = 0;

#define GONE(thing) (dead[thing] && held[thing] == 0)
#define ENTER_SECTION(me) inside = inside | (me)

inline retire_at(thing) {
  assert(!dead[thing]);  /* retired once */
  dead[thing] = 1;
#ifdef MUTANT_NO_GRACE_PERIOD
  held[thing] = 0;
#else
  held[thing] = inside;
#endif
}
