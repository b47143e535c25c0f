// SPDX-License-Identifier: Apache-2.0
#include "tests/slab/stress/world.h"

#include "absl/functional/function_ref.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/slab/stress/referee.h"

namespace mxa::slab::stress {
namespace {

constexpr size_t kTightBytes = 4 * kRegionSize;
constexpr absl::Duration kLongestGivingBack = absl::Seconds(20);

}  // namespace

World::World(size_t actors) : gate_(actors) {
  wide_ = Arena::Create({.reserve_bytes = size_t{1} << 30,
                         .min_reserve_bytes = kRegionSize * 64,
                         .faults = &page_faults_,
                         .topology = &topology_})
              .value();
  tight_ = Arena::Create({.reserve_bytes = kTightBytes, .min_reserve_bytes = kTightBytes}).value();
  pool_ = PagePool::Create({.name = "reserve", .arena = tight_.get(), .min_units = 8, .largest_run_units = 4}).value();
  chain_.Register(first_ledger_, 10);
  chain_.Register(last_ledger_, -10);
  const auto add = [&](CacheOptions options, bool movable, size_t slots) {
    // Short: within a second, sheaves wait long enough and threads are idle.
    options.rcu_free_delay = absl::Milliseconds(20);
    options.idle_delay = absl::Milliseconds(150);
    populations_.push_back(std::make_unique<Population>(populations_.size(), options, movable, slots));
  };
  add({.name = "small", .object_size = 64, .arena = wide_.get()}, /*movable=*/true, /*slots=*/12000);
  add({.name = "few", .object_size = 576, .arena = wide_.get(), .sheaf_capacity = 2}, /*movable=*/true, /*slots=*/3000);
  add({.name = "page", .object_size = 4096, .alignment = 4096, .arena = wide_.get()}, /*movable=*/false, /*slots=*/300);
  add({.name = "tight", .object_size = 1024, .arena = tight_.get(), .pool = pool_.get()}, /*movable=*/true,
      /*slots=*/kTightBytes / 1024 / 4 * 5);
  DebugOptions checks = {.consistency = true, .red_zones = true, .random_order = true, .quarantine_objects = 64};
  add({.name = "hooked",
       .object_size = 120,
       .arena = wide_.get(),
       .notifiers = &chain_,
       .faults = &allocation_faults_,
       .debug = checks,
       .guard_interval = absl::Milliseconds(2)},
      /*movable=*/true, /*slots=*/4000);
  checks.poison = true;
  checks.track_owner = true;
  add({.name = "poisoned",
       .object_size = 200,
       .arena = wide_.get(),
       .notifiers = &chain_,
       .faults = &allocation_faults_,
       .debug = checks},
      /*movable=*/false, /*slots=*/2000);
}

World::~World() {
  page_faults_.Disarm();
  allocation_faults_.Disarm();
  chain_.Unregister(vetoer_);
  while (std::optional<Mailbox::Letter> letter = mailbox_.Take(0)) letter->population->Discard(letter->probe);
  populations_.clear();
  AuditLedgers();
  chain_.Unregister(first_ledger_);
  chain_.Unregister(last_ledger_);
  AuditArena(*wide_, /*with_pool=*/false);
  AuditArena(*tight_, /*with_pool=*/true);
}

Population& World::AnyMovable(tests::Random& random) {
  for (;;) {
    Population& population = AnyPopulation(random);
    if (population.movable()) return population;
  }
}

void World::AwaitNone(absl::FunctionRef<std::optional<std::string>()> difference) {
  const absl::Time limit = absl::Now() + kLongestGivingBack;
  for (;;) {
    const std::optional<std::string> found = difference();
    if (!found.has_value()) return;
    if (absl::Now() > limit) return Violation(*found);
    absl::SleepFor(absl::Milliseconds(1));
  }
}

std::optional<std::string> World::LedgersDiffer() const {
  uint64_t objects = 0;
  uint64_t slabs = 0;
  for (const auto& population : populations_) {
    if (!population->notifies()) continue;
    const CacheStats stats = population->cache().Stats();
    objects += stats.live + stats.guarded;
    slabs += stats.slabs;
  }
  for (const Ledger* ledger : {&first_ledger_, &last_ledger_}) {
    if (ledger->objects() != objects || ledger->slabs() != slabs) {
      return absl::StrFormat("a notifier has heard of %d objects and %d slabs, there are %d and %d", ledger->objects(),
                             ledger->slabs(), objects, slabs);
    }
  }
  return std::nullopt;
}

std::optional<std::string> World::ArenaDiffers(const Arena& arena, bool with_pool) const {
  size_t units = with_pool ? pool_->Stats().held_units : 0;
  for (const auto& population : populations_) {
    if (&population->cache().arena() != &arena) continue;
    units += population->cache().Stats().slabs * population->cache().Shape().units_per_slab;
  }
  if (arena.units_held() == units) return std::nullopt;
  return absl::StrFormat("an arena holds %d units, its caches and pool have %d", arena.units_held(), units);
}

void World::AuditLedgers() const {
  AwaitNone([this] { return LedgersDiffer(); });
}

void World::AuditArena(Arena& arena, bool with_pool) const {
  if (const absl::Status status = arena.CheckInvariants(); !status.ok()) Violation(std::string(status.message()));
  AwaitNone([&] { return ArenaDiffers(arena, with_pool); });
}

void World::Audit(bool deep) {
  Did(Op::kAudit, deep ? "deep" : "all");
  for (const auto& population : populations_) {
    if (deep) population->cache().Shrink();
    population->Audit();
  }
  if (const absl::Status status = pool_->CheckInvariants(); !status.ok()) Violation(std::string(status.message()));
  AuditLedgers();
  const PagePoolStats pool = pool_->Stats();
  if (pool.waiters != 0) Violation("a page pool has waiters when everybody rests");
  AuditArena(*wide_, /*with_pool=*/false);
  AuditArena(*tight_, /*with_pool=*/true);
}

}  // namespace mxa::slab::stress
