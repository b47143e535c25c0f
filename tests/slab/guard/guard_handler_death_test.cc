// SPDX-License-Identifier: Apache-2.0
//
// A fault in a guard pool is told in one line before the process dies of it; every other fault goes where it went.
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string_view>
#include <thread>

#include "gtest/gtest.h"
#include "reclaim/retire.h"
#include "slab/guard/guard_handler.h"
#include "slab/guard/guard_pool.h"
#include "tests/slab/guard/guarded_range.h"

namespace mxa::slab {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitizerTakesFaults = true;
#else
constexpr bool kSanitizerTakesFaults = false;
#endif

const int kOwner = 0;
constexpr int kPreviousHandlerRan = 77;

// As without our handler: by the signal, or as the sanitizer's handler, which was there before ours, ends the process.
bool DiedOfTheFault(int status) {
  if (kSanitizerTakesFaults) return WIFEXITED(status) ? WEXITSTATUS(status) != 0 : WIFSIGNALED(status);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

bool PreviousHandlerEndedIt(int status) { return WIFEXITED(status) && WEXITSTATUS(status) == kPreviousHandlerRan; }

void Say(std::string_view text) {
  [[maybe_unused]] const ssize_t ignored = write(STDERR_FILENO, text.data(), text.size());
}

void PreviousWithInfo(int signal, siginfo_t* info, void*) {
  Say(signal == SIGSEGV && info->si_addr != nullptr ? "previous handler with address\n" : "previous handler\n");
  _exit(kPreviousHandlerRan);
}

void PreviousPlain(int) {
  Say("plain previous handler\n");
  _exit(kPreviousHandlerRan);
}

void InstallPrevious(bool with_info) {
  struct sigaction action = {};
  if (with_info) {
    action.sa_sigaction = &PreviousWithInfo;
    action.sa_flags = SA_SIGINFO;
  } else {
    action.sa_handler = &PreviousPlain;
  }
  sigaction(SIGSEGV, &action, nullptr);
}

// Accesses that no compiler may see through.
char Read(const char* address) { return *static_cast<const volatile char*>(address); }
void Write(char* address) { *static_cast<volatile char*>(address) = 1; }

class GuardHandlerDeathTest : public testing::Test {
 protected:
  GuardHandlerDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }

  static char* Take(tests::TestGuardPool& guarded, size_t size = 64, size_t alignment = 8) {
    return static_cast<char*>(guarded.pool.Allocate(size, alignment, "dentry", &kOwner));
  }
  // Memory that nobody may access, and no pool's.
  static char* Unreadable() {
    return static_cast<char*>(mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  }

  tests::TestGuardPool left_{2, {.placement = GuardPlacement::kLeft}};
  tests::TestGuardPool right_{2, {.placement = GuardPlacement::kRight}};
};

TEST_F(GuardHandlerDeathTest, TellsOfAUseAfterFree) {
  EXPECT_EXIT(
      {
        InstallGuardHandler();
        char* object = Take(left_);
        left_.pool.Free(object, &kOwner);
        Read(object + 8);
      },
      DiedOfTheFault,
      "mxa: use after free: cache dentry, object 0x[0-9a-f]+, 64 bytes, freed, accessed at 0x[0-9a-f]+, offset 8\n"
      "  allocated by thread [0-9]+:\n(    #.*\n)*"
      "  freed by thread [0-9]+:\n(    #.*\n)*"
      "  accessed by thread [0-9]+:\n    #0 0x");
}

TEST_F(GuardHandlerDeathTest, TellsOfAUseAfterAGracePeriod) {
  EXPECT_EXIT(
      {
        InstallGuardHandler();
        char* object = Take(left_);
        left_.pool.FreeRcu(object, &kOwner, nullptr);
        reclaim::RetireBarrier();
        Write(object);
      },
      DiedOfTheFault,
      "mxa: use after free: cache dentry, object 0x[0-9a-f]+, 64 bytes, freed, accessed at .*offset 0\n");
}

TEST_F(GuardHandlerDeathTest, TellsOfAUseLongAfterTheFree) {
  EXPECT_EXIT(
      {
        InstallGuardHandler();
        tests::TestGuardPool guarded(100);
        char* object = Take(guarded);
        guarded.pool.Free(object, &kOwner);
        // Every other slot is used once before this one is again.
        for (int i = 0; i < 99; ++i) guarded.pool.Free(Take(guarded), &kOwner);
        Read(object);
      },
      DiedOfTheFault, "mxa: use after free: cache dentry");
}

TEST_F(GuardHandlerDeathTest, TellsOfTheFirstByteRightOfAnObject) {
  EXPECT_EXIT(
      {
        InstallGuardHandler();
        char* object = Take(right_);
        Write(object + 63);
        Write(object + 64);
      },
      DiedOfTheFault,
      "mxa: out-of-bounds right of object: cache dentry, object 0x[0-9a-f]+, 64 bytes, live, accessed at 0x[0-9a-f]+, "
      "offset 64, byte 1 past its end\n  allocated by thread [0-9]+:\n(    #.*\n)*  accessed by thread");
}

TEST_F(GuardHandlerDeathTest, TellsOfTheFirstByteLeftOfAnObject) {
  EXPECT_EXIT(
      {
        InstallGuardHandler();
        char* object = Take(left_);
        Read(object);
        Read(object - 1);
      },
      DiedOfTheFault,
      "mxa: out-of-bounds left of object: cache dentry, object 0x[0-9a-f]+, 64 bytes, live, accessed at 0x[0-9a-f]+, "
      "offset -1, byte 1 before its start\n");
}

TEST_F(GuardHandlerDeathTest, BlamesTheNearerNeighbour) {
  // The guard page between two objects put to the left: all of a page lies between it and the first object.
  EXPECT_EXIT(
      {
        InstallGuardHandler();
        Take(left_, 24);
        Read(Take(left_, 40) - 4);
      },
      DiedOfTheFault, "out-of-bounds left of object: cache dentry, object 0x[0-9a-f]+, 40 bytes, .* byte 4 before");
  EXPECT_EXIT(
      {
        InstallGuardHandler();
        char* first = Take(right_, 24);
        Take(right_, 40);
        Read(first + 24 + 3);
      },
      DiedOfTheFault, "out-of-bounds right of object: cache dentry, object 0x[0-9a-f]+, 24 bytes, .* byte 4 past");
}

TEST_F(GuardHandlerDeathTest, BlamesALiveObjectBeforeAFreedOne) {
  EXPECT_EXIT(
      {
        InstallGuardHandler();
        char* first = Take(right_, 24);
        Take(right_, 40);
        right_.pool.Free(first, &kOwner);
        Read(first + 24);
      },
      DiedOfTheFault, "out-of-bounds left of object: cache dentry, object 0x[0-9a-f]+, 40 bytes, live");
  EXPECT_EXIT(
      {
        InstallGuardHandler();
        char* first = Take(right_, 24);
        right_.pool.Free(first, &kOwner);
        Read(first + 24);
      },
      DiedOfTheFault, "out-of-bounds right of object: cache dentry, object 0x[0-9a-f]+, 24 bytes, freed");
}

TEST_F(GuardHandlerDeathTest, TellsOfAFaultWhereNoObjectWas) {
  EXPECT_EXIT(
      {
        InstallGuardHandler();
        Read(static_cast<char*>(left_.range.start()) + 4096);
      },
      DiedOfTheFault, "mxa: fault in guarded memory that belongs to no object: 0x[0-9a-f]+\n");
}

TEST_F(GuardHandlerDeathTest, TheOptionInstallsIt) {
  EXPECT_EXIT(
      {
        tests::TestGuardPool guarded(1, {.install_handler = true});
        char* object = Take(guarded);
        guarded.pool.Free(object, &kOwner);
        Read(object);
      },
      DiedOfTheFault, "mxa: use after free");
}

TEST_F(GuardHandlerDeathTest, TheHandlerFromBeforeMeetsTheSameFault) {
  for (const bool with_info : {true, false}) {
    EXPECT_EXIT(
        {
          InstallPrevious(with_info);
          InstallGuardHandler();
          InstallGuardHandler();
          char* object = Take(left_);
          left_.pool.Free(object, &kOwner);
          Read(object);
        },
        PreviousHandlerEndedIt,
        with_info ? "mxa: use after free(.*\n)*previous handler with address\n"
                  : "mxa: use after free(.*\n)*plain previous handler\n");
  }
}

TEST_F(GuardHandlerDeathTest, AnotherFaultGoesToTheHandlerFromBefore) {
  for (const bool with_info : {true, false}) {
    EXPECT_EXIT(
        {
          InstallPrevious(with_info);
          InstallGuardHandler();
          Read(Unreadable());
        },
        PreviousHandlerEndedIt, with_info ? "^previous handler with address\n" : "^plain previous handler\n");
  }
}

char* page_to_open = nullptr;

void OpenThePage(int, siginfo_t*, void*) {
  Say("opened\n");
  mprotect(page_to_open, 4096, PROT_READ);
}

TEST_F(GuardHandlerDeathTest, AHandlerFromBeforeMayRecoverAndOursStays) {
  EXPECT_EXIT(
      {
        struct sigaction action = {};
        action.sa_sigaction = &OpenThePage;
        action.sa_flags = SA_SIGINFO;
        sigaction(SIGSEGV, &action, nullptr);
        InstallGuardHandler();
        for (int i = 0; i < 2; ++i) {
          page_to_open = Unreadable();
          Read(page_to_open);
        }
        page_to_open = Take(left_);
        left_.pool.Free(page_to_open, &kOwner);
        Read(page_to_open);
        _exit(kPreviousHandlerRan);
      },
      PreviousHandlerEndedIt, "^opened\nopened\nmxa: use after free(.*\n)*opened\n");
}

TEST_F(GuardHandlerDeathTest, WithoutAHandlerFromBeforeAnotherFaultEndsTheProcess) {
  EXPECT_EXIT(
      {
        signal(SIGSEGV, SIG_DFL);
        InstallGuardHandler();
        Read(Unreadable());
      },
      testing::KilledBySignal(SIGSEGV), "");
}

TEST_F(GuardHandlerDeathTest, ASignalThatWasSentActsAsBefore) {
  EXPECT_EXIT(
      {
        signal(SIGSEGV, SIG_DFL);
        InstallGuardHandler();
        kill(getpid(), SIGSEGV);
        for (;;) pause();
      },
      testing::KilledBySignal(SIGSEGV), "");
  EXPECT_EXIT(
      {
        signal(SIGBUS, SIG_IGN);
        InstallGuardHandler();
        raise(SIGBUS);
        raise(SIGBUS);
        _exit(kPreviousHandlerRan);
      },
      PreviousHandlerEndedIt, "");
}

TEST_F(GuardHandlerDeathTest, RunsOnTheAlternateStack) {
  EXPECT_EXIT(
      {
        // The stack of the fault is used up: a handler on it could not even start.
        static char alternate[1 << 16];
        stack_t stack = {};
        stack.ss_sp = alternate;
        stack.ss_size = sizeof(alternate);
        signal(SIGSEGV, SIG_DFL);
        InstallGuardHandler();
        struct sigaction installed = {};
        sigaction(SIGSEGV, nullptr, &installed);
        if (sigaltstack(&stack, nullptr) != 0 || (installed.sa_flags & SA_ONSTACK) == 0) _exit(1);
        char* object = Take(left_);
        left_.pool.Free(object, &kOwner);
        Read(object);
      },
      testing::KilledBySignal(SIGSEGV), "mxa: use after free: (.*\n)*  accessed by thread");
}

TEST_F(GuardHandlerDeathTest, FindsThePoolAmongManyAndForgetsThoseThatAreGone) {
  EXPECT_EXIT(
      {
        signal(SIGSEGV, SIG_DFL);
        InstallGuardHandler();
        for (int i = 0; i < 200; ++i) tests::TestGuardPool gone(1);
        char* object = Take(right_);
        right_.pool.Free(object, &kOwner);
        std::thread([&] { Read(object); }).join();
      },
      testing::KilledBySignal(SIGSEGV), "mxa: use after free");
  EXPECT_EXIT(
      {
        signal(SIGSEGV, SIG_DFL);
        InstallGuardHandler();
        tests::GuardedRange range(1);
        { GuardPool gone(range.start(), range.bytes()); }
        Read(static_cast<char*>(range.start()));
      },
      testing::KilledBySignal(SIGSEGV), "^$");
}

}  // namespace
}  // namespace mxa::slab
