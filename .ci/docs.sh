#!/usr/bin/env bash
# Writes scenarios/scenario.schema.json and the generated parts of docs/scenario.md, docs/faults.md
# and docs/checks.md anew, from what the program itself says of its tables. With --check it compares
# only, and exits 1 on a difference.
#   B=build .ci/docs.sh [--check]
#
# A generated part stands between `<!-- generated: KEY -->` and `<!-- end generated -->`. KEY is
# `keys LEVEL` (the keys of a scenario's level), `faults` or `checks` (the overview), `fault KIND` or
# `check NAME` (one entry). Each entry of the tables must have its part, but for checks that are
# always on: they take nothing, so the overview says it all. No other part may be there.
set -euo pipefail
cd "$(dirname "$0")/.."
program=${B:-build}/pulldrill
mode=${1:-write}
failures=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
complain() { echo "docs: $*" >&2; failures=$((failures + 1)); }

# What both kinds of tables share. A cell may hold no bar and no line break.
common='
  def cell: tostring | gsub("\\|"; "\\|") | gsub("\n"; " ");
  def code: "`" + . + "`";
  def words: if length == 0 then "none" else map(code) | join(", ") end;
  def form: .type + (if (.choices | length) > 0 then ": " + (.choices | words) else "" end);
  def default: if .required then "required" else (.default // "none" | cell) end;
  def sentence: cell | (.[0:1] | ascii_upcase) + .[1:] + ".";
  def table(head; row): ([head] + [.[] | row] | join("\n"));
'

faults_overview() {
  jq -r "$common"'
    table("| kind | stage | on | evidence | existing | what it does |\n|---|---|---|---|---|---|";
      "| [`\(.kind)`](#\(.kind)) | \(.stage) | \(.on) | \(.evidence)"
      + (if .counter then ", counter" else "" end) + " | \(.existing) | \(.meaning | cell) |")
  ' "$scratch/faults.json"
}

fault_part() { # KIND
  jq -r --arg kind "$1" "$common"'
    (map(.ops | length) | max) as $all
    | .[] | select(.kind == $kind)
    | "\(.meaning | sentence) Stage `\(.stage)`, evidence `\(.evidence)`"
      + (if .counter then " (`counter` where every subject has names: `\(.counter)`)" else "" end)
      + ", `existing` is `\(.existing)` by default.\n"
      + (if .on == "registry" then "" else "Its `on` means the \(.on).\n" end)
      + "Takes in `match`: \(.match | words)."
      + (if (.ops | length) == 0 then ""
         elif (.ops | length) == $all then "\nActs on every operation."
         else "\nActs on: \(.ops | words)." end)
      + (if (.parameters | length) == 0 then "\nNo parameters of its own."
         else "\n\n" + (.parameters | table(
           "| parameter | type | default | meaning |\n|---|---|---|---|";
           "| `\(.name)` | \(form) | \(default) | \(.meaning | cell) |")) end)
  ' "$scratch/faults.json"
}

checks_overview() {
  jq -r "$common"'
    def rows(on): map(select(.always == on))
      | table("| check | what it asks |\n|---|---|";
        "| [`\(.check)`](#\(.check)) | \(.meaning | cell) |");
    "Always on:\n\n" + rows(true) + "\n\nAsked for in `expect`:\n\n" + rows(false)
  ' "$scratch/checks.json"
}

check_part() { # NAME
  jq -r --arg name "$1" "$common"'
    .[] | select(.check == $name and (.always | not))
    | "\(.meaning | sentence)\nNarrowed by: \(."narrowed-by" | words)."
      + (if (.parameters | length) == 0 then "\nNo parameters of its own."
         else "\n\n" + (.parameters | table(
           "| parameter | type | required | meaning |\n|---|---|---|---|";
           "| `\(.name)` | \(form) | \(if .required then "yes" else "no" end) | "
             + "\(.meaning | cell) |")) end)
  ' "$scratch/checks.json"
}

# A default is JSON, or else words. A variant has the keys of its subject: no second table.
keys_part() { # LEVEL
  jq -r --arg level "$1" "$common"'
    def default: if .required then "required"
      elif .default == null then "none"
      else .default as $d | (try ($d | fromjson | true) catch false)
        | if . then $d | cell | code else $d | cell end end;
    .[] | select(.level == $level)
    | (.keys | table("| key | form | default | meaning | example |\n|---|---|---|---|---|";
        "| `\(.key)` | \(.form | cell) | \(default) | \(.meaning | cell) | \(.example | cell | code) |"))
      + (if (.later | length) == 0 then ""
         else "\n\nA later version will take \(.later | words)." end)
  ' "$scratch/keys.json"
}

part() { # KEY
  case $1 in
    "keys "*) keys_part "${1#keys }" ;;
    faults) faults_overview ;;
    checks) checks_overview ;;
    "fault "*) fault_part "${1#fault }" ;;
    "check "*) check_part "${1#check }" ;;
    *) ;;
  esac
}

