#!/bin/bash
# Copyright 2026 The Movable XArray Authors
# SPDX-License-Identifier: Apache-2.0
#
# usage: mutants_test.sh MXA MUTANTS_SH
#
# Each planted bug is found by mxa torture within seconds, by the third seed at the latest. `./dev mutants` tells how soon
# and by what, in many runs.
set -euo pipefail
mxa="$1"
# shellcheck source=tools/dev/mutants.sh
source "$2"

shards="${TEST_TOTAL_SHARDS:-1}" shard="${TEST_SHARD_INDEX:-0}"
[[ -z ${TEST_SHARD_STATUS_FILE:-} ]] || touch "$TEST_SHARD_STATUS_FILE"

mapfile -t names < <(mutant_names "$mxa")
((${#names[@]} >= 36)) || { echo "only ${#names[@]} bugs can be planted" && exit 1; }
status=0
for ((i = shard; i < ${#names[@]}; i += shards)); do
  for seed in 1 2 3; do
    run_mutant "$mxa" "${names[i]}" 15 "$seed"
    [[ -n $how && $executed -gt 0 ]] && break
  done
  printf '%-32s executed %d times, %s after %s s, seed %d\n' "${names[i]}" "$executed" "${how:-NOT CAUGHT}" "$took" "$seed"
  [[ -n $how && $executed -gt 0 ]] || status=1
done
exit "$status"
