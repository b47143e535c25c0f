// SPDX-License-Identifier: Apache-2.0
//
// How much do readers notice of a writer on the same array, and how do both fare against other containers that readers
// and a writer may use at once?
//
// Baselines: flat_hash_map behind an absl::Mutex that readers share, TBB's concurrent_hash_map, liburcu's cds_lfht; in the
// last rows, of each container, the same readers while nobody writes.
// Held equal: 2^20 dense indices, loaded at random, a section or a lock each, each value CHECKed; the writer overwrites
// random indices, or erases a random run of 64 and stores it again, which takes a node out of the tree and puts another
// in. Windows of all containers take turns.
// Two readers and a writer are three threads: on two processors they share them. So the last rows count loads a second of
// the readers' processor time, and say what a load costs while a line it needs may just have been written. A reader that
// sleeps, waiting for a lock, uses no processor time: against other containers the time that passes counts, in which two
// readers beside a writer have 4/3 processors, and what the writer gets done meanwhile is a row as well. Needs two free
// processors.
// Goals: design.md, section 7: two readers with a writer keep 0.7 of their throughput. Against others: to be faster.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "bench/support/array_side.h"
#include "bench/support/bench.h"
#include "bench/support/crowd.h"
#include "bench/support/lfht_side.h"
#include "bench/support/map_side.h"
#include "bench/support/rounds.h"
#include "bench/support/tbb_side.h"

namespace mxa::bench {
namespace {

struct Setting {
  size_t readers;
  Writing writing;
  std::string name;
  unsigned bits;
  double seconds;  // of a window
};

// What was done in a window, in millions.
struct Window {
  double loads_a_cpu_second;
  double loads_a_second;
  double writes_a_second;
};

template <typename Side>
Window Watch(Side& side, const Setting& setting, bool with_writer) {
  std::unique_ptr<Worker> writer;
  if (with_writer) writer = MakeWriter(side, setting.bits, setting.writing);
  std::vector<std::unique_ptr<Worker>> readers;
  const bool may_miss = with_writer && setting.writing == Writing::kEraseAndStore;
  for (size_t i = 0; i < setting.readers; ++i) readers.push_back(MakeReader(side, setting.bits, i + 1, may_miss));

  double loads = 0;
  double cpu_seconds = 0;
  double writes = 0;
  const auto add = [&](double sign) {
    for (const std::unique_ptr<Worker>& reader : readers) {
      loads += sign * static_cast<double>(reader->done());
      cpu_seconds += sign * reader->CpuSeconds();
    }
    if (writer != nullptr) writes += sign * static_cast<double>(writer->done());
  };
  const auto sleep = [](double seconds) {
    reclaim::OfflineScope offline;
    absl::SleepFor(absl::Seconds(seconds));
  };
  sleep(setting.seconds / 10);  // until all are under way
  add(-1);
  const Stopwatch watch;
  sleep(setting.seconds);
  add(1);
  const double seconds = watch.Seconds();
  return {loads / cpu_seconds / 1e6, loads / seconds / 1e6, writes / seconds / 1e6};
}

// What a container's readers did for each second of their processor time, a place a turn.
struct OwnRatio {
  std::vector<double> busy;
  std::vector<double> quiet;
};

template <typename Side>
Contender Crowd(Side& side, const Setting& setting, OwnRatio& own) {
  return {Side::kName, [&side, setting, &own]() -> std::vector<double> {
            const Window quiet = Watch(side, setting, false);
            const Window busy = Watch(side, setting, true);
            own.quiet.push_back(quiet.loads_a_cpu_second);
            own.busy.push_back(busy.loads_a_cpu_second);
            return {quiet.loads_a_second, busy.loads_a_second, busy.writes_a_second};
          }};
}

template <typename Side>
std::unique_ptr<Side> Filled(unsigned bits) {
  const uint64_t count = uint64_t{1} << bits;
  auto side = std::make_unique<Side>(count);
  for (uint64_t index = 0; index < count; ++index) side->Store(index, ValueFor(index, 0));
  return side;
}

struct Containers {
  explicit Containers(unsigned bits)
      : array(Filled<ArraySide>(bits)),
        locked(Filled<LockedMapSide<FlatHash>>(bits)),
        tbb(Filled<TbbSide>(bits)),
        lfht(Filled<LfhtSide>(bits)) {}

  std::unique_ptr<ArraySide> array;
  std::unique_ptr<LockedMapSide<FlatHash>> locked;
  std::unique_ptr<TbbSide> tbb;
  std::unique_ptr<LfhtSide> lfht;
};

// What each container keeps of its readers' throughput; for rows that come last.
struct Keeps {
  std::string setting;
  std::vector<std::string> names;
  std::vector<OwnRatio> ratios;
};

Keeps Compare(Bench& bench, const Containers& containers, const Setting& setting) {
  const std::vector<Operation> operations = {{"loads, nobody writes", ">=1.0"}, {"loads", ">=1.0"}, {"writes", ""}};
  Keeps keeps{setting.name, {}, std::vector<OwnRatio>(4)};
  const Contender ours = Crowd(*containers.array, setting, keeps.ratios[0]);
  const std::vector<Contender> peers = {Crowd(*containers.locked, setting, keeps.ratios[1]),
                                        Crowd(*containers.tbb, setting, keeps.ratios[2]),
                                        Crowd(*containers.lfht, setting, keeps.ratios[3])};
  keeps.names = {ours.name, peers[0].name, peers[1].name, peers[2].name};
  CompareInRounds(bench, setting.name, "M/s", operations, ours, peers);
  return keeps;
}

void AddRows(Bench& bench, Keeps keeps) {
  for (size_t i = 0; i < keeps.names.size(); ++i) {
    auto& [busy, quiet] = keeps.ratios[i];
    if (busy.empty()) return;  // not asked for
    if (!bench.smoke()) {
      // The first turn warms up.
      busy.erase(busy.begin());
      quiet.erase(quiet.begin());
    }
    bench.Measured({absl::StrCat("loads beside a writer, ", keeps.setting), "M/cpu s",
                    absl::StrCat(keeps.names[i], " alone"), i == 0 ? ">=0.7" : ""},
                   busy, quiet);
  }
}

}  // namespace
}  // namespace mxa::bench

int main(int argc, char** argv) {
  using namespace mxa::bench;
  Bench bench(argc, argv);
  const unsigned bits = bench.smoke() ? 12 : 20;
  const double seconds = bench.smoke() ? 0.02 : 0.25;
  const Containers containers(bits);
  std::vector<Keeps> keeps;
  for (const size_t readers : {size_t{1}, size_t{2}}) {
    const std::string who = readers == 1 ? "1 reader" : "2 readers";
    keeps.push_back(Compare(bench, containers, {readers, Writing::kOverwrite, who + ", overwriting", bits, seconds}));
    keeps.push_back(
        Compare(bench, containers, {readers, Writing::kEraseAndStore, who + ", erasing + storing", bits, seconds}));
  }
  for (const Keeps& kept : keeps) AddRows(bench, kept);
  return bench.Finish();
}
