# Copyright 2026 The Movable XArray Authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
#
# Builds and runs the benchmark programs, one after the other. Sourced by ./dev.

# Libraries to compare with, loaded when a benchmark runs; rows are left out, and that is said, where one is missing.
peer_packages=(libjemalloc2 libmimalloc2.0 libtcmalloc-minimal4 libjudydebian1)

cmd_bench() {
  local group="" json="" targets=() files=() target file status=0
  while (($#)); do
    case "$1" in
      --json) json="${2:?dev: --json needs a file}" && shift 2 ;;
      --json=*) json="${1#--json=}" && shift ;;
      slab | xarray | reclaim) group="$1" && shift ;;
      *) die 2 "bench: '$1' is neither slab, xarray or reclaim nor --json FILE" ;;
    esac
  done
  setup
  if have apt-get && have dpkg-query; then
    (install_packages "${peer_packages[@]}") || say "going on without what could not be installed"
  fi
  mapfile -t targets < <(bazel_run query --noshow_progress --ui_event_filters=-info \
    "filter(':${group:-(slab|xarray|reclaim)}_.*bench\$', kind(cc_binary, //bench/...))" 2>"$cache/query.log" | sort)
  ((${#targets[@]})) || die 2 "no benchmark '${group:-*}_..._bench' under bench/ (if there should be, see .cache/query.log)"
  bazel_run build --config=opt "${targets[@]}"
  local bin
  bin="$(readlink -f bazel-bin)"
  rm -rf "$cache/bench" && mkdir -p "$cache/bench"
  for target in "${targets[@]}"; do
    file="$cache/bench/${target##*:}.json"
    printf '== %s\n' "${target##*:}"
    "$bin/$(sed 's|^//||; s|:|/|' <<<"$target")" --json "$file" || { say "${target##*:} failed" && status=1; }
    [[ -s $file ]] && files+=("$file")
  done
  [[ -z $json ]] || merge_json_arrays "${files[@]}" >"$json"
  return "$status"
}

# Joins files that each hold one JSON array into one array.
merge_json_arrays() {
  local file body separator=""
  printf '['
  for file in "$@"; do
    body="$(sed -z -E 's/^[[:space:]]*\[[[:space:]]*//; s/[[:space:]]*\][[:space:]]*$//' "$file")"
    [[ -n $body ]] || continue
    printf '%s\n%s' "$separator" "$body"
    separator=,
  done
  printf '\n]\n'
}
