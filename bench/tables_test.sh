#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Rows of the same baselines make one table, a row without any of them or in another unit begins the next, missed goals and
# missing figures show.
set -euo pipefail
dir="$(mktemp -d)"
trap 'rm -rf "$dir"' EXIT

cat >"$dir/rows.json" <<'END'
[
{"name":"load, dense","unit":"ns","ours":9.5,"baseline":19,"baseline_name":"map","ratio":0.5,"goal":"<=1.0"},
{"name":"load, dense","unit":"ns","ours":9.4,"baseline":4.7,"baseline_name":"hash","ratio":2,"goal":"<=1.0"},
{"name":"iterate","unit":"ns","ours":1.234,"baseline":null,"baseline_name":"hash","ratio":null,"goal":""},
{"name":"writes","unit":"ns","ours":1234.5,"baseline":1,"baseline_name":"lock","ratio":1234.5,"goal":""},
{"name":"reads","unit":"M/s","ours":20,"baseline":40,"baseline_name":"lock","ratio":0.5,"goal":">=0.7"}
]
END
cat >"$dir/expected" <<'END'
| row | ours, ns | map | hash |
| --- | --- | --- | --- |
| load, dense | 9.50 | 0.500 | 2.00 ! |
| iterate | 1.23 |  | - |

| row | ours, ns | lock |
| --- | --- | --- |
| writes | 1234 | 1234 |

| row | ours, M/s | lock |
| --- | --- | --- |
| reads | 20.0 | 0.500 ! |

END
"$1" "$dir/rows.json" | diff - "$dir/expected"
