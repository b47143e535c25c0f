// SPDX-License-Identifier: Apache-2.0
//
// A clock that goes when told, a folder of files that says what a test wants, and sources and shrinkers to order.
#ifndef MXA_TESTS_RECLAIM_FAKES_H_
#define MXA_TESTS_RECLAIM_FAKES_H_

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "reclaim/clock.h"
#include "reclaim/reclaim_source.h"
#include "reclaim/shrinker.h"

namespace mxa::reclaim {

class FakeClock : public ReclaimClock {
 public:
  absl::Duration Now() const override { return absl::Nanoseconds(now_.load()); }
  absl::Duration ThreadCpu() const override { return absl::Nanoseconds(cpu_.load()); }

  void Pass(absl::Duration time) { now_ += absl::ToInt64Nanoseconds(time); }
  // Time goes by, on a processor.
  void Work(absl::Duration time) {
    Pass(time);
    cpu_ += absl::ToInt64Nanoseconds(time);
  }

 private:
  std::atomic<int64_t> now_{1'000'000'000};
  std::atomic<int64_t> cpu_{0};
};

// Removed with all that is in it when it goes.
class FakeFolder {
 public:
  FakeFolder() {
    std::string name = testing::TempDir() + "mxa_reclaim_XXXXXX";
    if (mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~FakeFolder() { std::filesystem::remove_all(path_); }
  FakeFolder(const FakeFolder&) = delete;
  FakeFolder& operator=(const FakeFolder&) = delete;

  void Write(const std::string& file, const std::string& text) const {
    const std::filesystem::path path = path_ + "/" + file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::trunc) << text;
  }
  std::string Read(const std::string& file) const {
    std::ifstream in(path_ + "/" + file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void Remove(const std::string& file) const { std::filesystem::remove_all(path_ + "/" + file); }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Holds as much as it is told and gives back what it has idle, up to `most_a_slice`; `on_reclaim` runs first.
class FakeSource : public ReclaimSource {
 public:
  explicit FakeSource(std::string name, ReclaimCost cost = ReclaimCost::kMoves) : name_(std::move(name)), cost_(cost) {}

  const std::string& name() const override { return name_; }
  ReclaimCost cost() const override { return cost_; }
  ReclaimHeld Held() override { return {held, idle}; }
  ReclaimGain Reclaim(const ReclaimBudget& budget) override {
    ++calls;
    if (on_reclaim) on_reclaim(budget);
    const uint64_t gain = std::min<uint64_t>({idle, most_a_slice, budget.wanted_bytes});
    idle -= gain;
    held -= gain;
    return {.bytes = gain, .cpu_elsewhere = elsewhere};
  }

  std::atomic<uint64_t> held{0};
  std::atomic<uint64_t> idle{0};
  std::atomic<uint64_t> most_a_slice{~uint64_t{0}};
  std::atomic<int> calls{0};
  absl::Duration elsewhere = absl::ZeroDuration();
  std::function<void(const ReclaimBudget&)> on_reclaim;

 private:
  const std::string name_;
  const ReclaimCost cost_;
};

// Has `count` objects of 100 bytes and drops what it is asked to, unless `on_scan` answers in its stead.
class FakeShrinker : public Shrinker {
 public:
  size_t Count(int node) override {
    count_nodes.push_back(node);
    return count;
  }
  absl::StatusOr<Scanned> Scan(const ScanRequest& request) override {
    scans.push_back(request);
    if (on_scan) return on_scan(request);
    const size_t dropped = std::min(request.objects, count);
    count -= dropped;
    return Scanned{.objects = dropped, .bytes = 100 * dropped};
  }
  size_t asked() const {
    size_t sum = 0;
    for (const ScanRequest& scan : scans) sum += scan.objects;
    return sum;
  }

  size_t count = 0;
  std::vector<int> count_nodes;
  std::vector<ScanRequest> scans;
  std::function<absl::StatusOr<Scanned>(const ScanRequest&)> on_scan;
};

}  // namespace mxa::reclaim

#endif  // MXA_TESTS_RECLAIM_FAKES_H_
