// SPDX-License-Identifier: Apache-2.0
#include "reclaim/shrinker_registry.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "absl/base/attributes.h"
#include "base/check.h"
#include "base/mutex.h"
#include "reclaim/context.h"
#include "reclaim/fork_hold.h"
#include "reclaim/rcu.h"

namespace mxa::reclaim {
namespace {

constexpr unsigned kMostSeeks = 1024;
// Scans in a row that drop nothing after which a round leaves a shrinker: a first look may only find what was used
// lately, but a count that is far too high must not keep everybody.
constexpr size_t kFruitlessScans = 64;
// Fruitless rounds in a row after which a shrinker rests, and for how many rounds at the most.
constexpr uint64_t kPatience = 4;
constexpr uint64_t kLongestRest = 64;

size_t SaturatingAdd(size_t a, size_t b) { return a > std::numeric_limits<size_t>::max() - b ? ~size_t{0} : a + b; }
size_t Twice(size_t n) { return SaturatingAdd(n, n); }

// A shrinker's share of a round, without what is carried.
size_t Share(size_t count, unsigned seeks, int priority) {
  if (seeks == 0) return count / 2;
  const size_t part = count >> priority;
  // Divided first where the product would overflow.
  const size_t share = part > std::numeric_limits<size_t>::max() / 4 ? part / seeks * 4 : part * 4 / seeks;
  return std::min(share, count);
}

}  // namespace

struct ShrinkerHandle::Record : RosterMember {
  Record(Shrinker& shrinker, const ShrinkerOptions& options)
      : RosterMember(options.name), shrinker(shrinker), options(options) {}

  ShrinkResult Round(const ShrinkRequest& request, absl::Duration end, const ReclaimClock& clock);
  bool Rests();
  bool ScanOnce(const ShrinkRequest& request, int node, size_t objects, const ReclaimClock& clock,
                ShrinkResult& result);
  ShrinkerStats Stats() const;

  Shrinker& shrinker;
  const ShrinkerOptions options;

  // Of whoever is inside.
  std::map<int, size_t> carried;  // by node
  uint64_t fruitless_in_a_row = 0;
  uint64_t rest = 0;  // rounds to leave out

