/* The script of report.html, first half: the data, and the starts to choose from.
 * All it knows stands in two JSON elements, `journal` (journal.json) and `trace` (the columns
 * below; events_out.c writes them). Foreign text only ever becomes the text of a node. The second
 * half (waterfall.js) follows in the same script. */
"use strict";

/* Whatever goes wrong is shown, and left where a test finds it. */
const problem = (text) => {
  const box = document.getElementById("problem");
  document.documentElement.dataset.problem = text;
  if (box) {
    box.textContent = "The script of this page failed, so parts of it are missing: " + text;
    box.hidden = false;
  }
};
addEventListener("error", (e) => problem(e.message || "unknown"));
addEventListener("unhandledrejection", (e) => problem(String(e.reason)));
document.addEventListener("securitypolicyviolation", (e) =>
  problem("the page's policy refused " + e.violatedDirective));

/* ---- small things ------------------------------------------------------------------------- */

const $ = (id) => document.getElementById(id);
/* A node of TAG and class; strings become text nodes, null is left out. */
const el = (tag, cls, ...kids) => {
  const node = document.createElement(tag);
  if (cls) node.className = cls;
  for (const kid of kids) if (kid !== null && kid !== undefined) node.append(kid);
  return node;
};
const set = (node, attributes) => {
  for (const key in attributes) node.setAttribute(key, attributes[key]);
  return node;
};
const link = (hash, text, cls) => set(el("a", cls, text), { href: hash });
const SVG = "http://www.w3.org/2000/svg";
const glyph = (name) => {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  set(svg, { class: "glyph", "aria-hidden": "true" });
  use.setAttribute("href", "#g-" + name);
  svg.append(use);
  return svg;
};
const three = (x) => (x >= 100 ? x.toFixed(0) : x >= 10 ? x.toFixed(1) : x.toFixed(2))
  .replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
/* Microseconds in words; the units of the rest of the page. */
const time = (us) => us < 1000 ? us + "us" : us < 1e6 ? three(us / 1e3) + "ms"
  : us < 60e6 ? three(us / 1e6) + "s" : three(us / 60e6) + "m";
const size = (n) => n < 1024 ? n + "B" : n < 1048576 ? three(n / 1024) + "KiB"
  : n < 1073741824 ? three(n / 1048576) + "MiB" : three(n / 1073741824) + "GiB";
const many = (n, word) => n + " " + word + (n === 1 ? "" : "s");

/* ---- the data ----------------------------------------------------------------------------- */

/* Columns of a start's row. P, O, LABEL, SUBJECT, COMMAND, REASON, LAST are indexes of strings. */
const NUMBER = 0, P = 1, O = 2, BEGIN = 3, TOOK = 4, LANE = 5, BEGIN_EVENT = 6, END_EVENT = 7,
  LABEL = 8, SUBJECT = 9, COMMAND = 10, REASON = 11, LAST = 12, CANCELLED = 13;
/* Columns of an event's row; OP, TEXT, NAME, END are indexes of strings. N and T are differences
 * to the row before until `decode` has summed them up. */
const N = 0, T = 1, TYPE = 2, REGISTRY = 3, START = 4, E_LANE = 5, CONNECTION = 6, REQUEST = 7,
  OP = 8, TEXT = 9, NAME = 10, END = 11, STATUS = 12, BYTES = 13, FIRST = 14, DURATION = 15,
  FIRED = 16;
const TYPES = ["drill-begin", "phase-begin", "phase-end", "fault-armed", "fault-healed",
  "fault-decided", "connection-open", "connection-close", "request", "response", "start-begin",
  "start-end", "claim", "service", "probe", "action", "counter", "lag", "drill-end", "lookup"];
const OPEN = TYPES.indexOf("connection-open"), CLOSE = TYPES.indexOf("connection-close"),
  ASKED = TYPES.indexOf("request"), ANSWERED = TYPES.indexOf("response"),
  DECIDED = TYPES.indexOf("fault-decided"), LOOKUP = TYPES.indexOf("lookup");

const read = (id) => {
  const node = $(id);
  return node ? JSON.parse(node.textContent) : null;
};
const journal = read("journal");
const trace = read("trace");
const said = new Map();
for (const bad of journal ? journal["bad-starts"] : []) said.set(bad.start, bad);
const word = (row, column) => (row[column] ? trace.strings[row[column]] : null);
const at = (row, column) => row[column] || 0;

