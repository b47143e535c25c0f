// SPDX-License-Identifier: Apache-2.0
//
// Property: the server answers its own user on a socket of mode 0600, and no client, file or second server can block,
// trick or replace it.
#include "slab/observe/stats_server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "slab/cache.h"
#include "slab/observe/listening_socket.h"
#include "slab/observe/snapshot_json.h"
#include "slab/observe/stats_client.h"
#include "slab/observe/timed_stream.h"
#include "tests/tools/temp_folder.h"

namespace mxa::slab::observe {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

absl::StatusCode CodeOf(const absl::Status& status) { return status.code(); }

// A connected socket.
UniqueFd ConnectTo(const std::string& path) {
  UniqueFd connection(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = UnixAddress(path).value();
  EXPECT_EQ(connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << errno;
  return connection;
}

// What comes until the other side ends.
std::string AllFrom(const UniqueFd& connection) {
  std::string text;
  TimedStream(connection.get(), absl::Seconds(30)).Read(size_t{1} << 26, '\0', text).IgnoreError();
  return text;
}

std::string Exchange(const std::string& path, const std::string& request) {
  const UniqueFd connection = ConnectTo(path);
  EXPECT_TRUE(TimedStream(connection.get(), absl::Seconds(30)).Write(request).ok());
  return AllFrom(connection);
}

// The file of a process that has died: bound, and closed without being removed.
void LeaveDeadSocket(const std::string& path) {
  const UniqueFd dead(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = UnixAddress(path).value();
  ASSERT_EQ(bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
}

mode_t ModeOf(const std::string& path) {
  struct stat file;
  return lstat(path.c_str(), &file) == 0 ? file.st_mode : 0;
}

class StatsServerTest : public testing::Test {
 protected:
  std::unique_ptr<StatsServer> Start() { return StatsServer::Start(path_).value(); }

  tool::TempFolder folder_;
  const std::string path_ = folder_.PathOf("socket");
};

TEST_F(StatsServerTest, AnswersInEachFormat) {
  auto cache = Cache::Create({.name = "asked-for", .object_size = 64}).value();
  auto server = Start();
  EXPECT_THAT(Exchange(path_, "slabinfo\n"), AllOf(StartsWith("slabinfo - version: 2.1\n"), HasSubstr("\nasked-for ")));
  EXPECT_THAT(Exchange(path_, "prometheus\n"), HasSubstr("mxa_slab_slabs{cache=\"asked-for\"} 0\n"));
  EXPECT_THAT(Exchange(path_, "map\n"), HasSubstr("\nasked-for, arena "));
  const Snapshot snapshot = ParseJsonText(Exchange(path_, "json\n")).value();
  EXPECT_EQ(snapshot.caches.back().name, "asked-for");
  EXPECT_EQ(snapshot.pid, static_cast<uint64_t>(getpid()));
}

TEST_F(StatsServerTest, IsForThisUserAlone) {
  const mode_t before = umask(0);
  auto server = Start();
  umask(before);
  EXPECT_EQ(ModeOf(path_), S_IFSOCK | 0600u);
}

TEST_F(StatsServerTest, LeavesTheProcessesUmaskAlone) {
  const mode_t before = umask(027);
  auto server = Start();
  EXPECT_EQ(umask(before), 027u);
  EXPECT_EQ(ModeOf(path_), S_IFSOCK | 0600u);
}

TEST_F(StatsServerTest, RefusesAnotherUserEvenWhenTheModeLetsItIn) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  auto server = Start();
  ASSERT_EQ(chmod(path_.c_str(), 0666), 0);
  ASSERT_EQ(chmod(folder_.path().c_str(), 0755), 0);
  std::string answer;
  // The system call, unlike the function, is for this thread alone.
  std::thread other([&] {
    ASSERT_EQ(syscall(SYS_setresuid, 65534, 65534, 65534), 0);
    answer = Exchange(path_, "json\n");
  });
  other.join();
  EXPECT_EQ(answer, "error: another user's process\n");
}

TEST_F(StatsServerTest, NamesAnUnknownRequest) {
  auto server = Start();
  EXPECT_EQ(Exchange(path_, "xml\x1b\n"),
            "error: unknown request 'xml\\x1b': ask for slabinfo, json, prometheus or map\n");
  EXPECT_THAT(Exchange(path_, "\n"), StartsWith("error: unknown request ''"));
  EXPECT_THAT(Exchange(path_, std::string(10'000, 'x')), StartsWith("error: a request is one line of less than 64"));
  EXPECT_EQ(AskStatsServer(path_, "xml").status(),
            absl::InvalidArgumentError(
                absl::StrCat(path_, ": unknown request 'xml': ask for slabinfo, json, prometheus or map")));
}

TEST_F(StatsServerTest, IsNotBlockedByASilentClient) {
  auto server = Start();
  const UniqueFd silent = ConnectTo(path_);
  const absl::Time begun = absl::Now();
  EXPECT_THAT(AskStatsServer(path_, "slabinfo").value(), StartsWith("slabinfo"));
  const absl::Duration taken = absl::Now() - begun;
  EXPECT_GE(taken, absl::Milliseconds(500));  // it came second
  EXPECT_LT(taken, absl::Seconds(8));         // a second of patience, and a busy machine
  EXPECT_EQ(AllFrom(silent), "");
}

// A byte now and then must not start the second anew.
TEST_F(StatsServerTest, IsNotBlockedByADrippingClient) {
  auto server = Start();
  const UniqueFd dripping = ConnectTo(path_);
  int drops = 0;
  for (; drops < 40; ++drops) {
    if (send(dripping.get(), "x", 1, MSG_NOSIGNAL) != 1) break;
    pollfd closed = {dripping.get(), POLLIN, 0};
    if (poll(&closed, 1, 200) != 0) break;  // 40 drops would take 8 seconds
  }
  EXPECT_LT(drops, 40);
  EXPECT_GT(drops, 1);
}

TEST_F(StatsServerTest, IsNotBlockedByAClientThatTakesNothing) {
  // More than the socket buffers hold.
  std::vector<std::unique_ptr<Cache>> caches;
  for (int i = 0; i < 300; ++i)
    caches.push_back(Cache::Create({.name = absl::StrCat("c", i), .object_size = 64}).value());
  auto server = Start();
  const UniqueFd taking_nothing = ConnectTo(path_);
  ASSERT_TRUE(TimedStream(taking_nothing.get(), absl::Seconds(30)).Write("prometheus\n").ok());
  const std::string answer = AskStatsServer(path_, "prometheus").value();
  EXPECT_THAT(answer, HasSubstr("cache=\"c299\""));
  EXPECT_LT(AllFrom(taking_nothing).size(), answer.size());
}

TEST_F(StatsServerTest, SurvivesAClientThatLeaves) {
  std::vector<std::unique_ptr<Cache>> caches;
  for (int i = 0; i < 300; ++i)
    caches.push_back(Cache::Create({.name = absl::StrCat("c", i), .object_size = 64}).value());
  auto server = Start();
  for (int i = 0; i < 5; ++i) {
    const UniqueFd leaving = ConnectTo(path_);
    ASSERT_TRUE(TimedStream(leaving.get(), absl::Seconds(30)).Write("json\n").ok());
  }
  EXPECT_THAT(AskStatsServer(path_, "slabinfo").value(), StartsWith("slabinfo"));
}

TEST_F(StatsServerTest, EndsAtOnceWhateverItsClientsDo) {
  auto server = Start();
  const UniqueFd silent = ConnectTo(path_);
  // The server has taken it once the next in line is known to wait; either way its end does not wait a second.
  const UniqueFd next = ConnectTo(path_);
  const absl::Time begun = absl::Now();
  server.reset();
  EXPECT_LT(absl::Now() - begun, absl::Milliseconds(900));
  EXPECT_EQ(ModeOf(path_), 0u);
}

TEST_F(StatsServerTest, RefusesThePathOfALiveServer) {
  auto first = Start();
  const absl::Status second = StatsServer::Start(path_).status();
  EXPECT_EQ(CodeOf(second), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(second.message(), absl::StrCat(path_, ": another server answers there"));
  EXPECT_THAT(AskStatsServer(path_, "slabinfo").value(), StartsWith("slabinfo"));
}

TEST_F(StatsServerTest, ReplacesTheSocketOfADeadProcess) {
  LeaveDeadSocket(path_);
  EXPECT_EQ(CodeOf(AskStatsServer(path_, "slabinfo").status()), absl::StatusCode::kUnavailable);
  auto server = Start();
  EXPECT_EQ(ModeOf(path_), S_IFSOCK | 0600u);
  EXPECT_THAT(AskStatsServer(path_, "slabinfo").value(), StartsWith("slabinfo"));
}

// Of many that find a dead socket at once, exactly one takes its place, and it stays reachable.
TEST_F(StatsServerTest, LetsOneOfManyReplaceADeadSocket) {
  for (int round = 0; round < 10; ++round) {
    LeaveDeadSocket(path_);
    std::vector<std::thread> starters;
    std::vector<std::unique_ptr<StatsServer>> servers(6);
    for (auto& server : servers) {
      starters.emplace_back([&] {
        auto started = StatsServer::Start(path_);
        if (started.ok()) server = *std::move(started);
      });
    }
    for (std::thread& starter : starters) starter.join();
    EXPECT_EQ(std::count(servers.begin(), servers.end(), nullptr), 5);
    EXPECT_THAT(AskStatsServer(path_, "slabinfo").value_or(""), StartsWith("slabinfo"));
  }
}

TEST_F(StatsServerTest, LeavesWhatIsNoSocketAlone) {
  folder_.Write("socket", "precious");
  const absl::Status status = StatsServer::Start(path_).status();
  EXPECT_EQ(status.message(), absl::StrCat(path_, ": is there, and is no socket"));
  EXPECT_EQ(folder_.Read("socket"), "precious");
  // Nor does it follow a link to one.
  const std::string link = folder_.PathOf("link");
  std::filesystem::create_symlink(path_, link);
  EXPECT_EQ(StatsServer::Start(link).status().message(), absl::StrCat(link, ": is there, and is no socket"));
}

TEST_F(StatsServerTest, RemovesItsOwnSocketOnly) {
  auto first = Start();
  std::filesystem::rename(path_, folder_.PathOf("moved"));
  auto second = Start();
  first.reset();
  EXPECT_THAT(AskStatsServer(path_, "slabinfo").value(), StartsWith("slabinfo"));
  second.reset();
  EXPECT_EQ(ModeOf(path_), 0u);
}

TEST_F(StatsServerTest, RefusesImpossiblePaths) {
  const std::string longest = folder_.PathOf(std::string(107 - folder_.path().size() - 1, 'p'));
  EXPECT_TRUE(StatsServer::Start(longest).ok());
  EXPECT_EQ(
      StatsServer::Start(longest + "p").status(),
      absl::InvalidArgumentError(absl::StrCat(longest, "p: 108 bytes are too long for a socket, at most 107 will do")));
  EXPECT_EQ(CodeOf(StatsServer::Start("").status()), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(StatsServer::Start(std::string("\0abstract", 9)).status()), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(StatsServer::Start(folder_.PathOf("none/socket")).status().message()),
              HasSubstr("No such file or directory"));
}

TEST_F(StatsServerTest, SaysSoWhenTheFolderIsKeptLocked) {
  const UniqueFd folder(open(folder_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(flock(folder.get(), LOCK_EX), 0);
  EXPECT_EQ(CodeOf(StatsServer::Start(path_).status()), absl::StatusCode::kUnavailable);
}

// Its thread is no target for the host's signals.
TEST_F(StatsServerTest, TakesNoSignals) {
  auto server = Start();
  sigset_t now;
  pthread_sigmask(SIG_SETMASK, nullptr, &now);
  EXPECT_EQ(sigismember(&now, SIGUSR1), 0) << "the starter's own mask came back";
  EXPECT_THAT(AskStatsServer(path_, "slabinfo").value(), StartsWith("slabinfo"));
  bool found = false;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream(task.path() / "comm"), name);
    if (name != "mxa-stats") continue;
    found = true;
    std::ifstream status(task.path() / "status");
    std::string blocked;
    while (std::getline(status, blocked) && blocked.rfind("SigBlk:", 0) != 0) continue;
    EXPECT_NE(std::stoull(blocked.substr(7), nullptr, 16) & (1u << (SIGUSR1 - 1)), 0u);
  }
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace mxa::slab::observe
