// SPDX-License-Identifier: Apache-2.0
//
// Which checks a cache runs on its objects, and how an operator asks for them by cache name.
//
//   MXA_SLAB_DEBUG='FZPU,dentry*,inode;UQ64'   all checks for two kinds of caches, owners and quarantine for the others
//
// A specification is blocks separated by ';', a block is letters and then globs (fnmatch(3)), separated by ',':
//
//   F  consistency: a state an object, so that a double free ends the process at once
//   Z  red zones: bytes around the object that nobody may change
//   P  poison: the bytes of a free object, which nobody may change; left out for movable caches
//   U  user tracking: thread, time and stack of the last allocation and of the last free
//   R  random order of allocation
//   Q  quarantine: freed objects are reused late; Q128 holds 128 of them back, Q alone kDefaultQuarantine
//   -  nothing, alone in its block
//
// No letters before the first ',' mean FZPU. Lower case will do. Blanks around letters and globs do not count.
//
// Precedence: the first block with a glob that matches the cache's name decides, alone; if there is none, the first
// block without globs. So it does not matter where the block for all others stands.
//
// The letters F, Z, P and U and the shape of the text are those of Linux's slab_debug=, which operators know.
//
// Threads: any.
// Why not one list of caches a letter: operators ask "what do I want to know about this cache".
#ifndef MXA_SLAB_DEBUG_DEBUG_OPTIONS_H_
#define MXA_SLAB_DEBUG_DEBUG_OPTIONS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace mxa::slab {

struct DebugOptions {
  static constexpr size_t kDefaultQuarantine = 256;
  static constexpr size_t kMaxQuarantine = size_t{1} << 20;

  bool consistency = false;
  bool red_zones = false;
  bool poison = false;
  bool track_owner = false;
  bool random_order = false;
  size_t quarantine_objects = 0;  // how many freed objects the cache holds back

  bool any() const { return checks_objects() || random_order; }
  // Whether each object has a state, and maybe more, beside it: then every allocation and free goes through
  // ObjectDebug.
  bool checks_objects() const { return consistency || red_zones || poison || track_owner || quarantine_objects != 0; }
  // In letters, as they are parsed.
  std::string ToString() const;
  bool operator==(const DebugOptions&) const = default;
};

// A parsed specification.
class DebugSpec {
 public:
  // Errors: kInvalidArgument names the first block that makes no sense, and why.
  static absl::StatusOr<DebugSpec> Parse(absl::string_view text);
  // Leaves out the blocks that make no sense, and says so in `complaints`, a line each.
  static DebugSpec ParseLeniently(absl::string_view text, std::vector<std::string>& complaints);

  // The options of the cache named `cache_name`; none when no block is for it.
  DebugOptions For(absl::string_view cache_name) const;

 private:
  struct Block {
    DebugOptions options;
    std::vector<std::string> globs;  // none: for the caches that no other block names
  };
  static absl::StatusOr<Block> ParseBlock(absl::string_view text);

  std::vector<Block> blocks_;
};

// What `spec` says of one cache. Errors: as DebugSpec::Parse, whichever cache the bad block is for.
absl::StatusOr<DebugOptions> DebugOptionsFor(absl::string_view spec, absl::string_view cache_name);

inline constexpr char kDebugEnvironmentVariable[] = "MXA_SLAB_DEBUG";

// What the environment variable says of one cache. It is read once a process. A block that makes no sense is ignored
// with one line on stderr, once: a service should not fail to start, nor lose its other checks, over a typing error in
// a debug switch.
DebugOptions DebugOptionsFromEnvironment(absl::string_view cache_name);

}  // namespace mxa::slab

#endif  // MXA_SLAB_DEBUG_DEBUG_OPTIONS_H_
