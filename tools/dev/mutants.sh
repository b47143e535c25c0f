# Copyright 2026 The Movable XArray Authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
#
# Plants each bug there is in turn and has mxa torture look for it. Sourced by ./dev and by tests/torture/mutants_test.sh.
#
# A bug is caught when a run ends by a violation, a failed check of the library's (check), a signal (crash), or a step
# without end (stall). It counts only if the bug was executed in that run.

cmd_mutants() {
  local runs=5 seconds=60 json="" names=()
  while (($#)); do
    case "$1" in
      --json) json="${2:?dev: --json needs a file}" && shift 2 ;;
      --json=*) json="${1#--json=}" && shift ;;
      --seconds=*) seconds="${1#--seconds=}" && shift ;;
      -*) die 2 "mutants: there is no '$1'; there are [RUNS] [NAME...] [--seconds=S] [--json FILE]" ;;
      [0-9]*) runs="$1" && shift ;;
      *) names+=("$1") && shift ;;
    esac
  done
  build_mxa hooks
  ((${#names[@]})) || mapfile -t names < <(mutant_names "$mxa")
  mutants_matrix "$mxa" "$runs" "$seconds" "$json" "${names[@]}"
}

# mutant_names MXA
mutant_names() { "$1" torture --list-breaks | awk '{print $1}'; }

# run_mutant MXA NAME SECONDS SEED sets $how (empty: not caught), $executed and $took.
run_mutant() {
  local output status=0 began ended
  output="$(mktemp)"
  began="$(date +%s.%N)"
  timeout --kill-after=10 $(($3 + 60)) \
    "$1" torture --break="$2" --duration="$3" --stall=10 --seed="$4" >"$output" 2>&1 || status=$?
  ended="$(date +%s.%N)"
  took="$(awk -v a="$began" -v b="$ended" 'BEGIN {printf "%.1f", b - a}')"
  executed="$(sed -n 's/^planted bug.*: executed \([0-9]*\) times$/\1/p' "$output" | tail -n 1)"
  executed="${executed:-0}"
  case "$status" in
    0 | 3) how="" ;;
    4 | 124 | 137) how="stall" ;;
    1) how="violation" ;;
    2) how="" && sed 's/^/mutants: /' "$output" >&2 ;;
    *) how="crash" ;;
  esac
  if [[ $how == violation || $how == crash ]]; then
    if grep -q 'check failed' "$output"; then
      how="check"
    elif grep -q '^!!! ended by signal' "$output"; then
      how="crash"
    fi
  fi
  rm -f "$output"
}

# mutants_matrix MXA RUNS SECONDS JSON NAME... prints the matrix, and the same to JSON unless that is empty. Fails when a
# bug was not caught in each run or never executed, or when a run without one finds something.
mutants_matrix() {
  local mxa="$1" runs="$2" seconds="$3" json="$4" name rows=() caught_bugs=0 status=0
  shift 4
  printf '%-32s %9s %5s %7s %9s  %s\n' bug executed runs caught median_s how
  for name in "$@"; do
    local run times=() hows=() most=0 caught=0
    for ((run = 1; run <= runs; ++run)); do
      run_mutant "$mxa" "$name" "$seconds" $((run * 7919 + ${#name}))
      ((executed > most)) && most="$executed"
      [[ -n $how && $executed -gt 0 ]] || continue
      caught=$((caught + 1))
      times+=("$took")
      hows+=("$how")
    done
    local median="-" seen="-"
    if ((caught > 0)); then
      median="$(printf '%s\n' "${times[@]}" | sort -n | awk '{t[NR] = $1} END {print t[int((NR + 1) / 2)]}')"
      seen="$(printf '%s\n' "${hows[@]}" | sort -u | paste -sd,)"
    fi
    printf '%-32s %9d %5d %7d %9s  %s\n' "$name" "$most" "$runs" "$caught" "$median" "$seen"
    rows+=("$(printf '  {"name": "%s", "executed": %d, "runs": %d, "caught": %d, "median_s": %s, "how": "%s"}' \
      "$name" "$most" "$runs" "$caught" "${median/#-/null}" "$seen")")
    if ((caught == runs)); then caught_bugs=$((caught_bugs + 1)); else status=1; fi
  done
  printf 'without a bug: '
  if "$mxa" torture --duration="$seconds" --seed=1 --quiet; then
    printf 'nothing found\n'
  elif (($? == 3)); then
    printf 'nothing found, in too little work to say much\n'
  else
    printf 'something found\n' && status=1
  fi
  [[ -z $json ]] || printf '[\n%s\n]\n' "$(printf '%s,\n' "${rows[@]}" | sed '$ s/,$//')" >"$json"
  printf '%d of %d caught\n' "$caught_bugs" $#
  return "$status"
}