# Copies FILE to the scratch folder with every part made anew.
render() { # FILE
  local line key='' text
  while IFS= read -r line || [ -n "$line" ]; do
    if [ -z "$key" ]; then
      printf '%s\n' "$line"
    fi
    if [[ $line =~ ^'<!-- generated: '(.+)' -->'$ ]]; then
      [ -z "$key" ] || complain "$1: the part \"$key\" has no end"
      key=${BASH_REMATCH[1]}
      text=$(part "$key")
      [ -n "$text" ] || complain "$1: nothing is known of the part \"$key\""
      printf '%s\n' "$text"
    elif [ "$line" = '<!-- end generated -->' ]; then
      printf '%s\n' "$line"
      key=''
    fi
  done <"$1" >"$scratch/new.md"
  [ -z "$key" ] || complain "$1: the part \"$key\" has no end"
}

# Every key is in FILE exactly once.
need() { # FILE KEY...
  local file=$1 key
  shift
  for key in "$@"; do
    [ "$(grep -cFx "<!-- generated: $key -->" "$file")" = 1 ] ||
      complain "$file: the part \"$key\" must be there once"
  done
}

finish_file() { # FILE
  render "$1"
  if cmp -s "$scratch/new.md" "$1"; then
    return
  elif [ "$mode" = --check ]; then
    diff -u "$1" "$scratch/new.md" >&2 || true
    complain "$1 does not say what the program says; make docs"
  elif [ "$failures" = 0 ]; then
    cat "$scratch/new.md" >"$1"
    echo "docs: wrote $1"
  fi
}

finish_schema() { # FILE
  if cmp -s "$scratch/scenario.schema.json" "$1"; then
    return
  elif [ "$mode" = --check ]; then
    diff -u "$1" "$scratch/scenario.schema.json" | head -n 40 >&2 || true
    complain "$1 does not say what the program says; make docs"
  elif [ "$failures" = 0 ]; then
    cat "$scratch/scenario.schema.json" >"$1"
    echo "docs: wrote $1"
  fi
}

case $mode in
  write | --check) ;;
  *) echo "usage: .ci/docs.sh [--check]" >&2; exit 4 ;;
esac
[ -x "$program" ] || { complain "$program is missing; make all"; exit 1; }
"$program" faults --format json >"$scratch/faults.json"
"$program" checks --format json >"$scratch/checks.json"
"$program" keys --format json >"$scratch/keys.json"
"$program" schema >"$scratch/scenario.schema.json"
mapfile -t kinds < <(jq -r '.[] | "fault " + .kind' "$scratch/faults.json")
mapfile -t checks < <(jq -r '.[] | select(.always | not) | "check " + .check' "$scratch/checks.json")
fault_levels='^(fault|match|header|when|count)$'
mapfile -t levels < <(jq -r --arg own "$fault_levels" \
  '.[].level | select(test($own) | not) | select(. != "variant") | "keys " + .' \
  "$scratch/keys.json")
mapfile -t fault_levels < <(jq -r --arg own "$fault_levels" \
  '.[].level | select(test($own)) | "keys " + .' "$scratch/keys.json")
need docs/scenario.md "${levels[@]}"
need docs/faults.md "${fault_levels[@]}" faults "${kinds[@]}"
need docs/checks.md checks "${checks[@]}"
finish_schema scenarios/scenario.schema.json
finish_file docs/scenario.md
finish_file docs/faults.md
finish_file docs/checks.md
[ "$failures" = 0 ] || exit 1
