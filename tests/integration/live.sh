#!/usr/bin/env bash
# The live lines of a terminal, as a terminal shows them: `script` gives the program a terminal of its
# own, a small one here draws what it wrote. The subject waits until what is to be seen was drawn.
. tests/lib/check.sh
exec 6>"$scratch/lock"
hold() { flock 6; }
let_go() { flock -u 6; }
cat >"$scratch/waits.sh" <<'S'
#!/bin/bash
# The first start waits until it is told; then all do as the good one does.
[ "$PULLDRILL_START_ID" != 1 ] || flock -s "$1/lock" true
shift
exec "$@"
S
chmod +x "$scratch/waits.sh"
jq "del(.faults, .phases[1]) | .subjects.puller.command |= [\"$scratch/waits.sh\", \"$scratch\"] + .
  | .title = \"The first waits\"" tests/lib/small.json >"$scratch/waiting-for-its-first-start.json"
waiting=$scratch/waiting-for-its-first-start.json

# terminal COLUMNS ROWS COMMAND: in the background, what it draws in $scratch/drawn.
terminal() {
  rm -f "$scratch/drawn" && : >"$scratch/drawn"
  mkfifo "$scratch/keys" 2>"$scratch/null"
  TERM=xterm script -qefc "stty cols $1 rows $2; $3" "$scratch/drawn" <"$scratch/keys" \
    >"$scratch/null" 2>&1 6>&- &
  terminal=$!
  exec 7>"$scratch/keys"
}
drawn() { # PATTERN: waits until it was drawn
  grep -qm1 -- "$1" < <(tail -n +1 -f "$scratch/drawn" --pid "$terminal" 2>"$scratch/null") ||
    fail "'$1' was never drawn"
}
ends() { # WANTED WHAT
  local status
  wait "$terminal"
  status=$?
  exec 7>&-
  [ "$status" = "$1" ] || fail "$2: exit $status, wanted $1"
}
# What the terminal shows in the end, or at any time where ALL is set: cursor up, erase, colours.
screen() {
  LC_ALL=C sed -e '1{/^Script started/d}' -e '/^Script done/d' -e 's/\r//g' "$scratch/drawn" |
    LC_ALL=C awk -v all="${1:-}" -v y=0 -v top=0 '
      { line = $0
        while (match(line, /\033\[[0-9]*[AJ]/)) {
          row[y] = row[y] substr(line, 1, RSTART - 1)
          code = substr(line, RSTART + 2, RLENGTH - 2)
          if (code ~ /A$/) y -= code + 0
          else for (i = y; i <= top; i++) { if (all) print row[i]; row[i] = "" }
          if (y < 0) print "above the top"
          line = substr(line, RSTART + RLENGTH)
        }
        row[y] = row[y] line; y++; if (y > top) top = y }
      END { for (i = 0; i <= top; i++) print row[i] }' | LC_ALL=C sed 's/\x1b\[[0-9;]*m//g'
}

# Wide: phase, starts, attempts by registry; the verdict takes the place of the line, once.
hold
terminal 150 20 "$PULLDRILL run $waiting --out $scratch/results"
drawn 'steady 2/2  worked 1  running 1'
let_go
ends 0 "a live line"
screen all | grep -qE '^waiting-for-its-first-start  steady 2/2  worked 1  running 1  primary [0-9]+' ||
  fail "the live line says something else"
screen >"$scratch/screen"
[ "$(head -c 6 "$scratch/screen")" = "PASS  " ] || fail "the screen does not begin with the verdict"
expect_text "$scratch/screen" ' passed, 0 failed, 0 inconclusive' "the last line"
grep -q 'running' "$scratch/screen" && fail "the live line is left"
grep -q 'above the top' "$scratch/screen" && fail "more was taken away than was drawn"
LC_ALL=C grep -q $'\x1b\[34mprimary' "$scratch/drawn" || fail "the line has no colours"

# Narrow, two at a time, more than the terminal has rows, no colours: no line is wider.
for name in a b c; do cp "$waiting" "$scratch/a-scenario-with-a-long-name-$name.json"; done
export NO_COLOR=1
hold
terminal 60 3 "$PULLDRILL run $scratch/a-*.json -j 3 --out $scratch/results"
drawn '2 more'
drawn 'steady 2/2  '
let_go
ends 0 "narrow lines"
screen all | grep -E '^a-scen' >"$scratch/lines"
[ -s "$scratch/lines" ] || fail "nothing was drawn"
LC_ALL=C.UTF-8 grep -E '^.{61}' "$scratch/lines" && fail "a line is wider than the terminal"
LC_ALL=C grep -q $'\x1b\[[0-9;]*m' "$scratch/drawn" && fail "NO_COLOR is not honoured"
screen >"$scratch/screen"
[ "$(grep -c '^PASS  ' "$scratch/screen")" = 3 ] || {
  fail "not all verdicts are on the screen"
  cat "$scratch/screen"
}
grep -qE '^a-scen|more$' "$scratch/screen" && fail "a live line is left"
unset NO_COLOR

# Ctrl-C: what was drawn is taken away, and the verdict stands there.
hold
terminal 100 20 "$PULLDRILL run $waiting --out $scratch/results"
drawn 'steady 2/2  '
printf '\003' >&7
ends 130 "Ctrl-C"
let_go
screen >"$scratch/screen"
expect_text "$scratch/screen" '^INCONCLUSIVE  ' "the verdict of an interrupted drill"
grep -q 'steady 2/2' "$scratch/screen" && fail "Ctrl-C left the live line"

# What a drill's own process complains of stands above its line, whole.
hold
terminal 150 20 "$PULLDRILL run $waiting --out $scratch/results"
drawn 'steady 2/2  worked 1  running 1'
rm -rf "$scratch/results"
let_go
ends 3 "results that cannot be written"
screen >"$scratch/screen"
expect_text "$scratch/screen" '^pulldrill: .*: cannot write ' "the complaint"
grep -q 'running 1' "$scratch/screen" && fail "a live line is left"

# A terminal that can do nothing gets a line a phase, and --quiet none.
terminal 150 20 "TERM=dumb $PULLDRILL run $waiting --out $scratch/results"
ends 0 "a dumb terminal"
grep -q $'\x1b\[[0-9]*[AJ]' "$scratch/drawn" && fail "a dumb terminal is drawn on"
screen >"$scratch/screen"
expect_text "$scratch/screen" '^  steady: 2 starts, 2 worked, 0 running; attempts: primary [0-9]+' \
  "the line of a phase"
terminal 150 20 "$PULLDRILL run $waiting --out $scratch/results --quiet"
ends 0 "--quiet"
grep -q 'steady 2/2' "$scratch/drawn" && fail "--quiet draws"
finish
