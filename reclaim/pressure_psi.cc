// SPDX-License-Identifier: Apache-2.0
#include "reclaim/pressure_psi.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace mxa::reclaim {
namespace {

class PsiSource : public PressureSource {
 public:
  PsiSource(std::string path, UniqueFd fd, short events, const PsiOptions& options, const ReclaimClock& clock)
      : path_(std::move(path)),
        name_(absl::StrCat("psi ", options.full ? "full " : "some ", path_)),
        options_(options),
        clock_(clock),
        fd_(std::move(fd)),
        events_(events) {
    if (!fd_.valid()) Open();
  }

  const std::string& name() const override { return name_; }
  const std::string& problem() const override { return problem_; }
  int fd() const override { return fd_.get(); }
  short events() const override { return events_; }

  PressureReading Read() override {
    if (clock_.Now() >= until_) return {};
    return {options_.level, options_.step_bytes};
  }

  void OnEvent(short revents) override {
    if ((revents & events_) != 0) until_ = clock_.Now() + options_.hold;
    // The group has gone: poll would report it for ever.
    if ((revents & (POLLERR | POLLHUP | POLLNVAL)) == 0) return;
    problem_ = "the trigger has gone";
    fd_.Close();
  }

  // A trigger belongs to the open file, which a child shares: each event would reach only one of the two.
  void Reopen() override {
    until_ = absl::ZeroDuration();
    fd_.Close();
    Open();
  }

 private:
  void Open() {
    problem_.clear();
    UniqueFd fd(open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
    if (!fd.valid()) {
      problem_ = absl::ErrnoToStatus(errno, path_).ToString();
      return;
    }
    const std::string trigger =
        absl::StrCat(options_.full ? "full " : "some ", absl::ToInt64Microseconds(options_.stall), " ",
                     absl::ToInt64Microseconds(options_.window));
    const size_t bytes = trigger.size() + 1;  // with its end
    if (write(fd.get(), trigger.c_str(), bytes) != static_cast<ssize_t>(bytes)) {
      problem_ = absl::ErrnoToStatus(errno, absl::StrCat(path_, " refuses \"", trigger, "\"")).ToString();
      return;
    }
    fd_ = std::move(fd);
  }

  const std::string path_;
  const std::string name_;
  const PsiOptions options_;
  const ReclaimClock& clock_;
  UniqueFd fd_;
  const short events_;
  absl::Duration until_ = absl::ZeroDuration();  // the last event counts until then
  std::string problem_;
};

}  // namespace

std::unique_ptr<PressureSource> MakePsiSource(const std::string& path, const PsiOptions& options,
                                              const ReclaimClock& clock) {
  return std::make_unique<PsiSource>(path, UniqueFd(), POLLPRI, options, clock);
}

std::unique_ptr<PressureSource> MakePsiSourceFor(UniqueFd fd, short events, const PsiOptions& options,
                                                 const ReclaimClock& clock) {
  return std::make_unique<PsiSource>("(given)", std::move(fd), events, options, clock);
}

}  // namespace mxa::reclaim
