// SPDX-License-Identifier: Apache-2.0
#include "tools/torture/replay.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/check.h"
#include "base/schedule_point.h"
#include "reclaim/context.h"
#include "reclaim/movable.h"
#include "reclaim/rcu.h"
#include "tools/torture/perturbation.h"
#include "tools/torture/threads.h"

namespace mxa::torture {
namespace {

constexpr uint64_t kMoveOneIn = 24;
constexpr uint64_t kMeddleOneIn = 2;
// Old places wait for the end of the section, and some for longer: how many moves there can be must not depend on how far
// the library's own thread has come with them.
constexpr int kMovesPerStep = 6;
constexpr uint64_t kStepsPerBarrier = 16;

thread_local Replay* tls_replay = nullptr;

// The same in every run: points of operations on arrays that do not depend on which memory is free.
bool IsReproducible(absl::string_view point) {
  if (absl::EndsWith(point, "unlocked") || absl::EndsWith(point, "unlocked_fill")) return false;
  for (const absl::string_view prefix :
       {"load.", "cursor.", "get_mark.", "get_order.", "load_many.", "node_walk.", "range.", "node."}) {
    if (absl::StartsWith(point, prefix)) return true;
  }
  return false;
}

}  // namespace

Replay::Replay(uint64_t seed, xarray::NodeCache& nodes, std::function<void(tool::Random&)> meddle, Errors& errors)
    : random_(seed), nodes_(nodes), meddle_(std::move(meddle)), errors_(errors) {
  MXA_CHECK(tls_replay == nullptr, "one replay at a time");
  tls_replay = this;
  SetNoteListener(&OnNote);
#if MXA_HOOKS
  MXA_CHECK(SetScheduleHandlerForTest(&OnPoint) == nullptr, "somebody else handles schedule points");
#else
  static_cast<void>(&OnPoint);
#endif
}

Replay::~Replay() {
#if MXA_HOOKS
  SetScheduleHandlerForTest(nullptr);
#endif
  SetNoteListener(nullptr);
  tls_replay = nullptr;
}

void Replay::BeginStep() {
  in_step_ = true;
  moves_left_ = kMovesPerStep;
  if (++steps_ % kStepsPerBarrier == 0) nodes_.slabs().FreeRcuBarrier();
}

void Replay::OnPoint(const char* point) {
  if (tls_replay != nullptr) tls_replay->Reach(point);
}

void Replay::OnNote(const char* what, uint64_t first, uint64_t second) {
  if (tls_replay != nullptr) tls_replay->Digest(what, first, second);
}

void Replay::Digest(const char* what, uint64_t first, uint64_t second) {
  uint64_t digest = digest_;
  for (const char c : absl::string_view(what)) digest = tool::Mix64(digest + static_cast<unsigned char>(c));
  digest_ = tool::Mix64(tool::Mix64(digest ^ first) + second);
}

void Replay::Reach(const char* point) {
  if (inside_) return;
  LookAtGracePeriod(point, errors_);
  if (!IsReproducible(point)) return;
  Digest(point, 0, 0);
  if (!in_step_ || !reclaim::MayReclaim()) return;
  inside_ = true;
  if (random_.OneIn(kMoveOneIn) && moves_left_ > 0) {
    --moves_left_;
    MoveAll();
  }
  if (random_.OneIn(kMeddleOneIn)) meddle_(random_);
  inside_ = false;
}

// What is free, retired or with a thread is in its constructed state or says that it is retired, so that the mover does not
// let it through.
void Replay::MoveAll() {
  slab::Cache& cache = nodes_.slabs();
  const reclaim::ReadSection section;  // so that no slab with a node in it goes away
  std::vector<void*> nodes;
  const size_t stride = cache.Shape().stride;
  for (const slab::SlabView& slab : cache.Slabs()) {
    if (slab.live == 0) continue;
    for (size_t i = 0; i < slab.capacity; ++i) nodes.push_back(reinterpret_cast<void*>(slab.address + i * stride));
  }
  if (nodes.empty() || !nodes_.mover().CanFree(absl::MakeSpan(nodes))) return;
  nodes.erase(std::remove(nodes.begin(), nodes.end(), nullptr), nodes.end());
  if (nodes.empty()) return;
  std::vector<void*> destinations(nodes.size());
  MXA_CHECK(cache.AllocateBulk(absl::MakeSpan(destinations)), "no places to move nodes to");
  reclaim::MoveTarget target(destinations);
  {
    const reclaim::NoReclaimScope no_reclaim;
    nodes_.mover().Reclaim(absl::MakeSpan(nodes), target);
  }
  for (void* moved : target.moved()) cache.FreeRcu(moved);
  cache.FreeBulk(absl::MakeSpan(destinations).subspan(target.taken().size()));
  Count(Figure::kMoves, target.moved().size());
}

}  // namespace mxa::torture
