// SPDX-License-Identifier: Apache-2.0
//
// Handlers that agree to allocations or veto them, and what those that agreed are told then: all of it undone, the last
// first.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "slab/cache.h"
#include "slab/notifier.h"
#include "tools/torture/scenarios.h"
#include "tools/torture/threads.h"
#include "tools/torture/world.h"

namespace mxa::torture {
namespace {

constexpr size_t kHandlers = 4;

// Who has agreed to the event under way on this thread, the latest last, and what the handlers find wrong with that.
// An allocation may ask for a new slab inside, which is agreed to and done with before the object is.
struct Agreed {
  std::vector<size_t> handlers;
  uint64_t chance = 1;
  const char* wrong = nullptr;
};
thread_local Agreed tls_agreed;

class Handler final : public slab::Notifier {
 public:
  explicit Handler(size_t number) : number_(number) {}

  bool Agree(const slab::CacheEvent& event) override {
    if (event.kind != slab::CacheEventKind::kAllocate) return true;
    if (tls_agreed.handlers.size() != number_) tls_agreed.wrong = "a handler was asked out of its turn";
    tls_agreed.chance = tool::Mix64(tls_agreed.chance);
    if (tls_agreed.chance % 8 == 0) return false;
    tls_agreed.handlers.push_back(number_);
    return true;
  }
  void RollBack(const slab::CacheEvent& event) override {
    if (event.kind != slab::CacheEventKind::kAllocate) return;
    if (tls_agreed.handlers.empty() || tls_agreed.handlers.back() != number_) {
      tls_agreed.wrong = "a handler was told of a veto out of its turn";
      return;
    }
    tls_agreed.handlers.pop_back();
  }

 private:
  const size_t number_;
};

class Handlers final : public Scenario {
 public:
  explicit Handlers(World& world) {
    for (size_t i = 0; i < kHandlers; ++i) chain_.Register(handlers_[i], 10 - static_cast<int>(i));
    slab::CacheOptions options;
    options.name = "torture handlers";
    options.object_size = 128;
    options.arena = &world.arena();
    options.notifiers = &chain_;
    cache_ = slab::Cache::Create(options).value();
  }

  std::vector<ActorSpec> Actors(World&) override {
    return {StatelessActor(
        "asker", [this](World& world, tool::Random& random) { Ask(world, random); }, absl::Microseconds(200), 2)};
  }

  void Audit(World& world) override {
    if (const absl::Status status = cache_->CheckInvariants(); !status.ok()) {
      world.errors().Report(Error::kAudit, absl::StrFormat("handlers: %s", std::string(status.message())));
    }
    if (const size_t live = cache_->Stats().live; live != 0) {
      world.errors().Report(Error::kLeak, absl::StrFormat("%u objects are live that nobody was handed", live));
    }
    cache_->Shrink();
  }

 private:
  void Ask(World& world, tool::Random& random) {
    std::vector<void*> objects;
    for (int i = 0; i < 64; ++i) {
      tls_agreed = {.handlers = {}, .chance = random.Next() | 1};
      void* object = cache_->Allocate();
      const size_t agreed = tls_agreed.handlers.size();
      if (agreed != (object == nullptr ? 0 : kHandlers) && tls_agreed.wrong == nullptr) {
        tls_agreed.wrong = "handlers have agreed to what did not happen, or have not to what did";
      }
      if (tls_agreed.wrong != nullptr) world.errors().Report(Error::kCallback, tls_agreed.wrong);
      if (object != nullptr) objects.push_back(object);
    }
    for (void* object : objects) cache_->Free(object);
  }

  std::array<Handler, kHandlers> handlers_ = {Handler(0), Handler(1), Handler(2), Handler(3)};
  slab::NotifierChain chain_;
  std::unique_ptr<slab::Cache> cache_;
};

}  // namespace

std::unique_ptr<Scenario> MakeHandlers(World& world) { return std::make_unique<Handlers>(world); }

}  // namespace mxa::torture
