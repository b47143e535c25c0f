#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Every ORDER(label) in the code stands at two sites at least, a side each, and in a README of a layer; and every one there is in the code.
set -euo pipefail
cd "$(dirname "$(readlink -f README.md)")"  # the whole tree, as the runfiles link into it
failed=0
fail() { echo "$1"; failed=1; }

layers="base reclaim slab xarray tools examples"
readmes="reclaim/README.md slab/README.md xarray/README.md tools/mxa/README.md
  examples/counted_table/README.md"
sites="$(find $layers \( -name '*.h' -o -name '*.cc' \) -exec grep -ohE 'ORDER\([a-z-]+\)' {} + | sort | uniq -c)"
[[ $(wc -l <<<"$sites") -ge 5 ]] || { echo "hardly any labels found: $sites"; exit 1; }

while read -r count label; do
  [[ $count -ge 2 ]] || fail "$label stands at one site only"
  grep -qF "$label" $readmes || fail "$label is in no README"
done <<<"$sites"

while read -r label; do
  grep -qF "$label" <<<"$sites" || fail "$label is in a README and not in the code"
done < <(grep -ohE 'ORDER\([a-z-]+\)' $readmes | sort -u)

exit "$failed"
