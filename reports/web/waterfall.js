/* The script of report.html, second half: the waterfall of one start, events by number, the address,
 * copy and print. */

/* ---- the waterfall of one start ----------------------------------------------------------- */

/* Requests of a start with what belongs to them, and the moment it fell back, in order. */
const story = (events) => {
  const rows = [], asked = new Map(), open = new Map(), times = new Map();
  let primary = null, fell = null;
  const touch = (ev) => {
    if (ev[REGISTRY] - 1 === trace.primary) primary = primary === null ? ev[T] : primary;
    else if (ev[REGISTRY] && primary !== null && fell === null) {
      fell = ev[T];
      rows.push({ kind: "fell", ev, from: primary });
    }
  };
  for (const ev of events) {
    if (ev[TYPE] === OPEN) {
      touch(ev);
      const row = { kind: "connection", ev, requests: 0 };
      open.set(ev[CONNECTION], row);
      rows.push(row);
    } else if (ev[TYPE] === CLOSE && open.has(ev[CONNECTION])) {
      open.get(ev[CONNECTION]).close = ev;
    } else if (ev[TYPE] === ASKED) {
      touch(ev);
      const key = [ev[REGISTRY], ev[OP], ev[TEXT]].join(" ");
      const nth = (times.get(key) || 0) + 1;
      times.set(key, nth);
      const row = { kind: "request", ev, nth, faults: [] };
      if (open.has(ev[CONNECTION])) open.get(ev[CONNECTION]).requests++;
      asked.set(ev[REQUEST], row);
      rows.push(row);
    } else if (ev[TYPE] === ANSWERED && asked.has(ev[REQUEST])) {
      asked.get(ev[REQUEST]).answer = ev;
    } else if (ev[TYPE] === LOOKUP) {
      rows.push({ kind: "lookup", ev });
    } else if (ev[TYPE] === DECIDED && at(ev, FIRED)) {
      const row = asked.get(ev[REQUEST]);
      if (row && ev[REQUEST]) row.faults.push(ev);
      else rows.push({ kind: "fault", ev });
    }
  }
  return rows;
};

const shortPath = (path) => {
  const last = (path || "").split("?")[0].split("/").filter((x) => x).pop() || path || "";
  return last.replace(/^(sha(?:256|512):[0-9a-f]{8})[0-9a-f]+$/, "$1\u2026");
};
const bar = (cls, from, to, scale) => {
  const node = el("i", "bar " + cls);
  const left = Math.max(0, Math.min(100, (from - scale.from) / scale.span * 100));
  const right = Math.max(left, Math.min(100, (to - scale.from) / scale.span * 100));
  node.style.left = left + "%";
  node.style.width = Math.max(0.15, right - left) + "%";
  return node;
};
const cell = (cls, ...kids) => set(el("div", cls, ...kids), { role: "cell" });
const line = (cls, ev, ...cells) => {
  const node = set(el("div", "fall-row " + cls, ...cells), { role: "row", "data-event": ev[N] });
  return node;
};
const number = (ev) => link("#start=" + view.start + "&event=" + ev[N], String(ev[N]), "event");

