#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A browser draws the page of a run, by day and by night, and finds nothing to complain of in it. Where there is no Chromium the
# test says so and passes: tests/tools/html_page_test.cc looks at the page itself.
set -euo pipefail
mxa="$1"
folder="${TEST_TMPDIR:?}"

browser=
for candidate in /usr/lib/chromium/chromium chromium chromium-browser google-chrome; do
  if command -v "$candidate" >/dev/null; then
    browser="$candidate"
    break
  fi
done
if [[ -z $browser ]]; then
  echo "skipped: there is no Chromium here to draw the page"
  exit 0
fi

mkdir -p "$folder/tree"
for i in {1..60}; do truncate -s $((i * 40000)) "$folder/tree/f$i"; done
"$mxa" relocate --tree="$folder/tree" --phase-seconds=0.1 --quiet --html="$folder/page.html"

for scheme in 0 1; do # dark, light
  if ! HOME="$folder" timeout 100 "$browser" --headless=new --no-sandbox --disable-gpu --hide-scrollbars --enable-logging=stderr \
    --user-data-dir="$folder/profile$scheme" --blink-settings=preferredColorScheme=$scheme --window-size=1160,2400 \
    --screenshot="$folder/$scheme.png" "file://$folder/page.html" >"$folder/log$scheme" 2>&1; then
    echo "skipped: $browser cannot run here"
    tail -n 3 "$folder/log$scheme"
    exit 0
  fi
  if grep 'CONSOLE' "$folder/log$scheme"; then
    echo "the page's script complains"
    exit 1
  fi
  [[ $(stat -c %s "$folder/$scheme.png") -gt 50000 ]] || { echo "hardly anything was drawn"; exit 1; }
done
! cmp -s "$folder/0.png" "$folder/1.png" || { echo "it looks the same by day and by night"; exit 1; }
