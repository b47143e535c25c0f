// SPDX-License-Identifier: Apache-2.0
//
// A handler for tests that writes down what it is told, and a fixture with a chain and three of them.
#ifndef MXA_TESTS_SUPPORT_NOTIFIER_FIXTURE_H_
#define MXA_TESTS_SUPPORT_NOTIFIER_FIXTURE_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/mutex.h"
#include "gtest/gtest.h"
#include "reclaim/context.h"
#include "slab/notifier.h"

namespace mxa::tests {

using slab::CacheEvent;
using slab::CacheEventKind;
using slab::Consent;

inline constexpr CacheEvent kAllocate{CacheEventKind::kAllocate, "thing", nullptr, 64};
inline constexpr CacheEvent kFree{CacheEventKind::kFree, "thing", nullptr, 64};
inline constexpr CacheEvent kNewSlab{CacheEventKind::kNewSlab, "thing", nullptr, 65536};
inline constexpr CacheEvent kFreeSlab{CacheEventKind::kFreeSlab, "thing", nullptr, 65536};

// What all handlers of a test were told, in order: "+a" a agreed, "!a" vetoed, "-a" rolled back, ".a" noticed.
class Log {
 public:
  void Add(const std::string& line) {
    MutexLock lock(&mutex_);
    lines_.push_back(line);
  }
  // What was added since the last call.
  std::string Take() {
    MutexLock lock(&mutex_);
    const std::string taken = absl::StrJoin(lines_, " ");
    lines_.clear();
    return taken;
  }

 private:
  Mutex mutex_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mutex_);
};

class Recorder final : public slab::Notifier {
 public:
  Recorder(Log& log, std::string name) : log_(log), name_(std::move(name)) {}

  bool Agree(const CacheEvent& event) override {
    Run(event, veto ? "!" : "+");
    return !veto;
  }
  void RollBack(const CacheEvent& event) override { Run(event, "-"); }
  void Notice(const CacheEvent& event) override { Run(event, "."); }

  bool veto = false;
  std::function<void()> inside;  // runs in every call
  // The event of the last call.
  CacheEvent last() {
    MutexLock lock(&mutex_);
    return last_;
  }

 private:
  void Run(const CacheEvent& event, const char* what) {
    log_.Add(absl::StrCat(what, name_));
    {
      MutexLock lock(&mutex_);
      last_ = event;
    }
    EXPECT_FALSE(reclaim::MayReclaim()) << "N1";
    if (inside) inside();
  }

  Log& log_;
  const std::string name_;
  Mutex mutex_;
  CacheEvent last_ ABSL_GUARDED_BY(mutex_);
};

class NotifierFixture : public testing::Test {
 protected:
  void RegisterAll() {
    for (Recorder* handler : {&a_, &b_, &c_}) chain_.Register(*handler);
  }
  // An allocation for which there is memory, unless it is vetoed.
  bool Allocate() {
    Consent consent(&chain_, kAllocate);
    if (consent.granted()) consent.Commit();
    return consent.granted();
  }

  Log log_;
  slab::NotifierChain chain_;
  Recorder a_{log_, "a"};
  Recorder b_{log_, "b"};
  Recorder c_{log_, "c"};
};

}  // namespace mxa::tests

#endif  // MXA_TESTS_SUPPORT_NOTIFIER_FIXTURE_H_
