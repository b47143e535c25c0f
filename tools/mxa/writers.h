// SPDX-License-Identifier: Apache-2.0
//
// Threads that store and erase without pause, and say in the ledger what they do.
//
// Each kept entry belongs to one writer. Stable entries are replaced by a newer generation, the others erased and
// stored again.
// Threads: everything from one thread; the writers are its own.
#ifndef MXA_TOOLS_MXA_WRITERS_H_
#define MXA_TOOLS_MXA_WRITERS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "tools/mxa/error_log.h"
#include "tools/mxa/population.h"

namespace mxa::tool {

// Takes entry number `entry` to its next generation. What the array hands back has to be what was committed: else `log`
// hears. False when there was no memory; nothing has changed then.
bool WriteEntry(Population& population, size_t entry, ErrorLog& log);

class Writers {
 public:
  Writers(Population& population, ErrorLog& log) : population_(population), log_(log) {}
  ~Writers() { Stop(); }
  Writers(const Writers&) = delete;
  Writers& operator=(const Writers&) = delete;

  void Start(uint64_t count, uint64_t seed);

  // Ends and joins the threads.
  void Stop();

  // Relaxed: shown, or read after Stop.
  uint64_t writes() const { return writes_.load(std::memory_order_relaxed); }
  uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }  // for want of memory

 private:
  void Run(uint64_t number, uint64_t count, uint64_t seed);

  Population& population_;
  ErrorLog& log_;
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> writes_{0};
  std::atomic<uint64_t> refused_{0};
  std::vector<std::thread> threads_;
};

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_WRITERS_H_
