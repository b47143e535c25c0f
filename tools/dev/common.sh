# Copyright 2026 The Movable XArray Authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154
#
# What every part of ./dev needs. Sourced; $root is set.

cache="$root/.cache" # Git-ignored; all that setup writes.

say() { printf 'dev: %s\n' "$*" >&2; }

# die STATUS MESSAGE...
die() {
  local status="$1"
  shift
  say "$@"
  exit "$status"
}

have() { command -v "$1" >/dev/null 2>&1; }

# True if Bazel comes from Debian's packages, which bring the repositories it would otherwise fetch.
debian_bazel() { [[ -d /usr/share/bazel/tools/skylib && -d /usr/share/bazel/rules/java ]]; }

bazel_run() {
  if debian_bazel; then
    # Debian's Bazel runs on Debian's default Java (see .cache/bazelrc), whatever else the caller has.
    env -u JAVA_HOME -u USE_BAZEL_VERSION bazel "$@"
  else
    # The version this is tested with, if `bazel` is Bazelisk.
    USE_BAZEL_VERSION="${USE_BAZEL_VERSION:-4.2.3}" "$(have bazel && echo bazel || echo bazelisk)" "$@"
  fi
}

# C++ files git knows of or would add.
cpp_files() {
  git ls-files --cached --others --exclude-standard -- '*.h' '*.cc' | while read -r f; do
    if [[ -f $f ]]; then printf '%s\n' "$f"; fi
  done
}
