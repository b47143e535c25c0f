// SPDX-License-Identifier: Apache-2.0
//
// Property: `mxa slabinfo` shows the same from a socket and from a file saved from it, and says in one line why it
// cannot.
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "slab/cache.h"
#include "slab/observe/listening_socket.h"
#include "slab/observe/stats_server.h"
#include "tests/tools/run_mxa.h"
#include "tests/tools/temp_folder.h"

namespace mxa::tool {
namespace {

using slab::Cache;
using slab::observe::StatsServer;
using testing::HasSubstr;
using testing::StartsWith;

void ExpectOneLine(const MxaRun& run, const std::string& part) {
  EXPECT_EQ(run.exit_status, 2);
  EXPECT_EQ(run.out, "");
  EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
  EXPECT_THAT(run.err, StartsWith("mxa: "));
  EXPECT_THAT(run.err, HasSubstr(part));
}

class SlabinfoTest : public testing::Test {
 protected:
  SlabinfoTest() {
    small_ = Cache::Create({.name = "z-small", .object_size = 64}).value();
    large_ = Cache::Create({.name = "a-large", .object_size = 4096}).value();
    for (void*& object : objects_) object = small_->Allocate();
    server_ = StatsServer::Start(socket_).value();
  }
  ~SlabinfoTest() override {
    for (void* object : objects_) small_->Free(object);
  }

  // The names at the line beginnings of the text, in their order.
  static std::string Order(const std::string& text) {
    return text.find("\nz-small ") < text.find("\na-large ") ? "small, large" : "large, small";
  }

