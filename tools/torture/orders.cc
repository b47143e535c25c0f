// SPDX-License-Identifier: Apache-2.0
//
// Entries of several indices: stored by order and by range, split, overwritten in part and erased, while readers look at
// any two of their indices.
//
// Invariants:
//   O1  a region has one writer, whose changes are numbered: an odd number is what all its indices then hold, an even one
//       left them empty.
//   O2  an index that is not part of a change keeps what it held, whatever is split.
#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/str_format.h"
#include "tools/torture/read_scope.h"
#include "tools/torture/scenarios.h"
#include "tools/torture/threads.h"
#include "tools/torture/versioned.h"
#include "tools/torture/world.h"

namespace mxa::torture {
namespace {

constexpr uint64_t kCells = 1024;
constexpr unsigned kMostOrder = 9;
constexpr size_t kRemembered = 64;  // changes, of which readers may ask what they covered

struct Extent {
  uint64_t first;
  uint64_t last;
};

// What a change covered, for readers that have seen it.
class Covered {
 public:
  struct Seen {
    Extent extent;
    bool whole;  // one entry
  };
  // Written before the change is stored. Each word that tells of it releases the number's loss, so that a reader who acquires one
  // of them does not find the old number again. No fences, which ThreadSanitizer does not know.
  void Write(uint64_t version, Extent extent, bool whole) {
    version_.store(0, std::memory_order_relaxed);  // relaxed: the next three carry it
    first_.store(extent.first, std::memory_order_release);
    last_.store(extent.last, std::memory_order_release);
    whole_.store(whole, std::memory_order_release);
    version_.store(version, std::memory_order_release);  // pairs with the acquire in Read
  }
  bool Read(uint64_t version, Seen& seen) const {
    if (version_.load(std::memory_order_acquire) != version) return false;
    seen = {{first_.load(std::memory_order_acquire), last_.load(std::memory_order_acquire)},
            whole_.load(std::memory_order_acquire)};             // acquire: pairs with the releases in Write
    return version_.load(std::memory_order_relaxed) == version;  // relaxed: behind these
  }

 private:
  std::atomic<uint64_t> version_{0};
  std::atomic<uint64_t> first_{0};
  std::atomic<uint64_t> last_{0};
  std::atomic<bool> whole_{false};
};

class Region {
 public:
  Region(World& world, uint64_t base) : array_(world.nodes()), base_(base), cells_(kCells) {}

  void Change(World& world, tool::Random& random) {
    const uint64_t cell = random.Below(kCells);
    switch (random.Below(8)) {
      case 0: {
        const unsigned order = array_.GetOrder(base_ + cell).value_or(0);
        Commit(world, ExtentOf(cell, order), /*stores=*/false, /*whole=*/true, random, [&](uint64_t) {
          array_.Erase(base_ + cell);
          return absl::OkStatus();
        });
        return;
      }
      case 1: {
        const Extent extent = AnyExtent(cell, random);
        Commit(world, extent, /*stores=*/false, /*whole=*/false, random,
               [&](uint64_t) { return array_.EraseRange(base_ + extent.first, base_ + extent.last); });
        return;
      }
      case 2: {
        const Extent extent = AnyExtent(cell, random);
        Commit(world, extent, /*stores=*/true, /*whole=*/false, random,
               [&](uint64_t version) { return array_.StoreRange(base_ + extent.first, base_ + extent.last, version); });
        return;
      }
      case 3: {
        Note("split", base_ + cell);
        const unsigned order = static_cast<unsigned>(random.Below(kMostOrder + 1));
        (random.OneIn(2) ? array_.Split(base_ + cell, order) : array_.SplitToward(base_ + cell, order)).IgnoreError();
        Verify(world, random.Below(kCells));
        return;
      }
      default: {
        const unsigned order = static_cast<unsigned>(random.Below(kMostOrder + 1));
        Commit(world, ExtentOf(cell, order), /*stores=*/true, /*whole=*/true, random,
               [&](uint64_t version) { return array_.StoreOrder(base_ + cell, order, version); });
      }
    }
  }

  void ReadTwo(World& world, tool::Random& random) {
    Covered::Seen change;
    uint64_t cell = random.Below(kCells);
    // Half of the time where something is going on.
    const uint64_t newest = newest_.load(std::memory_order_relaxed);  // relaxed: wherever it is
    if (random.OneIn(2) && changes_[newest / 2 % kRemembered].Read(newest, change)) cell = change.extent.first;
    ReadScope section;
    const std::optional<uint64_t> first = ReadOne(world, cell);
    if (!first.has_value()) return;
    if (!changes_[*first / 2 % kRemembered].Read(*first, change) || !change.whole) return;
    // That it was seen at one index means that it was stored at all of them.
    const uint64_t other = change.extent.first + random.Below(change.extent.last - change.extent.first + 1);
    const std::optional<uint64_t> second = array_.Load(base_ + other);
    const uint64_t begun = cells_[other].begun();
    if (second.has_value() ? *second < *first : begun <= *first) {
      world.errors().Report(
          Error::kOrder,
          absl::StrFormat("entry %u, of indices %u to %u, was seen at %u and then not at %u", *first,
                          base_ + change.extent.first, base_ + change.extent.last, base_ + cell, base_ + other));
    }
  }

