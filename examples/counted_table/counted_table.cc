// SPDX-License-Identifier: Apache-2.0
#include "examples/counted_table/counted_table.h"

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/schedule_point.h"
#include "reclaim/context.h"
#include "reclaim/rcu.h"

namespace mxa::examples {
namespace {

using reclaim::MoveResult;

uint64_t HashOf(absl::string_view name) { return absl::Hash<absl::string_view>()(name); }

// ORDER(link) acquire; pairs with the release in Publish.
CountedObject* Follow(const std::atomic<CountedObject*>& link) { return link.load(std::memory_order_acquire); }
// Relaxed: the lock orders it.
CountedObject* FollowLocked(const std::atomic<CountedObject*>& link) { return link.load(std::memory_order_relaxed); }
// ORDER(link) release; pairs with the acquire in Follow: an object that is found is whole.
void Publish(std::atomic<CountedObject*>& link, CountedObject* object) {
  link.store(object, std::memory_order_release);
}

}  // namespace

// A thread that holds it neither reclaims nor waits (reclaim/context.h).
struct ABSL_SCOPED_LOCKABLE CountedTable::Lock {
  explicit Lock(Mutex& mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) ABSL_NO_THREAD_SAFETY_ANALYSIS : mutex_lock(&mutex) {
    MXA_SCHEDULE_POINT("table.locked");
  }
  ~Lock() ABSL_UNLOCK_FUNCTION() ABSL_NO_THREAD_SAFETY_ANALYSIS {}

  MutexLock mutex_lock;
  reclaim::ArrayLockScope scope;
};

CountedTable::CountedTable(CountedCache& cache, size_t buckets) : cache_(cache), buckets_(buckets) {
  MXA_CHECK(buckets > 0 && (buckets & (buckets - 1)) == 0, "the number of buckets is no power of two");
}

CountedTable::~CountedTable() {
  {
    Lock lock(mutex_);
    for (Link& bucket : buckets_) {
      while (FollowLocked(bucket) != nullptr) RemoveLocked(bucket);
    }
  }
  // No object names this table any more. The mover may have pinned it for one that did, and be about to try its lock.
  MXA_SCHEDULE_POINT("table.await_unpinned");
  cache_.mover().AwaitUnpinned(this);
}

Reference CountedTable::Find(absl::string_view name) const {
  const uint64_t hash = HashOf(name);
  reclaim::ReadSection section;
  for (CountedObject* object = Follow(BucketOf(hash)); object != nullptr; object = Follow(object->next())) {
    if (object->hash() != hash || object->name() != name) continue;
    MXA_SCHEDULE_POINT("table.found");
    // Each copy lives at least until this section ends, and says the same; so this ends at the last.
    CountedObject* copy = object;
    CountedObject::Taken taken = copy->Take();
    while (taken == CountedObject::Taken::kMoved) {
      copy = copy->moved_to();
      taken = copy->Take();
    }
    if (taken == CountedObject::Taken::kYes) return Reference(cache_, copy);
    // Removed since it was found, so it was absent at one moment of this call; another of its name would stand before it.
  }
  return Reference();
}

absl::Status CountedTable::Insert(absl::string_view name, uint64_t number) {
  if (name.size() > CountedObject::kLongestName) return absl::InvalidArgumentError("a name is too long");
  CountedObject* object = cache_.Allocate();  // outside the lock: it may take memory back
  if (object == nullptr) return absl::ResourceExhaustedError("no memory for an object");
  const uint64_t hash = HashOf(name);
  object->Init(name, hash, number);
  {
    Lock lock(mutex_);
    if (FollowLocked(FindLinkLocked(name, hash)) == nullptr) {
      Link& bucket = BucketOf(hash);
      object->next().store(FollowLocked(bucket), std::memory_order_relaxed);  // relaxed: the link orders it
      object->SetOwnerLocked(this);
      Publish(bucket, object);
      return absl::OkStatus();
    }
  }
  cache_.Free(object);
  return absl::AlreadyExistsError("an object of this name is there");
}

bool CountedTable::Erase(absl::string_view name) {
  const uint64_t hash = HashOf(name);
  Lock lock(mutex_);
  Link& link = FindLinkLocked(name, hash);
  if (FollowLocked(link) == nullptr) return false;
  RemoveLocked(link);
  return true;
}

CountedTable::Link& CountedTable::FindLinkLocked(absl::string_view name, uint64_t hash) {
  Link* link = &BucketOf(hash);
  for (;;) {
    CountedObject* object = FollowLocked(*link);
    if (object == nullptr || (object->hash() == hash && object->name() == name)) return *link;
    link = &object->next();
  }
}

// Its own link stays as it is, for finders that stand in it.
void CountedTable::RemoveLocked(Link& link) {
  CountedObject* object = FollowLocked(link);
  Publish(link, FollowLocked(object->next()));
  object->SetOwnerLocked(GoneOwner());
  MXA_SCHEDULE_POINT("table.unlinked");
  cache_.Drop(object);  // the table's reference
}

MoveResult CountedTable::TryMove(CountedObject* from, CountedObject* to) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  // Step 3. Only try. Under the lock, whose owner this is has this for its owner until the end.
  if (!mutex_.TryLock()) return MoveResult::kBusy;
  const reclaim::ArrayLockScope scope;
  MoveResult result = MoveResult::kGone;
  uint64_t word = 0;
  if (from->owner() == this) {
    result = MoveResult::kPinned;
    if (from->IsUnreferenced(word)) {
      // Step 4. Copy. Finders may take references meanwhile.
      from->CopyToLocked(*to);
      to->SetOwnerLocked(this);
      MXA_SCHEDULE_POINT("object_mover.before_close");
      // Step 5. Unless one has: close the object to finders, who go on to the copy from now on.
      if (from->CloseAsMovedLocked(word, to)) {
        MXA_SCHEDULE_POINT("object_mover.before_publish");
        // Step 6. Link the copy in its place.
        Link* link = &BucketOf(from->hash());
        while (FollowLocked(*link) != from) link = &FollowLocked(*link)->next();
        Publish(*link, to);
        from->SetOwnerLocked(GoneOwner());
        result = MoveResult::kMoved;
      } else {
        to->Reset();
      }
    }
  }
  mutex_.Unlock();
  return result;
}

absl::Status CountedTable::CheckInvariants() const {
  Lock lock(mutex_);
  for (size_t i = 0; i < buckets_.size(); ++i) {
    for (const CountedObject* object = FollowLocked(buckets_[i]); object != nullptr;
         object = FollowLocked(object->next())) {
      if (object->owner() != this) return absl::InternalError(absl::StrCat("E2: the owner of ", object->name()));
      if (object->moved_to() != nullptr) return absl::InternalError(absl::StrCat("E4: a moved ", object->name()));
      if (object->hash() != HashOf(object->name()) || &BucketOf(object->hash()) != &buckets_[i]) {
        return absl::InternalError(absl::StrCat("in a wrong bucket: ", object->name()));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace mxa::examples
