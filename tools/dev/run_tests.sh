# Copyright 2026 The Movable XArray Authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
#
# Runs tests in one or more configurations and says how many passed. Sourced by ./dev.

passed=0
failed=0

# run_tests CONFIG TAG_FILTERS [BAZEL_ARGS...]: adds to $passed and $failed, one for each test target.
run_tests() {
  local config="$1" filters="$2" log="$cache/test.$1.log" status=0
  shift 2
  bazel_run test --config="$config" --keep_going --build_tests_only --test_tag_filters="$filters" \
    --test_summary=short --color=no --curses=no "$@" //... 2>&1 | tee "$log" || status=$?
  count_tests "$log" "$status"
}

# Counts the summary Bazel ends with, a line for each test.
count_tests() {
  local log="$1" status="$2" good bad
  good="$(grep -cE '^//[^ ]+ +(\(cached\) )?(PASSED|FLAKY)' "$log" || true)"
  bad="$(grep -cE '^//[^ ]+ +(\(cached\) )?(FAILED|TIMEOUT|NO STATUS|INCOMPLETE|REMOTE FAILURE)' "$log" || true)"
  # 0: all passed; 3: some failed; 4: no test is meant for this configuration. Anything else went wrong as a whole.
  [[ $status =~ ^(0|3|4)$ ]] || ((bad > 0)) || bad=1
  passed=$((passed + good))
  failed=$((failed + bad))
}

report_tests() {
  printf '%d passed, %d failed\n' "$passed" "$failed"
  ((failed == 0))
}

cmd_test() {
  setup
  run_tests opt -hooks "$@"
  run_tests hooks hooks "$@"
  report_tests
}

cmd_asan() {
  setup
  run_tests asan -noasan "$@"
  report_tests
}

cmd_tsan() {
  setup
  run_tests tsan -notsan "$@"
  report_tests
}

# The stress of the caches, or of the background reclaimer, for as long as one wants. MXA_STRESS_SEED, if set, goes along.
cmd_stress() {
  local seconds="${1:-60}" config="${2:-opt}" what="${3:-slab}" target
  [[ $seconds =~ ^[0-9]+$ ]] || die 2 "stress: '$seconds' is no number of seconds"
  case "$what" in
    slab) target=//tests/slab/stress:slab_stress_test ;;
    pressure) target=//tests/reclaim/stress:pressure_stress_test ;;
    *) die 2 "stress: '$what' is neither slab nor pressure" ;;
  esac
  setup
  bazel_run test --config="$config" --nocache_test_results --test_output=streamed --test_timeout="$((seconds + 600))" \
    --test_env=MXA_STRESS_SECONDS="$seconds" --test_env=MXA_STRESS_SEED \
    "$target"
}
