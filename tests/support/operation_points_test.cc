// SPDX-License-Identifier: Apache-2.0
//
// Every schedule point in the sources is where its layer says, so that none is left out of the motion everywhere.
#include "tests/support/operation_points.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mxa::tests {
namespace {

// The whole tree, as the runfiles link into it.
std::filesystem::path Tree() { return std::filesystem::canonical("README.md").parent_path(); }

std::set<std::string> PointsIn(const std::string& folder) {
  static const std::regex* const point = new std::regex("MXA_SCHEDULE_POINT\\(\"([^\"]+)\"\\)");
  std::set<std::string> names;
  for (const auto& file : std::filesystem::recursive_directory_iterator(Tree() / folder)) {
    if (file.path().extension() != ".cc" && file.path().extension() != ".h") continue;
    std::ifstream stream(file.path());
    const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    for (std::sregex_iterator at(text.begin(), text.end(), *point), end; at != end; ++at) names.insert((*at)[1]);
  }
  return names;
}

TEST(OperationPointsTest, AllOfTheArrayButTheMoversAreInOperations) {
  std::set<std::string> others;
  const std::set<std::string> points = PointsIn("xarray");
  EXPECT_GT(points.size(), 30u);
  for (const std::string& point : points) {
    if (!IsInOperation(point)) others.insert(point);
  }
  EXPECT_THAT(others, testing::UnorderedElementsAre(
                          "mover.before_pin", "mover.after_pin", "mover.after_unlock", "mover.before_unlock",
                          "mover.before_publish", "mover.after_publish", "detach.before_retry", "detach.before_owner",
                          "detach.before_retire", "array.await_unpinned", "value_mover.before_pin",
                          "value_mover.after_pin", "value_mover.before_unpin", "value_mover.locked",
                          "value_mover.before_publish", "value_mover.after_publish", "map.await_unpinned"));
}

// Nodes cannot be moved inside what moves them.
TEST(OperationPointsTest, NoneOfTheLayersBelowIsInAnOperation) {
  for (const char* const folder : {"base", "reclaim", "slab"}) {
    for (const std::string& point : PointsIn(folder)) EXPECT_FALSE(IsInOperation(point)) << point;
  }
}

TEST(OperationPointsTest, AnOperationIsBoundedByWhereItBeginsOrUnlocks) {
  EXPECT_TRUE(BoundsOperation("array.unlocked"));
  EXPECT_TRUE(BoundsOperation("cursor.step"));
  EXPECT_FALSE(BoundsOperation("cursor.look"));
}

}  // namespace
}  // namespace mxa::tests
