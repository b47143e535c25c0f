// SPDX-License-Identifier: Apache-2.0
//
// Follows every object of one cache through its states, and ends the process at the first step that is wrong.
//
// Invariants:
//   D6  the state word in an object's record is the magic number of one state; anything else was written over it.
//   D7  whoever changes an object's bytes, record or state holds its state word.
//   (D1 to D3: object_layout.h; D4, D5: object_bytes.h; Check cites D4 to D6)
//
// What each step asks, and what it leaves:
//
//   step             called when                           from state         to state
//   OnNewSlabObject  the slab is new                       -                  free
//   OnAllocate       handed to a user                      free               live
//   OnReserve        taken as a destination of a pass      free               reserved
//   OnFree           Free; a destination that is not used  live, reserved     free
//   OnRetire         FreeRcu                               live, reserved     retired
//   OnMove           a pass moved it from -> to            live (reserved)    from: retired; to: reserved -> live
//   OnRecycle        its grace period is over              retired            free
//
// A destination is published before the pass says OnMove, so its new user may free it first; then OnMove leaves it.
//
// Threads: all functions from any thread at once, for one object too: the state word is a lock, held for the time of
// writing an object's bytes at most. Nothing is locked, called or waited for while it is held, so any lock may be held
// by the caller. Of two racing frees of one object, one sees the other's.
// Why not a lock a cache: debug options should change the timing of a program as little as they can.
// Not found: a free of the object's *next* life through a stale pointer, once it was allocated anew. Quarantine makes
// that time long.
#ifndef MXA_SLAB_DEBUG_OBJECT_DEBUG_H_
#define MXA_SLAB_DEBUG_OBJECT_DEBUG_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "slab/debug/debug_options.h"
#include "slab/debug/object_bytes.h"
#include "slab/debug/object_layout.h"
#include "slab/debug/owner_track.h"

namespace mxa::slab {

enum class ObjectState : uint8_t {
  kFree,      // in its slab, in quarantine, or on its way between
  kReserved,  // a destination of a pass, maybe published already
  kLive,
  kRetired,  // readers may still look at it
  kCorrupt,  // its state word was overwritten
};
const char* ObjectStateName(ObjectState state);

class ObjectDebug {
 public:
  struct Config {
    std::string cache_name;
    size_t object_size = 0;
    size_t alignment = 8;
    DebugOptions options;  // REQUIRES: checks_objects()    (CHECKed)
    bool movable = false;
    bool has_constructor = false;
    // The start of the slab that an object of this cache lies in, for reports. Takes no lock. Null: reports name none.
    std::function<const void*(const void* object)> slab_of = nullptr;
  };

  explicit ObjectDebug(Config config);
  ObjectDebug(const ObjectDebug&) = delete;
  ObjectDebug& operator=(const ObjectDebug&) = delete;

  const ObjectLayout& layout() const { return layout_; }

  // Whether the bytes of free objects are poisoned: asked for, and the cache not movable, as a pass may look at any
  // allocated object, cached and retired ones too, which must be in their constructed state.
  bool poisons() const { return config_.options.poison && !config_.movable; }
  // Whether the constructor must run after each OnAllocate, as poison has taken the constructed state away.
  bool reconstruct() const { return poisons() && config_.has_constructor; }

  // The steps of an object; see the head of this file. REQUIRES of all: `object` is one of this cache's objects, its
  // slab is in use; the caller checks that. A step that is wrong, or a byte that was overwritten since the last one,
  // ends the process with one line:
  //
  //   mxa: double free: cache NAME, object 0x7f.., slab 0x7f.. (free)
  //
  // and, with track_owner, who allocated it, who freed it and who found it, each with a stack.
  //
  // Context: any; takes no lock.
  // Ordering: what happened before one step of an object is visible after the next one.

  // REQUIRES: nobody else knows the object yet, and its constructor has run if there is one and !reconstruct().
  void OnNewSlabObject(void* object);
  // With poisons(), the object's bytes are 0x5a afterwards; the constructor, if there is one, is due.
  void OnAllocate(void* object);
  void OnReserve(void* object);
  // With poisons(), overwrites the object.
  void OnFree(void* object);
  // Records who retired it: that is the free to look for, not the end of the grace period.
  void OnRetire(void* object);
  // As OnFree. Before it or in it nothing may use the object any more: its rcu_destructor has run, unless it waits for
  // its slab to leave isolation (movable caches, where nothing is poisoned).
  void OnRecycle(void* object);
  // The record of who allocated it goes along to `to`; the pass is who freed `from`.
  void OnMove(void* from, void* to);

  // OK, or what is wrong with the object's bytes or state, as a report has it. Leaves all as it is.
  absl::Status Check(const void* object) const;

  ObjectState State(const void* object) const;
  // Who allocated and who freed or retired it last; empty without track_owner, before the first time, or when corrupt.
  OwnerTrack AllocationTrace(const void* object) const;
  OwnerTrack FreeTrace(const void* object) const;

 private:
  enum class Step : uint8_t { kAllocation, kFree };  // which of the two tracks

  std::atomic<uint64_t>& StateWord(const void* object) const;
  OwnerTrack& Track(const void* object, Step step) const;

  // Waits for whoever holds the state word, takes it, and returns the state before. kCorrupt: it is not taken.
  ObjectState Hold(const void* object) const;
  void Release(const void* object, ObjectState state) const;

  OwnerTrack Capture() const { return config_.options.track_owner ? OwnerTrack::Capture() : OwnerTrack{}; }
  void Record(void* object, Step step, const OwnerTrack& track) const;
  OwnerTrack Trace(const void* object, Step step) const;
  void TakeFree(void* object, ObjectState to) const;
  // Ends the process unless the bytes are right. REQUIRES: the state word is held.
  void RequireBytes(const void* object, ObjectState state) const;

  std::string Line(const char* what, const void* object, ObjectState state, const std::string& detail) const;
  [[noreturn]] void Report(const char* what, const void* object, ObjectState state,
                           const std::string& detail = "") const;

  const Config config_;
  const ObjectLayout layout_;
  const ObjectBytes bytes_;
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_DEBUG_OBJECT_DEBUG_H_
