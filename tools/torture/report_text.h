// SPDX-License-Identifier: Apache-2.0
//
// The report in words, as it goes on and at the end, and as JSON.
//
// The lines are named as those of rcutorture, so that whoever knows them can read these. A line with "!!!" is there when,
// and only when, an error counter is set.
#ifndef MXA_TOOLS_TORTURE_REPORT_TEXT_H_
#define MXA_TOOLS_TORTURE_REPORT_TEXT_H_

#include <string>

#include "tools/torture/report.h"

namespace mxa::torture {

// The options, in one line: what a run needs to be repeated.
std::string ParametersOf(const Options& options);
// Where a run stands; each line begins with the seconds so far.
std::string StatusOf(const Report& report);
// The last status, the first violation, what is missing; "End of test" comes last.
std::string SummaryOf(const Report& report);
// Keys are stable: programs read them.
std::string JsonOf(const Report& report);

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_REPORT_TEXT_H_
