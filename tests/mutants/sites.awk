# Finds the mutants of C files: prints a line for each, of fields parted by tabs:
#   FILE  KIND  NEVER-LOST (1: `lost` is never set either)  EDITS  NAME
# EDITS is LINE:COLUMN:LENGTH:TEXT, several parted by `;`. NAME is what tests/mutants/equivalent.txt
# calls it: no line numbers, so that it outlives changes elsewhere.
#
# Kinds: `pass` (a verdict that is not pass becomes one), `lost` (never lost for good), `bound` (off
# by one), `scope` (phase, subject, image or the control start do not matter).

# Blanks out comments and the insides of strings, so that what is found is code.
function mask(s,    out, i, c, two) {
  out = ""
  for (i = 1; i <= length(s); i++) {
    c = substr(s, i, 1)
    two = substr(s, i, 2)
    if (in_comment) {
      if (two == "*/") { in_comment = 0; out = out " "; i++ }
      out = out " "
    } else if (quote != "") {
      if (c == "\\") { out = out " "; i++ }
      else if (c == quote) { quote = "" }
      out = out " "
    } else if (two == "/*") {
      in_comment = 1; out = out "  "; i++
    } else if (c == "\"" || c == "'") {
      quote = c; out = out " "
    } else {
      out = out c
    }
  }
  return out
}

function trimmed(s) {
  gsub(/^[ \t]+|[ \t]+$/, "", s)
  return s
}

function emit(kind, never_lost, column, len, text,    name, was) {
  was = substr($0, column, len)
  name = FILENAME ": " (in_function == "" ? "" : in_function ": ") kind ": " trimmed($0) " [" was " -> " text "]"
  if (++same[name] > 1) { name = name " #" same[name] }
  printf "%s\t%s\t%d\t%d:%d:%d:%s\t%s\n", FILENAME, kind, never_lost, FNR, column, len, text, name
}

# Each match of PATTERN in CODE from its beginning on; returns the column of the next, 0 for none.
function find(pattern,    at) {
  if (!match(substr(code, from), pattern)) { return 0 }
  at = from + RSTART - 1
  from = at + RLENGTH
  return at
}

function verdicts(    at) {
  for (from = 1; (at = find("VERDICT_(FAIL|INCONCLUSIVE)"));) {
    emit("pass", 1, at, RLENGTH, "VERDICT_PASS")
    all = all (all == "" ? "" : ";") FNR ":" at ":" RLENGTH ":VERDICT_PASS"
  }
  for (from = 1; (at = find("check_result\\(c, verdict,"));) {
    emit("pass", 1, at, RLENGTH, "check_result(c, VERDICT_PASS,")
    all = all (all == "" ? "" : ";") FNR ":" at ":" RLENGTH ":check_result(c, VERDICT_PASS,"
  }
  for (from = 1; (at = find("c->lost = "));) {
    emit("lost", 0, at, RLENGTH, "never_lost = ")
    lost = 1
  }
}

# Not a decision: the bound of a `for` says how far to walk, that of a memory how much; a
# comparison that chooses between words is punctuation; the larger of two equal ones is either; no
# descriptor of ours is 0, which is standard input; that of a copied text is how much memory, too;
# EPSILON has moved numbers away from being equal, so it is turned round instead.
function is_decision(at,    rest, before) {
  rest = substr($0, at)
  before = substr($0, 1, at - 2)
  sub(/^.*[ (]/, "", before)
  split(rest, part, " ")
  sub(/[;,)]*$/, "", part[6])
  if (part[3] == "?" && part[5] == ":" && ((before == part[4] && part[2] == part[6]) ||
      (before == part[6] && part[2] == part[4]))) {
    return 0
  }
  if (rest ~ /^[<>]=? 0[^0-9]/ && before ~ /(^|[>.])(fd|lock|root)$/) { return 0 }
  return code !~ /memcpy\(.*strlen\(.* [+] 1\);/ && code !~ /^ *for \(|alloc\(|EPSILON/ && rest !~ /^[<>]=? [A-Za-z0-9_>.-]+ \? "/
}

function bounds(    at, was, at_number, number) {
  for (from = 1; (at = find(" [<>]=? "));) {
    was = substr(code, at + 1, RLENGTH - 2)
    if (is_decision(at + 1)) {
      emit("bound", 0, at + 1, length(was), was ~ /=/ ? substr(was, 1, 1) : was "=")
    }
    from--
  }
  for (from = 1; (at = find("[+] EPSILON"));) {
    emit("bound", 0, at, 1, "-")
  }
  for (from = 1; (at = find(" [+-] 1[^]0-9A-Za-z_.]"));) {
    if (is_decision(at)) { emit("bound", 0, at + 3, 1, "0") }
  }
  for (from = 1; (at = find(" / 10[^0-9A-Za-z_.]"));) {
    emit("bound", 0, at + 3, 2, "11")
  }
  for (from = 1; (at = find("\\.samples = [0-9]+"));) {
    at_number = at + 11
    number = substr(code, at_number, RLENGTH - 11)
    if (number > 1) {
      emit("bound", 0, at_number, RLENGTH - 11, number - 1)
      emit("bound", 0, at_number, RLENGTH - 11, number + 1)
    }
  }
  for (from = 1; (at = find("= 0\\.[0-9]+[,;]"));) {
    emit("bound", 0, at + 2, RLENGTH - 3, substr(code, at + 2, RLENGTH - 3) - 0.05)
  }
}

function scopes(    at, len, text) {
  for (from = 1; (at = find("c->(during|subject|image)"));) {
    len = RLENGTH
    if (substr(code, at - 1, 1) !~ /[&a-z_]/ && substr(code, at + len, 1) != "]" &&
        substr(code, at + len, 3) != " = ") {
      emit("scope", 0, at, len, "(-1)")
    }
  }
  for (from = 1; (at = find("[A-Za-z_][A-Za-z_0-9.>-]*(phase|subject|image) [=!]= "));) {
    text = substr(code, at, RLENGTH)
    emit("scope", 0, at, RLENGTH, text ~ /!=/ ? "-9 == " : "-9 != ")
  }
  for (from = 1; (at = find("(check_covers|checks_outcome_counts|checks_route_counts)\\("));) {
    if (code ~ /^ /) { emit("scope", 0, at, RLENGTH, "!!(") }
  }
  for (from = 1; (at = find("[a-z]+->(crosses|control)"));) {
    if (substr(code, at + RLENGTH, 3) != " = ") { emit("scope", 0, at, RLENGTH, "false") }
  }
}

function end_file() {
  if (file != "" && all != "") {
    printf "%s\tpass\t1\t%s\t%s: pass: everything\n", file, all, file
  }
  all = ""
}

FNR == 1 {
  end_file()
  file = FILENAME
  in_comment = 0
  in_function = ""
}
{
  quote = ""
  code = mask($0)
  if (code ~ /^#/) { next }
  if (code ~ /^[A-Za-z].*\(/ && code !~ /;$/ && match(code, /[a-z_0-9]+\(/)) {
    in_function = substr(code, RSTART, RLENGTH - 1)
  } else if (code ~ /^}/) {
    in_function = ""
  }
  verdicts()
  bounds()
  scopes()
}
END { end_file() }
