// SPDX-License-Identifier: Apache-2.0
//
// Grace periods by themselves: the oracle's (grace_oracle.h), the mailbox's between readers (mailbox.h), and how long they
// take.
#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

#include "absl/strings/str_format.h"
#include "reclaim/rcu.h"
#include "tools/mxa/clock.h"
#include "tools/torture/grace_oracle.h"
#include "tools/torture/mailbox.h"
#include "tools/torture/read_scope.h"
#include "tools/torture/scenarios.h"
#include "tools/torture/threads.h"
#include "tools/torture/world.h"

namespace mxa::torture {
namespace {

class GracePeriods final : public Scenario {
 public:
  std::vector<ActorSpec> Actors(World& world) override {
    senders_ = std::clamp<uint64_t>(world.options().readers, 2, Mailbox::kSenders);
    ActorSpec correspondent{.name = "mail reader", .count = senders_, .make = [this](World&) {
                              return std::make_unique<Correspondent>(*this, next_sender_++);
                            }};
    return {correspondent, StatelessActor(
                               "oracle", [this](World& w, tool::Random&) { WaitAndLook(w); }, absl::Microseconds(100))};
  }
  std::vector<Minimum> Minima() const override { return {{Figure::kGracePeriods, 20}, {Figure::kMails, 1}}; }

 private:
  class Correspondent final : public Actor {
   public:
    Correspondent(GracePeriods& shared, size_t self) : shared_(shared), self_(self) {}
    void Step(World& world, tool::Random& random) override {
      for (int i = 0; i < 16; ++i) {
        ++section_;
        ReadScope section;
        shared_.mailbox_.Post(self_, section_);
        section.Hold(random);
        if (shared_.mailbox_.Open((self_ + 1) % shared_.senders_, world.errors())) Count(Figure::kMails);
        shared_.mailbox_.NoteEnd(self_, section_);
      }
    }

   private:
    GracePeriods& shared_;
    const size_t self_;
    uint64_t section_ = 0;
  };

  void WaitAndLook(World& world) {
    mailbox_.Collect();
    const SectionSnapshot before = SectionSnapshot::Take();
    const uint64_t began_ns = tool::NowNs();
    reclaim::Synchronize();
    const double seconds = static_cast<double>(tool::NowNs() - began_ns) / 1e9;
    before.CheckPassed(world.errors(), "Synchronize");
    mailbox_.Deliver();
    Count(Figure::kGracePeriods);
    world.NoteLatency(seconds);
  }

  Mailbox mailbox_;
  size_t senders_ = 2;
  size_t next_sender_ = 0;
};

}  // namespace

std::unique_ptr<Scenario> MakeGracePeriods(World&) { return std::make_unique<GracePeriods>(); }

}  // namespace mxa::torture
