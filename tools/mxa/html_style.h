// SPDX-License-Identifier: Apache-2.0
//
// How the page looks, by day and by night, and what it does under a pointer.
#ifndef MXA_TOOLS_MXA_HTML_STYLE_H_
#define MXA_TOOLS_MXA_HTML_STYLE_H_

#include "absl/strings/string_view.h"

namespace mxa::tool {

// Colours are in variables, once for each scheme; occupancies go from a warning to a calm colour as slabs fill up.
inline constexpr absl::string_view kHtmlStyle = R"css(
:root { color-scheme: light dark;
  --page: #f7f7f4; --card: #ffffff; --text: #1c2126; --soft: #5b6570; --rule: #dfe1dc; --good: #1d7a46; --bad: #b3261e;
  --a: #1464a5; --b: #b4540a; --c: #7b3f9d; --phase: #1464a514; --pass: #1464a5; --frame: #c9cdc6;
  --o0: #f6d2a9; --o1: #f1b889; --o2: #e79f76; --o3: #d4876f; --o4: #b97572; --o5: #97677a; --o6: #745c80;
  --o7: #545480; --o8: #354b79; --o9: #17406d; }
@media (prefers-color-scheme: dark) { :root {
  --page: #14171a; --card: #1d2125; --text: #e8eaec; --soft: #a0a9b2; --rule: #343a40; --good: #6fd39a; --bad: #ff8a80;
  --a: #6db3f2; --b: #f5a55c; --c: #cf9cf0; --phase: #6db3f21c; --pass: #6db3f2; --frame: #454c53;
  --o0: #6b3a1c; --o1: #85482c; --o2: #98593f; --o3: #a06b59; --o4: #a07d77; --o5: #9c8e95; --o6: #95a0b4;
  --o7: #8ab2d2; --o8: #80c4ea; --o9: #7fd8ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.45 system-ui, "DejaVu Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 28px 20px 48px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 6px; letter-spacing: -0.01em; }
h2 { font-size: 18px; margin: 0 0 2px; }
.lede, .note { color: var(--soft); margin: 0 0 20px; }
.note { font-size: 14px; margin: 0 0 10px; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 12px; margin: 0 0 16px; padding: 0;
  list-style: none; }
.cards li, section { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; }
.cards li { padding: 12px 16px; }
.cards b { display: block; font-size: 25px; line-height: 1.3; font-variant-numeric: tabular-nums; white-space: nowrap; }
.cards span { color: var(--soft); font-size: 14px; display: block; }
.good { color: var(--good); } .bad { color: var(--bad); }
section { padding: 16px 18px; margin: 0 0 16px; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--soft); font-size: 13px; font-variant-numeric: tabular-nums; }
.grid { stroke: var(--rule); stroke-width: 1; }
.line { fill: none; stroke-width: 2.2; stroke-linejoin: round; }
.line-a { stroke: var(--a); } .line-b { stroke: var(--b); stroke-dasharray: 7 3; } .line-c { stroke: var(--c); stroke-dasharray: 2 3; }
svg text.name { font-weight: 600; font-size: 14px; stroke: none; }
svg text.line-a { fill: var(--a); } svg text.line-b { fill: var(--b); } svg text.line-c { fill: var(--c); }
.span-phase { fill: var(--phase); } .span-pass { fill: var(--pass); }
.cross { stroke: var(--text); stroke-width: 1; opacity: 0; pointer-events: none; }
output { display: block; position: sticky; top: 0; padding: 6px 0; margin: 0 0 6px; background: var(--page); font-size: 14px;
  color: var(--soft); font-variant-numeric: tabular-nums; z-index: 1; }
.maps { display: grid; grid-template-columns: repeat(3, 1fr); gap: 22px; }
.maps figure { margin: 0; } .maps figcaption { margin: 0 0 6px; }
.maps figcaption b { font-size: 16px; } .maps figcaption span { color: var(--soft); font-size: 14px; display: block; }
.frame { fill: none; stroke: var(--frame); stroke-width: 1; } .gone { stroke-dasharray: 2 3; }
.legend { display: flex; align-items: center; gap: 3px; font-size: 14px; color: var(--soft); margin: 14px 0 0; flex-wrap: wrap; }
.legend i { width: 22px; height: 12px; display: inline-block; } .legend span { margin: 0 6px; }
.occ-0 { fill: var(--o0); background: var(--o0); } .occ-1 { fill: var(--o1); background: var(--o1); }
.occ-2 { fill: var(--o2); background: var(--o2); } .occ-3 { fill: var(--o3); background: var(--o3); }
.occ-4 { fill: var(--o4); background: var(--o4); } .occ-5 { fill: var(--o5); background: var(--o5); }
.occ-6 { fill: var(--o6); background: var(--o6); } .occ-7 { fill: var(--o7); background: var(--o7); }
.occ-8 { fill: var(--o8); background: var(--o8); } .occ-9 { fill: var(--o9); background: var(--o9); }
pre { margin: 8px 0 0; overflow-x: auto; font: 13.5px/1.45 ui-monospace, "DejaVu Sans Mono", monospace; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; margin: 10px 0 0; }
td, th { padding: 2px 14px 2px 0; text-align: right; } th { color: var(--soft); font-weight: 600; }
summary { cursor: pointer; font-weight: 600; font-size: 18px; }
@media (max-width: 720px) { .maps { grid-template-columns: 1fr; } h1 { font-size: 24px; } }
)css";

// Says the figures of the interval under the pointer, and marks it in all charts.
inline constexpr absl::string_view kHtmlScript = R"js(
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const charts = [...document.querySelectorAll('svg.chart')];
const out = document.querySelector('output');
const said = out.textContent;
const bytes = v => (v / 1e6).toPrecision(3) + ' MB';
const ns = v => v < 1e3 ? v + ' ns' : (v / 1e3).toPrecision(3) + ' µs';
function show(seconds) {
  const at = data.intervals.find(i => seconds <= i.end) || data.intervals[data.intervals.length - 1];
  if (!at) return;
  out.textContent = at.end.toFixed(3) + ' s: ' + bytes(at.resident_bytes) + ' resident, ' + bytes(at.live_bytes) + ' live; ' +
    Math.round(at.reads / (at.end - at.begin)).toLocaleString('en') + ' reads a second; p50 ' + ns(at.p50_ns) + ', p99 ' +
    ns(at.p99_ns) + ', p99.9 ' + ns(at.p999_ns);
  for (const chart of charts) {
    const { left, right, seconds: all } = chart.dataset;
    const x = +left + Math.min(1, seconds / all) * (right - left);
    const line = chart.querySelector('.cross');
    line.setAttribute('x1', x); line.setAttribute('x2', x); line.style.opacity = 0.6;
  }
}
function hide() {
  out.textContent = said;
  for (const chart of charts) chart.querySelector('.cross').style.opacity = 0;
}
for (const chart of charts) {
  chart.addEventListener('pointermove', event => {
    const box = chart.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * chart.viewBox.baseVal.width;
    const { left, right, seconds } = chart.dataset;
    const share = (x - left) / (right - left);
    if (share >= 0 && share <= 1) show(share * seconds); else hide();
  });
  chart.addEventListener('pointerleave', hide);
}
)js";

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_HTML_STYLE_H_
