// SPDX-License-Identifier: Apache-2.0
#include "bench/support/child.h"

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "base/check.h"

namespace mxa::bench {

std::vector<double> InChild(size_t count, const std::function<std::vector<double>()>& measure) {
  int ends[2];
  MXA_CHECK(pipe(ends) == 0, "no pipe");
  const pid_t child = fork();
  MXA_CHECK(child >= 0, "no child");
  const ssize_t bytes = static_cast<ssize_t>(count * sizeof(double));
  if (child == 0) {
    const std::vector<double> figures = measure();
    MXA_CHECK(figures.size() == count, "the child measured something else");
    // Without destructors: what the child holds goes with it.
    _exit(write(ends[1], figures.data(), count * sizeof(double)) == bytes ? 0 : 1);
  }
  close(ends[1]);
  std::vector<double> figures(count);
  MXA_CHECK(read(ends[0], figures.data(), count * sizeof(double)) == bytes, "the child died");
  waitpid(child, nullptr, 0);
  close(ends[0]);
  return figures;
}

double ResidentBytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  MXA_CHECK(file != nullptr, "no /proc");
  long pages = 0;
  long resident = 0;
  MXA_CHECK(std::fscanf(file, "%ld %ld", &pages, &resident) == 2, "statm reads otherwise than expected");
  std::fclose(file);
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

}  // namespace mxa::bench