const connectionRow = (row, scale) => {
  const how = row.close ? word(row.close, TEXT) || "closed" : "still open at the end";
  const fault = row.close ? word(row.close, NAME) : null;
  return line("of-connection " + colourOf(row.ev), row.ev,
    cell("c-event", number(row.ev)),
    cell("c-what", el("span", "registry", registryOf(row.ev)), " connection ",
      String(at(row.ev, CONNECTION))),
    cell("c-end", many(row.requests, "request"), ", ", how,
      fault ? el("span", "fault-tag", fault) : null),
    cell("c-bytes n", row.close ? size(at(row.close, BYTES)) : ""),
    cell("c-bar", bar("thin", row.ev[T], row.close ? row.close[T] : scale.to, scale)));
};
const answerWords = (answer) => {
  if (!answer) return el("span", "bad", "no answer");
  const status = at(answer, STATUS), end = word(answer, END) || "";
  const text = el("span", status >= 400 || !status ? "bad" : null,
    status ? String(status) : "no head");
  return el("span", null, text, end && end !== "whole" ? el("span", "bad", " " + end) : null);
};
const requestBars = (row, scale) => {
  const from = row.ev[T], a = row.answer;
  if (!a) return [bar("nothing", from, scale.to, scale), el("b", "nothing-word", "nothing received")];
  const to = from + at(a, DURATION), first = at(a, FIRST);
  if (!at(a, BYTES)) return [bar("nothing", from, to, scale), el("b", "nothing-word", "nothing received")];
  if (!first) return [bar("wait", from, to, scale)];
  return [bar("wait", from, from + first, scale), bar("flow", from + first, to, scale)];
};
const requestRow = (row, scale) => {
  const a = row.answer;
  const tags = row.faults.map((f) => set(el("span", "fault-tag", word(f, NAME)),
    { title: word(f, TEXT) || "" }));
  const timing = a ? (at(a, FIRST) ? `first byte ${time(at(a, FIRST))}, ` : "") +
    `end ${time(at(a, DURATION))}` : "";
  return line("of-request " + colourOf(row.ev), row.ev,
    cell("c-event", number(row.ev)),
    cell("c-what", el("span", "registry", registryOf(row.ev)), " ", word(row.ev, OP) || "", " ",
      set(el("code", null, shortPath(word(row.ev, TEXT))), { title: word(row.ev, TEXT) || "" }),
      row.nth > 1 ? el("span", "retry-tag", "retry " + (row.nth - 1)) : null),
    cell("c-end", answerWords(a), ...tags),
    cell("c-bytes n", a ? size(at(a, BYTES)) : ""),
    set(cell("c-bar", ...requestBars(row, scale)), { title: timing, "aria-label": timing }));
};
const fellRow = (row, scale) => line("of-fall-back", row.ev,
  cell("c-event", number(row.ev)),
  cell("c-what", el("strong", null, "falls back to " + registryOf(row.ev))),
  cell("c-end", time(row.ev[T] - row.from) + " after it first asked the primary"),
  cell("c-bytes"),
  cell("c-bar", bar("moment", row.ev[T], row.ev[T], scale)));
const faultRow = (row, scale) => line("of-fault " + colourOf(row.ev), row.ev,
  cell("c-event", number(row.ev)),
  cell("c-what", el("span", "fault-tag", word(row.ev, NAME))),
  cell("c-end", word(row.ev, TEXT) || ""), cell("c-bytes"),
  cell("c-bar", bar("moment", row.ev[T], row.ev[T], scale)));
const lookupRow = (row, scale) => line("of-connection " + (row.ev[REGISTRY] ? colourOf(row.ev) : ""),
  row.ev,
  cell("c-event", number(row.ev)),
  cell("c-what", el("span", "registry", row.ev[REGISTRY] ? registryOf(row.ev) : "nobody's"),
    " looks up ", el("code", null, word(row.ev, TEXT) || "")),
  cell("c-end", word(row.ev, END) || "",
    word(row.ev, NAME) ? el("span", "fault-tag", word(row.ev, NAME)) : null),
  cell("c-bytes"),
  cell("c-bar", bar("thin", row.ev[T] - at(row.ev, DURATION), row.ev[T], scale)));
const drawRow = { connection: connectionRow, request: requestRow, fell: fellRow, fault: faultRow,
  lookup: lookupRow };

const axis = (scale) => {
  const node = cell("c-bar axis");
  for (let i = 0; i <= 3; i++) {
    const tick = el("span", i === 3 ? "tick last" : "tick", time(Math.round(scale.span * i / 3)));
    tick.style.left = i * 100 / 3 + "%";
    node.append(tick);
  }
  return node;
};
const header = (name, cls) => set(el("div", cls, name), { role: "columnheader" });
const drawFall = (row) => {
  const events = eventsOf.get(row[NUMBER]) || [];
  const rows = story(events);
  const to = Math.max(at(row, BEGIN) + at(row, TOOK), events.length ? events[events.length - 1][T] : 0);
  const scale = { from: at(row, BEGIN), to, span: Math.max(1, to - at(row, BEGIN)) };
  if (!rows.length) return [el("p", "none", "No registry saw anything of this start.")];
  const at0 = rows.findIndex((r) => view.event !== null &&
    [r.ev, r.answer, r.close, ...(r.faults || [])].some((ev) => ev && ev[N] === view.event));
  if (at0 >= 0 && view.follow) view.fall = Math.floor(at0 / FALL_ROWS);
  const table = set(el("div", "fall"), { role: "table", "aria-label": "Waterfall of start " + row[NUMBER] });
  table.append(set(el("div", "fall-row fall-head", header("event", "c-event"), header("what", "c-what"),
    header("how it ended", "c-end"), header("bytes", "c-bytes n"), axis(scale)), { role: "row" }));
  rows.slice(view.fall * FALL_ROWS, (view.fall + 1) * FALL_ROWS).forEach((r, i) => {
    const node = drawRow[r.kind](r, scale);
    if (view.fall * FALL_ROWS + i === at0) node.classList.add("cited");
    table.append(node);
  });
  return [table, pager(view.fall, FALL_ROWS, rows.length, "rows", (page) => {
    view.fall = page;
    view.follow = false;
    drawStart();
  })];
};

