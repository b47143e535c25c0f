// SPDX-License-Identifier: Apache-2.0
#include "tools/torture/grace_oracle.h"

#include "absl/strings/str_format.h"
#include "tools/torture/threads.h"

namespace mxa::torture {

SectionSnapshot SectionSnapshot::Take() {
  SectionSnapshot snapshot;
  for (size_t i = 1; i < ThreadRecords(); ++i) {
    const uint64_t section = ThreadRecordAt(i).section();
    if (section % 2 == 1 && &ThreadRecordAt(i) != &ThisThread()) snapshot.open_.emplace_back(i, section);
  }
  return snapshot;
}

bool SectionSnapshot::CheckPassed(Errors& errors, const char* by) const {
  for (const auto& [record, section] : open_) {
    if (ThreadRecordAt(record).section() != section) continue;
    errors.Report(Error::kOracle,
                  absl::StrFormat("%s did not wait for section %d of %s", by, section, ThreadRecordAt(record).name()));
    return false;
  }
  return true;
}

}  // namespace mxa::torture