/* Makes N and T absolute, and lists each start's events. */
const decode = (events) => {
  const of = new Map();
  let n = 0, t = 0;
  for (const row of events) {
    row[N] = n += at(row, N);
    row[T] = t += at(row, T);
    const start = row[START];
    if (start) {
      const list = of.get(start);
      if (list) list.push(row);
      else of.set(start, [row]);
    }
  }
  return of;
};
const eventsOf = trace ? decode(trace.events) : new Map();
const findEvent = (n) => {
  let low = 0, high = trace.events.length - 1;
  while (low <= high) {
    const mid = (low + high) >> 1;
    if (trace.events[mid][N] === n) return mid;
    if (trace.events[mid][N] < n) low = mid + 1;
    else high = mid - 1;
  }
  return -1;
};
const startRows = new Map();
for (const row of trace ? trace.starts : []) startRows.set(row[NUMBER], row);
const stateOf = (row) => at(row, CANCELLED) ? "stopped" : word(row, O) || "did not end";
const isBad = (row) => row[P] && !at(row, CANCELLED) && stateOf(row) !== "worked";
const phaseOf = (row) => word(row, P) || "control";
const shapeOf = (row) => !row[P] ? "skipped" : isBad(row) ? "fail"
  : stateOf(row) === "worked" ? "pass" : "not-judged";
const registryOf = (row) => (row[REGISTRY] ? trace.registries[row[REGISTRY] - 1] : null);
const others = [];
/* The colours of the picture: the primary's is 0, the others follow. */
for (let i = 0; trace && i < trace.registries.length; i++) if (i !== trace.primary) others.push(i);
const colourOf = (row) => !row[REGISTRY] ? "" : "pic-r" + Math.min(15,
  row[REGISTRY] - 1 === trace.primary ? 0 : 1 + others.indexOf(row[REGISTRY] - 1));

/* ---- the list of starts ------------------------------------------------------------------- */

const LIST_ROWS = 100, FALL_ROWS = 200;
const view = { phase: "", outcome: "", number: "", page: 0, start: null, fall: 0, event: null };
const ordered = trace
  ? trace.starts.slice().sort((a, b) => isBad(b) - isBad(a) || a[NUMBER] - b[NUMBER]) : [];
let chosen = ordered;

const fits = (row) => (!view.phase || phaseOf(row) === view.phase) &&
  (!view.outcome || (view.outcome === "bad" ? isBad(row) : view.outcome === stateOf(row) ||
    view.outcome === word(row, LABEL))) &&
  (!view.number || String(row[NUMBER]).startsWith(view.number));
const choose = () => {
  chosen = ordered.filter(fits);
  view.page = 0;
  drawList();
  drawMap();
};
const button = (text, on, enabled) => {
  const b = set(el("button", null, text), { type: "button" });
  b.disabled = !enabled;
  b.addEventListener("click", on);
  return b;
};
/* "1 to 100 of 5000" with its two buttons; null where all fits one page. */
const pager = (page, per, total, what, go) => total <= per ? null : el("div", "pager",
  button("\u2190", () => go(page - 1), page > 0),
  el("span", null, `${page * per + 1} to ${Math.min(total, (page + 1) * per)} of ${total} ${what}`),
  button("\u2192", () => go(page + 1), (page + 1) * per < total));
const listRow = (row) => {
  const a = link("#start=" + row[NUMBER], null, "start-row");
  if (row[NUMBER] === view.start) a.setAttribute("aria-current", "true");
  a.append(el("span", "state is-" + shapeOf(row), glyph(shapeOf(row))),
    el("span", "n", String(row[NUMBER])), el("span", null, phaseOf(row)),
    el("span", null, stateOf(row) === "worked" ? word(row, LABEL) || "worked" : stateOf(row)),
    el("span", "n", time(at(row, TOOK))));
  return el("li", null, a);
};
/* Keeps its place and the focus, and brings the shown start into sight. */
const settleList = (list, before, focused) => {
  const now = list.querySelector("[aria-current]");
  list.scrollTop = before;
  if (!now) return;
  const top = now.offsetTop - list.offsetTop, bottom = top + now.offsetHeight;
  if (top < list.scrollTop) list.scrollTop = top;
  if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = bottom - list.clientHeight;
  if (focused) now.focus({ preventScroll: true });
};
const drawList = () => {
  const from = view.page * LIST_ROWS, box = $("start-list"), old = box.querySelector(".start-list");
  const before = old ? old.scrollTop : 0, focused = box.contains(document.activeElement);
  const list = el("ol", "start-list");
  for (const row of chosen.slice(from, from + LIST_ROWS)) list.append(listRow(row));
  box.replaceChildren(chosen.length ? list : el("p", "none", "No start fits."));
  settleList(list, before, focused);
  const p = pager(view.page, LIST_ROWS, chosen.length, "starts", (page) => {
    view.page = page;
    drawList();
  });
  if (p) $("start-list").append(p);
};