const term = (list, name, value) => {
  if (value) list.append(el("dt", null, name), el("dd", null, value));
};
const eventSpan = (row) => el("span", "cites", "events ",
  link("#start=" + row[NUMBER] + "&event=" + at(row, BEGIN_EVENT), String(at(row, BEGIN_EVENT)), "event"),
  at(row, END_EVENT) ? " to " : null,
  at(row, END_EVENT) ? link("#start=" + row[NUMBER] + "&event=" + row[END_EVENT],
    String(row[END_EVENT]), "event") : null);
const drawStart = () => {
  const row = startRows.get(view.start), box = $("start-shown");
  if (!row) {
    box.replaceChildren(el("p", "none", view.start === null ? "Choose a start."
      : "There is no start " + view.start + " in this drill."));
    return;
  }
  const bad = said.get(view.start), facts = el("dl", "facts-of");
  const head = el("h3", null, el("span", "state is-" + shapeOf(row), glyph(shapeOf(row))),
    `${row[P] ? "Start" : "Control start"} ${row[NUMBER]} ${stateOf(row)}`,
    el("span", "tally", [phaseOf(row), word(row, SUBJECT), "lane " + at(row, LANE),
      word(row, LABEL), time(at(row, TOOK))].filter((x) => x).join(" \u00b7 ")));
  const output = "starts/" + row[NUMBER] + ".txt";
  term(facts, "reason", word(row, REASON));
  term(facts, "did last", word(row, LAST) || (bad && bad.last));
  term(facts, "last words", bad && bad.said);
  term(facts, "command", word(row, COMMAND) && el("code", null, word(row, COMMAND)));
  term(facts, "output", link(output, output));
  term(facts, "in history", eventSpan(row));
  box.replaceChildren(...[head, facts, ...drawFall(row)].filter((x) => x));
  box.dataset.start = row[NUMBER];
};

/* ---- one event ---------------------------------------------------------------------------- */

const nameOf = { "phase-begin": "phase", "phase-end": "phase", "probe": "probe",
  "action": "action", "start-begin": "subject", "start-end": "subject", "response": "faults",
  "lookup": "faults" };
const textOf = { "request": "path", "connection-close": "how", "fault-decided": "actions",
  "start-end": "reason", "probe": "detail", "action": "detail", "phase-end": "reason",
  "lookup": "name" };
const eventFacts = (ev) => {
  const list = el("dl"), type = TYPES[at(ev, TYPE)] || "unknown";
  const start = at(ev, START);
  term(list, "time", time(ev[T]));
  term(list, "registry", registryOf(ev));
  term(list, "start", start ? link("#start=" + start, "start " + start) : null);
  term(list, "lane", at(ev, E_LANE) && String(ev[E_LANE]));
  term(list, "connection", at(ev, CONNECTION) && String(ev[CONNECTION]));
  term(list, "request", at(ev, REQUEST) && String(ev[REQUEST]));
  term(list, "operation", word(ev, OP));
  term(list, nameOf[type] || "fault", word(ev, NAME));
  term(list, textOf[type] || "detail", word(ev, TEXT));
  term(list, ev[TYPE] === LOOKUP ? "answer" : "ended", word(ev, END));
  term(list, "status", at(ev, STATUS) && String(ev[STATUS]));
  if (ev[TYPE] === ANSWERED || ev[TYPE] === CLOSE) term(list, "delivered", size(at(ev, BYTES)));
  term(list, "first byte", at(ev, FIRST) && "after " + time(ev[FIRST]));
  term(list, "duration", at(ev, DURATION) && time(ev[DURATION]));
  if (ev[TYPE] === DECIDED) term(list, "acted", at(ev, FIRED) ? "yes" : "no");
  return list;
};
const unknownEvent = (n) => el("p", null, "Event " + n + " is not in this page: the whole " +
  "history is in history.jsonl beside it.");
