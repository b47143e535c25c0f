// SPDX-License-Identifier: Apache-2.0
#include "tests/support/record_histories.h"

#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/check.h"
#include "reclaim/rcu.h"
#include "tests/support/random.h"
#include "tests/support/register_history.h"
#include "tests/support/thread_group.h"
#include "xarray/array_core.h"
#include "xarray/cursor.h"
#include "xarray/node_cache.h"
#include "xarray/xarray_invariants.h"

namespace mxa::tests {
namespace {

using xarray::Entry;
using xarray::kNull;
using Kind = RegisterCall::Kind;

constexpr uint64_t kLast = ~uint64_t{0};
constexpr std::array<uint64_t, 5> kIndices = {0, 63, 64, uint64_t{1} << 32, kLast};

Entry ToEntry(uint64_t value) { return value == 0 ? kNull : value << 1 | 1; }
uint64_t ToValue(Entry entry) { return entry >> 1; }

using Histories = std::array<std::vector<RegisterCall>, kIndices.size()>;

// One moment after the other for all threads. Sequentially consistent, so that a call that ended before another began
// also happened before it.
class Moments {
 public:
  uint64_t Next() { return last_.fetch_add(1) + 1; }

 private:
  std::atomic<uint64_t> last_{0};
};

// One of the threads: makes calls and writes down what it did.
class Caller {
 public:
  Caller(xarray::ArrayCore& array, Moments& moments, int thread, uint64_t seed, size_t calls_a_burst)
      : array_(array), moments_(moments), thread_(thread), calls_a_burst_(calls_a_burst), random_(seed) {}

  void Burst() {
    for (auto& history : histories_) history.clear();
    made_ = 0;
    reclaim::ReadSection section;
    xarray::Cursor cursor(array_, PickIndex());
    while (made_ < calls_a_burst_) {
      switch (random_.Below(8)) {
        case 0:
          LoadMany();
          break;
        case 1:
        case 2:
          StepByIndex(cursor);
          break;
        case 3:
          StepToEntry(cursor);
          break;
        case 4:
          Load();
          break;
        default:
          Change();
      }
    }
  }

  const Histories& histories() const { return histories_; }

 private:
  static uint64_t PlaceOf(uint64_t index) {
    for (size_t place = 0; place < kIndices.size(); ++place) {
      if (kIndices[place] == index) return place;
    }
    return kIndices.size();
  }
  uint64_t PickIndex() { return kIndices[random_.Below(kIndices.size())]; }
  uint64_t NewValue() { return ++values_ << 8 | static_cast<uint64_t>(thread_); }

  void Keep(size_t place, RegisterCall call) {
    call.thread = thread_;
    histories_[place].push_back(call);
    if (call.kind != Kind::kInsert) seen_[place] = call.result;
    ++made_;
  }
  // What was read at `index` from `begin` until now.
  void KeepLoad(uint64_t index, uint64_t begin, Entry entry) {
    const uint64_t end = moments_.Next();
    const size_t place = PlaceOf(index);
    if (place == kIndices.size()) {
      MXA_CHECK(entry == kNull, "an entry where none was ever stored");
      return;
    }
    Keep(place, {.begin = begin, .end = end, .result = ToValue(entry)});
  }

  void Load() {
    const uint64_t index = PickIndex();
    const uint64_t begin = moments_.Next();
    const Entry entry = array_.LoadInSection(index);
    KeepLoad(index, begin, entry);
  }

  void LoadMany() {
    if (made_ + kIndices.size() > calls_a_burst_) return;
    std::array<Entry, kIndices.size()> entries;
    const uint64_t begin = moments_.Next();
    array_.LoadManyInSection(kIndices, entries.data());
    const uint64_t end = moments_.Next();
    for (size_t place = 0; place < entries.size(); ++place) {
      Keep(place, {.begin = begin, .end = end, .result = ToValue(entries[place])});
    }
  }

  // To the neighbour and back: what lies at an index is read in the node in which the cursor stands.
  void StepByIndex(xarray::Cursor& cursor) {
    const bool is_up = random_.OneIn(2);
    for (const bool up : {is_up, !is_up}) {
      if (made_ == calls_a_burst_) return;
      const uint64_t begin = moments_.Next();
      const Entry entry = up ? cursor.NextIndex() : cursor.PrevIndex();
      KeepLoad(cursor.index(), begin, entry);
    }
  }

  // To the next entry; if there is none, that is said of all indices together, and of none at one moment.
  void StepToEntry(xarray::Cursor& cursor) {
    const bool is_up = random_.OneIn(2);
    const uint64_t begin = moments_.Next();
    const Entry entry = is_up ? cursor.Next(kLast) : cursor.Prev(0);
    if (entry == kNull) {
      cursor = xarray::Cursor(array_, PickIndex());
    } else {
      KeepLoad(cursor.index(), begin, entry);
    }
  }

  void Change() {
    const size_t place = random_.Below(kIndices.size());
    const uint64_t index = kIndices[place];
    RegisterCall call;
    call.desired = NewValue();
    switch (random_.Below(6)) {
      case 0:
      case 1:
        call.kind = Kind::kStore;
        call.begin = moments_.Next();
        call.result = ToValue(array_.Store(index, ToEntry(call.desired)).value());
        break;
      case 2:
        call.kind = Kind::kInsert;
        call.begin = moments_.Next();
        call.result = array_.Insert(index, ToEntry(call.desired)).ok() ? 1 : 0;
        break;
      case 3:
        call.kind = Kind::kCompareExchange;
        call.expected = random_.OneIn(4) ? 0 : seen_[place];
        if (random_.OneIn(4)) call.desired = 0;
        call.begin = moments_.Next();
        call.result = ToValue(array_.CompareExchange(index, ToEntry(call.expected), ToEntry(call.desired)).value());
        break;
      default:
        call.kind = Kind::kErase;
        call.desired = 0;
        call.begin = moments_.Next();
        call.result = ToValue(array_.Erase(index));
    }
    call.end = moments_.Next();
    Keep(place, call);
  }

