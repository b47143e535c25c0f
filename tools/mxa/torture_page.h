// SPDX-License-Identifier: Apache-2.0
//
// The report of a torture run as one page that needs nothing else: the verdict, what was done, what was found.
//
// Threads: one.
#ifndef MXA_TOOLS_MXA_TORTURE_PAGE_H_
#define MXA_TOOLS_MXA_TORTURE_PAGE_H_

#include <string>

#include "tools/torture/report.h"

namespace mxa::tool {

std::string HtmlOf(const torture::Report& report);

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_TORTURE_PAGE_H_
