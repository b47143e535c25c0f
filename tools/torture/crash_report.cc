// SPDX-License-Identifier: Apache-2.0
#include "tools/torture/crash_report.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "base/planted_bug.h"
#include "tools/torture/threads.h"

namespace mxa::torture {
namespace {

// The sanitizers want faults for themselves, and end the process with a status of their own.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kSignals[] = {SIGABRT};
#else
constexpr int kSignals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGILL};
#endif

char g_parameters[512];

void Write(const char* text, size_t length) {
  // The process is about to end: a failed write changes nothing that could still be done.
  [[maybe_unused]] const ssize_t ignored = write(STDERR_FILENO, text, length);
}

// As the summary of a run that ends by itself says it.
void TellPlantedRuns() {
#if MXA_HOOKS
  char line[80];
  const int length = std::snprintf(line, sizeof(line), "planted bug: executed %d times\n", PlantedBugRunsForTest());
  if (length > 0) Write(line, std::min(static_cast<size_t>(length), sizeof(line) - 1));
#endif
}

void OnSignal(int signal) {
  for (const int other : kSignals) std::signal(other, SIG_DFL);
  ThisThread().operations().ForEach([](uint64_t number, const char* what, uint64_t first, uint64_t second) {
    char line[160];
    const int length =
        std::snprintf(line, sizeof(line), "  %llu: %s %llu %llu\n", static_cast<unsigned long long>(number), what,
                      static_cast<unsigned long long>(first), static_cast<unsigned long long>(second));
    if (length > 0) Write(line, std::min(static_cast<size_t>(length), sizeof(line) - 1));
  });
  char line[700];
  const int length = std::snprintf(line, sizeof(line), "!!! ended by signal %d, at '%s'\nEnd of test: FAILURE: %s\n",
                                   signal, ThisThread().point(), g_parameters);
  if (length > 0) Write(line, std::min(static_cast<size_t>(length), sizeof(line) - 1));
  TellPlantedRuns();
  _exit(1);
}

}  // namespace

CrashReport::CrashReport(const std::string& parameters) {
  std::strncpy(g_parameters, parameters.c_str(), sizeof(g_parameters) - 1);
  for (const int signal : kSignals) std::signal(signal, &OnSignal);
}

CrashReport::~CrashReport() {
  for (const int signal : kSignals) std::signal(signal, SIG_DFL);
}

}  // namespace mxa::torture
