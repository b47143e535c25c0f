// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/compaction.h"

#include "absl/status/statusor.h"
#include "tools/mxa/clock.h"

namespace mxa::tool {
namespace {

using Mode = slab::CompactOptions::Mode;

// Writers can make room in slabs for ever; what a pass then gives back is not the compaction's doing.
constexpr int kMostPackingPasses = 64;

}  // namespace

absl::Status Compaction::OnePass(Mode mode, slab::CompactStats* pass) {
  const uint64_t begun_ns = NowNs();
  absl::StatusOr<slab::CompactStats> stats = nodes_.slabs().Compact({.mode = mode});
  const uint64_t ended_ns = NowNs();
  wall_ns_ += ended_ns - begun_ns;
  if (!stats.ok()) return stats.status();
  *pass = *stats;
  passes_.push_back({begun_ns, ended_ns, stats->objects_moved, stats->slabs_released});
  stats_.Add(*stats);
  return absl::OkStatus();
}

absl::Status Compaction::Pack() {
  for (int i = 0; i < kMostPackingPasses; ++i) {
    slab::CompactStats pass;
    if (absl::Status status = OnePass(Mode::kPack, &pass); !status.ok()) return status;
    if (pass.objects_moved == 0 || pass.slabs_released == 0) break;
  }
  return absl::OkStatus();
}

absl::Status Compaction::PutInOrder() {
  slab::CompactStats pass;
  return OnePass(Mode::kOrder, &pass);
}

absl::Status Compaction::MoveUntil(uint64_t deadline_ns) {
  slab::CompactStats pass;
  for (Mode mode = Mode::kMoveEverything; NowNs() < deadline_ns;
       mode = mode == Mode::kPack ? Mode::kMoveEverything : Mode::kPack) {
    if (absl::Status status = OnePass(mode, &pass); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace mxa::tool
