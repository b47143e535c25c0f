// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/mix_machine.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/schedule_point.h"
#include "reclaim/context.h"
#include "reclaim/retire.h"
#include "slab/contiguous.h"
#include "slab/housekeeper.h"
#include "tests/fuzz/differs.h"
#include "tests/fuzz/helper_thread.h"
#include "tests/support/operation_points.h"

namespace mxa::fuzz {
namespace {

using Kind = MixStepKind;

constexpr size_t kCheckEvery = 40;
constexpr unsigned kMostActions = 6;  // inside one step

thread_local MixMachine* current = nullptr;

#if MXA_HOOKS
void HandlePoint(const char* point) {
  if (current != nullptr) current->OnPoint(point);
}
#endif

// Steps that wait for grace periods.
bool Waits(Kind kind) {
  return kind == Kind::kCompact || kind == Kind::kShrink || kind == Kind::kBarrier || kind == Kind::kContiguous ||
         kind == Kind::kLetGo;
}

}  // namespace

absl::Status RunMixProgram(const MixProgram& program) {
  auto machine = std::make_unique<MixMachine>(program);
  const absl::Status status = machine->Run();
  if (status.ok()) return status;
  // Where something is wrong, nothing can be taken apart any more.
  static auto& failed = *new std::vector<std::unique_ptr<MixMachine>>;
  failed.push_back(std::move(machine));
  return absl::InternalError(absl::StrCat(status.message(), "\nin\n", program.ToString()));
}

MixMachine::MixMachine(const MixProgram& program) : program_(program) {
  arena_ = slab::Arena::Create({.reserve_bytes = program.regions * slab::kRegionSize,
                                .min_reserve_bytes = slab::kRegionSize,
                                .faults = &faults_})
               .value();
  nodes_ = xarray::NodeCache::Create(arena_.get()).value();
  bitmaps_ = xarray::IdBitmapCache::Create(arena_.get()).value();
  values_ = MovableMap<Stamp>::CreateCache(arena_.get()).value();
  for (unsigned i = 0; i < kMixArrays + 3; ++i) Destroy(i);
}

MixMachine::~MixMachine() = default;

absl::Status MixMachine::Run() {
  current = this;
#if MXA_HOOKS
  // Only this thread listens.
  const ScheduleHandler before = SetScheduleHandlerForTest(&HandlePoint);
#endif
  absl::Status status;
  size_t done = 0;
  for (const MixStep& step : program_.steps) {
    status = RunStep(step);
    if (status.ok() && ++done % kCheckEvery == 0) status = CheckAll();
    if (status.ok()) continue;
    status = absl::InternalError(absl::StrCat(status.message(), "\nbehind\n", step.ToString()));
    break;
  }
  if (status.ok()) status = End();
#if MXA_HOOKS
  SetScheduleHandlerForTest(before);
#endif
  current = nullptr;
  if (!status.ok()) own_section_.reset();
  return status;
}

absl::Status MixMachine::RunStep(const MixStep& step) {
  absl::Status status;
  if (Waits(step.kind)) {
    status = CloseSection();
    held_.LetGoSoon();
  }
  actions_left_ = kMostActions;
  points_ = 0;
  const bool is_at_one_index = step.kind <= Kind::kErase && step.count == 1;
  busy_index_ = is_at_one_index ? std::optional<uint64_t>(step.index) : std::nullopt;
  busy_array_ = step.array;
  // A store may wait for a grace period when memory is short, and this thread would wait for the store.
  if (step.by_helper && !own_section_.has_value()) {
    HelperThread::Get().Run([&] { status.Update(Dispatch(step)); });
  } else {
    status.Update(Dispatch(step));
  }
  actions_left_ = 0;
  if (Waits(step.kind)) status.Update(held_.Close());
  status.Update(inside_);
  return status;
}

void MixMachine::OnPoint(const char* point) {
  if (actions_left_ == 0 || is_acting_ || !tests::IsInOperation(point) || ++points_ % program_.every != 0) return;
  // Under an array's lock the mover finds it held, and a writer would wait for it.
  if (!reclaim::MayReclaim()) return;
  is_acting_ = true;
  --actions_left_;
  if (program_.inside == Inside::kMoveNodes) MoveNodes();
  if (program_.inside == Inside::kPass && !reclaim::InReadSection()) {
    held_.LetGoSoon();
    const auto pass = CacheOf(actions_left_).Compact({.mode = slab::CompactOptions::Mode::kMoveEverything});
    // A bitmap does not move.
    if (!pass.ok() && actions_left_ % 3 != 2) inside_.Update(pass.status());
  }
  if (program_.inside == Inside::kOtherWriter) WriteFromOutside();
  is_acting_ = false;
}

// What is not in the way of the step under way: at another index of its array, if that is known, and in other arrays. In
// a section nothing is stored, as that may wait for its end.
void MixMachine::WriteFromOutside() {
  const bool may_store = !reclaim::InReadSection();
  for (size_t i = 0; i < kMixArrays; ++i) {
    const uint64_t index = (busy_index_.value_or(0) & ~uint64_t{63}) + (actions_left_ * 29 + i) % 64;
    if (i == busy_array_ && (!busy_index_.has_value() || index == *busy_index_)) continue;
    HelperThread::Get().Run([&] {
      const auto found = models_[i].find(index);
      if (found == models_[i].end()) {
        if (may_store) inside_.Update(StoreOne(*arrays_[i], models_[i], index));
        return;
      }
      inside_.Update(Same("Erase from outside", index, arrays_[i]->Erase(index).value_or(0), found->second.id));
      models_[i].erase(found);
    });
  }
}

absl::Status MixMachine::Dispatch(const MixStep& step) {
  switch (step.kind) {
    case Kind::kStore:
    case Kind::kInsert:
    case Kind::kErase:
    case Kind::kEraseRange:
    case Kind::kSetMark:
    case Kind::kClearMark:
    case Kind::kWalk:
      return RunOnArray(step);
    case Kind::kStoreMany:
      return StoreMany(step);
    case Kind::kIdAllocate:
    case Kind::kIdFree:
      return RunOnIda(step);
    case Kind::kMapStore:
    case Kind::kMapInsert:
    case Kind::kMapUpdate:
    case Kind::kMapErase:
    case Kind::kMapEraseRange:
      return RunOnMap(step);
    case Kind::kOwnEmplace:
    case Kind::kOwnTryEmplace:
    case Kind::kOwnErase:
    case Kind::kOwnEraseRange:
      return RunOnOwner(step);
    case Kind::kDestroy:
      Destroy(step.pick);
      return absl::OkStatus();
    case Kind::kCompact:
      return Compact(step);
    case Kind::kShrink:
      CacheOf(step.pick).Shrink();
      return Same("empty slabs after Shrink", step.pick, CacheOf(step.pick).Stats().empty_slabs, 0);
    case Kind::kBarrier:
      CacheOf(step.pick).FreeRcuBarrier();
      return Same("retired after the barrier", step.pick, CacheOf(step.pick).Stats().retired, 0);
    case Kind::kHousekeep: {
      const int64_t now = slab::Housekeeper::Now();
      slab::Housekeeper::RunOnce(now);
      slab::Housekeeper::RunOnce(now + step.pick * 40);
      return absl::OkStatus();
    }
    case Kind::kContiguous:
      return AllocateContiguous(step);
    case Kind::kFreeContiguous:
      FreeContiguous(step.pick);
      return absl::OkStatus();
    case Kind::kFaults:
      faults_.Arm({.space = step.pick, .times = static_cast<int64_t>(step.count)});
      return absl::OkStatus();
    case Kind::kHold:
      if (!held_.is_open()) held_.Open([&] { return ReadSome(step.pick); });
      return absl::OkStatus();
    case Kind::kOpenSection:
      // On the thread that closes it.
      if (own_section_.has_value() || step.by_helper) return absl::OkStatus();
      own_section_.emplace();
      own_check_ = ReadSome(step.pick);
      cursor_array_ = step.pick % kMixArrays;
      cursor_from_ = 0;
      cursor_.emplace(*arrays_[cursor_array_], 0);
      return absl::OkStatus();
    case Kind::kCloseSection:
      return step.by_helper ? absl::OkStatus() : CloseSection();
    case Kind::kNext:
      actions_left_ = 0;  // what it meets is compared with what is there now
      return step.by_helper ? absl::OkStatus() : Next(step.count);
    case Kind::kMoveNodes:
      MoveNodes();
      return absl::OkStatus();
    case Kind::kCheck:
      return CheckAll();
    case Kind::kLetGo:
      return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::Status MixMachine::CloseSection() {
  if (!own_section_.has_value()) return absl::OkStatus();
  const absl::Status status = own_check_();
  cursor_.reset();
  own_section_.reset();
  return status;
}

// Of one of all there is, and an empty one in its place.
void MixMachine::Destroy(unsigned pick) {
  pick %= kMixArrays + 3;
  if (pick < kMixArrays) {
    if (pick == cursor_array_) cursor_.reset();
    // First: while the old one ends, somebody may store in the new one.
    models_[pick].clear();
    arrays_[pick] = std::make_unique<XArray<Value>>(*nodes_);
  } else if (pick == kMixArrays) {
    ida_ = std::make_unique<Ida>(*nodes_, *bitmaps_);
    ids_.clear();
  } else if (pick == kMixArrays + 1) {
    map_ = std::make_unique<MovableMap<Stamp>>(*values_, *nodes_);
    map_model_.clear();
  } else {
    owner_ = std::make_unique<OwningXArray<OwnedStamp>>(*nodes_);
    owner_model_.clear();
  }
}

absl::Status MixMachine::CheckAll() {
  actions_left_ = 0;  // what is compared holds still
  absl::Status status;
  for (size_t i = 0; i < kMixArrays; ++i) {
    status.Update(arrays_[i]->CheckInvariants());
    status.Update(Walk(*arrays_[i], models_[i], 0));
  }
  status.Update(ida_->CheckInvariants());
  status.Update(map_->CheckInvariants());
  status.Update(owner_->CheckInvariants());
  status.Update(CheckValues());
  for (unsigned which = 0; which < 3; ++which) status.Update(CacheOf(which).CheckInvariants());
  status.Update(Same("values live", 0, values_->slabs().Stats().live, map_model_.size()));
  status.Update(arena_->CheckInvariants());
  return status;
}

absl::Status MixMachine::End() {
  absl::Status status = CheckAll();
  status.Update(CloseSection());
  status.Update(held_.Close());
  if (!status.ok()) return status;
  while (!blocks_.empty()) FreeContiguous(0);
  for (auto& array : arrays_) array.reset();
  ida_.reset();
  map_.reset();
  owner_.reset();
  reclaim::RetireBarrier();
  status = Same("owned elements alive at the end", 0, static_cast<uint64_t>(OwnedStamp::alive - alive_before_), 0);
  for (unsigned which = 0; which < 3; ++which) {
    CacheOf(which).Shrink();
    status.Update(Same("slabs at the end", which, CacheOf(which).Stats().slabs, 0));
  }
  if (!status.ok()) return status;
  values_.reset();
  bitmaps_.reset();
  nodes_.reset();
  return Same("units held at the end", 0, arena_->units_held(), 0);
}

}  // namespace mxa::fuzz
