# Copyright 2026 The Movable XArray Authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
#
# Checks the models of the protocol with spin: each as it is, which must hold, and come to an end in every run; and each with a
# step left out, which must be noticed, and by the complaint that the table in tests/model/README.md expects. Sourced by
# ./dev.
#
# A search is of all states, or it has failed.

model_folder=tests/model
model_memory=1900   # MiB a search may take
model_depth=1000000 # steps

cmd_model() {
  local json="" work="$cache/model" wanted=()
  while (($#)); do
    case "$1" in
      --json) json="${2:?dev: --json needs a file}" && shift 2 ;;
      --json=*) json="${1#--json=}" && shift ;;
      *) [[ -f $model_folder/$1.pml ]] || die 2 "model: no $model_folder/$1.pml"
        wanted+=("$1") && shift ;;
    esac
  done
  setup_spin
  exec 8>"$cache/model.lock"
  flock 8
  rm -rf "$work" && mkdir -p "$work"
  ((${#wanted[@]})) || mapfile -t wanted < <(find "$model_folder" -name '*.pml' -printf '%f\n' | sed 's/\.pml$//' | sort)
  export cache model_folder model_memory model_depth
  export -f model_run model_verdict model_expected
  model_list "${wanted[@]}" | xargs -P "$(model_jobs)" -L 1 bash -c 'model_run "$@"' _ 8>&-
  model_report "$work" "$json"
}

# Not more at once than fit into memory.
model_jobs() { local cpus && cpus="$(nproc)" && echo "$((cpus < 4 ? cpus : 4))"; }

# MODEL or MODEL MUTANT, a line each; the large searches first, so that they do not come alone at the end. The mutant
# ENDLESS is none: the model as it is, searched for a run that goes on for ever.
model_list() {
  local model
  for model in "$@"; do
    grep -q 'Not searched for endless runs' "$model_folder/$model.pml" || printf '%s ENDLESS\n' "$model"
  done
  printf '%s\n' "$@"
  for model in "$@"; do model_mutants "$model" | sed "s/^/$model /"; done
}

# What the model, or what it shares with the others, can leave out.
model_mutants() {
  local files=("$model_folder/$1.pml")
  ! grep -q retire_at "${files[0]}" || files+=("$model_folder/protocol.inc")
  grep -ohE '\bMUTANT_[A-Z_]+' "${files[@]}" | sed 's/^MUTANT_//' | sort -u
}

# model_run MODEL [MUTANT]: leaves one line of the table, tab-separated, in row.
model_run() {
  local model="$1" mutant="${2:-}" place start seconds optimize=-O1 look_for=-DSAFETY how=()
  case "$mutant" in
    '') optimize=-O2 ;; # The others end soon.
    ENDLESS) optimize=-O2 look_for=-DNP how=(-l) ;;
  esac
  place="$cache/model/$model${mutant:+.$mutant}"
  mkdir -p "$place"
  cp "$model_folder/$model.pml" "$model_folder/protocol.inc" "$place"
  cd "$place" || exit
  start="$(date +%s%N)"
  if spin ${mutant:+-DMUTANT_$mutant} -a "$model.pml" >spin.log 2>&1 &&
    ${CC:-cc} $optimize -w $look_for -DCOLLAPSE -DMEMLIM="$model_memory" -o pan pan.c >cc.log 2>&1; then
    ./pan "${how[@]}" -m"$model_depth" >out 2>&1 || true
  else
    echo "does not build; see $place" >out
  fi
  rm -f pan pan.? pan.pre
  seconds="$((($(date +%s%N) - start) / 10000000))"
  printf '%s\t%s\t%s\t%s.%02d\t%s\n' "$model" "$([[ -n $mutant && $mutant != ENDLESS ]] && echo "$mutant" || echo -)" "$(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' out)" \
    "$((seconds / 100))" "$((seconds % 100))" "$(cd "$OLDPWD" && model_verdict "$model" "$mutant" "$place/out")" >row
}

# One line that begins with "ok" or "FAILED".
model_verdict() {
  local model="$1" mutant="$2" out="$3" complaint expected
  complaint="$(sed -n 's/^pan:[0-9]*: \(.*\) (at depth [0-9]*)$/\1/p' "$out" | head -n 1)"
  if grep -qE 'max search depth too small|out of memory|does not build' "$out" || ! grep -q '^State-vector' "$out"; then
    echo "FAILED: the search did not come to its end"
  elif [[ -z $mutant || $mutant == ENDLESS ]]; then
    if grep -q 'errors: 0$' "$out" && ! grep -q 'Search not completed' "$out"; then
      echo "ok${mutant:+, every run ends}, search complete"
    else
      echo "FAILED: ${complaint:-no verdict}"
    fi
  else
    expected="$(model_expected "$model" "$mutant")"
    if [[ -z $expected ]]; then
      echo "FAILED: not in the table of $model_folder/README.md"
    elif [[ -z $complaint ]]; then
      echo "FAILED: not noticed"
    elif [[ $complaint != *"$expected"* ]]; then
      echo "FAILED: noticed by another complaint: $complaint"
    else
      echo "ok, noticed: $complaint"
    fi
  fi
}

# What spin says of a mutant: the last column of its row in the README.
model_expected() {
  sed -n "s/^| $1 | $2 |.*| \`\(.*\)\` |\$/\1/p" "$model_folder/README.md"
}

model_report() {
  local work="$1" json="$2" rows
  rows="$(cat "$work"/*/row | sort -t $'\t' -k1,1 -k2,2)"
  printf '%-11s %-28s %10s %8s  %s\n' model mutant states seconds result
  awk -F '\t' '{ printf "%-11s %-28s %10s %8s  %s\n", $1, $2, $3, $4, substr($5, 1, 100) }' <<<"$rows"
  passed="$(grep -cP '\tok' <<<"$rows" || true)"
  failed="$(grep -cP '\tFAILED' <<<"$rows" || true)"
  [[ -z $json ]] || model_json <<<"$rows" >"$json"
  report_tests
}

model_json() {
  awk -F '\t' 'BEGIN { printf "[" }
    { gsub(/["\\]/, "", $5)
      printf "%s\n{\"model\": \"%s\", \"mutant\": %s, \"states\": %s, \"seconds\": %s, \"result\": \"%s\"}", (NR > 1 ? "," : ""), $1,
        ($2 == "-" ? "null" : "\"" $2 "\""), ($3 == "" ? "null" : $3), $4, $5 }
    END { printf "\n]\n" }'
}
