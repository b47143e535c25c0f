// SPDX-License-Identifier: Apache-2.0
//
// Contiguous blocks out of the arena that everybody uses: written all over, held, and looked at again. Whoever else has a
// part of one finds it overwritten, or the block's holder does.
#include <cstring>
#include <memory>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "slab/contiguous.h"
#include "tools/torture/read_scope.h"
#include "tools/torture/scenarios.h"
#include "tools/torture/threads.h"
#include "tools/torture/world.h"

namespace mxa::torture {
namespace {

constexpr size_t kLine = 512;  // bytes between two words that are written

class Blocks final : public Scenario {
 public:
  std::vector<ActorSpec> Actors(World&) override {
    return {StatelessActor("blocks", &HoldOne, absl::Milliseconds(1), 2)};
  }

 private:
  static void HoldOne(World& world, tool::Random& random) {
    const size_t bytes = slab::kUnitSize << random.Below(6);  // up to 2 MiB
    Note("block", bytes);
    auto* block =
        static_cast<char*>(slab::AllocateContiguous(world.arena(), bytes, absl::Now() + absl::Milliseconds(100)).block);
    if (block == nullptr) return;
    const uint64_t seed = random.Next();
    for (size_t at = 0; at < bytes; at += kLine) Put(block + at, seed + at);
    Delay(random, 3'000'000);
    for (size_t at = 0; at < bytes; at += kLine) {
      if (Get(block + at) == seed + at) continue;
      world.errors().Report(Error::kMemory,
                            absl::StrFormat("somebody else wrote to byte %u of a block of %u", at, bytes));
      break;
    }
    slab::FreeContiguous(world.arena(), block);
    Count(Figure::kUpdates);
  }

  static void Put(char* place, uint64_t word) { std::memcpy(place, &word, sizeof(word)); }
  static uint64_t Get(const char* place) {
    uint64_t word;
    std::memcpy(&word, place, sizeof(word));
    return word;
  }
};

}  // namespace

std::unique_ptr<Scenario> MakeBlocks(World&) { return std::make_unique<Blocks>(); }

}  // namespace mxa::torture
