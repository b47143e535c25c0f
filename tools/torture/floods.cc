// SPDX-License-Identifier: Apache-2.0
//
// Floods of retirements by both ways while readers hold their sections, and a retirement that comes again from its own
// callback, round after round.
//
// (Linux's rcutorture does both in its tests of forward progress.)
// Invariants:
//   F1  what was retired by the end of a flood is called back in time, whether or not anybody waits at a barrier for it.
//   F2  each round of the chain is behind a batch of its own, and no section outlives it that was open when it began.
//   F3  a barrier waits for what was retired before it, and for no more than a round of the chain.
#include <array>
#include <atomic>
#include <memory>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/tsan.h"
#include "reclaim/rcu.h"
#include "reclaim/retire.h"
#include "tools/mxa/clock.h"
#include "tools/torture/grace_oracle.h"
#include "tools/torture/read_scope.h"
#include "tools/torture/scenarios.h"
#include "tools/torture/threads.h"
#include "tools/torture/world.h"

#if defined(__SANITIZE_ADDRESS__) || MXA_TSAN
#define MXA_TORTURE_FLOOD 4'000
#else
#define MXA_TORTURE_FLOOD 30'000
#endif

namespace mxa::torture {
namespace {

constexpr uint64_t kLeastFlood = 2'000;
constexpr uint64_t kFloodOnOneThread = 100;
constexpr size_t kPlaces = 8;
constexpr uint64_t kElementsPerLook = 256;
constexpr uint64_t kLongestFloodNs = 1'000'000'000;
constexpr int kRounds = 50;
constexpr int kRoundsOnOneThread = 3;

double SecondsSince(uint64_t began_ns) { return static_cast<double>(tool::NowNs() - began_ns) / 1e9; }

// A retirement whose callback retires it again.
// Threads: Begin by one, at most while it does not run; its fields are the callback's until it has ended.
class Chain : public reclaim::RetireHead {
 public:
  // Acquire; pairs with the release in Next: the callbacks are done with the fields.
  bool runs() const { return runs_.load(std::memory_order_acquire); }

  void Begin(World& world, int rounds) {
    world_ = &world;
    rounds_left_ = rounds;
    runs_.store(true, std::memory_order_relaxed);  // relaxed: the queue of what is retired orders it
    RetireOnce(/*in_callback=*/false);
  }

  // Reports unless it has ended behind as many barriers as it may still have rounds: each ends one at the least.
  void AwaitEnd(World& world) {
    for (int barriers = 0; runs() && barriers <= kRounds; ++barriers) reclaim::RetireBarrier();
    if (!runs()) return;
    world.errors().Report(Error::kCallback, "barriers do not wait for a chain of retirements");
  }

 private:
  void RetireOnce(bool in_callback) {
    batches_ = reclaim::GetRetireStats().batches;
    in_callback_ = in_callback;
    before_ = SectionSnapshot::Take();
    reclaim::Retire(this, &Next);
  }

  static void Next(reclaim::RetireHead* head) {
    auto& chain = *static_cast<Chain*>(head);
    Errors& errors = chain.world_->errors();
    chain.before_.CheckPassed(errors, "a round of the chain");
    // The batch that a callback runs in is counted at its end.
    if (chain.in_callback_ && reclaim::GetRetireStats().batches == chain.batches_) {
      errors.Report(Error::kOracle, "what a callback retired was called back behind no grace period of its own");
    }
    Count(Figure::kChainRounds);
    if (--chain.rounds_left_ > 0) return chain.RetireOnce(/*in_callback=*/true);
    chain.runs_.store(false, std::memory_order_release);  // pairs with the acquire in runs
  }

  World* world_ = nullptr;
  SectionSnapshot before_;
  uint64_t batches_ = 0;
  bool in_callback_ = false;
  int rounds_left_ = 0;
  std::atomic<bool> runs_{false};
};

// Says whether it has been called back.
struct Probe : reclaim::RetireHead {
  std::atomic<bool> called_back{false};
};

class Floods final : public Scenario {
 public:
  explicit Floods(World& world) : world_(world), array_(world.NewArrayId()) {}
  ~Floods() override {
    chain_.AwaitEnd(world_);
    for (std::atomic<Element*>& place : places_) {
      if (Element* element = place.exchange(nullptr)) world_.elements().Free(element);
    }
  }

  std::vector<ActorSpec> Actors(World&) override {
    return {StatelessActor(
                "flooder", [this](World&, tool::Random& random) { MaybeFlood(random); }, absl::Milliseconds(10), 2),
            StatelessActor(
                "floodreader", [this](World&, tool::Random& random) { Read(random); }, absl::Milliseconds(1)),
            StatelessActor(
                "chainer", [this](World&, tool::Random& random) { MaybeBeginChain(random); }, absl::Milliseconds(5)),
            StatelessActor(
                "barrier", [this](World&, tool::Random&) { WaitAtBarrier(); }, absl::Milliseconds(3))};
  }

  void Audit(World& world) override {
    chain_.AwaitEnd(world);
    uint64_t live = 0;
    // Relaxed: at rest.
    for (const std::atomic<Element*>& place : places_) live += place.load(std::memory_order_relaxed) != nullptr;
    world.AddLive(live);
  }

