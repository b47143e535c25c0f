// SPDX-License-Identifier: Apache-2.0
//
// The report of a run as one page that needs nothing else: figures at a glance, memory and reads over time, maps of the
// slabs, the table of the terminal.
//
// Threads: one.
#ifndef MXA_TOOLS_MXA_HTML_PAGE_H_
#define MXA_TOOLS_MXA_HTML_PAGE_H_

#include <string>

#include "tools/mxa/report.h"

namespace mxa::tool {

// REQUIRES: report.timeline is that of the run.
std::string HtmlOf(const Report& report);

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_HTML_PAGE_H_
