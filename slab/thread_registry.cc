// SPDX-License-Identifier: Apache-2.0
#include "slab/thread_registry.h"

#include <pthread.h>

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "slab/cache_core.h"

namespace mxa::slab {

ABSL_CONST_INIT ThreadTable empty_thread_table;

// Owns a thread's table for as long as the thread lives.
class ThreadRecord {
 public:
  ThreadTable table;

  void Grow(uint32_t cache_id) {
    const uint32_t size = std::max(cache_id + 1, std::max(table.size * 2, uint32_t{8}));
    auto entries = std::make_unique<std::atomic<ThreadSheaves*>[]>(size);
    // Relaxed: all under the registry's lock, or on the thread itself.
    for (uint32_t i = 0; i < table.size; ++i) {
      entries[i].store(table.entries[i].load(std::memory_order_relaxed), std::memory_order_relaxed);
    }
    table.entries = std::move(entries);
    table.size = size;
  }
};

namespace {

// A pthread key rather than a thread_local with a destructor: it runs after those, whose code may still allocate and
// free, and runs again when a later destructor brings new sheaves about.
void ThreadExit(void* argument) {
  std::unique_ptr<ThreadRecord> record(static_cast<ThreadRecord*>(argument));
  MutexLock lock(&ThreadRegistryMutex());
  for (uint32_t i = 0; i < record->table.size; ++i) {
    ThreadSheaves* sheaves = record->table.entries[i].load(std::memory_order_relaxed);
    if (sheaves != nullptr) sheaves->cache->OnThreadExit(sheaves);
  }
  tls_thread_table = &empty_thread_table;
}

pthread_key_t ExitKey() {
  static const pthread_key_t key = [] {
    pthread_key_t created;
    MXA_CHECK(pthread_key_create(&created, &ThreadExit) == 0, "no thread-specific key left");
    return created;
  }();
  return key;
}

ThreadRecord& CurrentRecord() {
  auto* record = static_cast<ThreadRecord*>(pthread_getspecific(ExitKey()));
  if (record == nullptr) {
    record = new ThreadRecord;
    MXA_CHECK(pthread_setspecific(ExitKey(), record) == 0, "cannot arrange for the thread's end");
    tls_thread_table = &record->table;
  }
  return *record;
}

std::vector<bool>& UsedCacheIds() {
  static auto& used = *new std::vector<bool>;
  return used;
}

}  // namespace

Mutex& ThreadRegistryMutex() {
  static Mutex& mutex = *new Mutex;
  return mutex;
}

void AddThreadSheaves(uint32_t cache_id, ThreadSheaves* sheaves) {
  ThreadRecord& record = CurrentRecord();
  if (cache_id >= record.table.size) record.Grow(cache_id);
  sheaves->record = &record;
  record.table.entries[cache_id].store(sheaves, std::memory_order_relaxed);
}

void RemoveThreadSheaves(uint32_t cache_id, ThreadSheaves* sheaves) {
  sheaves->record->table.entries[cache_id].store(nullptr, std::memory_order_relaxed);
}

uint32_t AcquireCacheId() {
  std::vector<bool>& used = UsedCacheIds();
  const auto unused = std::find(used.begin(), used.end(), false);
  const uint32_t id = static_cast<uint32_t>(unused - used.begin());
  if (unused == used.end()) {
    used.push_back(true);
  } else {
    *unused = true;
  }
  return id;
}

void ReleaseCacheId(uint32_t id) { UsedCacheIds()[id] = false; }

}  // namespace mxa::slab
