# Copyright 2026 The Movable XArray Authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
#
# Builds a libFuzzer target of tests/fuzz/ and runs it. Sourced by ./dev.
#
# It starts from the corpus that is kept (tests/fuzz/corpus/) and from what earlier runs have found, in .cache/fuzz/. To
# keep what is worth it: `./dev fuzz keep TARGET` takes into the kept corpus the smallest programs that reach all that is
# reached.

cmd_fuzz() {
  local minutes="${1:-5}" target="${2:-array}" found kept fuzzer status=0
  [[ $minutes == keep || $minutes =~ ^[1-9][0-9]*$ ]] || die 2 "fuzz: '$minutes' is neither a number of minutes nor 'keep'"
  [[ -f tests/fuzz/${target}_fuzz.cc ]] || die 2 "fuzz: no target '$target'; there is $(fuzz_targets)"
  setup
  setup_clang
  bazel_run build --config=fuzz "//tests/fuzz:${target}_fuzz"
  fuzzer="$(readlink -f bazel-bin)/tests/fuzz/${target}_fuzz"
  kept="tests/fuzz/corpus/$target" found="$cache/fuzz/$target"
  mkdir -p "$kept" "$found"
  if [[ $minutes == keep ]]; then
    "$fuzzer" -max_len=256 -set_cover_merge=1 -use_counters=0 "$kept" "$found"
    return
  fi
  # Long programs from the beginning: a few steps in a row do little.
  "$fuzzer" -max_total_time=$((minutes * 60)) -max_len=1024 -len_control=0 -timeout=60 -artifact_prefix="$cache/fuzz/$target-" \
    -print_final_stats=1 "$found" "$kept" 2>&1 | tee "$cache/fuzz/$target.log" || status=$?
  ((status == 0)) || explain_find "$fuzzer" "$cache/fuzz/$target.log"
  return "$status"
}

fuzz_targets() { find tests/fuzz -name '*_fuzz.cc' -printf '%f\n' | sed 's/_fuzz\.cc$//' | sort | xargs; }

# Runs the program that failed once more, printed line by line: one that crashed has not said what it was.
explain_find() {
  local fuzzer="$1" log="$2" file
  file="$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)"
  [[ -n $file ]] || return 0
  say "the program that failed; to run it again: MXA_FUZZ_PRINT=1 $fuzzer $file"
  MXA_FUZZ_PRINT=1 "$fuzzer" "$file" 2>&1 | sed '/^INFO: /d' || true
}
