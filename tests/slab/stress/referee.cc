// SPDX-License-Identifier: Apache-2.0
#include "tests/slab/stress/referee.h"

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>

#include "absl/base/attributes.h"
#include "base/mutex.h"

namespace mxa::slab::stress {
namespace {

constexpr uint64_t kMostPrinted = 5;
constexpr std::array<const char*, kOps> kNames = {
    "allocate",     "allocate failed",
    "free",         "free_rcu",
    "destroyed",    "bulk allocate",
    "bulk free",    "prefill",
    "from sheaf",   "send",
    "receive",      "thread",
    "idle",         "read",
    "outlived",     "move",
    "pass",         "pass cancelled",
    "pass refused", "shrink",
    "barrier",      "look",
    "round",        "cache",
    "pool",         "arm",
    "critical",     "handler",
    "audit",
};

// The last operations of one thread.
struct Diary {
  struct Line {
    Op op;
    const char* where;
    const void* object;
    uint64_t detail;
  };
  static constexpr size_t kLines = 24;
  const char* actor = "none";
  std::array<Line, kLines> lines;
  size_t written = 0;
};

ABSL_CONST_INIT thread_local Diary* diary = nullptr;
std::array<std::atomic<uint64_t>, kOps> figures;
std::atomic<uint64_t> violations{0};
std::atomic<uint64_t> the_seed{0};

Diary& MyDiary() {
  static thread_local Diary mine;
  diary = &mine;
  return mine;
}

// Async-signal-safe as far as dprintf is: the process ends anyway.
void PrintDiary() {
  std::fflush(stdout);
  dprintf(2, "seed %llu, actor %s, last operations, newest first:\n", static_cast<unsigned long long>(the_seed.load()),
          diary == nullptr ? "none" : diary->actor);
  if (diary == nullptr) return;
  for (size_t i = 0; i < Diary::kLines && i < diary->written; ++i) {
    const Diary::Line& line = diary->lines[(diary->written - 1 - i) % Diary::kLines];
    dprintf(2, "  %s %s %p %llu\n", OpName(line.op), line.where, line.object,
            static_cast<unsigned long long>(line.detail));
  }
}

void OnAbort(int signal) {
  std::signal(signal, SIG_DFL);
  PrintDiary();
  std::raise(signal);
}

}  // namespace

const char* OpName(Op op) { return kNames[static_cast<size_t>(op)]; }

void StartReferee(uint64_t seed) {
  for (auto& figure : figures) figure.store(0);
  violations.store(0);
  the_seed.store(seed);
  std::printf("seed %llu (MXA_STRESS_SEED)\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  std::signal(SIGABRT, &OnAbort);
}

void BecomeActor(const char* actor) { MyDiary().actor = actor; }

void Did(Op op, const char* where, const void* object, uint64_t detail) {
  Diary& mine = MyDiary();
  mine.lines[mine.written++ % Diary::kLines] = {op, where, object, detail};
  Count(op, 1);
}

void Count(Op op, uint64_t by) { figures[static_cast<size_t>(op)].fetch_add(by, std::memory_order_relaxed); }

void Violation(const std::string& what) {
  if (violations.fetch_add(1) >= kMostPrinted) return;
  static Mutex mutex;
  MutexLock lock(&mutex);
  dprintf(2, "VIOLATION: %s\n", what.c_str());
  PrintDiary();
}

uint64_t Figure(Op op) { return figures[static_cast<size_t>(op)].load(std::memory_order_relaxed); }
uint64_t Violations() { return violations.load(); }

}  // namespace mxa::slab::stress
