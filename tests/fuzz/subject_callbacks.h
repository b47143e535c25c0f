// SPDX-License-Identifier: Apache-2.0
//
// The constructors and destructors of fuzzed caches: functions without an argument of their own, so that each
// cache has a set of them while it lives.
//
// Threads: any; sets are taken and given back by one at a time.
#ifndef MXA_TESTS_FUZZ_SUBJECT_CALLBACKS_H_
#define MXA_TESTS_FUZZ_SUBJECT_CALLBACKS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/check.h"
#include "tests/fuzz/cache_world.h"
#include "tests/fuzz/fuzz_object.h"

namespace mxa::fuzz {

struct SubjectCallbacks {
  void (*constructor)(void*) = nullptr;
  void (*destructor)(void*) = nullptr;
  void (*rcu_destructor)(void*) = nullptr;

  // How often each has run since Begin.
  std::atomic<uint64_t> constructed{0};
  std::atomic<uint64_t> destroyed{0};
  std::atomic<uint64_t> rcu_destroyed{0};

  void Begin(size_t size, bool destroys, Complaints& to) {
    constructed = destroyed = rcu_destroyed = 0;
    object_size = size;
    has_destructor = destroys;
    complaints = &to;
  }

  void Construct(void* memory) {
    FuzzObject object(memory, object_size);
    const ObjectState state = StateOf(object.word());
    const bool is_somebodys =
        state == ObjectState::kLive || state == ObjectState::kRetired || state == ObjectState::kConstructed;
    // Without a destructor the old place of what was moved is as it was left.
    if (is_somebodys || (has_destructor && state == ObjectState::kMovedAway)) {
      complaints->Add("constructed over an object", memory);
    }
    object.Write(ObjectState::kConstructed, 0);
    ++constructed;
  }
  void Destroy(void* memory) {
    FuzzObject object(memory, object_size);
    const ObjectState state = StateOf(object.word());
    if (state != ObjectState::kConstructed && state != ObjectState::kMovedAway) {
      complaints->Add("destroyed though it was neither constructed nor moved away", memory);
    }
    object.SetWord(WordOf(ObjectState::kDestroyed, 0));
    ++destroyed;
  }
  void DestroyAfterGracePeriod(void* memory) {
    FuzzObject object(memory, object_size);
    const uint64_t word = object.word();
    if (StateOf(word) != ObjectState::kRetired || !object.Proves(IdOf(word))) {
      complaints->Add("not as it was retired", memory);
    }
    object.Write(ObjectState::kConstructed, 0);
    ++rcu_destroyed;
  }

  bool is_taken = false;
  size_t object_size = 0;
  bool has_destructor = false;
  Complaints* complaints = nullptr;
};

// More than there are caches at a time: one that has failed keeps its set.
inline constexpr size_t kCallbackSets = 32;

SubjectCallbacks& CallbackSet(size_t number);

namespace internal {

template <size_t kNumber>
void MakeCallbacks(SubjectCallbacks& callbacks) {
  callbacks.constructor = [](void* object) { CallbackSet(kNumber).Construct(object); };
  callbacks.destructor = [](void* object) { CallbackSet(kNumber).Destroy(object); };
  callbacks.rcu_destructor = [](void* object) { CallbackSet(kNumber).DestroyAfterGracePeriod(object); };
}

}  // namespace internal

inline SubjectCallbacks& CallbackSet(size_t number) {
  using Sets = std::array<SubjectCallbacks, kCallbackSets>;
  static Sets& sets = *[]<size_t... kNumbers>(std::index_sequence<kNumbers...>) {
    auto* const made = new Sets;
    (internal::MakeCallbacks<kNumbers>((*made)[kNumbers]), ...);
    return made;
  }
  (std::make_index_sequence<kCallbackSets>());
  return sets[number];
}

// A set that no cache has.
inline SubjectCallbacks& TakeCallbacks() {
  for (size_t number = 0; number < kCallbackSets; ++number) {
    SubjectCallbacks& callbacks = CallbackSet(number);
    if (!std::exchange(callbacks.is_taken, true)) return callbacks;
  }
  MXA_CHECK(false, "more caches than sets of constructors");
}

}  // namespace mxa::fuzz

#endif  // MXA_TESTS_FUZZ_SUBJECT_CALLBACKS_H_
