// SPDX-License-Identifier: Apache-2.0
#include "tools/torture/threads.h"

#include <pthread.h>

#include <algorithm>

#include "base/check.h"

namespace mxa::torture {
namespace {

std::array<ThreadRecord, kMostThreads> g_records;
std::atomic<size_t> g_used{1};
std::atomic<void (*)(const char*, uint64_t, uint64_t)> g_listener{nullptr};

thread_local ThreadRecord* tls_record = nullptr;

}  // namespace

std::string ThreadRecord::name() const {
  std::string name;
  for (const std::atomic<char>& c : name_) {
    const char value = c.load(std::memory_order_relaxed);
    if (value == '\0') break;
    name += value;
  }
  return name.empty() ? "a thread of the library" : name;
}

void ThreadRecord::SetName(absl::string_view name) {
  for (size_t i = 0; i < name_.size(); ++i) {
    name_[i].store(i < name.size() && i + 1 < name_.size() ? name[i] : '\0', std::memory_order_relaxed);
  }
}

void ThreadRecord::LockTaken(const void* anchor) {
  awaited_lock_.store(nullptr, std::memory_order_relaxed);
  for (std::atomic<const void*>& held : held_locks_) {
    if (held.load(std::memory_order_relaxed) != nullptr) continue;
    held.store(anchor, std::memory_order_relaxed);
    return;
  }
}

void ThreadRecord::LockReleased(const void* anchor) {
  for (std::atomic<const void*>& held : held_locks_) {
    if (held.load(std::memory_order_relaxed) == anchor) held.store(nullptr, std::memory_order_relaxed);
  }
}

bool ThreadRecord::Holds(const void* anchor) const {
  for (size_t i = 0; i < kMostHeldLocks; ++i) {
    if (held_lock(i) == anchor) return true;
  }
  return false;
}

ThreadRecord& ThisThread() { return tls_record == nullptr ? g_records[0] : *tls_record; }

size_t ThreadRecords() {
  // Acquire; pairs with the release in ThreadScope: whoever sees a section of a new thread sees its record counted, as the
  // section was begun behind that.
  return g_used.load(std::memory_order_acquire);
}

ThreadRecord& ThreadRecordAt(size_t i) { return g_records[i]; }

FigureValues SumFigures() {
  FigureValues sums{};
  for (size_t i = 0; i < ThreadRecords(); ++i) {
    for (size_t figure = 0; figure < kFigures; ++figure) {
      sums[figure] += g_records[i].figure(static_cast<Figure>(figure));
    }
  }
  return sums;
}

void ResetThreads() {
  for (ThreadRecord& record : g_records) {
    MXA_CHECK(!record.in_use(), "a thread is still taking part");
    for (std::atomic<uint64_t>& figure : record.figures_) figure.store(0, std::memory_order_relaxed);
  }
}

void Note(const char* what, uint64_t first, uint64_t second) {
  if (tls_record != nullptr) tls_record->operations().Add(what, first, second);
  // Relaxed: set while nobody else runs.
  if (auto* listener = g_listener.load(std::memory_order_relaxed)) listener(what, first, second);
}

void NoteLockStep(const void* anchor, LockStep step) {
  if (tls_record == nullptr) return;
  switch (step) {
    case LockStep::kWaits:
      return tls_record->LockWaitsFor(anchor);
    case LockStep::kTaken:
      return tls_record->LockTaken(anchor);
    case LockStep::kReleased:
      return tls_record->LockReleased(anchor);
  }
}

void SetNoteListener(void (*listener)(const char*, uint64_t, uint64_t)) {
  g_listener.store(listener, std::memory_order_relaxed);
}

ThreadScope::ThreadScope(absl::string_view name) : outer_(tls_record) {
  for (size_t i = 1; i < kMostThreads; ++i) {
    // Acquire; pairs with the release below: the section number goes on from where the last thread left it.
    if (g_records[i].in_use_.exchange(true, std::memory_order_acquire)) continue;
    tls_record = &g_records[i];
    tls_record->SetName(name);
    tls_record->At("", 0);
    tls_record->LockWaitsFor(nullptr);
    for (std::atomic<const void*>& held : tls_record->held_locks_) held.store(nullptr, std::memory_order_relaxed);
    size_t used = g_used.load(std::memory_order_relaxed);
    // Release; pairs with the acquire in ThreadRecords.
    while (used < i + 1 && !g_used.compare_exchange_weak(used, i + 1, std::memory_order_release)) continue;
    pthread_setname_np(pthread_self(), std::string(name.substr(0, 15)).c_str());
    return;
  }
  MXA_CHECK(false, "more threads than records");
}

ThreadScope::~ThreadScope() {
  tls_record->EndStep();
  tls_record->in_use_.store(false, std::memory_order_release);  // pairs with the acquire in the constructor
  tls_record = outer_;
}

}  // namespace mxa::torture
