// SPDX-License-Identifier: Apache-2.0
//
// Arrays that are made, filled, read, emptied and destroyed while passes move their nodes.
#include <memory>
#include <thread>
#include <vector>

#include "absl/strings/str_format.h"
#include "reclaim/rcu.h"
#include "tools/torture/read_scope.h"
#include "tools/torture/scenarios.h"
#include "tools/torture/threads.h"
#include "tools/torture/world.h"

namespace mxa::torture {
namespace {

struct Stored {
  uint64_t index;
  Element* element;
};

// Indices that grow in steps which make trees of one to eleven levels.
std::vector<Stored> Fill(World& world, XArray<Element>& array, uint32_t id, tool::Random& random) {
  std::vector<Stored> stored;
  const uint64_t step = uint64_t{1} << random.Below(58);
  for (uint64_t i = 0, count = 1 + random.Below(60); i < count; ++i) {
    const uint64_t index = i * step;
    Element* element = world.elements().New(id, index, 0);
    if (element == nullptr) break;
    if (!array.Store(index, element).ok()) {
      world.elements().Free(element);
      break;
    }
    stored.push_back({index, element});
  }
  return stored;
}

void ReadAll(World& world, const XArray<Element>& array, uint32_t id, const std::vector<Stored>& stored,
             tool::Random& random) {
  for (const Stored& one : stored) {
    ReadScope section;
    const Element* element = array.Load(one.index);
    section.Hold(random);
    if (element == nullptr) {
      world.errors().Report(Error::kVanished, absl::StrFormat("index %d of a brief array", one.index));
    } else {
      world.elements().Check(*element, id, one.index);
    }
  }
}

void MakeArray(World& world, tool::Random& random) {
  const uint32_t id = world.NewArrayId();
  auto array = std::make_unique<XArray<Element>>(world.nodes());
  const std::vector<Stored> stored = Fill(world, *array, id, random);
  Note("array", id, stored.size());
  ReadAll(world, *array, id, stored, random);
  switch (random.Below(3)) {
    case 0:  // one by one
      for (const Stored& one : stored) {
        if (array->Erase(one.index) != one.element) {
          world.errors().Report(Error::kVanished, absl::StrFormat("index %d of a brief array, erased", one.index));
        }
      }
      if (!array->empty()) world.errors().Report(Error::kAudit, "an array whose entries were all erased is not empty");
      break;
    case 1:
      array->Clear();
      break;
    default:  // with all in it
      break;
  }
  array.reset();
  for (const Stored& one : stored) world.elements().Retire(one.element, random);
  Count(Figure::kArraysMade);
}

class BriefArrays final : public Scenario {
 public:
  std::vector<ActorSpec> Actors(World&) override {
    return {StatelessActor("array maker", &MakeArray, absl::Microseconds(300))};
  }
  std::vector<Minimum> Minima() const override { return {{Figure::kArraysMade, 5}}; }
};

}  // namespace

std::unique_ptr<Scenario> MakeBriefArrays(World&) { return std::make_unique<BriefArrays>(); }

}  // namespace mxa::torture