  TempFolder folder_;
  const std::string socket_ = folder_.PathOf("socket");
  std::unique_ptr<Cache> small_;
  std::unique_ptr<Cache> large_;
  void* objects_[100];
  std::unique_ptr<StatsServer> server_;
};

TEST_F(SlabinfoTest, AsksARunningProcess) {
  const MxaRun run = RunMxa({"slabinfo", socket_});
  EXPECT_EQ(run.exit_status, 0);
  EXPECT_EQ(run.err, "");
  EXPECT_THAT(run.out, StartsWith("slabinfo - version: 2.1\n# name "));
  EXPECT_THAT(run.out, HasSubstr("\nz-small              100   1024     64 1024   16 : tunables    0    0    0 : "
                                 "slabdata      1      1      0\n"));
  EXPECT_THAT(RunMxa({"slabinfo", "--format=prometheus", socket_}).out,
              HasSubstr("mxa_slab_objects{cache=\"z-small\",state=\"live\"} 100\n"));
  EXPECT_THAT(RunMxa({"slabinfo", socket_, "--format", "map"}).out, HasSubstr("\nz-small, arena 0: 1 slabs of 1024"));
}

TEST_F(SlabinfoTest, ShowsASavedSnapshotAsTheProcessWas) {
  const MxaRun json = RunMxa({"slabinfo", socket_, "--format=json"});
  EXPECT_EQ(json.exit_status, 0);
  const std::string dump = folder_.Write("dump.json", json.out);
  EXPECT_EQ(RunMxa({"slabinfo", dump}).out, RunMxa({"slabinfo", socket_}).out);
  server_.reset();
  EXPECT_EQ(RunMxa({"slabinfo", dump, "--format=json"}).out, json.out);
}

TEST_F(SlabinfoTest, Sorts) {
  EXPECT_EQ(Order(RunMxa({"slabinfo", socket_}).out), "small, large");
  EXPECT_EQ(Order(RunMxa({"slabinfo", socket_, "--sort=created"}).out), "small, large");
  EXPECT_EQ(Order(RunMxa({"slabinfo", socket_, "--sort=name"}).out), "large, small");
  EXPECT_EQ(Order(RunMxa({"slabinfo", socket_, "--sort=size"}).out), "large, small");
  void* object = large_->Allocate();
  for (const char* by : {"active", "objects"}) {
    EXPECT_EQ(Order(RunMxa({"slabinfo", socket_, "--sort", by}).out), "small, large") << by;
  }
  // 1 of 16 objects against 100 of 1024; a slab each, then 2 against 1.
  EXPECT_EQ(Order(RunMxa({"slabinfo", socket_, "--sort=use"}).out), "small, large");
  void* more[20];
  for (void*& one : more) one = large_->Allocate();
  for (const char* by : {"slabs", "bytes", "use"}) {
    EXPECT_EQ(Order(RunMxa({"slabinfo", socket_, "--sort", by}).out), "large, small") << by;
  }
  for (void* one : more) large_->Free(one);
  large_->Free(object);
}

TEST_F(SlabinfoTest, RefusesBadUsage) {
  ExpectOneLine(RunMxa({"slabinfo"}), "no SOURCE; see 'mxa slabinfo --help'");
  ExpectOneLine(RunMxa({"slabinfo", socket_, socket_}), "unexpected argument");
  ExpectOneLine(RunMxa({"slabinfo", socket_, "--format=xml"}), "--format: 'xml' is not one of text, json, prometheus");
  ExpectOneLine(RunMxa({"slabinfo", socket_, "--sort=luck"}), "--sort: 'luck' is not one of created, name");
  ExpectOneLine(RunMxa({"slabinfo", ""}), "unexpected argument ''");
}

TEST_F(SlabinfoTest, SaysWhyItCannot) {
  const std::string none = folder_.PathOf("none");
  ExpectOneLine(RunMxa({"slabinfo", none}), none + ": cannot open: No such file or directory");
  ExpectOneLine(RunMxa({"slabinfo", folder_.path()}), folder_.path() + ": cannot read: Is a directory");
  const std::string text = folder_.Write("text", "slabinfo - version: 2.1\n");
  ExpectOneLine(RunMxa({"slabinfo", text}), text + ": no JSON, or cut off");
  const std::string json = folder_.Write("json", "{\"reader_errors\": 0}");
  ExpectOneLine(RunMxa({"slabinfo", json}), json + ": JSON, but no snapshot of caches");
  ExpectOneLine(RunMxa({"slabinfo", folder_.PathOf("no\nsuch")}), "/no?such: cannot open");
}

TEST_F(SlabinfoTest, SaysThatAProcessHasEnded) {
  const std::string dead = folder_.PathOf("dead");
  {
    const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un address = slab::observe::UnixAddress(dead).value();
    ASSERT_EQ(bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  ExpectOneLine(RunMxa({"slabinfo", dead}), dead + ": nobody answers there: its process has ended");
}

TEST_F(SlabinfoTest, Helps) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"help", "slabinfo"}, {"slabinfo", "--help"}}) {
    const MxaRun run = RunMxa(arguments);
    EXPECT_EQ(run.exit_status, 0);
    EXPECT_THAT(run.out, HasSubstr("usage: mxa slabinfo SOURCE"));
    EXPECT_THAT(run.out, HasSubstr("--sort"));
  }
}

TEST_F(SlabinfoTest, RelocateRefusesASocketThatIsTaken) {
  folder_.WriteSparse("tree/file", 40960);
  ExpectOneLine(RunMxa({"relocate", "--quiet", "--tree", folder_.PathOf("tree"), "--socket", socket_}),
                socket_ + ": another server answers there");
}

// The commands of tools/mxa/README.md: a relocate with a socket, and a question from outside meanwhile.
TEST_F(SlabinfoTest, AsksARelocateThatRuns) {
  folder_.WriteSparse("tree/file", 400 * 4096);
  const std::string socket = folder_.PathOf("run");
  MxaRun relocate;
  std::thread running([&] {
    relocate = RunMxa({"relocate", "--quiet", "--tree", folder_.PathOf("tree"), "--socket", socket, "--keep=50%",
                       "--phase-seconds=1"});
  });
  MxaRun slabinfo;
  const absl::Time latest = absl::Now() + absl::Seconds(30);
  do {
    slabinfo = RunMxa({"slabinfo", socket});
  } while (slabinfo.out.find("\nxarray") == std::string::npos && absl::Now() < latest);
  running.join();
  EXPECT_EQ(relocate.exit_status, 0) << relocate.err;
  EXPECT_THAT(slabinfo.out, HasSubstr("\nxarray")) << slabinfo.err;
  struct stat file;
  EXPECT_NE(lstat(socket.c_str(), &file), 0) << "the socket is gone with the run";
}

}  // namespace
}  // namespace mxa::tool
