// SPDX-License-Identifier: Apache-2.0
//
// Property: every regular file with content below the folder is there once, with an entry per begun 4 KiB.
#include "tools/mxa/tree_input.h"

#include <unistd.h>

#include <filesystem>
#include <map>
#include <string>

#include "gtest/gtest.h"
#include "tests/tools/temp_folder.h"

namespace mxa::tool {
namespace {

std::map<std::string, uint64_t> EntriesByName(const TempFolder& folder, const Workload& workload) {
  std::map<std::string, uint64_t> entries;
  for (const WorkloadArray& array : workload.arrays) entries[array.name.substr(folder.path().size())] = array.dense;
  return entries;
}

TEST(TreeInputTest, CountsPagesOfFiles) {
  TempFolder folder;
  folder.WriteSparse("one", 1);
  folder.WriteSparse("exact", 4096);
  folder.WriteSparse("more", 4097);
  folder.WriteSparse("a/b/c", 3 * 4096);
  folder.Write("empty", "");
  const absl::StatusOr<Workload> workload = ReadTree(folder.path(), 100);
  ASSERT_TRUE(workload.ok()) << workload.status();
  EXPECT_EQ(EntriesByName(folder, *workload),
            (std::map<std::string, uint64_t>{{"/one", 1}, {"/exact", 1}, {"/more", 2}, {"/a/b/c", 3}}));
}

TEST(TreeInputTest, FollowsNoLinksAndCountsHardLinksOnce) {
  TempFolder folder;
  const std::string file = folder.WriteSparse("a/file", 5000);
  std::filesystem::create_hard_link(file, folder.PathOf("a/same"));
  std::filesystem::create_symlink(file, folder.PathOf("link"));
  std::filesystem::create_directory_symlink(folder.path(), folder.PathOf("a/loop"));
  const absl::StatusOr<Workload> workload = ReadTree(folder.path(), 100);
  ASSERT_TRUE(workload.ok()) << workload.status();
  EXPECT_EQ(workload->arrays.size(), 1u);
}

TEST(TreeInputTest, RefusesWhatIsNoFolder) {
  TempFolder folder;
  folder.WriteSparse("file", 1);
  EXPECT_EQ(ReadTree(folder.PathOf("none"), 100).status().message(),
            folder.PathOf("none") + ": No such file or directory");
  EXPECT_EQ(ReadTree(folder.PathOf("file"), 100).status().message(), folder.PathOf("file") + ": Not a directory");
}

TEST(TreeInputTest, RefusesTooMuchAndNothing) {
  TempFolder folder;
  EXPECT_EQ(ReadTree(folder.path(), 100).status().message(), folder.path() + ": no regular file with content below it");
  folder.WriteSparse("a", 4096);
  folder.WriteSparse("huge", uint64_t{1} << 40);
  EXPECT_EQ(ReadTree(folder.path(), 100).status().message(),
            folder.PathOf("huge") + ": brings more than 100 entries; see --max-entries");
}

TEST(TreeInputTest, SaysOnceWhatItCouldNotRead) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  TempFolder folder;
  folder.WriteSparse("seen", 1);
  folder.WriteSparse("closed/hidden", 1);
  std::filesystem::permissions(folder.PathOf("closed"), std::filesystem::perms::none);
  const absl::StatusOr<Workload> workload = ReadTree(folder.path(), 100);
  std::filesystem::permissions(folder.PathOf("closed"), std::filesystem::perms::owner_all);
  ASSERT_TRUE(workload.ok()) << workload.status();
  EXPECT_EQ(workload->notice, "1 folder could not be read and was left out");
}

}  // namespace
}  // namespace mxa::tool