  void Walk(World& world, tool::Random& random) {
    ReadScope section;
    XArrayCursor<Value> cursor(array_, base_);
    std::optional<uint64_t> before;
    while (const std::optional<uint64_t> met = cursor.Next(base_ + kCells - 1)) {
      const uint64_t cell = cursor.index() - base_;
      if ((before.has_value() && cursor.index() <= *before) || cell >= kCells) {
        world.errors().Report(Error::kWalk, absl::StrFormat("a walk met index %u out of order", cursor.index()));
        return;
      }
      if (*met % 2 == 0 || *met > cells_[cell].begun()) {
        world.errors().Report(Error::kOrder, absl::StrFormat("a walk met %u at index %u", *met, cursor.index()));
        return;
      }
      before = cursor.index();
      section.Hold(random);
    }
  }

  void Audit(World& world) {
    if (const absl::Status status = array_.CheckInvariants(); !status.ok()) {
      world.errors().Report(Error::kAudit, absl::StrFormat("orders: %s", std::string(status.message())));
    }
    for (uint64_t cell = 0; cell < kCells; ++cell) Verify(world, cell);
  }

 private:
  static Extent ExtentOf(uint64_t cell, unsigned order) {
    const uint64_t mask = (uint64_t{1} << order) - 1;
    return {cell & ~mask, cell | mask};
  }
  static Extent AnyExtent(uint64_t cell, tool::Random& random) {
    return {cell, std::min(kCells - 1, cell + random.Below(200))};
  }

  // A change that fails has changed nothing.
  template <typename Make>
  void Commit(World& world, Extent extent, bool stores, bool whole, tool::Random& random, Make make) {
    latest_ += (latest_ % 2 == 1) == stores ? 2 : 1;
    const uint64_t version = latest_;
    Note(stores ? "store" : "erase", base_ + extent.first, base_ + extent.last);
    if (stores) {
      changes_[version / 2 % kRemembered].Write(version, extent, whole);
      newest_.store(version, std::memory_order_relaxed);  // relaxed: only says where it is worth looking
    }
    for (uint64_t cell = extent.first; cell <= extent.last; ++cell) cells_[cell].Begin(version);
    if (make(version).ok()) {
      for (uint64_t cell = extent.first; cell <= extent.last; ++cell) cells_[cell].Commit(version);
      Count(Figure::kUpdates);
    } else {
      Count(Figure::kUpdatesRefused);
    }
    Verify(world, extent.first);
    Verify(world, extent.last);
    if (extent.first > 0) Verify(world, extent.first - 1);
    if (extent.last + 1 < kCells) Verify(world, extent.last + 1);
    Verify(world, random.Below(kCells));
  }

  // By the only writer, or at rest.
  void Verify(World& world, uint64_t cell) {
    const uint64_t committed = cells_[cell].committed();
    const std::optional<uint64_t> seen = array_.Load(base_ + cell);
    if (seen == (committed % 2 == 1 ? std::optional<uint64_t>(committed) : std::nullopt)) return;
    world.errors().Report(Error::kOrder, absl::StrFormat("index %u holds %u and not %u, as its only writer left it",
                                                         base_ + cell, seen.value_or(0), committed));
  }

  std::optional<uint64_t> ReadOne(World& world, uint64_t cell) {
    const uint64_t committed = cells_[cell].committed();
    const std::optional<uint64_t> seen = array_.Load(base_ + cell);
    const uint64_t begun = cells_[cell].begun();
    Count(Figure::kReads);
    bool right = true;
    if (seen.has_value()) {
      right = *seen % 2 == 1 && *seen >= committed && *seen <= begun;
    } else {
      right = begun != committed || committed % 2 == 0;
    }
    if (right) return seen;
    world.errors().Report(Error::kOrder, absl::StrFormat("index %u holds %u, in versions %u to %u", base_ + cell,
                                                         seen.value_or(0), committed, begun));
    return std::nullopt;
  }

  XArray<Value> array_;
  const uint64_t base_;
  std::vector<Versioned> cells_;
  std::array<Covered, kRemembered> changes_;
  uint64_t latest_ = 0;
  std::atomic<uint64_t> newest_{0};
};

class Orders final : public Scenario {
 public:
  explicit Orders(World& world) : low_(world, 0), high_(world, uint64_t{1} << 20) {}

  std::vector<ActorSpec> Actors(World&) override {
    const auto write = [this](World& world, tool::Random& random) {
      for (int i = 0; i < 8; ++i) low_.Change(world, random);
      for (int i = 0; i < 4; ++i) high_.Change(world, random);
    };
    const auto read = [this](World& world, tool::Random& random) {
      for (int i = 0; i < 32; ++i) (random.OneIn(3) ? high_ : low_).ReadTwo(world, random);
      if (!random.OneIn(4)) return;
      (random.OneIn(3) ? high_ : low_).Walk(world, random);
      Count(Figure::kWalks);
    };
    return {StatelessActor("orderer", write), StatelessActor("orderreader", read)};
  }
  void Audit(World& world) override {
    low_.Audit(world);
    high_.Audit(world);
  }

 private:
  Region low_;
  Region high_;
};

}  // namespace

std::unique_ptr<Scenario> MakeOrders(World& world) { return std::make_unique<Orders>(world); }

}  // namespace mxa::torture
