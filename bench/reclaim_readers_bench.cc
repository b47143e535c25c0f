// SPDX-License-Identifier: Apache-2.0
//
// How much do readers notice while another processor moves the nodes they read?
//
// Baseline: the same reader on the same array while nothing moves. One thread loads random entries, a section each, and
// checks them; the other processor runs passes that move every node, without pause or paced. Needs two free processors.
// Held equal: array, indices, the length of the windows, which take turns. Paced: a pass, then a sleep until the rate
// is met, so the moves come in bursts; windows are long enough for several passes at 1 M, for one at 16 M.
// For information, what the machine itself takes: the same reader while the other processor copies as many nodes from one
// memory of its own to another, or only computes. Nothing that moves nodes can be easier on readers than a copy.
// Goals: design.md, section 7.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench/support/background.h"
#include "bench/support/bench.h"
#include "bench/support/dense_array.h"
#include "bench/support/neighbour.h"
#include "xarray/node.h"

namespace mxa::bench {
namespace {

constexpr double kPacedRate = 100'000;

void Compare(Bench& bench, DenseArray& array, const std::string& name, const std::string& goal, double rate,
             double window) {
  if (!bench.Wants(name)) return;
  if (bench.smoke()) window = 0.02;
  Mover mover(array.slabs(), rate);
  const LoadingReader reader(array);
  double moving_seconds = 0;
  bench.Pair(
      {name, "M loads/s", "nothing moves", goal},
      [&] {
        mover.Go();
        const Stopwatch watch;
        const double loads = reader.Throughput(window);
        moving_seconds += watch.Seconds();
        mover.Rest();
        return loads / 1e6;
      },
      [&] { return reader.Throughput(window) / 1e6; });
  bench.Note(absl::StrCat(name, ": ", static_cast<int64_t>(static_cast<double>(mover.moved()) / moving_seconds),
                          " moves a second"));
}

// The reader beside work that is none of ours.
void CompareBeside(Bench& bench, DenseArray& array, const std::string& name, size_t bytes, double window) {
  if (!bench.Wants(name)) return;
  if (bench.smoke()) window = 0.02;
  Neighbour neighbour(bytes, sizeof(xarray::Node));
  const LoadingReader reader(array);
  double seconds = 0;
  bench.Pair(
      {name, "M loads/s", "nothing else runs", ""},
      [&] {
        neighbour.Go();
        const Stopwatch watch;
        const double loads = reader.Throughput(window);
        seconds += watch.Seconds();
        neighbour.Rest();
        return loads / 1e6;
      },
      [&] { return reader.Throughput(window) / 1e6; });
  if (bytes > 0)
    bench.Note(absl::StrCat(name, ": ", static_cast<int64_t>(static_cast<double>(neighbour.done()) / seconds),
                            " copies a second"));
}

}  // namespace
}  // namespace mxa::bench

int main(int argc, char** argv) {
  using namespace mxa::bench;
  Bench bench(argc, argv);
  {
    DenseArray array(bench.smoke() ? 19 : 20);
    Compare(bench, array, "reader while all moves without pause, 1 M", ">=0.6", 0, 0.5);
    Compare(bench, array, "reader at 0.1 M moves/s, 1 M", ">=0.95", kPacedRate, 1.0);
    CompareBeside(bench, array, "reader beside copies of nodes, 1 M", array.size() / 64 * sizeof(mxa::xarray::Node),
                  0.5);
  }
  if (bench.smoke()) return bench.Finish();
  DenseArray array(24);
  Compare(bench, array, "reader while all moves without pause, 16 M", ">=0.95", 0, 0.5);
  Compare(bench, array, "reader at 0.1 M moves/s, 16 M", ">=0.95", kPacedRate, 2.7);
  CompareBeside(bench, array, "reader beside copies of nodes, 16 M", array.size() / 64 * sizeof(mxa::xarray::Node),
                0.5);
  CompareBeside(bench, array, "reader beside computing, 16 M", 0, 0.5);
  return bench.Finish();
}
