// SPDX-License-Identifier: Apache-2.0
//
// When a check of the library, or the processor, ends the process: says with which seed, and what the thread did last.
//
// That is a violation like any other: the process ends with status 1.
// Threads: Arrange and Dismiss by one; the report on whichever thread it happens.
#ifndef MXA_TOOLS_TORTURE_CRASH_REPORT_H_
#define MXA_TOOLS_TORTURE_CRASH_REPORT_H_

#include <string>

namespace mxa::torture {

class CrashReport {
 public:
  // `parameters`: of the run, for the last line.
  explicit CrashReport(const std::string& parameters);
  ~CrashReport();
  CrashReport(const CrashReport&) = delete;
  CrashReport& operator=(const CrashReport&) = delete;
};

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_CRASH_REPORT_H_