  xarray::ArrayCore& array_;
  Moments& moments_;
  const int thread_;
  const size_t calls_a_burst_;
  Random random_;
  Histories histories_;
  std::array<uint64_t, kIndices.size()> seen_{};
  uint64_t values_ = 0;
  size_t made_ = 0;
};

class Recorder {
 public:
  explicit Recorder(const HistoryOptions& options)
      : options_(options), nodes_(xarray::NodeCache::Create().value()), array_(*nodes_) {
    // With the load at its end, a burst fits into one history even if all calls are on one index.
    const size_t calls_a_burst = (kMostCalls - 1) / static_cast<size_t>(options.threads);
    for (int thread = 1; thread <= options.threads; ++thread) {
      const uint64_t seed = options.seed * 1000 + static_cast<uint64_t>(thread);
      callers_.push_back(std::make_unique<Caller>(array_, moments_, thread, seed, calls_a_burst));
    }
  }

  HistoryReport Run() {
    ThreadGroup threads;
    threads.Start("passes", [this] { MoveAll(); });
    for (size_t i = 1; i < callers_.size(); ++i) {
      threads.Start("caller", [this, i] {
        for (uint64_t burst = 1;; ++burst) {
          TurnUntil([&] { return burst_.load() >= burst || stop_.load(); });
          if (stop_.load()) return;
          BurstTogether(i, burst);
        }
      });
    }
    const absl::Time start = absl::Now();
    while (!IsEnough(absl::Now() - start)) {
      OneBurst();
      report_.violation = Judge();
      if (!report_.violation.ok()) break;
    }
    stop_.store(true);
    threads.JoinAll();
    report_.moves = moves_.load();
    return report_;
  }

 private:
  // The threads wait for one another by turning, not by sleeping: a burst is over sooner than a thread wakes up.
  void OneBurst() {
    done_.store(0);
    burst_.store(++report_.bursts);
    BurstTogether(0, report_.bursts);
    TurnUntil([this] { return done_.load() == callers_.size(); });
  }
  void BurstTogether(size_t caller, uint64_t burst) {
    ready_.fetch_add(1);
    TurnUntil([&] { return ready_.load() == burst * callers_.size(); });
    callers_[caller]->Burst();
    done_.fetch_add(1);
  }
  template <typename Condition>
  static void TurnUntil(Condition condition) {
    for (unsigned turn = 1; !condition(); ++turn) {
      if (turn % 256 == 0) std::this_thread::yield();
    }
  }

  bool IsEnough(absl::Duration passed) const {
    if (passed >= options_.at_most) return true;
    return passed >= options_.time && report_.overlaps >= options_.enough_overlaps &&
           moves_.load() >= options_.enough_moves;
  }

  // While the callers are at rest; the passes go on.
  absl::Status Judge() {
    for (size_t place = 0; place < kIndices.size(); ++place) {
      std::vector<RegisterCall> history;
      for (const auto& caller : callers_) {
        const std::vector<RegisterCall>& part = caller->histories()[place];
        history.insert(history.end(), part.begin(), part.end());
      }
      report_.overlaps += CountOverlaps(history);
      RegisterCall last = {.begin = moments_.Next()};
      last.result = ToValue(array_.Load(kIndices[place]));
      last.end = moments_.Next();
      history.push_back(last);
      report_.calls += history.size();
      if (const absl::Status status = CheckLinearizable(initial_[place], history); !status.ok()) {
        return absl::InternalError(absl::StrCat(status.message(), "on index ", kIndices[place], ", seed ",
                                                options_.seed, ", in burst ", report_.bursts));
      }
      initial_[place] = last.result;
    }
    return report_.bursts % 64 == 0 ? xarray::CheckInvariants(array_) : absl::OkStatus();
  }

  void MoveAll() {
    slab::CompactOptions options;
    options.mode = slab::CompactOptions::Mode::kMoveEverything;
    while (!stop_.load()) {
      const auto pass = nodes_->slabs().Compact(options);
      MXA_CHECK(pass.ok(), "a pass failed");
      moves_.fetch_add(pass->objects_moved);
    }
  }

  const HistoryOptions options_;
  std::unique_ptr<xarray::NodeCache> nodes_;
  xarray::ArrayCore array_;
  Moments moments_;
  std::vector<std::unique_ptr<Caller>> callers_;
  std::array<uint64_t, kIndices.size()> initial_{};
  HistoryReport report_;
  std::atomic<uint64_t> burst_{0};  // the number of the one under way, or to come
  std::atomic<uint64_t> ready_{0};  // callers that came to a burst, over all of them
  std::atomic<size_t> done_{0};     // callers that are through with this one
  std::atomic<uint64_t> moves_{0};
  std::atomic<bool> stop_{false};
};

}  // namespace

HistoryReport RecordHistories(const HistoryOptions& options) { return Recorder(options).Run(); }

}  // namespace mxa::tests
