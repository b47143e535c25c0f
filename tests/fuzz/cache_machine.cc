// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/cache_machine.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/check.h"
#include "base/schedule_point.h"
#include "slab/housekeeper.h"
#include "tests/fuzz/differs.h"
#include "tests/fuzz/helper_thread.h"
#include "tests/support/fake_topology.h"

namespace mxa::fuzz {
namespace {

using Kind = CacheStepKind;

constexpr size_t kCheckEvery = 20;

thread_local CacheMachine* current = nullptr;

#if MXA_HOOKS
void HandlePoint(const char* point) {
  if (current != nullptr) current->OnPoint(point);
}
#endif

// Steps that neither wait nor begin what waits.
bool CanRunInside(Kind kind) {
  switch (kind) {
    case Kind::kAllocate:
    case Kind::kAllocateBulk:
    case Kind::kAllocateZeroed:
    case Kind::kAllocateCritical:
    case Kind::kFree:
    case Kind::kFreeBulk:
    case Kind::kFreeRcu:
    case Kind::kThin:
    case Kind::kPrefill:
    case Kind::kTakePrefilled:
    case Kind::kReturnPrefilled:
    case Kind::kAnswer:
    case Kind::kRefuse:
    case Kind::kFaults:
    case Kind::kVeto:
    case Kind::kHold:
    case Kind::kEndHelper:
      return true;
    default:
      return false;
  }
}

// Whether a step may wait for a grace period.
bool MayWait(const CacheStep& step, const CacheSubject* subject) {
  switch (step.kind) {
    case Kind::kAllocate:
    case Kind::kAllocateBulk:
    case Kind::kAllocateZeroed:
    case Kind::kPrefill:
      return step.may_reclaim;
    case Kind::kFree:
    case Kind::kFreeBulk:
    case Kind::kFreeRcu:
    case Kind::kThin:
      // A sheaf for what is retired may fail to be made.
      return subject != nullptr && subject->spec().has_faults;
    case Kind::kShrink:
    case Kind::kBarrier:
    case Kind::kFreeAll:
    case Kind::kCompact:
    case Kind::kEvacuate:
    case Kind::kContiguous:
    case Kind::kCreate:
    case Kind::kDestroy:
    case Kind::kLetGo:
      return true;
    default:
      return false;
  }
}

}  // namespace

absl::Status RunCacheProgram(const CacheProgram& program) {
  auto machine = std::make_unique<CacheMachine>(program);
  const absl::Status status = machine->Run(program.steps);
  if (status.ok()) return status;
  // Where something is wrong, nothing can be taken apart any more.
  static auto& failed = *new std::vector<std::unique_ptr<CacheMachine>>;
  failed.push_back(std::move(machine));
  return absl::InternalError(absl::StrCat(status.message(), "\nin\n", program.ToString()));
}

CacheMachine::CacheMachine(const CacheProgram& program) {
  if (program.nodes > 1) topology_ = std::make_unique<test::FakeTopology>(program.nodes);
  test::FakeTopology::RunOn(0);
  arena_ = slab::Arena::Create({.reserve_bytes = program.regions * slab::kRegionSize,
                                .min_reserve_bytes = slab::kRegionSize,
                                .huge_pages = static_cast<slab::ArenaOptions::HugePages>(program.huge_pages),
                                .faults = &world_.arena_faults,
                                .topology = topology_.get()})
               .value();
  world_.arena = arena_.get();
  if (!program.has_pool) return;
  auto pool = slab::PagePool::Create({.name = "fuzz",
                                      .arena = arena_.get(),
                                      .min_units = program.pool_units,
                                      .largest_run_units = program.pool_run_units});
  MXA_CHECK(pool.ok(), "no page pool in an arena that is empty");
  pool_ = *std::move(pool);
  world_.pool = pool_.get();
}

CacheMachine::~CacheMachine() = default;

absl::Status CacheMachine::Run(absl::Span<const CacheStep> steps) {
  current = this;
#if MXA_HOOKS
  // Only this thread listens.
  const ScheduleHandler before = SetScheduleHandlerForTest(&HandlePoint);
#endif
  absl::Status status;
  for (size_t i = 0; i < steps.size() && status.ok(); ++i) {
    const CacheStep& step = steps[i];
    if (step.kind == Kind::kAtPoint) {
      planned_ = {kCachePoints[step.point], step.pick, steps.subspan(i + 1, step.count)};
      i += planned_.steps.size();
      continue;
    }
    status = RunStep(step);
    if (status.ok() && i % kCheckEvery == kCheckEvery - 1) status = CheckAll();
    if (!status.ok()) status = absl::InternalError(absl::StrCat(status.message(), "\nbehind\n", step.ToString()));
  }
  planned_ = {};
  if (status.ok()) status = End();
#if MXA_HOOKS
  SetScheduleHandlerForTest(before);
#endif
  current = nullptr;
  return status;
}

absl::Status CacheMachine::RunStep(const CacheStep& step) {
  CacheSubject* const subject = subjects_[step.cache].get();
  const bool may_wait = MayWait(step, subject);
  ran_inside_ = false;
  if (may_wait) section_.LetGoSoon();
  absl::Status status;
  if (step.by_helper) {
    HelperThread::Get().Run([&] { status = Dispatch(step, subject, /*is_inside=*/false); });
  } else {
    status = Dispatch(step, subject, /*is_inside=*/false);
  }
  if (may_wait) {
    status.Update(section_.Close());
    for (const auto& each : subjects_) {
      if (each != nullptr) each->Unread();
    }
  }
  status.Update(inside_);
  status.Update(world_.complaints.status());
  return status;
}

void CacheMachine::OnPoint(const char* point) {
  if (planned_.point == nullptr || std::strcmp(planned_.point, point) != 0) return;
  if (planned_.let_pass > 0) {
    --planned_.let_pass;
    return;
  }
  const Planned planned = std::exchange(planned_, {});
  ran_inside_ = true;
  // An allocation that finds no memory takes a planned slab back, one of the range too, and the pass may then fill it.
  world_.closed_begin = world_.closed_end = 0;
  for (const CacheStep& step : planned.steps) {
    CacheSubject* const subject = subjects_[step.cache].get();
    if (!CanRunInside(step.kind)) continue;
    if (step.by_helper) {
      HelperThread::Get().Run([&] { inside_.Update(Dispatch(step, subject, /*is_inside=*/true)); });
    } else {
      inside_.Update(Dispatch(step, subject, /*is_inside=*/true));
    }
    // Whoever has come to this point may wait next.
    section_.LetGoSoon();
  }
}

absl::Status CacheMachine::Dispatch(const CacheStep& step, CacheSubject* subject, bool is_inside) {
  using Way = CacheSubject::Way;
  switch (step.kind) {
    case Kind::kCreate:
      if (subject == nullptr) subjects_[step.cache] = std::make_unique<CacheSubject>(step.spec, world_);
      return absl::OkStatus();
    case Kind::kContiguous:
      return AllocateContiguous(step);
    case Kind::kFreeContiguous:
      return FreeContiguous(step.pick);
    case Kind::kResizePool:
      if (pool_ != nullptr) pool_->Resize(step.count).IgnoreError();  // the arena may have no more
      return absl::OkStatus();
    case Kind::kRefillPool:
      if (pool_ != nullptr) pool_->Refill().IgnoreError();
      return absl::OkStatus();
    case Kind::kFaults:
      (step.of_arena ? world_.arena_faults : world_.cache_faults)
          .Arm({.space = step.pick % 16, .times = static_cast<int64_t>(step.count)});
      return absl::OkStatus();
    case Kind::kNode:
      if (topology_ != nullptr) test::FakeTopology::RunOn(static_cast<int>(step.count % topology_->nodes()));
      return absl::OkStatus();
    case Kind::kHousekeep: {
      const int64_t now = slab::Housekeeper::Now();
      slab::Housekeeper::RunOnce(now);
      slab::Housekeeper::RunOnce(now + step.delay_ms);
      return absl::OkStatus();
    }
    case Kind::kEndHelper:
      // Not by itself.
      if (!step.by_helper) HelperThread::Get().End();
      return absl::OkStatus();
    case Kind::kCheck:
      return CheckAll();
    default:
      break;
  }
  if (subject == nullptr) return absl::OkStatus();
  switch (step.kind) {
    case Kind::kAllocate:
    case Kind::kAllocateZeroed:
      return Allocate(step, *subject, is_inside);
    case Kind::kAllocateBulk:
      return AllocateBulk(step, *subject);
    case Kind::kAllocateCritical:
      return AllocateCritical(step, *subject);
    case Kind::kFree:
      return subject->Release(Way::kFree, step.pick, step.count);
    case Kind::kFreeBulk:
      return subject->Release(Way::kBulk, step.pick, step.count);
    case Kind::kFreeRcu:
      return subject->Release(Way::kRcu, step.pick, step.count);
    case Kind::kThin:
      return subject->Thin(step.count);
    case Kind::kFreeAll:
      return subject->Empty();
    case Kind::kPrefill:
      return Prefill(step, *subject);
    case Kind::kTakePrefilled:
      return TakePrefilled(step, *subject);
    case Kind::kReturnPrefilled:
      subject->prefilled().reset();
      return absl::OkStatus();
    case Kind::kShrink:
      return Shrink(*subject);
    case Kind::kBarrier:
      return Barrier(*subject);
    case Kind::kCompact:
      return Compact(step, *subject);
    case Kind::kEvacuate:
      return Evacuate(step, *subject);
    case Kind::kAnswer:
      subject->SetAnswer(step.pick, step.count, step.answer);
      return absl::OkStatus();
    case Kind::kRefuse:
      subject->RefuseSlabs(static_cast<int>(step.count));
      return absl::OkStatus();
    case Kind::kVeto:
      subject->notifier().Veto(static_cast<int>(step.pick % 16), static_cast<int>(step.count));
      return absl::OkStatus();
    case Kind::kHold:
      if (!section_.is_open()) section_.Open([&] { return subject->ReadSome(step.pick, step.count); });
      return absl::OkStatus();
    case Kind::kDestroy:
      if (absl::Status status = subject->Empty(); !status.ok()) return status;
      subjects_[step.cache].reset();
      return absl::OkStatus();
    default:
      return absl::OkStatus();
  }
}

absl::Status CacheMachine::CheckAll() {
  for (const auto& subject : subjects_) {
    if (subject == nullptr) continue;
    if (absl::Status status = subject->Check(); !status.ok()) return status;
  }
  for (const Block& block : blocks_) {
    if (absl::Status status = CheckBlock(block); !status.ok()) return status;
  }
  return arena_->CheckInvariants();
}

absl::Status CacheMachine::End() {
  if (absl::Status status = CheckAll(); !status.ok()) return status;
  section_.LetGoSoon();
  for (auto& subject : subjects_) {
    if (subject == nullptr) continue;
    if (absl::Status status = subject->Empty(); !status.ok()) return status;
    if (absl::Status status = Shrink(*subject); !status.ok()) return status;
    subject.reset();
  }
  while (!blocks_.empty()) {
    if (absl::Status status = FreeContiguous(0); !status.ok()) return status;
  }
  if (absl::Status status = section_.Close(); !status.ok()) return status;
  if (absl::Status status = world_.complaints.status(); !status.ok()) return status;
  if (pool_ != nullptr) {
    if (absl::Status status = pool_->CheckInvariants(); !status.ok()) return status;
    pool_.reset();
  }
  if (absl::Status status = arena_->CheckInvariants(); !status.ok()) return status;
  return Same("units held at the end", 0, arena_->units_held(), 0);
}

}  // namespace mxa::fuzz
