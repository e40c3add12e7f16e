// Figure 2, Perceptron. The picture is described in perceptron.py; view() says what a state looks
// like.
import { drag } from "./drag.js";
import { figure } from "./figure.js";
import { coordinate, short } from "./format.js";
import { mistakes, score, sgn, train } from "./maths/perceptron.js";
import { path, ring } from "./paths.js";

const CORNERS = [[0, 0], [1, 0], [0, 1], [1, 1]];
const NAMES = ["00", "10", "01", "11", "the fifth point"];
const PRESETS = { AND: "-1,-1,-1,1", OR: "-1,1,1,1", NOR: "1,-1,-1,-1", XOR: "-1,1,1,-1" };
const MOST = 48;
const ROWS = 5;
const [LOW, HIGH] = [-0.75, 1.75];
const SIZE = 290;
const at = ([a, b]) => [((a - LOW) / (HIGH - LOW)) * SIZE, ((HIGH - b) / (HIGH - LOW)) * SIZE];
const HISTORY = { x: (share) => (share / 1.1) * 306, y: (v) => ((1 - v) / 2) * SIZE };
const WEIGHTS = { a: "b", b: "w₁", c: "w₂" };

const vector = (w) => `(${w.map(short).join(", ")})`;
const signed = (v) => (v > 0 ? `+${short(v)}` : short(v));

function equation(w) {
  let text = w[0] ? short(w[0]) : "";
  ["x₁", "x₂"].forEach((name, j) => {
    const value = w[j + 1];
    if (!value) return;
    const size = Math.abs(value) === 1 ? "" : short(Math.abs(value));
    const sign = value < 0 ? "−" : text ? "+" : "";
    text += (text ? ` ${sign} ` : sign) + size + name;
  });
  return `${text} = 0`;
}

function examples({ targets, extra, place }) {
  return extra === "none" ? [CORNERS, targets] : [[...CORNERS, place], [...targets, Number(extra)]];
}

// The part of the picture where the score is not negative, and the line where it is 0.
function halfPlane(w) {
  const corners = [[LOW, LOW], [HIGH, LOW], [HIGH, HIGH], [LOW, HIGH]];
  const kept = [];
  const cuts = [];
  corners.forEach((end, k) => {
    const start = corners.at(k - 1);
    const [first, last] = [score(w, start), score(w, end)];
    if (first >= 0 !== last >= 0) {
      const share = first / (first - last);
      cuts.push(at(start.map((v, j) => v + share * (end[j] - v))));
      kept.push(cuts.at(-1));
    }
    if (last >= 0) kept.push(at(end));
  });
  return [path(kept) + (kept.length ? "Z" : ""), path(cuts)];
}

function arrow(w) {
  const size = Math.hypot(w[1], w[2]);
  if (!size) return "";
  // from the point of the line nearest to the middle of the four, towards the positive side
  const ahead = score(w, [0.5, 0.5]) / size ** 2;
  const [x, y] = at([0.5 - ahead * w[1], 0.5 - ahead * w[2]]);
  const [dx, dy] = [(34 * w[1]) / size, (-34 * w[2]) / size];
  const tip = [x + dx, y + dy];
  const barb = (s) => [tip[0] - 0.25 * dx + s * 0.18 * dy, tip[1] - 0.25 * dy - s * 0.18 * dx];
  return path([[x, y], tip, null, barb(1), tip, barb(-1)]);
}

function markPlane(marks, X, y, found, wrong) {
  const w = found.at(-1);
  const places = (sign) => X.filter((_, i) => y[i] === sign).map(at);
  const [side, line] = halfPlane(w);
  marks.side = { d: side };
  marks.line = { d: line };
  marks.before = { d: found.length > 1 ? halfPlane(found.at(-2))[1] : "" };
  marks.arrow = { d: arrow(w) };
  marks.plus = { d: places(1).map(([a, b]) => ring(a, b, 7)).join("") };
  marks.minus = { d: places(-1).map(([a, b]) => `M${coordinate(a - 6)} ${coordinate(b - 6)}h12v12h-12Z`).join("") };
  const [x5, y5] = X[4] ? at(X[4]) : [0, 0];
  marks.fifth = { x: coordinate(x5), y: coordinate(y5 + 26), text: X[4] ? "5th" : "" };
  const around = (i) => ring(...at(X[i]), 12);
  marks.wrong = { d: wrong.slice(1).map(around).join("") };
  marks.turn = { d: wrong.slice(0, 1).map(around).join("") };
}

