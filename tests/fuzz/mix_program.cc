// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/mix_program.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/fuzz/byte_reader.h"

namespace mxa::fuzz {
namespace {

using Kind = MixStepKind;
using Mode = slab::CompactOptions::Mode;

constexpr uint64_t kLast = ~uint64_t{0};
// Where trees grow, and nodes begin and end.
constexpr uint64_t kBases[8] = {
    0, 0, 56, 4096 - 16, (uint64_t{1} << 18) - 16, (uint64_t{1} << 32) - 16, (uint64_t{1} << 63) - 16, kLast - 31};
constexpr uint64_t kStrides[8] = {1, 1, 1, 2, 31, 64, 65, 4096};
constexpr unsigned kCounts[8] = {1, 1, 1, 2, 5, 17, 40, 130};
// Enough for a bitmap to become full.
constexpr unsigned kIdCounts[8] = {1, 1, 2, 17, 64, 200, 1000, 1030};
// What it takes for anything to be met: most steps.
constexpr Kind kOften[16] = {Kind::kStore,       Kind::kErase,     Kind::kStoreMany, Kind::kStoreMany,
                             Kind::kEraseRange,  Kind::kNext,      Kind::kNext,      Kind::kNext,
                             Kind::kOpenSection, Kind::kMoveNodes, Kind::kMoveNodes, Kind::kIdAllocate,
                             Kind::kIdFree,      Kind::kMapStore,  Kind::kHold,      Kind::kCompact};
constexpr Mode kModes[4] = {Mode::kPack, Mode::kMoveEverything, Mode::kMoveEverything, Mode::kOrder};
constexpr const char* kNames[kMixStepKinds] = {"array.Store",
                                               "array.Insert",
                                               "array.Erase",
                                               "array.StoreMany",
                                               "array.EraseRange",
                                               "array.SetMark",
                                               "array.ClearMark",
                                               "walk",
                                               "ida.Allocate",
                                               "ida.Free",
                                               "map.Store",
                                               "map.Insert",
                                               "map.Update",
                                               "map.Erase",
                                               "map.EraseRange",
                                               "own.Emplace",
                                               "own.TryEmplace",
                                               "own.Erase",
                                               "own.EraseRange",
                                               "destroy",
                                               "Compact",
                                               "Shrink",
                                               "FreeRcuBarrier",
                                               "housekeep",
                                               "AllocateContiguous",
                                               "FreeContiguous",
                                               "fail",
                                               "hold",
                                               "let go",
                                               "open section",
                                               "close section",
                                               "move all nodes",
                                               "check",
                                               "next"};
constexpr const char* kInsideNames[] = {"nothing happens", "all nodes move", "passes run", "another writer writes"};

class Reader : public ByteReader {
 public:
  using ByteReader::ByteReader;

  uint64_t Index() {
    const uint8_t byte = Byte();
    return kBases[byte / 32] + byte % 32;
  }
};

MixStep ReadStep(Reader& reader) {
  MixStep step;
  const uint8_t kind = reader.Byte();
  step.kind = kind < kMixStepKinds ? static_cast<Kind>(kind) : kOften[kind % 16];
  step.by_helper = kind >= 224;
  switch (step.kind) {
    case Kind::kStore:
    case Kind::kInsert:
    case Kind::kErase:
    case Kind::kSetMark:
    case Kind::kClearMark:
    case Kind::kWalk:
    case Kind::kMapStore:
    case Kind::kMapInsert:
    case Kind::kMapUpdate:
    case Kind::kMapErase:
    case Kind::kOwnEmplace:
    case Kind::kOwnTryEmplace:
    case Kind::kOwnErase: {
      const uint8_t shape = reader.Byte();
      step.array = shape % 4 % kMixArrays;
      step.stride = kStrides[shape / 4 % 8];
      step.count = kCounts[shape / 32 % 8];
      step.index = reader.Index();
      // Many in a row only where that is cheap.
      if (step.kind == Kind::kWalk) step.count = 1;
      break;
    }
    case Kind::kStoreMany: {
      const uint8_t shape = reader.Byte();
      step.array = shape % 4 % kMixArrays;
      step.stride = kStrides[shape / 4 % 8];
      step.count = kCounts[shape / 32 % 8];
      step.index = reader.Index();
      break;
    }
    case Kind::kEraseRange:
    case Kind::kMapEraseRange:
    case Kind::kOwnEraseRange: {
      step.array = reader.Byte() % kMixArrays;
      const uint64_t one = reader.Index();
      const uint64_t other = reader.Index();
      step.index = std::min(one, other);
      step.last = std::max(one, other);
      break;
    }
    case Kind::kIdAllocate:
    case Kind::kIdFree: {
      step.pick = reader.Byte();
      const uint8_t shape = reader.Byte();
      step.count = step.kind == Kind::kIdAllocate ? kIdCounts[shape % 8] : kCounts[shape % 8];
      step.index = shape < 128 ? 0 : reader.Index();
      break;
    }
    case Kind::kCompact:
    case Kind::kShrink: {
      const uint8_t how = reader.Byte();
      step.pick = how % 3;
      step.options.mode = kModes[how / 4 % 4];
      step.options.batch_objects = how < 128 ? 1200 : 1 + how / 16 % 8;
      step.options.most_batch_objects = 2 * step.options.batch_objects;
      break;
    }
    case Kind::kContiguous: {
      const uint8_t size = reader.Byte();
      step.bytes = size_t{4096} << size % 10;
      step.waits = size >= 128;
      break;
    }
    case Kind::kDestroy:
    case Kind::kFreeContiguous:
    case Kind::kHold:
    case Kind::kOpenSection:
    case Kind::kHousekeep:
      step.pick = reader.Byte();
      break;
    case Kind::kNext:
      step.count = 1 + reader.Byte() % 4;
      break;
    case Kind::kFaults:
      step.pick = reader.Byte() % 8;
      step.count = 1 + reader.Byte() % 8;
      break;
    default:
      break;
  }
  return step;
}

}  // namespace

MixProgram DecodeMixProgram(absl::Span<const uint8_t> bytes) {
  Reader reader(bytes);
  MixProgram program;
  const uint8_t first = reader.Byte();
  const uint8_t second = reader.Byte();
  program.regions = 1 + first % 3;
  program.inside = static_cast<Inside>(first / 16 % 4);
  program.every = 1 + second % 16;
  while (!reader.AtEnd() && program.steps.size() < kMostMixSteps) program.steps.push_back(ReadStep(reader));
  return program;
}

std::string MixStep::ToString() const {
  std::string text = absl::StrCat(by_helper ? "helper: " : "", kNames[static_cast<unsigned>(kind)]);
  absl::StrAppendFormat(&text, " array %u index %u last %u stride %u count %u pick %u", array, index, last, stride,
                        count, pick);
  if (kind == Kind::kContiguous) absl::StrAppendFormat(&text, " %u bytes%s", bytes, waits ? ", waits" : "");
  if (kind == Kind::kCompact) {
    absl::StrAppendFormat(&text, " mode %u batch %u", static_cast<unsigned>(options.mode), options.batch_objects);
  }
  return text + "\n";
}

std::string MixProgram::ToString() const {
  std::string text = absl::StrFormat("arena of %u regions; inside steps %s, each %u points\n", regions,
                                     kInsideNames[static_cast<unsigned>(inside)], every);
  for (const MixStep& step : steps) text += step.ToString();
  return text;
}

}  // namespace mxa::fuzz
