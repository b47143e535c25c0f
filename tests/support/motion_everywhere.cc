// SPDX-License-Identifier: Apache-2.0
//
// Linked into a test: a pass moves everything at schedule points inside operations.
#include "tests/support/motion_environment.h"

namespace mxa::tests {
namespace {

[[maybe_unused]] const testing::Environment* const set_up =
    testing::AddGlobalTestEnvironment(new MotionEnvironment(MotionEnvironment::Mode::kEverywhere));

}  // namespace
}  // namespace mxa::tests
