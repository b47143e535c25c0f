// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/slabinfo_command.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "slab/observe/occupancy_text.h"
#include "slab/observe/prometheus_text.h"
#include "slab/observe/slabinfo_text.h"
#include "slab/observe/snapshot_json.h"
#include "tools/mxa/command_line.h"
#include "tools/mxa/output.h"
#include "tools/mxa/slabinfo_source.h"

namespace mxa::tool {
namespace {

using slab::observe::CacheSnapshot;
using slab::observe::Snapshot;

struct SlabinfoOptions {
  std::string source;
  std::string format = "text";
  std::string sort = "created";
  bool help = false;
};

CommandLine Describe(SlabinfoOptions& options) {
  CommandLine line("mxa slabinfo");
  line.Positional("SOURCE", "the socket of a running process, a file of JSON saved from one, or - for standard input",
                  &options.source);
  line.Choice("format", "text (default): as /proc/slabinfo; map: how full each slab is",
              {"text", "json", "prometheus", "map"}, &options.format);
  line.Choice("sort", "order of the caches (default created); numbers: largest first",
              {"created", "name", "active", "objects", "size", "slabs", "bytes", "use"}, &options.sort);
  line.Switch("help", "this text", &options.help);
  return line;
}

std::string Help() {
  SlabinfoOptions options;
  return absl::StrCat(
      "usage: mxa slabinfo SOURCE [options]\n"
      "\n"
      "Shows the slab caches of a process that has opened a socket for this, or of a saved snapshot.\n"
      "\n",
      Describe(options).Help(),
      "\n"
      "Objects that lie cached in sheaves do not count as active, unlike in the kernel's slabinfo.\n"
      "Exit status: 0 good; 2 bad usage or source.\n");
}

// The shares in use compare as fractions, without rounding.
bool UsedMore(const CacheSnapshot& a, const CacheSnapshot& b) {
  const auto share = [](const CacheSnapshot& cache) {
    return cache.objects() == 0 ? 0.0 : static_cast<double>(cache.active()) / static_cast<double>(cache.objects());
  };
  return share(a) > share(b);
}

// Equal ones stay in the order of their creation.
void Sort(Snapshot& snapshot, absl::string_view by) {
  const auto largest_first = [&](auto number) {
    std::stable_sort(snapshot.caches.begin(), snapshot.caches.end(),
                     [&](const CacheSnapshot& a, const CacheSnapshot& b) { return number(a) > number(b); });
  };
  if (by == "name") {
    std::stable_sort(snapshot.caches.begin(), snapshot.caches.end(),
                     [](const CacheSnapshot& a, const CacheSnapshot& b) { return a.name < b.name; });
  }
  if (by == "use") std::stable_sort(snapshot.caches.begin(), snapshot.caches.end(), UsedMore);
  if (by == "active") largest_first([](const CacheSnapshot& cache) { return cache.active(); });
  if (by == "objects") largest_first([](const CacheSnapshot& cache) { return cache.objects(); });
  if (by == "size") largest_first([](const CacheSnapshot& cache) { return cache.shape.stride; });
  if (by == "slabs") largest_first([](const CacheSnapshot& cache) { return cache.stats.slabs; });
  if (by == "bytes") largest_first([](const CacheSnapshot& cache) { return cache.stats.slabs * cache.slab_bytes; });
}

std::string InFormat(const Snapshot& snapshot, absl::string_view format) {
  if (format == "json") return slab::observe::JsonText(snapshot);
  if (format == "prometheus") return slab::observe::PrometheusText(snapshot);
  if (format == "map") return slab::observe::OccupancyText(snapshot);
  return slab::observe::SlabinfoText(snapshot);
}

}  // namespace

int SlabinfoCommand(absl::Span<const absl::string_view> arguments, FILE* out, FILE* err) {
  SlabinfoOptions options;
  if (absl::Status status = Describe(options).Parse(arguments); !status.ok()) return Fail(err, status.message());
  if (options.help) return Put(out, Help()) ? 0 : Fail(err, "standard output: cannot write");
  if (options.source.empty()) return Fail(err, "no SOURCE; see 'mxa slabinfo --help'");
  absl::StatusOr<Snapshot> snapshot = ReadSnapshot(options.source);
  if (!snapshot.ok()) return Fail(err, snapshot.status().message());
  Sort(*snapshot, options.sort);
  if (!Put(out, InFormat(*snapshot, options.format))) {
    return Fail(err, absl::StrCat("standard output: cannot write: ", strerror(errno)));
  }
  return 0;
}

}  // namespace mxa::tool
