// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/cache_program.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/fuzz/byte_reader.h"

namespace mxa::fuzz {
namespace {

using Kind = CacheStepKind;
using Mode = slab::CompactOptions::Mode;

constexpr size_t kSizes[16] = {8,    16,   24,   100,  192,   768,   1024,  1024,
                               4096, 4096, 4096, 8192, 16384, 16384, 65536, size_t{256} << 10};
constexpr size_t kAlignments[4] = {8, 8, 64, 1024};
constexpr size_t kSheaves[4] = {1, 2, 4, 0};
constexpr const char* kDebug[16] = {"", "", "", "", "", "", "", "", "", "", "", "F", "Z", "FZPR", "FQ8", "FZPUQ32"};
constexpr unsigned kCounts[16] = {1, 1, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 33, 64, 130, 300};
constexpr int64_t kDelays[4] = {0, 150, 1500, 6000};
constexpr double kOccupancies[4] = {1, 1, 0.5, 0.25};
constexpr double kRatios[4] = {1, 1, 1.5, 3};
constexpr size_t kBatches[4] = {1, 7, 40, 1200};
constexpr uint64_t kSlices[4] = {1'000'000, 1'000'000, 20'000, 0};
constexpr Mode kModes[8] = {Mode::kPack,       Mode::kPack,    Mode::kPack,  Mode::kMoveEverything,
                            Mode::kMoveToNode, Mode::kBalance, Mode::kOrder, Mode::kMoveEverything};
constexpr const char* kModeNames[] = {"kPack", "kMoveEverything", "kMoveToNode", "kBalance", "kOrder", "kEvacuate"};
constexpr const char* kNames[kCacheStepKinds] = {
    "Allocate",       "AllocateBulk",   "AllocateZeroed", "AllocateCritical", "Free",           "FreeBulk",
    "FreeRcu",        "thin",           "free all",       "Prefill",          "take prefilled", "return prefilled",
    "Shrink",         "FreeRcuBarrier", "housekeep",      "Compact",          "evacuate",       "AllocateContiguous",
    "FreeContiguous", "pool.Resize",    "pool.Refill",    "answer",           "refuse slabs",   "fail",
    "veto",           "run on node",    "Create",         "destroy",          "hold",           "let go",
    "at point",       "end helper",     "check"};

// Objects of many to a slab are cheap: programs are to fill slabs of every size, and stay fast.
unsigned CountFrom(uint8_t byte) { return kCounts[byte % 16]; }

CacheSpec ReadSpec(ByteReader& reader) {
  CacheSpec spec;
  const uint8_t shape = reader.Byte();
  const uint8_t more = reader.Byte();
  const uint8_t rest = reader.Byte();
  spec.object_size = kSizes[shape % 16];
  const unsigned kind = shape / 16 % 8;
  spec.has_constructor = kind != 0;
  spec.has_destructor = kind == 1 || kind == 2 || kind == 5;
  spec.is_movable = kind >= 3;
  spec.alignment = kAlignments[more % 4];
  spec.sheaf_capacity = kSheaves[more / 4 % 4];
  spec.debug = kDebug[more / 16];
  spec.has_faults = rest % 4 == 0;
  spec.has_notifier = rest / 4 % 4 == 0;
  spec.is_guarded = rest / 16 % 8 == 7;
  spec.keeps_empty_slabs = rest / 16 % 2 == 0;
  spec.refills_pool = rest >= 128;
  return spec;
}

void ReadCompact(ByteReader& reader, CacheStep& step) {
  const uint8_t how = reader.Byte();
  const uint8_t limits = reader.Byte();
  step.options.mode = kModes[how % 8];
  step.options.batch_objects = kBatches[how / 8 % 4];
  step.options.most_batch_objects = std::max<size_t>(step.options.batch_objects, how / 8 % 4 == 0 ? 2 : 1200);
  step.is_cancelled = how / 32 == 7;
  step.options.max_occupancy = kOccupancies[limits % 4];
  step.options.target_ratio = kRatios[limits / 4 % 4];
  step.options.slice_ns = kSlices[limits / 16 % 4];
  step.options.to_node = limits / 64 % 2;
  step.options.from_node = limits >= 128 ? -1 : 1 - step.options.to_node;
}

CacheStep ReadStep(ByteReader& reader) {
  CacheStep step;
  const uint8_t kind = reader.Byte();
  const uint8_t where = reader.Byte();
  step.kind = static_cast<Kind>(kind % kCacheStepKinds);
  step.by_helper = kind >= 6 * kCacheStepKinds;
  // Mostly the first cache, so that steps meet.
  step.cache = where % 8 < 4 ? 0 : where % 4;
  step.may_reclaim = where / 8 % 4 == 3;
  step.no_new_slab = where / 32 == 7;
  switch (step.kind) {
    case Kind::kAllocate:
    case Kind::kAllocateBulk:
    case Kind::kAllocateZeroed:
    case Kind::kPrefill:
    case Kind::kTakePrefilled:
    case Kind::kHold:
      step.count = CountFrom(reader.Byte());
      break;
    case Kind::kAllocateCritical:
      step.count = 1 + reader.Byte() % 8;
      break;
    case Kind::kFree:
    case Kind::kFreeBulk:
    case Kind::kFreeRcu:
    case Kind::kFaults:
    case Kind::kVeto:
      step.pick = reader.Byte();
      step.count = CountFrom(reader.Byte());
      step.of_arena = where / 64 % 2 != 0;
      break;
    case Kind::kThin:
      step.pick = reader.Byte();
      step.count = 2 + step.pick % 15;
      break;
    case Kind::kHousekeep:
      step.delay_ms = kDelays[reader.Byte() % 4];
      break;
    case Kind::kCompact:
      ReadCompact(reader, step);
      break;
    case Kind::kEvacuate:
      ReadCompact(reader, step);
      step.options.mode = Mode::kEvacuate;
      step.pick = reader.Byte();
      step.units = size_t{1} << step.pick % 6;
      break;
    case Kind::kContiguous: {
      const uint8_t size = reader.Byte();
      step.bytes = size_t{4096} << size % 10;
      step.waits = size >= 128;
      break;
    }
    case Kind::kResizePool:
    case Kind::kRefuse:
    case Kind::kNode:
      step.count = reader.Byte() % 8;
      break;
    case Kind::kFreeContiguous:
      step.pick = reader.Byte();
      break;
    case Kind::kAnswer:
      step.pick = reader.Byte();
      step.answer = static_cast<Answer>(reader.Byte() % kAnswers);
      step.count = 1 + step.pick % 4;
      break;
    case Kind::kCreate:
      step.cache = where % kCaches;
      step.spec = ReadSpec(reader);
      break;
    case Kind::kAtPoint: {
      const uint8_t point = reader.Byte();
      step.point = point % std::size(kCachePoints);
      step.pick = point / 8 % 4;
      step.count = 1 + point / 32 % 4;
      break;
    }
    default:
      break;
  }
  return step;
}

}  // namespace

CacheProgram DecodeCacheProgram(absl::Span<const uint8_t> bytes) {
  ByteReader reader(bytes);
  CacheProgram program;
  const uint8_t arena = reader.Byte();
  const uint8_t pool = reader.Byte();
  program.regions = 2 + arena % 4;
  program.nodes = arena / 16 % 4 == 3 ? 2 : 1;
  program.huge_pages = arena >= 224 ? 1 : 0;
  program.has_pool = pool >= 160;
  program.pool_units = pool % 5;
  program.pool_run_units = size_t{1} << pool / 8 % 4;
  CacheStep create;
  create.kind = Kind::kCreate;
  create.spec = ReadSpec(reader);
  program.steps.push_back(create);
  while (!reader.AtEnd() && program.steps.size() < kMostCacheSteps) program.steps.push_back(ReadStep(reader));
  return program;
}

std::string CacheSpec::ToString() const {
  std::string text = absl::StrFormat("%u bytes aligned to %u, sheaves of %u", object_size, alignment, sheaf_capacity);
  if (has_constructor) text += ", constructor";
  if (has_destructor) text += ", destructor";
  if (is_movable) text += ", movable";
  if (has_faults) text += ", faults";
  if (has_notifier) text += ", notifier";
  if (is_guarded) text += ", guarded";
  if (!keeps_empty_slabs) text += ", no empty slabs";
  if (refills_pool) text += ", refills the pool";
  if (!debug.empty()) absl::StrAppend(&text, ", debug ", debug);
  return text;
}

std::string CacheStep::ToString() const {
  std::string text =
      absl::StrFormat("%scache %u: %s", by_helper ? "helper: " : "", cache, kNames[static_cast<unsigned>(kind)]);
  if (kind == Kind::kCreate) return absl::StrCat(text, " ", spec.ToString(), "\n");
  if (kind == Kind::kCompact || kind == Kind::kEvacuate) {
    absl::StrAppendFormat(&text, " %s%s batch %u, occupancy %g, ratio %g, slice %u, nodes %d to %d, pick %u, units %u",
                          kModeNames[static_cast<unsigned>(options.mode)], is_cancelled ? " cancelled" : "",
                          options.batch_objects, options.max_occupancy, options.target_ratio, options.slice_ns,
                          options.from_node, options.to_node, pick, units);
    return text + "\n";
  }
  if (kind == Kind::kAtPoint) {
    return absl::StrFormat("the next %u steps run at %s, of which %u are let pass\n", count, kCachePoints[point], pick);
  }
  if (kind == Kind::kContiguous) absl::StrAppendFormat(&text, " %u bytes%s", bytes, waits ? ", waits" : "");
  if (kind == Kind::kHousekeep) absl::StrAppendFormat(&text, " after %d ms", delay_ms);
  if (kind == Kind::kAnswer) absl::StrAppendFormat(&text, " %u", static_cast<unsigned>(answer));
  absl::StrAppendFormat(&text, " pick %u count %u", pick, count);
  if (may_reclaim) text += " kMayReclaim";
  if (no_new_slab) text += " kNoNewSlab";
  if (of_arena) text += " of the arena";
  return text + "\n";
}

std::string CacheProgram::ToString() const {
  std::string text = absl::StrFormat("arena of %u regions, %u nodes, huge pages %d; ", regions, nodes, huge_pages);
  absl::StrAppend(
      &text, has_pool ? absl::StrFormat("pool of %u units in runs of %u\n", pool_units, pool_run_units) : "no pool\n");
  for (const CacheStep& step : steps) text += step.ToString();
  return text;
}

}  // namespace mxa::fuzz
