// SPDX-License-Identifier: Apache-2.0
#include "base/fault_injector.h"

#include <utility>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/check.h"

namespace mxa {
namespace {

// The scopes of this thread, linked from the innermost outwards.
ABSL_CONST_INIT thread_local FailNthScope* tls_innermost = nullptr;

absl::Status BadValue(absl::string_view name, absl::string_view value, absl::string_view wanted) {
  return absl::InvalidArgumentError(absl::StrFormat("fault parameter %s is \"%s\"; it is %s", name, value, wanted));
}

bool IsPercent(double value) { return value >= 0 && value <= 100; }  // not so for NaN

// Sets the one parameter of that name.
absl::Status SetParameter(absl::string_view name, absl::string_view value, FaultConfig& config) {
  constexpr absl::string_view kCount = "a whole number from 0 on";
  if (name == "probability") {
    if (!absl::SimpleAtod(value, &config.probability) || !IsPercent(config.probability))
      return BadValue(name, value, "a percentage from 0 to 100");
  } else if (name == "interval") {
    if (!absl::SimpleAtoi(value, &config.interval) || config.interval == 0)
      return BadValue(name, value, "a whole number from 1 on");
  } else if (name == "times") {
    if (!absl::SimpleAtoi(value, &config.times) || config.times < -1)
      return BadValue(name, value, "a whole number from 0 on, or -1 for no end");
  } else if (name == "space") {
    if (!absl::SimpleAtoi(value, &config.space)) return BadValue(name, value, kCount);
  } else if (name == "seed") {
    if (!absl::SimpleAtoi(value, &config.seed)) return BadValue(name, value, kCount);
  } else {
    return absl::InvalidArgumentError(absl::StrFormat(
        "there is no fault parameter \"%s\"; there are probability, interval, times, space and seed", name));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<FaultConfig> FaultConfig::Parse(absl::string_view text) {
  FaultConfig config;
  std::vector<absl::string_view> seen;
  for (const absl::string_view pair : absl::StrSplit(text, ',')) {
    const std::vector<absl::string_view> parts = absl::StrSplit(pair, absl::MaxSplits('=', 1));
    const absl::string_view name = absl::StripAsciiWhitespace(parts[0]);
    if (parts.size() != 2)
      return absl::InvalidArgumentError(absl::StrFormat("fault parameter \"%s\" has no =value", name));
    for (const absl::string_view before : seen) {
      if (before == name) return absl::InvalidArgumentError(absl::StrFormat("fault parameter %s is given twice", name));
    }
    seen.push_back(name);
    if (absl::Status status = SetParameter(name, absl::StripAsciiWhitespace(parts[1]), config); !status.ok())
      return status;
  }
  return config;
}

FaultInjector::~FaultInjector() {
  MutexLock lock(&mutex_);
  MXA_CHECK(reasons_.load(std::memory_order_relaxed) == (armed_ ? 1 : 0), "fault injector destroyed with a scope open");
}

void FaultInjector::Arm(const FaultConfig& config) {
  MXA_CHECK(config.interval >= 1 && IsPercent(config.probability) && config.times >= -1,
            "a fault configuration has interval >= 1, a probability in percent, and times >= -1");
  MutexLock lock(&mutex_);
  // Relaxed: see ShouldFail.
  if (!std::exchange(armed_, true)) reasons_.fetch_add(1, std::memory_order_relaxed);
  config_ = config;
  random_.seed(config.seed);
  asked_ = 0;
}

void FaultInjector::Disarm() {
  MutexLock lock(&mutex_);
  // Relaxed: see ShouldFail.
  if (std::exchange(armed_, false)) reasons_.fetch_sub(1, std::memory_order_relaxed);
}

bool FaultInjector::Decide() {
  FailNthScope* scope = tls_innermost;
  while (scope != nullptr && (&scope->injector_ != this || scope->threads_ != FaultThreads::kThisThread)) {
    scope = scope->outer_;
  }
  MutexLock lock(&mutex_);
  if (scope == nullptr) scope = for_every_thread_;
  ++counters_.calls;
  const bool fail = scope != nullptr ? scope->left_ != 0 && --scope->left_ == 0 : DecideByConfig();
  if (fail) ++counters_.failures;
  return fail;
}

bool FaultInjector::DecideByConfig() {
  if (!armed_ || config_.times == 0) return false;
  ++asked_;
  if (asked_ <= config_.space || (asked_ - config_.space) % config_.interval != 0) return false;
  // 53 random bits: below 1 always, so that 100 percent is every call.
  const double drawn = static_cast<double>(random_() >> 11) / static_cast<double>(uint64_t{1} << 53);
  if (drawn >= config_.probability / 100) return false;
  if (config_.times > 0) --config_.times;
  return true;
}

FaultInjector::Counters FaultInjector::GetCounters() const {
  MutexLock lock(&mutex_);
  return counters_;
}

FailNthScope::FailNthScope(FaultInjector& injector, uint64_t n, FaultThreads threads)
    : injector_(injector), threads_(threads), outer_(tls_innermost), left_(n) {
  MXA_CHECK(n >= 1, "calls are counted from 1");
  tls_innermost = this;
  MutexLock lock(&injector_.mutex_);
  if (threads_ == FaultThreads::kEveryThread) {
    MXA_CHECK(injector_.for_every_thread_ == nullptr, "a second scope that counts the calls of every thread");
    injector_.for_every_thread_ = this;
  }
  // Relaxed: see ShouldFail.
  injector_.reasons_.fetch_add(1, std::memory_order_relaxed);
}

FailNthScope::~FailNthScope() {
  MXA_CHECK(tls_innermost == this, "scopes end on the thread that opened them, the newest first");
  tls_innermost = outer_;
  MutexLock lock(&injector_.mutex_);
  if (threads_ == FaultThreads::kEveryThread) injector_.for_every_thread_ = nullptr;
  // Relaxed: see ShouldFail.
  injector_.reasons_.fetch_sub(1, std::memory_order_relaxed);
}

bool FailNthScope::fired() const {
  MutexLock lock(&injector_.mutex_);
  return left_ == 0;
}

}  // namespace mxa