function markHistory(marks, found, before) {
  let limit = 4;
  while (limit < Math.max(...found.flat().map(Math.abs))) limit *= 2;
  for (let k = 0; k < 5; k += 1) marks[`level-${k}`] = { text: short(((k - 2) * limit) / 2) };
  const last = found.length - 1;
  let span = 12;
  while (span < last) span *= 2;
  for (let k = 0; k < 5; k += 1) marks[`tick-${k}`] = { text: String((k * span) / 4) };
  const ends = Object.keys(WEIGHTS).map((key, j) => {
    const points = found.map((w, k) => [HISTORY.x(k / span), HISTORY.y(w[j] / limit)]);
    marks[`path-${key}`] = { d: path(points) };
    marks[`now-${key}`] = { d: ring(...points.at(-1), [3, 5, 7][j]) };
    return [key, points.at(-1)[1]];
  });
  let lowest = -99;
  for (const [key, end] of ends.sort((p, q) => p[1] - q[1])) {
    lowest = Math.max(lowest + 16, end);
    marks[`name-${key}`] = {
      x: coordinate(HISTORY.x(last / span) + 10),
      y: coordinate(lowest + 5),
      text: WEIGHTS[key],
    };
  }
  const upright = (k) => `M${coordinate(HISTORY.x(k / span))} 0V${coordinate(SIZE)}`;
  marks.circle = { d: before < 0 ? "" : upright(before) + upright(last) };
}

function rows(X, y, found) {
  const first = Math.max(1, found.length - ROWS);
  return Array.from({ length: ROWS }, (_, r) => {
    const k = first + r;
    let cells = Array(5).fill("–");
    if (k < found.length) {
      const w = found[k - 1];
      const [i] = mistakes(X, y, w);
      cells = [vector(w), i < 4 ? NAMES[i] : "fifth", short(score(w, X[i])), signed(y[i]), vector(found[k])];
    }
    return `<tr><th scope="row">${k}</th><td>${cells.join("</td><td>")}</td></tr>`;
  }).join("");
}

function sentence({ targets, extra, place }, X, y, found, wrong, before) {
  const w = found.at(-1);
  const done = found.length - 1;
  const known = Object.entries(PRESETS).find(([, t]) => t === String(targets));
  const where =
    w[1] || w[2] ? `the line is ${equation(w)}` : `no line, since the score is ${short(w[0])} everywhere`;
  const fifth = extra === "none" ? "" : ` and ${signed(y[4])} for the fifth point at ${vector(place)}`;
  const text =
    `${known?.[0] ?? "Your own"}: targets ${targets.map(signed).join(", ")} for 00, 10, 01, 11${fifth}. ` +
    `After ${done} ${done === 1 ? "update" : "updates"} w = ${vector(w)}; ${where}. `;
  if (!wrong.length) return `${text}No example is wrong: the algorithm has stopped.`;
  const [i] = wrong;
  return (
    `${text}Wrong: ${wrong.map((k) => NAMES[k]).join(", ")}. Next in turn is ${NAMES[i]}, with ` +
    `w·x = ${short(score(w, X[i]))} but y = ${signed(y[i])}.` +
    (before < 0
      ? ""
      : ` The same weights were there after ${before}: it goes round in a circle of ` +
        `${done - before} updates and never stops.`)
  );
}

function view(state) {
  const [X, y] = examples(state);
  const found = train(X, y, state.updates);
  const wrong = mistakes(X, y, found.at(-1));
  const before = found.slice(0, -1).findLastIndex((w) => w.every((v, j) => v === found.at(-1)[j]));
  const marks = { rows: { html: rows(X, y, found) } };
  markPlane(marks, X, y, found, wrong);
  markHistory(marks, found, before);
  const values = { updates: String(state.updates) };
  state.place.forEach((v, j) => {
    values[`place.${j}`] = short(v);
  });
  return { marks, values, disabled: [], sentence: sentence(state, X, y, found, wrong, before) };
}

// One update more, from what is really done; nothing where nothing is wrong.
function next(state) {
  const done = train(...examples(state), state.updates).length - 1;
  const more = train(...examples(state), done + 1).length - 1;
  return more > done && more <= MOST ? { updates: more } : null;
}

const actions = {
  next,
  run: (state, first) => next(state) ?? (first && state.updates ? { updates: 0 } : null),
  reset: () => ({ updates: 0 }),
};
CORNERS.forEach((_, i) => {
  actions[`flip${i}`] = ({ targets }) => ({ targets: targets.with(i, -targets[i]), updates: 0 });
});

// Other targets begin at the beginning; the fifth point follows the pointer.
function connect(root, { get, set, signal }) {
  for (const preset of root.querySelectorAll('[data-lm-trait="targets"]')) {
    preset.addEventListener("click", () => set("updates", 0), { signal });
  }
  drag(root.querySelector('[data-lm-plot="plane"]'), (x, y) => {
    if (get("extra") === "none") return;
    const quarter = (v) => Math.max(-2, Math.min(6, Math.round(v * 4))) / 4;
    const share = (v) => LOW + (v / SIZE) * (HIGH - LOW);
    set("place", [quarter(share(x)), quarter(HIGH + LOW - share(y))]);
  }, signal);
}

export default figure({ view, connect, actions, maths: { actions, mistakes, score, sgn, train } });
