#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The example program ends well, and holds far fewer slabs after its pass.
set -euo pipefail
output="$("$1")"
echo "$output"
read -r before after < <(sed -n 's/^slabs before, after *\([0-9]*\), \([0-9]*\)$/\1 \2/p' <<<"$output")
((after * 4 < before)) || { echo "$before slabs before, $after after"; exit 1; }
