// SPDX-License-Identifier: Apache-2.0
#include "slab/debug/debug_options.h"

#include <fnmatch.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace mxa::slab {
namespace {

// Takes a count off the front of `letters`; kDefaultQuarantine when there is none. False: a count that cannot be meant.
bool TakeQuarantine(absl::string_view& letters, size_t& objects) {
  size_t digits = 0;
  while (digits < letters.size() && absl::ascii_isdigit(static_cast<unsigned char>(letters[digits]))) ++digits;
  if (digits == 0) {
    objects = DebugOptions::kDefaultQuarantine;
    return true;
  }
  const bool parsed = absl::SimpleAtoi(letters.substr(0, digits), &objects);
  letters.remove_prefix(digits);
  return parsed && objects != 0 && objects <= DebugOptions::kMaxQuarantine;
}

absl::StatusOr<DebugOptions> ParseLetters(absl::string_view letters) {
  DebugOptions options;
  if (letters == "-") return options;
  if (letters.empty()) letters = "FZPU";
  while (!letters.empty()) {
    const char letter = letters.front();
    letters.remove_prefix(1);
    switch (absl::ascii_toupper(static_cast<unsigned char>(letter))) {
      case 'F':
        options.consistency = true;
        break;
      case 'Z':
        options.red_zones = true;
        break;
      case 'P':
        options.poison = true;
        break;
      case 'U':
        options.track_owner = true;
        break;
      case 'R':
        options.random_order = true;
        break;
      case 'Q':
        if (!TakeQuarantine(letters, options.quarantine_objects)) {
          return absl::InvalidArgumentError(
              absl::StrCat("the number after Q is not from 1 to ", DebugOptions::kMaxQuarantine));
        }
        break;
      default:
        return absl::InvalidArgumentError(absl::StrCat("'", std::string(1, letter), "' is none of F, Z, P, U, R, Q"));
    }
  }
  return options;
}

}  // namespace

std::string DebugOptions::ToString() const {
  std::string letters;
  if (consistency) letters += 'F';
  if (red_zones) letters += 'Z';
  if (poison) letters += 'P';
  if (track_owner) letters += 'U';
  if (random_order) letters += 'R';
  if (quarantine_objects != 0) absl::StrAppend(&letters, "Q", quarantine_objects);
  return letters.empty() ? "-" : letters;
}

absl::StatusOr<DebugSpec::Block> DebugSpec::ParseBlock(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ',');
  absl::StatusOr<DebugOptions> options = ParseLetters(absl::StripAsciiWhitespace(parts[0]));
  Block block;
  if (options.ok()) block.options = *options;
  for (size_t i = 1; i < parts.size() && options.ok(); ++i) {
    const absl::string_view glob = absl::StripAsciiWhitespace(parts[i]);
    if (glob.empty()) options = absl::InvalidArgumentError("a cache's name is missing after ','");
    block.globs.emplace_back(glob);
  }
  if (!options.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("slab debug options \"", absl::StripAsciiWhitespace(text), "\": ", options.status().message()));
  }
  return block;
}

DebugSpec DebugSpec::ParseLeniently(absl::string_view text, std::vector<std::string>& complaints) {
  DebugSpec spec;
  for (const absl::string_view block_text : absl::StrSplit(text, ';', absl::SkipWhitespace())) {
    absl::StatusOr<Block> block = ParseBlock(block_text);
    if (block.ok()) {
      spec.blocks_.push_back(*std::move(block));
    } else {
      complaints.emplace_back(block.status().message());
    }
  }
  return spec;
}

absl::StatusOr<DebugSpec> DebugSpec::Parse(absl::string_view text) {
  std::vector<std::string> complaints;
  DebugSpec spec = ParseLeniently(text, complaints);
  if (!complaints.empty()) return absl::InvalidArgumentError(complaints.front());
  return spec;
}

DebugOptions DebugSpec::For(absl::string_view cache_name) const {
  const std::string name(cache_name);
  const Block* for_all_others = nullptr;
  for (const Block& block : blocks_) {
    if (block.globs.empty() && for_all_others == nullptr) for_all_others = &block;
    for (const std::string& glob : block.globs) {
      if (fnmatch(glob.c_str(), name.c_str(), 0) == 0) return block.options;
    }
  }
  return for_all_others != nullptr ? for_all_others->options : DebugOptions{};
}

absl::StatusOr<DebugOptions> DebugOptionsFor(absl::string_view spec, absl::string_view cache_name) {
  const absl::StatusOr<DebugSpec> parsed = DebugSpec::Parse(spec);
  if (!parsed.ok()) return parsed.status();
  return parsed->For(cache_name);
}

DebugOptions DebugOptionsFromEnvironment(absl::string_view cache_name) {
  // Never destroyed: a cache may be made while the process ends.
  static const DebugSpec* const spec = [] {
    const char* text = std::getenv(kDebugEnvironmentVariable);
    std::vector<std::string> complaints;
    auto* parsed = new DebugSpec(DebugSpec::ParseLeniently(text == nullptr ? "" : text, complaints));
    for (const std::string& complaint : complaints) {
      std::fprintf(stderr, "mxa: %s: ignored: %s\n", kDebugEnvironmentVariable, complaint.c_str());
    }
    return parsed;
  }();
  return spec->For(cache_name);
}

}  // namespace mxa::slab