const picker = (name, key, options) => {
  const select = el("select");
  for (const [value, text] of options) select.append(set(el("option", null, text), { value }));
  select.addEventListener("change", () => {
    view[key] = select.value;
    choose();
  });
  return el("label", null, name, select);
};
const distinct = (of) => [...new Set(trace.starts.map(of))].filter((x) => x)
  .map((x) => [x, x]);
const filters = () => {
  const number = set(el("input"), { type: "search", inputmode: "numeric", size: "6" });
  number.addEventListener("input", () => {
    view.number = number.value.trim();
    choose();
  });
  return el("div", "filters",
    picker("phase ", "phase", [["", "all"], ...distinct(phaseOf)]),
    picker("outcome ", "outcome", [["", "all"], ["bad", "did not work"], ...distinct(stateOf),
      ...distinct((row) => word(row, LABEL)).filter(([x]) => x !== "failed" && x !== "none")]),
    el("label", null, "number ", number));
};

/* ---- the map: every start of a phase as a mark, lane by lane, for the mouse --------------- */

const map = { canvas: null, lanes: 1, end: 1, hits: [] };
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const registryColour = (i) => {
  const probe = el("i", "pic-r" + i);
  document.body.append(probe);
  const value = getComputedStyle(probe).getPropertyValue("--pic-c").trim();
  probe.remove();
  return value;
};
const drawMap = () => {
  const canvas = map.canvas;
  const width = canvas.clientWidth, height = canvas.clientHeight, ratio = devicePixelRatio || 1;
  if (!width) return;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const pen = canvas.getContext("2d");
  const end = Math.max(1, map.end), step = height / map.lanes, fit = new Set(chosen);
  const paint = { primary: registryColour(0), "fell back": registryColour(1),
    fail: colour("--fail"), other: colour("--muted") };
  pen.scale(ratio, ratio);
  map.hits = [];
  for (const row of trace.starts) {
    if (!row[P]) continue;
    const lane = Math.max(0, at(row, LANE) - 1), shape = shapeOf(row);
    const x = at(row, BEGIN) / end * width, w = Math.max(1.5, at(row, TOOK) / end * width - 1);
    const h = Math.max(1, step - 2);
    pen.globalAlpha = fit.has(row) ? 1 : 0.15;
    pen.fillStyle = shape === "fail" ? paint.fail : shape === "pass" && paint[word(row, LABEL)] ||
      paint.other;
    pen.fillRect(x, lane * step + 1, w, h);
    if (shape === "fail" && h > 4) pen.clearRect(x + 1.5, lane * step + 1 + h / 2 - 0.5, w - 3, 1);
    if (row[NUMBER] === view.start) {
      pen.strokeStyle = colour("--text");
      pen.lineWidth = 2;
      pen.strokeRect(x - 1, lane * step, w + 2, h + 2);
    }
    map.hits.push([x, lane * step, w, step, row]);
  }
};
const hit = (e) => {
  const box = map.canvas.getBoundingClientRect();
  const x = e.clientX - box.left, y = e.clientY - box.top;
  let best = null, least = 8;
  for (const [left, top, w, h, row] of map.hits) {
    const dx = Math.max(left - x, x - left - w, 0), dy = Math.max(top - y, y - top - h, 0);
    if (dx + dy < least) [best, least] = [row, dx + dy];
  }
  return best;
};
const makeMap = () => {
  map.canvas = set(el("canvas", "map"), { "aria-hidden": "true" });
  for (const row of trace.starts) {
    if (!row[P]) continue;
    map.lanes = Math.max(map.lanes, at(row, LANE));
    map.end = Math.max(map.end, at(row, BEGIN) + at(row, TOOK));
  }
  map.canvas.style.height = Math.max(20, Math.min(180, map.lanes * 12)) + "px";
  map.canvas.addEventListener("click", (e) => {
    const row = hit(e);
    if (row) location.hash = "start=" + row[NUMBER];
  });
  map.canvas.addEventListener("mousemove", (e) => {
    const row = hit(e);
    map.canvas.title = row ? `start ${row[NUMBER]}, ${phaseOf(row)}, ${stateOf(row)}` : "";
  });
  addEventListener("resize", drawMap);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawMap);
  return el("div", null, map.canvas, el("p", "map-words", "A mark is a start, a row is a lane: in " +
    "the primary\u2019s colour where it came from there, in the failover\u2019s where it fell back, " +
    "red with a bar through it where it did not work. Choose one here or in the list."));
};