  mutable Mutex mutex;  // a leaf lock, held only inside a ForkHold
  ShrinkerStats stats ABSL_GUARDED_BY(mutex);
};

// A shrinker that has freed nothing for a while is asked less and less often: whatever it counts, it cannot.
bool ShrinkerHandle::Record::Rests() {
  if (rest == 0) return false;
  --rest;
  MutexLock lock(&mutex);
  ++stats.rested;
  return true;
}

// False when the shrinker is to be left for this round.
bool ShrinkerHandle::Record::ScanOnce(const ShrinkRequest& request, int node, size_t objects, const ReclaimClock& clock,
                                      ShrinkResult& result) {
  const absl::Duration start = clock.Now();
  const absl::StatusOr<Scanned> scanned = shrinker.Scan({.node = node, .objects = objects, .cancel = request.cancel});
  const absl::Duration took = clock.Now() - start;
  ++result.scans;
  MutexLock lock(&mutex);
  ++stats.scans;
  stats.asked += objects;
  stats.longest_scan = std::max(stats.longest_scan, took);
  if (!scanned.ok()) {
    ++stats.errors;
    stats.last_error = scanned.status().ToString();
    return false;
  }
  stats.dropped += scanned->objects;
  stats.bytes += scanned->bytes;
  stats.stops += scanned->stop ? 1 : 0;
  result.objects += scanned->objects;
  result.bytes += scanned->bytes;
  return !scanned->stop;
}

ShrinkResult ShrinkerHandle::Record::Round(const ShrinkRequest& request, absl::Duration end,
                                           const ReclaimClock& clock) {
  ShrinkResult result;
  // Priority 0 is the last resort: then nobody rests.
  if (request.priority > 0 && Rests()) return result;
  const NoReclaimScope no_reclaim;
  const int node = options.by_node ? request.node : kAnyNode;
  const size_t count = shrinker.Count(node);
  size_t& left = carried[node];
  size_t wanted = std::min(SaturatingAdd(left, Share(count, options.seeks, request.priority)), Twice(count));
  size_t fruitless_scans = 0;
  const auto over = [&] {
    // Relaxed: a request, not a message.
    return result.bytes >= request.wanted_bytes || clock.Now() >= end ||
           (request.cancel != nullptr && request.cancel->load(std::memory_order_relaxed));
  };
  while (wanted > 0 && (wanted >= options.batch || wanted >= count) && !over()) {
    const size_t objects = std::min(wanted, options.batch);
    const size_t before = result.objects;
    if (!ScanOnce(request, node, objects, clock, result)) break;
    wanted -= objects;
    fruitless_scans = result.objects == before ? fruitless_scans + 1 : 0;
    if (fruitless_scans == kFruitlessScans) break;
  }
  left = wanted;
  if (result.objects != 0) {
    fruitless_in_a_row = 0;
  } else if (result.scans != 0 && ++fruitless_in_a_row >= kPatience) {
    rest = std::min(uint64_t{1} << std::min<uint64_t>(fruitless_in_a_row - kPatience, 16), kLongestRest);
  }
  MutexLock lock(&mutex);
  ++stats.rounds;
  stats.last_count = count;
  stats.fruitless += result.scans != 0 && result.objects == 0 ? 1 : 0;
  stats.carried = 0;
  for (const auto& [of_node, objects] : carried) stats.carried = SaturatingAdd(stats.carried, objects);
  return result;
}

ShrinkerStats ShrinkerHandle::Record::Stats() const {
  MutexLock lock(&mutex);
  ShrinkerStats copy = stats;
  copy.name = name();
  return copy;
}

ShrinkerHandle::ShrinkerHandle(ShrinkerRegistry* registry, std::shared_ptr<Record> record)
    : registry_(registry), record_(std::move(record)) {}

ShrinkerHandle::ShrinkerHandle(ShrinkerHandle&& other) noexcept
    : registry_(std::exchange(other.registry_, nullptr)), record_(std::move(other.record_)) {}

ShrinkerHandle& ShrinkerHandle::operator=(ShrinkerHandle&& other) noexcept {
  if (this == &other) return *this;
  Reset();
  registry_ = std::exchange(other.registry_, nullptr);
  record_ = std::move(other.record_);
  return *this;
}

void ShrinkerHandle::Reset() {
  if (record_ == nullptr) return;
  registry_->roster_.Remove(*record_);
  record_ = nullptr;
  registry_ = nullptr;
}

ShrinkerRegistry& ShrinkerRegistry::Default() {
  ABSL_CONST_INIT static Immortal<ShrinkerRegistry> registry;
  return registry.Get([] { return new ShrinkerRegistry; });
}

ShrinkerHandle ShrinkerRegistry::Register(Shrinker& shrinker, const ShrinkerOptions& options) {
  MXA_CHECK(options.batch > 0, "a shrinker with a batch of nothing");
  MXA_CHECK(options.seeks <= kMostSeeks, "a shrinker with too many seeks");
  auto record = std::make_shared<ShrinkerHandle::Record>(shrinker, options);
  roster_.Add(record);
  return ShrinkerHandle(this, std::move(record));
}

ShrinkResult ShrinkerRegistry::Shrink(const ShrinkRequest& request) {
  MXA_CHECK(request.priority >= 0 && request.priority <= kLowestPriority, "no such priority");
  MXA_CHECK(MayReclaim(), "shrinking under an array lock or inside a callback");
  MXA_CHECK(!InReadSection(), "shrinking inside a read section");
  ShrinkResult total;
  const absl::Duration end = clock_.Now() + request.time_limit;
  const std::vector<std::shared_ptr<RosterMember>> members = roster_.Members();
  // Relaxed: any beginning is as good, so long as they differ: a round that ends early must not always favour the same.
  const size_t first = members.empty() ? 0 : next_.fetch_add(1, std::memory_order_relaxed) % members.size();
  for (size_t i = 0; i < members.size(); ++i) {
    if (total.bytes >= request.wanted_bytes || clock_.Now() >= end) break;
    if (request.cancel != nullptr && request.cancel->load(std::memory_order_relaxed)) break;
    auto& record = static_cast<ShrinkerHandle::Record&>(*members[(first + i) % members.size()]);
    if (request.direct_only && !record.options.direct) continue;
    const RosterVisit visit(roster_, record, clock_.Now());
    if (!visit.inside()) {
      ++total.occupied;
      MutexLock lock(&record.mutex);
      ++record.stats.passed_by;
      continue;
    }
    ShrinkRequest rest = request;
    rest.wanted_bytes -= total.bytes;
    const ShrinkResult result = record.Round(rest, end, clock_);
    ++total.shrinkers;
    total.objects += result.objects;
    total.bytes += result.bytes;
    total.scans += result.scans;
  }
  return total;
}

std::vector<ShrinkerStats> ShrinkerRegistry::Stats() const {
  const ForkHold hold;
  std::vector<ShrinkerStats> all;
  const std::vector<RosterOccupied> inside = roster_.Occupied();
  for (const auto& member : roster_.Members()) {
    all.push_back(static_cast<const ShrinkerHandle::Record&>(*member).Stats());
    for (const RosterOccupied& occupied : inside) {
      if (occupied.member == member.get()) all.back().inside_since = occupied.since;
    }
  }
  return all;
}

std::vector<RosterOccupied> ShrinkerRegistry::Stalled(absl::Duration longer_than) const {
  const absl::Duration now = clock_.Now();
  std::vector<RosterOccupied> stalled;
  for (RosterOccupied& occupied : roster_.Occupied()) {
    if (now - occupied.since >= longer_than) stalled.push_back(std::move(occupied));
  }
  return stalled;
}

}  // namespace mxa::reclaim
