// SPDX-License-Identifier: Apache-2.0
#include "tools/torture/shape.h"

#include <algorithm>
#include <cstddef>

#include "base/check.h"

namespace mxa::torture {
namespace {

using Indices = std::vector<uint64_t>;

Indices Sorted(Indices indices) {
  std::sort(indices.begin(), indices.end());
  indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
  return indices;
}

// On both sides of the borders of leaves and of nodes above them.
Indices AtBorders() {
  Indices indices;
  for (const uint64_t border : {0u, 64u, 128u, 4096u, 8192u, 262144u}) {
    for (const uint64_t offset : {0u, 1u, 62u, 63u}) indices.push_back(border + offset);
  }
  return Sorted(indices);
}

Indices Every(uint64_t step, size_t count) {
  Indices indices;
  for (size_t i = 0; i < count; ++i) indices.push_back(i * step);
  return indices;
}

Indices AtPowers() {
  Indices indices = {0, ~uint64_t{0}};
  for (unsigned bit = 1; bit < 64; ++bit) {
    indices.push_back(uint64_t{1} << bit);
    indices.push_back((uint64_t{1} << bit) - 1);
  }
  return Sorted(indices);
}

}  // namespace

std::vector<std::string> ShapeNames() { return {"mixed", "tiny", "small", "wide", "deep"}; }

tool::Kept IndicesOf(absl::string_view shape) {
  if (shape == "tiny") return {AtBorders(), AtBorders()};
  if (shape == "small") return {Every(29, 300), Every(64, 120), Every(7, 300), Every(1, 200)};
  if (shape == "wide") return {Every(17, 4000), Every(61, 4000), Every(5, 4000), Every(1, 4000)};
  if (shape == "deep") return {AtPowers(), AtPowers()};
  MXA_CHECK(shape == "mixed", "no such shape");
  return {AtBorders(), Every(29, 300), Every(17, 1500), AtPowers()};
}

}  // namespace mxa::torture
