// SPDX-License-Identifier: Apache-2.0
//
// What tests may look at in an Ida that users may not.
#ifndef MXA_TESTS_SUPPORT_IDA_PEER_H_
#define MXA_TESTS_SUPPORT_IDA_PEER_H_

#include "xarray/ida.h"

namespace mxa::xarray {

class IdaPeer {
 public:
  static ArrayCore& Chunks(Ida& ida) { return ida.chunks_; }
};

}  // namespace mxa::xarray

#endif  // MXA_TESTS_SUPPORT_IDA_PEER_H_
