#!/bin/bash
#
# Copyright 2026 The Movable XArray Authors
# SPDX-License-Identifier: Apache-2.0
#
# Prints rows that `./dev bench --json FILE` has written as Markdown tables, a column for each baseline: bench/tables.sh FILE...
#
# A cell is ours / baseline, with `!` where a goal is missed. A new table begins where the unit changes, or with a row that
# has no baseline in common with the table so far.

set -euo pipefail
(($#)) || { echo "usage: $0 FILE..." >&2 && exit 2; }

awk '
function field(name,   at, rest) {
  at = index($0, "\"" name "\":")
  if (!at) return ""
  rest = substr($0, at + length(name) + 3)
  if (substr(rest, 1, 1) == "\"") { sub(/^"/, "", rest); sub(/".*/, "", rest) } else sub(/[,}].*/, "", rest)
  return rest
}
function missed(ratio, goal) {
  if (goal == "") return 0
  return substr(goal, 1, 2) == "<=" ? ratio > substr(goal, 3) + 0 : ratio < substr(goal, 3) + 0
}
# Three digits that say something.
function digits(value) {
  if (value == "null") return "-"
  value += 0
  if (value >= 100) return sprintf("%.0f", value)
  return sprintf(value >= 10 ? "%.1f" : value >= 1 ? "%.2f" : "%.3f", value)
}
function print_table(   i, j, line) {
  if (!rows) return
  line = "| row | ours, " unit " |"
  for (j = 1; j <= columns; ++j) line = line " " column[j] " |"
  print line
  gsub(/[^|]+/, " --- ", line)
  print line
  for (i = 1; i <= rows; ++i) {
    line = "| " row[i] " | " ours[i] " |"
    for (j = 1; j <= columns; ++j) line = line " " ((i, column[j]) in cell ? cell[i, column[j]] : "") " |"
    print line
  }
  print ""
}
# The rows gathered so far of one name join the table, or begin another.
function add_name(   k, shared) {
  if (!pending) return
  for (k = 1; k <= pending; ++k) shared += (pending_baseline[k] in known)
  if (rows && (!shared || pending_unit != unit)) {
    print_table()
    rows = columns = 0
    split("", known); split("", cell)
  }
  unit = pending_unit
  row[++rows] = pending_name
  ours[rows] = digits(pending_ours)
  for (k = 1; k <= pending; ++k) {
    if (!(pending_baseline[k] in known)) { known[pending_baseline[k]] = 1; column[++columns] = pending_baseline[k] }
    cell[rows, pending_baseline[k]] = pending_cell[k]
  }
  pending = 0
}
/"name":/ {
  if (field("name") != pending_name) add_name()
  if (!pending) { pending_name = field("name"); pending_unit = field("unit"); pending_ours = field("ours") }
  pending_baseline[++pending] = field("baseline_name")
  pending_cell[pending] = digits(field("ratio")) (missed(field("ratio") + 0, field("goal")) ? " !" : "")
}
END { add_name(); print_table() }
' "$@"