const hashWith = (event) => "#" + [view.start !== null ? "start=" + view.start : "",
  event !== null ? "event=" + event : ""].filter((x) => x).join("&");
const drawEvent = () => {
  const box = $("event");
  box.hidden = view.event === null;
  if (view.event === null) return;
  const index = trace ? findEvent(view.event) : -1;
  const ev = index >= 0 ? trace.events[index] : null;
  const step = (by, text) => {
    const other = ev && trace.events[index + by];
    return other ? link("#event=" + other[N], text, "step") : el("span", "step", text);
  };
  const shut = button("Close", () => { goTo(hashWith(null)); }, true);
  box.replaceChildren(el("div", "event-head", el("h2", null, "Event " + view.event,
    ev ? el("span", "tally", TYPES[at(ev, TYPE)] || "") : null),
  step(-1, "\u2190 before"), step(1, "next \u2192"), shut),
  ev ? eventFacts(ev) : unknownEvent(view.event));
  box.dataset.event = view.event;
};

/* ---- the address says what is shown ------------------------------------------------------- */

const asked = (name) => {
  const found = new RegExp("(?:^#|&)" + name + "=(\\d{1,15})(?:&|$)").exec(location.hash);
  return found ? Number(found[1]) : null;
};
/* What a reader wants to see first: a start that did not work, else one that a lost check cites. */
const telling = () => {
  if (!ordered.length) return null;
  if (isBad(ordered[0])) return ordered[0][NUMBER];
  for (const check of journal.checks) {
    if (!check.judged || check.verdict === "pass") continue;
    for (const n of check.events) {
      const index = findEvent(n);
      if (index >= 0 && at(trace.events[index], START)) return trace.events[index][START];
    }
  }
  return ordered[0][NUMBER];
};
const follow = () => {
  const event = asked("event"), wanted = asked("start");
  let start = wanted;
  view.event = event;
  view.follow = true;
  if (trace) {
    const index = event !== null ? findEvent(event) : -1;
    if (start === null && index >= 0 && at(trace.events[index], START)) start = trace.events[index][START];
    if (start === null) start = view.start !== null ? view.start : telling();
    const place = start === view.start ? -1 : chosen.findIndex((row) => row[NUMBER] === start);
    if (start !== view.start) view.fall = 0;
    if (place >= 0) view.page = Math.floor(place / LIST_ROWS);
    view.start = start;
    drawList();
    drawStart();
    drawMap();
    const shown = $("start-shown").getBoundingClientRect();
    const inSight = shown.top < innerHeight * 0.8 && shown.bottom > 80;
    if (wanted !== null && event === null && !inSight) $("starts").scrollIntoView();
  }
  drawEvent();
};

/* Without scrolling, as a link to an empty fragment would. */
const goTo = (hash) => {
  history.pushState(null, "", location.href.split("#")[0] + (hash === "#" ? "" : hash));
  follow();
};

/* ---- copy, print -------------------------------------------------------------------------- */

const copy = () => {
  const command = $("command");
  if (!command) return;
  const b = button("Copy", () => {
    getSelection().selectAllChildren(command);
    const done = document.execCommand("copy");
    b.textContent = done ? "Copied" : "Selected";
  }, true);
  command.closest(".replay").append(b);
};
const unfolded = [];
addEventListener("beforeprint", () => {
  for (const node of document.querySelectorAll(".is-fail, .is-error, .is-inconclusive")) {
    if (node.localName !== "details" || node.open) continue;
    node.open = true;
    unfolded.push(node);
  }
});
addEventListener("afterprint", () => {
  for (const node of unfolded.splice(0)) node.open = false;
});
addEventListener("keydown", (e) => {
  if (e.key === "Escape" && view.event !== null) goTo(hashWith(null));
});

if (trace) {
  const box = $("waterfall");
  box.append(makeMap(), filters(), el("div", "two", set(el("div"), { id: "start-list" }),
    set(el("div"), { id: "start-shown", "aria-live": "polite" })));
  box.hidden = false;
  $("bad-starts").hidden = true;
}
copy();
addEventListener("hashchange", () => follow());
follow();
document.documentElement.dataset.ready = "yes";
