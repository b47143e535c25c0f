// SPDX-License-Identifier: Apache-2.0
#include "tools/torture/array_name.h"

#include <map>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/mutex.h"

namespace mxa::torture {
namespace {

struct Names {
  Mutex mutex;
  std::map<const void*, std::string> by_anchor ABSL_GUARDED_BY(mutex);
};

// Never destroyed: who describes a stall may do so while the process ends.
Names& AllNames() {
  static Names* const names = new Names;
  return *names;
}

}  // namespace

ArrayName::ArrayName(const void* anchor, std::string name) : anchor_(anchor) {
  Names& names = AllNames();
  const MutexLock lock(&names.mutex);
  names.by_anchor[anchor] = std::move(name);
}

ArrayName::~ArrayName() {
  Names& names = AllNames();
  const MutexLock lock(&names.mutex);
  names.by_anchor.erase(anchor_);
}

std::string DescribeArray(const void* anchor) {
  Names& names = AllNames();
  const MutexLock lock(&names.mutex);
  const auto name = names.by_anchor.find(anchor);
  if (name == names.by_anchor.end()) return absl::StrFormat("the array at %p", anchor);
  return absl::StrFormat("the array at %p (%s)", anchor, name->second);
}

}  // namespace mxa::torture
