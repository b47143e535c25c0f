# Copyright 2026 The Movable XArray Authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
#
# Formatting and static checks. Sourced by ./dev.

cmd_lint() {
  setup
  setup_clang
  lint_check "clang-format" check_format
  lint_check "lock annotations" bazel_run build --config=tsa --keep_going //...
  report_tests
}

# lint_check NAME COMMAND...: counts as one test.
lint_check() {
  local name="$1"
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    say "lint: $name failed"
    failed=$((failed + 1))
  fi
}

check_format() { cpp_files | xargs -r clang-format --dry-run -Werror; }

cmd_fmt() {
  setup_clang
  cpp_files | xargs -r clang-format -i
}

# Flags as the build has them, near enough: the project's own includes, and the others' as system headers.
cmd_tidy() {
  local src="$cache/src" files=("$@")
  setup
  setup_clang
  have_sources || die 3 "tidy needs the sources that setup fetches on Debian"
  ((${#files[@]})) || mapfile -t files < <(cpp_files | grep '\.cc$')
  clang-tidy --quiet "${files[@]}" -- -xc++ -std=c++20 -DMXA_HOOKS=1 -DMXA_RCU_MEMB=1 -I. -isystem "$src/abseil" \
    -isystem "$src/googletest/googletest/include" -isystem "$src/googletest/googlemock/include" \
    -isystem "$src/benchmark/include"
}
