// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/html_map.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "slab/arena.h"
#include "tools/mxa/html_text.h"

namespace mxa::tool {
namespace {

// Of a frame: cells in rows of eight units.
constexpr unsigned kColumns = 8;
constexpr unsigned kRows = slab::kUnitsPerRegion / kColumns;
constexpr unsigned kCell = 10;
constexpr unsigned kPad = 3;
constexpr unsigned kFrameWidth = kColumns * kCell + 2 * kPad;
constexpr unsigned kFrameHeight = kRows * kCell + 2 * kPad;
constexpr unsigned kGap = 6;

// A slab of several units may go on in the next row.
void AppendSlab(std::string& svg, const slab::SlabView& slab, unsigned x, unsigned y) {
  const std::string name = absl::StrFormat("occ-%u", OccupancyClass(slab));
  for (unsigned unit = slab.first_unit; unit < unsigned{slab.first_unit} + slab.units;) {
    const unsigned row = unit / kColumns;
    const unsigned end = std::min(unsigned{slab.first_unit} + slab.units, (row + 1) * kColumns);
    absl::StrAppendFormat(&svg, "<rect class=\"%s\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\"/>", name,
                          x + kPad + unit % kColumns * kCell, y + kPad + row * kCell, (end - unit) * kCell - 1,
                          kCell - 1);
    unit = end;
  }
}

}  // namespace

unsigned OccupancyClass(const slab::SlabView& slab) {
  if (slab.capacity == 0) return 0;
  return std::min(kOccupancies - 1, unsigned{slab.live} * kOccupancies / slab.capacity);
}

std::vector<size_t> RegionsOf(const std::vector<Timeline::Map>& maps) {
  std::set<size_t> regions;
  for (const Timeline::Map& map : maps) {
    for (const slab::SlabView& slab : map.slabs) regions.insert(slab.region);
  }
  return {regions.begin(), regions.end()};
}

std::string SvgOf(const Timeline::Map& map, const std::vector<size_t>& regions) {
  const size_t frames = std::min(std::max<size_t>(regions.size(), 1), kMostFrames);
  // About as wide as high.
  const double shape = double{kFrameHeight + kGap} / (kFrameWidth + kGap);
  const auto columns = static_cast<unsigned>(std::max(1.0, std::ceil(std::sqrt(static_cast<double>(frames) * shape))));
  const auto rows = static_cast<unsigned>((frames + columns - 1) / columns);
  std::map<size_t, std::vector<const slab::SlabView*>> by_region;
  uint64_t live = 0;
  for (const slab::SlabView& slab : map.slabs) {
    by_region[slab.region].push_back(&slab);
    live += slab.live;
  }
  const std::string label = absl::StrFormat("%s: %s slabs in %d regions hold %s objects", map.name,
                                            WithCommas(map.slabs.size()), by_region.size(), WithCommas(live));
  std::string svg = absl::StrFormat("<svg class=\"map\" viewBox=\"0 0 %u %u\" role=\"img\" aria-label=\"%s\">\n",
                                    columns * (kFrameWidth + kGap), rows * (kFrameHeight + kGap), Escaped(label));
  for (size_t i = 0; i < std::min(regions.size(), kMostFrames); ++i) {
    const auto x = static_cast<unsigned>(i % columns) * (kFrameWidth + kGap) + kGap / 2;
    const auto y = static_cast<unsigned>(i / columns) * (kFrameHeight + kGap) + kGap / 2;
    const auto slabs = by_region.find(regions[i]);
    const bool is_empty = slabs == by_region.end();
    uint64_t objects = 0;
    if (!is_empty) {
      for (const slab::SlabView* slab : slabs->second) objects += slab->live;
    }
    absl::StrAppendFormat(&svg, "<g><title>region %d: %d slabs, %s objects</title>", regions[i],
                          is_empty ? 0 : slabs->second.size(), WithCommas(objects));
    absl::StrAppendFormat(&svg, "<rect class=\"%s\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" rx=\"3\"/>",
                          is_empty ? "frame gone" : "frame", x, y, kFrameWidth - 1, kFrameHeight - 1);
    if (!is_empty) {
      for (const slab::SlabView* slab : slabs->second) AppendSlab(svg, *slab, x, y);
    }
    absl::StrAppend(&svg, "</g>\n");
  }
  return absl::StrCat(svg, "</svg>\n");
}

}  // namespace mxa::tool
