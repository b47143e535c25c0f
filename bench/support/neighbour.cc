// SPDX-License-Identifier: Apache-2.0
#include "bench/support/neighbour.h"

#include <cstring>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/check.h"
#include "benchmark/benchmark.h"

namespace mxa::bench {

Neighbour::Neighbour(size_t bytes, size_t piece) : piece_(piece), from_(bytes, 1), to_(bytes, 1) {
  MXA_CHECK(piece > 0 && (bytes == 0 || bytes >= 64 * piece), "too little to copy");
  thread_ = std::thread([this] { Run(); });
}

Neighbour::~Neighbour() {
  ending_.store(true, std::memory_order_relaxed);
  thread_.join();
}

void Neighbour::Run() {
  constexpr size_t kPieces = 64;  // between two looks at what it is told
  size_t at = 0;
  uint64_t sum = 1;
  // Relaxed, all: requests and a statistic.
  while (!ending_.load(std::memory_order_relaxed)) {
    if (!going_.load(std::memory_order_relaxed)) {
      absl::SleepFor(absl::Milliseconds(1));
      continue;
    }
    if (from_.empty()) {
      for (size_t i = 0; i < 4096; ++i) sum = sum * 6364136223846793005u + 1442695040888963407u;
      benchmark::DoNotOptimize(sum);
      done_.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    if (at + kPieces * piece_ > from_.size()) {
      at = 0;
      from_.swap(to_);
    }
    for (size_t i = 0; i < kPieces; ++i, at += piece_) std::memcpy(&to_[at], &from_[at], piece_);
    benchmark::ClobberMemory();
    done_.fetch_add(kPieces, std::memory_order_relaxed);
  }
}

}  // namespace mxa::bench
