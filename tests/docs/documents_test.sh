#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Every file, test and ./dev command that a document names is there.
set -euo pipefail
cd "$(dirname "$(readlink -f README.md)")"  # the whole tree, as the runfiles link into it
failed=0
fail() { echo "$1"; failed=1; }

documents="$(find . -name '*.md' -not -path './third_party/*' -not -path './.cache/*' -not -path './bazel-*' | sort)"
[[ $(wc -l <<<"$documents") -ge 5 ]] || { echo "only these documents found: $documents"; exit 1; }

for document in $documents; do
  folder="$(dirname "$document")"
  # Names in backquotes that end like a source file or a folder.
  while read -r name; do
    [[ -e $name || -e $folder/$name ]] || fail "$document names $name, which is not there"
  done < <(grep -o '`[A-Za-z0-9_./]*\(\.h\|\.cc\|\.md\|\.sh\|/\)`' "$document" | tr -d '`' | sort -u)
  # Links.
  while read -r name; do
    [[ -e $folder/$name ]] || fail "$document links to $name, which is not there"
  done < <(grep -o '](\([A-Za-z0-9_./-]*\))' "$document" | sed 's/^](//; s/)$//' | grep -v '^http' | sort -u)
  # Tests named as Suite.Name.
  while read -r name; do
    [[ -n $(grep -rlE "TEST(_F|_P)?\(${name%%.*}, *${name##*.}\)" --include='*_test.cc' tests) ]] ||
      fail "$document names the test $name, which is not there"
  done < <(grep -o '`[A-Za-z]*Test\.[A-Za-z0-9]*`' "$document" | tr -d '`' | sort -u)
done

# ./dev commands.
while read -r name; do
  grep -qE "^  [a-z| ]*\b$name\b" dev || fail "a document uses ./dev $name, which ./dev does not list"
done < <(grep -hoE '\./dev [a-z]+' $documents | awk '{print $2}' | sort -u)

exit "$failed"
