#!/usr/bin/env bash
# The house rules a script can check: layers, I/O only where it belongs, banned functions, lengths.
# An exception is visible in the source: a comment `tidy: allow NAME, why` on the line.
set -euo pipefail
cd "$(dirname "$0")/.."
failures=0
allowed() { sed -n "$2p" "$1" | grep -q 'tidy: allow'; }
complain() { echo "tidy: $*" >&2; failures=$((failures + 1)); }

# A file that was deleted is still listed until that is committed.
mapfile -t sources < <(comm -23 <(git ls-files -co --exclude-standard '*.c' '*.h' | sort) \
  <(git ls-files -d | sort))

# ---- layers: a file includes only its own layer or one with a smaller number --------------------
layer_of() {
  case $1 in
    harness/base/* | harness/history/*) echo 1 ;;
    faults/*) echo 2 ;;
    fake-registry/*) echo 3 ;;
    harness/verdict/*) echo 4 ;;
    reports/*) echo 5 ;;
    harness/*) echo 6 ;;
    *) echo 9 ;; # subjects, tests: may include anything
  esac
}
for file in "${sources[@]}"; do
  own=$(layer_of "$file")
  while IFS=: read -r line path; do
    [ -f "$path" ] || { complain "$file:$line: includes $path, which is no file"; continue; }
    other=$(layer_of "$path")
    [ "$other" -le "$own" ] || complain "$file:$line: layer $own includes $path of layer $other"
  done < <(grep -nE '^#include "' "$file" | sed -E 's/^([0-9]+):#include "([^"]+)".*/\1:\2/')
done

# ---- I/O only in the modules that do it ---------------------------------------------------------
io_allowed='^(harness/(drill|subject|keeper|lane|probe|proctree|capture|lag|main|pool|scratch|interrupts|registries|serve)[a-z_]*\.[ch]|harness/(services|commands)/.*|harness/base/(clock|log|doc_load|doc)\.[ch]|harness/history/history[a-z_]*\.[ch]|harness/(judge|verdict/verdict)_(file|load)\.[ch]|fake-registry/(server|connection|listener|tls|upstream|disk|store_disk|store_open|store_load)[a-z_]*\.[ch])$'
io_calls='(open|openat|fopen|socket|connect|bind|listen|accept4?|recv|recvmsg|send|sendmsg|sendfile|poll|fork|execvp?e?|uv_(run|spawn|poll|tcp|pipe|fs|timer|signal|queue)[a-z_]*|curl_easy_[a-z]+|getenv|unlink|mkdir)\('
for file in "${sources[@]}"; do
  case $file in tests/* | scenarios/*) continue ;; esac
  [[ $file =~ $io_allowed ]] && continue
  while IFS=: read -r line text; do
    allowed "$file" "$line" && continue
    complain "$file:$line: input or output in a pure module: ${text#"${text%%[![:space:]]*}"}"
  done < <(sed -E 's://.*$::; s:^ ?\*.*$::; s:"[^"]*":"":g' "$file" | grep -nE "(^|[^_a-zA-Z.>])$io_calls" || true)
done

# ---- functions that are not used here -----------------------------------------------------------
banned='sprintf|vsprintf|strcpy|strcat|strncpy|strncat|strtok|gets|atoi|atol|atoll|atof|rand|srand|random|alloca|system|popen|sleep|usleep|tmpnam|mktemp'
for file in "${sources[@]}"; do
  while IFS=: read -r line text; do
    allowed "$file" "$line" && continue
    complain "$file:$line: banned: ${text#"${text%%[![:space:]]*}"}"
  done < <(sed -E 's:"[^"]*":"":g; s:/\*.*\*/::g; s:^ \*.*$::' "$file" | grep -nE "(^|[^_a-zA-Z0-9.>])($banned)\(" || true)
done

# ---- lengths ------------------------------------------------------------------------------------
for file in "${sources[@]}"; do
  lines=$(wc -l <"$file")
  [ "$lines" -le 500 ] || complain "$file: $lines lines; at most 500"
  while IFS=: read -r line _; do
    complain "$file:$line: longer than 100 columns"
  done < <(LC_ALL=C.UTF-8 grep -nE '^.{101,}$' "$file" || true)
  awk -v file="$file" '
    /^\{/ { begin = NR }
    /^\}/ { if (begin && NR - begin - 1 > 70) printf "%s:%d: a function of %d lines; at most 70\n", file, begin, NR - begin - 1; begin = 0 }
  ' "$file" >>"${TMPDIR:-/tmp}/tidy.$$"
done
while read -r text; do complain "$text"; done <"${TMPDIR:-/tmp}/tidy.$$"
rm -f "${TMPDIR:-/tmp}/tidy.$$"

# ---- the first line of a file says its purpose; headers have guards ------------------------------
for file in "${sources[@]}"; do
  head -n 1 "$file" | grep -q '^/\*' || complain "$file:1: the file does not say its purpose"
done

# ---- unfinished marks, machine paths, the top folder ---------------------------------------------
while IFS=: read -r file line _; do
  complain "$file:$line: an unfinished mark"
done < <(git grep --untracked -nwE 'TODO|FIXME|XXX' -- '*.c' '*.h' '*.sh' ':!.ci/tidy.sh' || true)
while IFS=: read -r file line _; do
  complain "$file:$line: a path of one machine"
done < <(git grep -nE '(^|[^a-zA-Z])/(work|root|home)/[a-z]' -- . ':!.ci/tidy.sh' ':!tests/golden' || true)
for entry in $(git ls-files -co --exclude-standard | cut -d/ -f1 | sort -u); do
  case $entry in
    harness | faults | scenarios | fake-registry | tests | reports | docs | .*) ;;
    Makefile | README.md | CHANGELOG.md | CONTRIBUTING.md | LICENSE) ;;
    *) complain "$entry does not belong at the top" ;;
  esac
done

# ---- format -------------------------------------------------------------------------------------
if command -v clang-format >/dev/null; then
  clang-format --dry-run -Werror "${sources[@]}" 2>&1 | head -20 >"${TMPDIR:-/tmp}/format.$$" || true
  [ ! -s "${TMPDIR:-/tmp}/format.$$" ] || { cat "${TMPDIR:-/tmp}/format.$$" >&2; complain "make format"; }
  rm -f "${TMPDIR:-/tmp}/format.$$"
else
  complain "clang-format is missing; make deps"
fi
for script in $(git ls-files -co --exclude-standard '*.sh' .ci/run); do
  bash -n "$script" || complain "$script: syntax"
done

[ "$failures" = 0 ] || { echo "tidy: $failures complaints" >&2; exit 1; }
echo "tidy: ${#sources[@]} files, no complaints"
