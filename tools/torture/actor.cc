// SPDX-License-Identifier: Apache-2.0
#include "tools/torture/actor.h"

#include <utility>

namespace mxa::torture {
namespace {

class Stateless final : public Actor {
 public:
  explicit Stateless(const std::function<void(World&, tool::Random&)>& step) : step_(step) {}
  void Step(World& world, tool::Random& random) override { step_(world, random); }

 private:
  const std::function<void(World&, tool::Random&)> step_;
};

}  // namespace

ActorSpec StatelessActor(std::string name, std::function<void(World&, tool::Random&)> step, absl::Duration pace,
                         size_t count) {
  return {.name = std::move(name), .count = count, .pace = pace, .make = [step = std::move(step)](World&) {
            return std::make_unique<Stateless>(step);
          }};
}

}  // namespace mxa::torture
