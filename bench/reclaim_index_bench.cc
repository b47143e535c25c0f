// SPDX-License-Identifier: Apache-2.0
//
// How much memory do the nodes of a real index hold after most of it was dropped: with a pass, and in allocators that
// cannot move them?
//
// Inputs: an entry for each 4 KiB of the files of a folder, nine files of ten dropped at random, $MXA_BENCH_TREE or /usr;
// and the block traces in $MXA_BENCH_TRACES, `PATH:FORMAT` with commas between them (formats: `mxa help relocate`), all but
// the tenth of the blocks that were used last dropped.
// Baseline: the bytes of the live nodes. Ours: every resident page of the nodes' arena, side table included. Theirs: the
// same allocations and frees of 576 bytes in the same order, every byte written, then the library's own purge; the
// resident pages of a child process that does nothing else.
// Counts of pages, not times: one repetition is enough. Goal: design.md, section 7.
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "bench/support/bench.h"
#include "bench/support/child.h"
#include "bench/support/foreign_allocator.h"
#include "bench/support/node_events.h"
#include "tools/mxa/input_stream.h"
#include "tools/mxa/population.h"
#include "tools/mxa/progress.h"
#include "tools/mxa/trace_format.h"
#include "tools/mxa/trace_input.h"
#include "tools/mxa/tree_input.h"
#include "xarray/node.h"

namespace mxa::bench {
namespace {

constexpr double kKept = 0.1;
constexpr uint64_t kSeed = 1;

struct Input {
  std::string name;
  tool::Workload workload;
  tool::Kept kept;
};

// The name of a file without its folder.
std::string BaseName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::vector<Input> ReadInputs(Bench& bench) {
  const uint64_t most = bench.Size(size_t{1} << 28, 20'000);
  std::vector<Input> inputs;
  const char* tree = std::getenv("MXA_BENCH_TREE");
  const std::string folder = tree != nullptr ? tree : "/usr";
  absl::StatusOr<tool::Workload> files = tool::ReadTree(folder, most);
  if (files.ok()) {
    inputs.push_back({folder, *std::move(files), {}});
    inputs.back().kept = tool::KeepArrays(inputs.back().workload, kKept, kSeed);
  } else {
    bench.Note(files.status().ToString());
  }
  const char* traces = std::getenv("MXA_BENCH_TRACES");
  for (const absl::string_view trace : absl::StrSplit(traces != nullptr ? traces : "", ',', absl::SkipEmpty())) {
    const std::vector<std::string> parts = absl::StrSplit(trace, ':');
    const auto format = parts.size() == 2 ? tool::TraceFormatByName(parts[1]) : std::nullopt;
    MXA_CHECK(format.has_value(), "MXA_BENCH_TRACES is PATH:FORMAT,PATH:FORMAT");
    absl::StatusOr<std::unique_ptr<tool::InputStream>> stream = tool::InputStream::Open(parts[0]);
    MXA_CHECK(stream.ok(), stream.status().ToString().c_str());
    absl::StatusOr<tool::Workload> workload = tool::ReadTrace(**stream, *format, most);
    MXA_CHECK(workload.ok(), workload.status().ToString().c_str());
    inputs.push_back({BaseName(parts[0]), *std::move(workload), {}});
    inputs.back().kept = tool::KeepMostRecent(inputs.back().workload, kKept);
  }
  return inputs;
}

// Resident bytes, live bytes and regions held.
std::vector<double> Ours(const Input& input, bool pass) {
  tool::Progress progress(/*wanted=*/false);
  auto population = tool::Population::Create().value();
  MXA_CHECK(population->Load(input.workload, progress).ok(), "no memory");
  population->Drop(input.workload, input.kept, kSeed, progress);
  if (pass) {
    MXA_CHECK(population->nodes().slabs().Compact().ok(), "no pass");
  } else {
    population->nodes().slabs().Shrink();
  }
  return {static_cast<double>(population->node_arena().Residency().total()),
          static_cast<double>(population->nodes().slabs().Stats().live * sizeof(xarray::Node)),
          static_cast<double>(population->node_arena().regions_held())};
}

std::vector<double> Theirs(const ForeignAllocator& library, const NodeEvents& events) {
  std::vector<void*> nodes(events.total);
  void* const none = &nodes;
  for (void*& node : nodes) node = none;  // its pages are no allocator's
  library.purge();                        // what reading the input has left free is not to be counted, nor to be used
  const double before = ResidentBytes();
  for (const uint32_t number : events.nodes) {
    if (nodes[number] != none) {
      library.release(nodes[number]);
      continue;
    }
    nodes[number] = library.allocate(sizeof(xarray::Node));
    MXA_CHECK(nodes[number] != nullptr, "no memory");
    std::memset(nodes[number], 1, sizeof(xarray::Node));
  }
  library.purge();
  return {ResidentBytes() - before, static_cast<double>(events.live * sizeof(xarray::Node)), 0};
}

void Run(Bench& bench, const std::vector<ForeignAllocator>& libraries) {
  for (const Input& input : ReadInputs(bench)) {
    const auto row = [&](const std::string& who, const char* goal, const auto& measure) {
      const std::string name = absl::StrCat("resident, index of ", input.name, ", ", who);
      if (!bench.Wants(name)) return;
      const std::vector<double> figures = InChild(3, measure);
      bench.Single({name, "MB", "live nodes", goal}, figures[0] / 1e6, figures[1] / 1e6);
      if (figures[2] != 0) bench.Note(absl::StrCat(name, ": ", figures[2], " regions of 2 MiB"));
    };
    row("a pass", "<=1.03", [&] { return Ours(input, true); });
    row("no pass", "", [&] { return Ours(input, false); });
    const NodeEvents events = NodeEventsOf(input.workload, input.kept);
    for (const ForeignAllocator& library : libraries) {
      row(library.name, "", [&] { return Theirs(library, events); });
    }
  }
}

}  // namespace
}  // namespace mxa::bench

int main(int argc, char** argv) { return mxa::bench::AgainstLibraries(argc, argv, &mxa::bench::Run); }
