// SPDX-License-Identifier: Apache-2.0
//
// Linked into a test: passes run all the time.
#include "tests/support/pass_environment.h"

namespace mxa::tests {
namespace {

[[maybe_unused]] const testing::Environment* const set_up = testing::AddGlobalTestEnvironment(new PassEnvironment());

}  // namespace
}  // namespace mxa::tests
