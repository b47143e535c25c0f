#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The example of README.md prints the one dirty page.
set -euo pipefail
output="$("$1")"
expected="page 7 at index 7000"
[[ $output == "$expected" ]] || { printf 'printed: %s\nexpected: %s\n' "$output" "$expected"; exit 1; }
