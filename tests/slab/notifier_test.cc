// SPDX-License-Identifier: Apache-2.0
//
// Who is called in which order, and who is rolled back after which veto.
#include "slab/notifier.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "reclaim/context.h"
#include "tests/support/notifier_fixture.h"
#include "tests/support/thread_group.h"

namespace mxa::slab {
namespace {

using tests::kAllocate;
using tests::kFree;
using tests::kFreeSlab;
using tests::kNewSlab;
using tests::Recorder;

using NotifierTest = tests::NotifierFixture;

TEST_F(NotifierTest, ACacheWithoutHandlersIsGrantedEverything) {
  Consent without(nullptr, kAllocate);
  EXPECT_TRUE(without.granted());
  without.Commit();
  EXPECT_TRUE(chain_.empty());
  EXPECT_TRUE(Allocate());
  chain_.Tell(kFree);
}

TEST_F(NotifierTest, AHandlerThatOverridesNothingAgreesToEverything) {
  class Nothing final : public Notifier {
  } nothing;
  chain_.Register(nothing);
  EXPECT_TRUE(Allocate());
  { const Consent undone(&chain_, kNewSlab); }
  chain_.Tell(kFreeSlab);
}

TEST_F(NotifierTest, HandlersAreCalledInTheOrderOfTheirRegistration) {
  RegisterAll();
  EXPECT_TRUE(Allocate());
  EXPECT_EQ(log_.Take(), "+a +b +c");
  chain_.Tell(kFree);
  EXPECT_EQ(log_.Take(), ".a .b .c");
}

TEST_F(NotifierTest, HigherPrioritiesComeFirst) {
  Recorder d{log_, "d"};
  chain_.Register(a_, -1);
  chain_.Register(b_);
  chain_.Register(c_, 5);
  chain_.Register(d);
  EXPECT_TRUE(Allocate());
  EXPECT_EQ(log_.Take(), "+c +b +d +a");
}

TEST_F(NotifierTest, HandlersAreToldWhatHappensToWhat) {
  chain_.Register(a_);
  int object = 0;
  for (const CacheEventKind kind : {CacheEventKind::kAllocate, CacheEventKind::kNewSlab}) {
    Consent consent(&chain_, {kind, "name", &object, 24});
    EXPECT_EQ(a_.last().kind, kind);
    EXPECT_EQ(a_.last().cache, "name");
    EXPECT_EQ(a_.last().address, &object);
    EXPECT_EQ(a_.last().size, 24u);
    chain_.Tell(kFree);
    consent.RollBack();
    EXPECT_EQ(a_.last().kind, kind);
    EXPECT_EQ(a_.last().address, &object);
  }
  for (const CacheEventKind kind : {CacheEventKind::kFree, CacheEventKind::kFreeSlab}) {
    chain_.Tell({kind, "name", &object, 24});
    EXPECT_EQ(a_.last().kind, kind);
    EXPECT_EQ(a_.last().address, &object);
  }
}

TEST_F(NotifierTest, AVetoRollsBackThoseBeforeItLastFirst) {
  RegisterAll();
  Recorder d{log_, "d"};
  chain_.Register(d);
  c_.veto = true;
  EXPECT_FALSE(Allocate());
  EXPECT_EQ(log_.Take(), "+a +b !c -b -a");
}

TEST_F(NotifierTest, ANewSlabCanBeVetoedToo) {
  RegisterAll();
  b_.veto = true;
  const Consent consent(&chain_, kNewSlab);
  EXPECT_FALSE(consent.granted());
  EXPECT_EQ(log_.Take(), "+a !b -a");
}

TEST_F(NotifierTest, TheFirstHandlersVetoRollsNobodyBack) {
  RegisterAll();
  a_.veto = true;
  EXPECT_FALSE(Allocate());
  EXPECT_EQ(log_.Take(), "!a");
}

TEST_F(NotifierTest, AVetoIsRolledBackOnce) {
  RegisterAll();
  b_.veto = true;
  {
    Consent consent(&chain_, kAllocate);
    consent.RollBack();
  }
  EXPECT_EQ(log_.Take(), "+a !b -a");
}

TEST_F(NotifierTest, WhatIsNotCommittedIsRolledBackLastFirst) {
  RegisterAll();
  { const Consent no_memory(&chain_, kAllocate); }
  EXPECT_EQ(log_.Take(), "+a +b +c -c -b -a");
  {
    Consent no_memory(&chain_, kAllocate);
    no_memory.RollBack();
    EXPECT_FALSE(no_memory.granted());
    EXPECT_EQ(log_.Take(), "+a +b +c -c -b -a");
  }
  EXPECT_EQ(log_.Take(), "") << "exactly once";
}

TEST_F(NotifierTest, WhatIsCommittedIsNotRolledBack) {
  RegisterAll();
  {
    Consent consent(&chain_, kAllocate);
    consent.Commit();
    consent.RollBack();
  }
  EXPECT_EQ(log_.Take(), "+a +b +c");
}

TEST_F(NotifierTest, ARollbackGoesToThoseWhoAgreedAndAreStillThere) {
  chain_.Register(a_);
  chain_.Register(b_);
  {
    const Consent no_memory(&chain_, kAllocate);
    chain_.Register(c_, 1);
    EXPECT_TRUE(chain_.Unregister(b_));
    EXPECT_EQ(log_.Take(), "+a +b");
  }
  EXPECT_EQ(log_.Take(), "-a");
}

TEST_F(NotifierTest, ARegistrationAnewHasAgreedToNothing) {
  chain_.Register(a_);
  chain_.Register(b_);
  {
    const Consent no_memory(&chain_, kAllocate);
    EXPECT_TRUE(chain_.Unregister(a_));
    chain_.Register(a_);
  }
  EXPECT_EQ(log_.Take(), "+a +b -b");
}

TEST_F(NotifierTest, AHandlerThatUnregistersAnotherLaterOneSparesIt) {
  RegisterAll();
  a_.inside = [&] { chain_.Unregister(b_); };
  EXPECT_TRUE(Allocate());
  EXPECT_EQ(log_.Take(), "+a +c");
}

TEST_F(NotifierTest, AHandlerThatUnregistersAnEarlierOneKeepsItFromItsRollback) {
  RegisterAll();
  b_.inside = [&] { chain_.Unregister(a_); };
  c_.veto = true;
  EXPECT_FALSE(Allocate());
  EXPECT_EQ(log_.Take(), "+a +b !c -b");
}

TEST_F(NotifierTest, AHandlerMayUnregisterItself) {
  RegisterAll();
  bool took_off = false;
  b_.inside = [&] { took_off = chain_.Unregister(b_); };
  EXPECT_TRUE(Allocate());
  EXPECT_TRUE(took_off);
  EXPECT_EQ(log_.Take(), "+a +b +c");
  chain_.Tell(kFree);
  EXPECT_EQ(log_.Take(), ".a .c");
  EXPECT_FALSE(chain_.Unregister(b_)) << "it is off already";
}

TEST_F(NotifierTest, AHandlerRegisteredFromInsideHearsOfTheNextEvent) {
  chain_.Register(a_);
  a_.inside = [&] {
    a_.inside = nullptr;
    chain_.Register(b_);
  };
  EXPECT_TRUE(Allocate());
  EXPECT_EQ(log_.Take(), "+a");
  EXPECT_TRUE(Allocate());
  EXPECT_EQ(log_.Take(), "+a +b");
}

TEST_F(NotifierTest, AHandlerMayReplaceItselfByARegistrationAnew) {
  chain_.Register(a_);
  chain_.Register(b_);
  a_.inside = [&] {
    a_.inside = nullptr;
    chain_.Unregister(a_);
    chain_.Register(a_);
  };
  EXPECT_TRUE(Allocate());
  EXPECT_EQ(log_.Take(), "+a +b");
  EXPECT_TRUE(Allocate());
  EXPECT_EQ(log_.Take(), "+b +a");
  EXPECT_TRUE(chain_.Unregister(a_));
}

TEST_F(NotifierTest, WhatAHandlerSetsOffGoesToTheOthersOnly) {
  RegisterAll();
  a_.inside = [&] { EXPECT_TRUE(Allocate()); };
  EXPECT_TRUE(Allocate());
  EXPECT_EQ(log_.Take(), "+a +b +c +b +c");
  b_.inside = a_.inside;
  EXPECT_TRUE(Allocate());
  EXPECT_EQ(log_.Take(), "+a +b +c +c +b +a +c +c +c") << "b's calls set off others, as long as they are not inside";
}

TEST_F(NotifierTest, AnotherChainOfTheSameHandlerLeavesItOutToo) {
  NotifierChain other;
  chain_.Register(a_);
  other.Register(a_);
  other.Register(b_);
  a_.inside = [&] { other.Tell(kFree); };
  chain_.Tell(kFree);
  EXPECT_EQ(log_.Take(), ".a .b");
  other.Unregister(a_);
  chain_.Tell(kFree);
  EXPECT_EQ(log_.Take(), ".a .b");
}

TEST_F(NotifierTest, AThreadInsideAHandlerDoesNotKeepOthersOut) {
  chain_.Register(a_);
  a_.inside = [&] {
    a_.inside = nullptr;
    tests::ThreadGroup threads;
    threads.Start("other", [&] { chain_.Tell(kFree); });
  };
  chain_.Tell(kFree);
  EXPECT_EQ(log_.Take(), ".a .a");
}

TEST_F(NotifierTest, ReclaimIsAllowedAgainAfterwards) {
  RegisterAll();
  EXPECT_TRUE(Allocate());
  { const Consent undone(&chain_, kAllocate); }
  chain_.Tell(kFree);
  EXPECT_TRUE(reclaim::MayReclaim());
}

TEST_F(NotifierTest, UnregisteringWhatIsNotRegisteredDoesNothing) {
  EXPECT_FALSE(chain_.Unregister(a_));
  chain_.Register(a_);
  EXPECT_TRUE(chain_.Unregister(a_));
  EXPECT_FALSE(chain_.Unregister(a_));
  EXPECT_TRUE(chain_.empty());
}

TEST_F(NotifierTest, ALongChainIsWalkedWhole) {
  std::vector<std::unique_ptr<Recorder>> many;
  std::string expected;
  for (int i = 0; i < 20; ++i) {
    many.push_back(std::make_unique<Recorder>(log_, absl::StrCat(i)));
    chain_.Register(*many.back());
    absl::StrAppend(&expected, i == 0 ? "" : " ", "+", i);
  }
  for (int i = 19; i >= 0; --i) absl::StrAppend(&expected, " -", i);
  { const Consent undone(&chain_, kAllocate); }
  EXPECT_EQ(log_.Take(), expected);
}

using NotifierDeathTest = tests::NotifierFixture;

TEST_F(NotifierDeathTest, AHandlerIsRegisteredOnce) {
  chain_.Register(a_);
  EXPECT_DEATH(chain_.Register(a_), "handler registered twice with one chain");
}

TEST_F(NotifierDeathTest, OnlyAllocationsNeedConsent) {
  chain_.Register(a_);
  EXPECT_DEATH({ const Consent consent(&chain_, kFree); }, "a free needs no consent");
  EXPECT_DEATH({ const Consent consent(&chain_, kFreeSlab); }, "a free needs no consent");
  EXPECT_DEATH(chain_.Tell(kAllocate), "asked for their consent");
  EXPECT_DEATH(chain_.Tell(kNewSlab), "asked for their consent");
}

TEST_F(NotifierDeathTest, WhatWasVetoedOrRolledBackIsNotCommitted) {
  chain_.Register(a_);
  {
    Consent undone(&chain_, kAllocate);
    undone.RollBack();
    EXPECT_DEATH(undone.Commit(), "commit of what was vetoed or rolled back");
  }
  a_.veto = true;
  Consent vetoed(&chain_, kAllocate);
  EXPECT_DEATH(vetoed.Commit(), "commit of what was vetoed or rolled back");
}

TEST_F(NotifierDeathTest, NoHandlerRunsInsideCanFree) {
  chain_.Register(a_);
  EXPECT_DEATH(
      {
        const reclaim::CanFreeScope scope;
        const Consent consent(&chain_, kAllocate);
      },
      "inside CanFree");
  EXPECT_DEATH(
      {
        const reclaim::CanFreeScope scope;
        chain_.Tell(kFree);
      },
      "inside CanFree");
}

TEST_F(NotifierDeathTest, AChainOutlivesItsCalls) {
  auto chain = std::make_unique<NotifierChain>();
  chain->Register(a_);
  a_.inside = [&] { chain.reset(); };
  EXPECT_DEATH(chain->Tell(kFree), "destroyed while a handler runs");
  a_.inside = [&] {
    chain->Unregister(a_);
    chain.reset();
  };
  EXPECT_DEATH(chain->Tell(kFree), "destroyed while a handler runs");
}

}  // namespace
}  // namespace mxa::slab
