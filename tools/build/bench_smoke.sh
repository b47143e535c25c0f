#!/bin/bash
# Runs a benchmark binary as briefly as it can, to see that it still runs.
set -euo pipefail
MXA_BENCH_SMOKE=1 exec "$@"