  std::vector<Minimum> Minima() const override { return {{Figure::kFloods, 0.1}, {Figure::kChainRounds, 2}}; }

 private:
  bool on_one_thread() const { return world_.options().single_threaded; }

  // Two at once as often as not. Relaxed throughout: who joins whom is up to chance.
  void MaybeFlood(tool::Random& random) {
    const bool another = flooding_.load(std::memory_order_relaxed) != 0;
    if (!random.OneIn(another ? 2 : 16)) return static_cast<void>(Replace(random));
    const uint64_t count =
        on_one_thread() ? kFloodOnOneThread : kLeastFlood + random.Below(MXA_TORTURE_FLOOD - kLeastFlood);
    Note("flood", count);
    flooding_.fetch_add(1, std::memory_order_relaxed);
    {
      std::unique_ptr<ReadScope> section;
      if (random.OneIn(4)) section = std::make_unique<ReadScope>();  // its own: it must not hold up what it retires
      Flood(count, random);
    }
    flooding_.fetch_sub(1, std::memory_order_relaxed);
    Count(Figure::kFloods);
    AwaitDrained(random);
  }

  void Flood(uint64_t count, tool::Random& random) {
    const uint64_t began_ns = tool::NowNs();
    for (uint64_t i = 0; i < count; ++i) {
      if (!Replace(random)) return;
      if (on_one_thread() || i % kElementsPerLook != 0) continue;
      if (world_.ended() || tool::NowNs() - began_ns > kLongestFloodNs) return;
    }
  }

  // False when there is no memory.
  bool Replace(tool::Random& random) {
    const size_t place = random.Below(kPlaces);
    Element* element = world_.elements().New(array_, place, /*version=*/1);
    if (element == nullptr) return false;
    // Both ways; pairs with itself, and with the acquire in Read: the element is whole.
    Element* before = places_[place].exchange(element, std::memory_order_acq_rel);
    if (before != nullptr) world_.elements().Retire(before, random);
    return true;
  }

  // F1. Without a barrier it is enough that as many have been called back as were retired by then, whoever's they are.
  void AwaitDrained(tool::Random& random) {
    const bool at_barrier = on_one_thread() || random.OneIn(2);
    const uint64_t began_ns = tool::NowNs();
    if (at_barrier) {
      world_.elements().AwaitRetired();
    } else {
      const reclaim::OfflineScope offline;
      const uint64_t goal = world_.elements().retired();
      while (world_.elements().called_back() < goal && !world_.ended() &&
             SecondsSince(began_ns) <= world_.options().stall_seconds / 2) {
        absl::SleepFor(absl::Milliseconds(1));
      }
    }
    CheckInTime(at_barrier ? "a barrier behind a flood" : "the drain behind a flood", began_ns);
  }

  void Read(tool::Random& random) {
    for (int i = 0; i < 16; ++i) {
      const ReadScope section;
      const size_t place = random.Below(kPlaces);
      const Element* element = places_[place].load(std::memory_order_acquire);  // pairs with the exchange in Replace
      // Relaxed: by chance.
      if (flooding_.load(std::memory_order_relaxed) != 0 && random.OneIn(4)) Delay(random, 20'000'000);
      if (element != nullptr) world_.elements().Check(*element, array_, place);
    }
  }

  void MaybeBeginChain(tool::Random& random) {
    if (on_one_thread()) {
      chain_.Begin(world_, kRoundsOnOneThread);
      return chain_.AwaitEnd(world_);
    }
    if (!chain_.runs() && random.OneIn(4)) chain_.Begin(world_, kRounds);
  }

  // F3, beside the chain and the floods.
  void WaitAtBarrier() {
    Probe probe;
    const SectionSnapshot before = SectionSnapshot::Take();
    // Relaxed: the barrier orders it.
    reclaim::Retire(&probe, [](reclaim::RetireHead* head) {
      static_cast<Probe*>(head)->called_back.store(true, std::memory_order_relaxed);
    });
    const uint64_t began_ns = tool::NowNs();
    reclaim::RetireBarrier();
    before.CheckPassed(world_.errors(), "RetireBarrier");
    Count(Figure::kGracePeriods);
    CheckInTime("RetireBarrier", began_ns);
    if (probe.called_back.load(std::memory_order_relaxed)) return;
    world_.errors().Report(Error::kCallback, "a barrier did not wait for what was retired before it");
    reclaim::RetireBarrier();  // the probe ends here
  }

  void CheckInTime(const char* what, uint64_t began_ns) {
    const double seconds = SecondsSince(began_ns);
    if (seconds <= world_.options().stall_seconds / 2) return;
    world_.errors().Report(Error::kBacklog, absl::StrFormat("%s took %.1f s", what, seconds));
  }

  World& world_;
  const uint32_t array_;
  std::array<std::atomic<Element*>, kPlaces> places_{};
  std::atomic<int> flooding_{0};  // threads
  Chain chain_;
};

}  // namespace

std::unique_ptr<Scenario> MakeFloods(World& world) { return std::make_unique<Floods>(world); }

}  // namespace mxa::torture
