# Copyright 2026 The Movable XArray Authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
#
# Makes the machine able to build, without a word if it is already. Sourced by ./dev.
#
# On Debian: packages from apt, then the sources of Abseil, GoogleTest and Benchmark through `apt-get source`, then
# .cache/bazelrc, which points Bazel at all of it. Elsewhere: checks that the tools are there; Bazel fetches the rest.

build_packages=(g++ bazel-bootstrap bazel-rules-java bazel-platforms bazel-skylib liburcu-dev libnuma-dev libtbb-dev nlohmann-json3-dev zstd)
clang_packages=(clang clang-format clang-tidy)
source_packages=(abseil googletest benchmark)

setup() {
  mkdir -p "$cache"
  exec 9>"$cache/setup.lock"
  flock 9
  if have apt-get && have dpkg-query; then
    install_packages "${build_packages[@]}"
  else
    check_tools
  fi
  if debian_bazel; then
    have_sources || fetch_sources
    write_bazelrc
  else
    rm -f "$cache/bazelrc"
  fi
  exec 9>&-
}

setup_clang() {
  if have apt-get && have dpkg-query; then
    install_packages "${clang_packages[@]}"
  fi
  if ! have clang || ! have clang-format; then die 3 "clang and clang-format are needed for this"; fi
}

setup_spin() {
  mkdir -p "$cache"
  if have apt-get && have dpkg-query; then
    install_packages spin gcc libc6-dev
  fi
  if ! have spin || ! have "${CC:-cc}"; then die 3 "spin (6.5 is the version tested) and a C compiler are needed for this"; fi
}

# On a system without apt: says what is missing.
check_tools() {
  local missing=()
  have bazel || have bazelisk || missing+=("bazel (4.2.3 is the version tested)")
  have g++ || missing+=("g++ 12 or later")
  echo '#include <urcu/urcu-memb.h>' | ${CC:-cc} -E - >/dev/null 2>&1 || missing+=("the headers of liburcu 0.13 or later")
  echo '#include <numaif.h>' | ${CC:-cc} -E - >/dev/null 2>&1 || missing+=("the headers of libnuma 2.0.11 or later")
  echo '#include <oneapi/tbb/version.h>' | ${CXX:-c++} -x c++ -E - >/dev/null 2>&1 || missing+=("the headers of oneTBB 2021")
  echo '#include <nlohmann/json.hpp>' | ${CXX:-c++} -x c++ -E - >/dev/null 2>&1 || missing+=("the headers of nlohmann-json 3")
  ((${#missing[@]} == 0)) || die 3 "this system has no apt; please install: $(join_by ', ' "${missing[@]}")"
}

join_by() {
  local separator="$1" out="$2"
  shift 2
  printf '%s' "$out" "${@/#/$separator}"
}

missing_packages() {
  local package
  for package in "$@"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || printf '%s\n' "$package"
  done
}

install_packages() {
  local missing as_root=()
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  if [[ $(id -u) != 0 ]]; then
    if ! have sudo || ! sudo -n true 2>/dev/null; then
      die 3 "not root, and no sudo without a password; please run as root: apt-get install ${missing[*]}"
    fi
    as_root=(sudo -n)
  fi
  say "installing ${missing[*]}"
  # Java's packages link manual pages into a folder that slim images have not got.
  "${as_root[@]}" mkdir -p /usr/share/man/man1
  {
    "${as_root[@]}" apt-get -q update &&
      "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qy --no-install-recommends install "${missing[@]}"
  } >"$cache/setup.log" 2>&1 </dev/null ||
    die 3 "apt-get could not install ${missing[*]} (no network, or no such package here?); see .cache/setup.log"
}

have_sources() {
  local name
  for name in "${source_packages[@]}"; do
    [[ -d $cache/src/$name ]] || return 1
  done
}

fetch_sources() {
  local work name
  say "fetching the sources of ${source_packages[*]}"
  rm -rf "$cache"/src "$cache"/fetch
  work="$cache/fetch"
  mkdir -p "$work/parts" "$work/lists/partial" "$cache/src"
  write_source_entries "$work/parts"
  (cd "$work" && apt_source update && apt_source source --download-only "${source_packages[@]}") \
    >"$cache/setup.log" 2>&1 </dev/null ||
    die 3 "apt-get could not fetch the sources of ${source_packages[*]} (no network?); see .cache/setup.log"
  for name in "${source_packages[@]}"; do
    mkdir "$work/$name"
    tar -xf "$work/$name"_*.orig.tar.* --strip-components=1 -C "$work/$name"
  done
  # GoogleTest's own WORKSPACE names repositories that are not here.
  cp third_party/googletest/WORKSPACE.overlay "$work/googletest/WORKSPACE"
  for name in "${source_packages[@]}"; do
    mv "$work/$name" "$cache/src/$name"
  done
  rm -rf "$work"
}

# apt-get with the entries of $PWD/parts and lists of its own: the system's are neither used nor changed. An `update` may
# fail for an entry that has no sources; whether the sources are found is what counts.
apt_source() {
  apt-get -q -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$PWD/parts" -o Dir::State::Lists="$PWD/lists" \
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root "$@" || [[ $1 == update ]]
}

# The machine's own package entries, turned into entries for sources, into folder $1.
write_source_entries() {
  local parts="$1" file
  shopt -s nullglob
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [[ -f $file ]] && sed -n -E 's/^[[:space:]]*deb[[:space:]]+/deb-src /p' "$file" >"$parts/$(basename "$file" .list).list"
  done
  for file in /etc/apt/sources.list.d/*.sources; do
    sed -E 's/^Types:.*/Types: deb-src/' "$file" >"$parts/$(basename "$file")"
  done
  shopt -u nullglob
}

write_bazelrc() {
  local new="$cache/bazelrc.new"
  {
    echo "# Written by ./dev setup."
    [[ -x /usr/lib/jvm/default-java/bin/java ]] && echo "startup --server_javabase=/usr/lib/jvm/default-java"
    override com_google_absl "$cache/src/abseil"
    override com_google_googletest "$cache/src/googletest"
    override com_github_google_benchmark "$cache/src/benchmark"
    override rules_cc "$root/third_party/stubs/rules_cc"
    override remote_coverage_tools "$root/third_party/stubs/remote_coverage_tools"
    override rules_java /usr/share/bazel/rules/java
    override platforms /usr/share/bazel/tools/platforms
    override bazel_skylib /usr/share/bazel/tools/skylib
  } >"$new"
  if cmp -s "$new" "$cache/bazelrc"; then rm "$new"; else mv "$new" "$cache/bazelrc"; fi
}

override() { printf 'common --override_repository=%s=%s\n' "$1" "$2"; }
