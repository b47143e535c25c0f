// SPDX-License-Identifier: Apache-2.0
#include "xarray/detach.h"

#include "base/schedule_point.h"

namespace mxa::xarray {

void Detach(Node* node) {
  MXA_SCHEDULE_POINT("detach.before_retry");
  for (unsigned offset = 0; offset < kSlots; ++offset) node->StoreRetry(offset);
  MXA_SCHEDULE_POINT("detach.before_owner");
  node->MarkRetired();
}

}  // namespace mxa::xarray
