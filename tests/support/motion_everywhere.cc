// SPDX-License-Identifier: Apache-2.0
//
// Linked into a test: every node moves at every schedule point of an operation.
#include "tests/support/everywhere_environment.h"

namespace mxa::tests {
namespace {

[[maybe_unused]] const testing::Environment* const set_up =
    testing::AddGlobalTestEnvironment(new EverywhereEnvironment());

}  // namespace
}  // namespace mxa::tests
