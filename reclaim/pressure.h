// SPDX-License-Identifier: Apache-2.0
//
// What a source of memory pressure says: how bad it is, and how many bytes would help.
//
// Threads: a source is asked by one thread at a time (pressure_monitor.h).
#ifndef MXA_RECLAIM_PRESSURE_H_
#define MXA_RECLAIM_PRESSURE_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace mxa::reclaim {

enum class PressureLevel : uint8_t {
  kNone,
  kSome,      // memory is getting short
  kHigh,      // the kernel already makes somebody wait
  kCritical,  // somebody is about to be killed
};
absl::string_view PressureLevelName(PressureLevel level);

struct PressureReading {
  PressureLevel level = PressureLevel::kNone;
  uint64_t wanted_bytes = 0;  // what would end it; 0 with kNone
};

// From which share of a limit on there is pressure, and down to which memory is wanted back.
struct PressureMarks {
  double some;
  double high;
  double critical;
  double target;  // below `some`, or what is reclaimed would stop just where it starts again
};

// What `usage` of `limit` means. No limit: none.
PressureReading JudgeUsage(uint64_t usage, uint64_t limit, const PressureMarks& marks);

class PressureSource {
 public:
  virtual ~PressureSource() = default;

  // What a status calls it: the kind and the file.
  virtual const std::string& name() const = 0;

  // Now. A source that cannot be read says kNone, and why in problem().
  virtual PressureReading Read() = 0;

  // What is wrong with it, "" when it works.
  virtual const std::string& problem() const = 0;

  // A descriptor that poll(2) reports `events()` on when there is pressure; -1: it is only read now and then.
  virtual int fd() const { return -1; }
  virtual short events() const { return 0; }
  // poll(2) reported `revents` on fd().
  virtual void OnEvent(short revents) { static_cast<void>(revents); }

  // In the child of a fork: opens anew what it would share with its parent.
  virtual void Reopen() {}
};

}  // namespace mxa::reclaim

#endif  // MXA_RECLAIM_PRESSURE_H_
