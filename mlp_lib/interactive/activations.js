// Figure 5, Activations. The picture is described in activations.py; view() says what a state
// looks like, in the same words and numbers.
import { drag } from "./drag.js";
import { figure } from "./figure.js";
import { coordinate, number, power, short } from "./format.js";
import { ACTIVATIONS } from "./maths/activations.js";
import { DEAD, REACH, deadIntervals } from "./maths/dead.js";
import { path, ring } from "./paths.js";

const CELL = 0.05;
const GRID = Array.from({ length: 241 }, (_, i) => (i - 120) * CELL);
const H = 1e-5;

const axes = (width, height, [left, right], [low, high]) => ({
  width,
  height,
  low,
  high,
  x: (v) => ((v - left) / (right - left)) * width,
  y: (v) => ((high - v) / (high - low)) * height,
});
const PLOTS = { f: axes(310, 214, [-6, 6], [-2, 3]), df: axes(304, 214, [-6, 6], [-0.25, 1.25]) };
const DEPTH = axes(294, 190, [0, 36], [-15, 9]);

const remembered = new Map();

function namedCurve(name, alpha) {
  const key = `${name} ${alpha}`;
  if (!remembered.has(key)) {
    const known = ACTIVATIONS[name];
    const f = (z) => known.f(z, alpha);
    const df = (z) => known.df(z, alpha);
    remembered.set(key, {
      label: known.label,
      f,
      df,
      measured: (z) => (f(z + H) - f(z - H)) / (2 * H),
      jump: known.jump ?? {},
      grid: { f: GRID.map(f), df: GRID.map(df) },
      dead: deadIntervals(df),
    });
  }
  return remembered.get(key);
}

// The reader's own functions, known by their values on the grid.
function ownCurve(own) {
  const between = (values) => (z) => {
    const place = Math.max(0, Math.min(values.length - 1, (z - GRID[0]) / CELL));
    const i = Math.min(Math.floor(place + 1e-9), values.length - 2);
    const share = Math.max(0, place - i);
    return values[i] + (share < 1e-9 ? 0 : share * (values[i + 1] - values[i]));
  };
  const df = between(own.df);
  return {
    label: "yours",
    f: between(own.f),
    df,
    measured: between(own.measured),
    jump: {},
    grid: { f: own.f, df: own.df },
    dead: deadIntervals(df),
  };
}

function firstDifference(own, right) {
  for (const which of ["f", "df"]) {
    const i = GRID.findIndex((_, k) => {
      const expected = right.grid[which][k];
      return !(Math.abs(own.grid[which][k] - expected) <= 1e-6 * Math.max(1, Math.abs(expected)));
    });
    if (i >= 0) return { which, z: GRID[i], got: own.grid[which][i], expected: right.grid[which][i] };
  }
  return null;
}

function deadText({ dead, df }) {
  const sign = (at, strict, loose) => (at === 0 && Math.abs(df(0)) < DEAD ? loose : strict);
  const parts = dead.map(([low, high]) => {
    if (low === -REACH && high === REACH) return "everywhere";
    if (low === -REACH) return `z\u00a0${sign(high, "<", "≤")}\u00a0${short(high)}`;
    if (high === REACH) return `z\u00a0${sign(low, ">", "≥")}\u00a0${short(low)}`;
    return `${short(low)} < z < ${short(high)}`;
  });
  return parts.join(" or ") || "nowhere";
}

function line(plot, curve, which) {
  const points = [];
  GRID.forEach((z, i) => {
    if (i % 2) return; // steps of 0.1 are smooth at this size
    points.push([plot.x(z), plot.y(curve.grid[which][i])]);
    if (z === 0 && which in curve.jump) points.push(null, [plot.x(z), plot.y(curve.jump[which])]);
  });
  return path(points);
}

const text = (x, y, anchor, label) => ({ x: coordinate(x), y: coordinate(y), "text-anchor": anchor, text: label });

function label(plot, curve, which, second) {
  const room = 0.08 * (plot.high - plot.low);
  const values = curve.grid[which];
  const first = second ? 8 : 232;
  let i = first;
  const shown = (k) => plot.low + room <= values[k] && values[k] <= plot.high - room;
  while (i >= 8 && i <= 232 && !shown(i)) i += second ? 1 : -1;
  if (i < 8 || i > 232) i = first;
  const [x, y] = [plot.x(GRID[i]), plot.y(values[i])];
  return i === first
    ? text(x, which === "f" && !second ? y + 18 : y - 8, second ? "start" : "end", curve.label)
    : text(...(second ? [x + 10, y + 12, "start"] : [x - 10, y + 4, "end"]), curve.label);
}

const edges = (plot, { dead }) =>
  dead.map(([a, b]) => [plot.x(Math.max(a, -6)), plot.x(Math.min(b, 6))]).filter(([a, b]) => b > a);
const bands = (plot, curve) =>
  edges(plot, curve)
    .map(([a, b]) => `M${coordinate(a)} 0V${coordinate(plot.height)}H${coordinate(b)}V0Z`)
    .join("");
const strip = (plot, curve, y) =>
  edges(plot, curve)
    .map(([a, b]) => `M${coordinate(a)} ${coordinate(y)}H${coordinate(b)}`)
    .join("");

const tidy = (x) => (Math.abs(x) < 1e-9 ? 0 : x); // rounding noise of a difference quotient

function powerOf(factor, depth) {
  let product = 1;
  for (let k = 0; k < depth; k += 1) product *= factor;
  return product;
}

function logProduct(factor, depth) {
  if (!depth) return 0;
  return Math.max(-99, Math.min(99, depth * Math.log10(Math.abs(factor))));
}

function markCurve(marks, key, curve, z) {
  for (const [which, plot] of Object.entries(PLOTS)) {
    const name = (part) => `${part}-${which}-${key}`;
    const jumps = curve && which in curve.jump;
    marks[name("line")] = { d: curve ? line(plot, curve, which) : "" };
    marks[name("point")] = { d: curve ? ring(plot.x(z), plot.y(curve[which](z)), key === "a" ? 4.5 : 6.5) : "" };
    marks[name("label")] = curve ? label(plot, curve, which, key === "b") : { text: "" };
    marks[name("open")] = { d: jumps ? ring(plot.x(0), plot.y(curve.jump[which])) : "" };
    marks[name("shut")] = { d: jumps ? ring(plot.x(0), plot.y(curve[which](0))) : "" };
    marks[name("dead")] = { d: curve ? bands(plot, curve) : "" };
  }
  marks[`strip-${key}`] = { d: curve ? strip(PLOTS.df, curve, key === "a" ? 210 : 204) : "" };
  marks[`head-${key}`] = { text: curve ? curve.label : "–" };
  const cell = (name, content) => {
    marks[`${name}-${key}`] = { text: curve ? content() : "–" };
  };
  cell("f", () => number(curve.f(z)));
  cell("df", () => number(curve.df(z)));
  cell("measured", () => number(tidy(curve.measured(z))));
  cell("dead", () => deadText(curve));
  const end = (t) => [PLOTS.f.x(z + t), PLOTS.f.y(curve.f(z) + t * curve.df(z))];
  marks[`tangent-${key}`] = { d: curve ? path([end(-2), end(2)]) : "" };
}

function markProduct(marks, key, curve, other, { z, w, depth }) {
  if (!curve) {
    for (const part of ["product", "dots"]) marks[`${part}-${key}`] = { d: "" };
    marks[`label-product-${key}`] = { text: "" };
    marks[`power-${key}`] = { text: "–" };
    return;
  }
  const factor = w * curve.df(z);
  const points = Array.from({ length: depth + 1 }, (_, k) => [DEPTH.x(k), DEPTH.y(logProduct(factor, k))]);
  marks[`product-${key}`] = { d: path(points) };
  marks[`dots-${key}`] = { d: points.map(([x, y]) => ring(x, y, key === "a" ? 2 : 3.5)).join("") };
  let y = points[depth][1];
  if (other) {
    const theirs = DEPTH.y(logProduct(w * other.df(z), depth));
    const upper = y < theirs || (y === theirs && key === "a");
    if (Math.abs(y - theirs) < 16) y = (y + theirs) / 2 + (upper ? -8 : 8); // names move apart
    y = Math.max(upper ? 9 : 25, Math.min(DEPTH.height - (upper ? 25 : 9), y));
  }
  y = Math.max(9, Math.min(DEPTH.height - 9, y));
  marks[`label-product-${key}`] = text(DEPTH.x(depth) + 8, y + 4, "start", curve.label);
  marks[`power-${key}`] = { text: number(powerOf(factor, depth)) };
}

function sentence({ z, w, depth, compare }, first, second, wrong) {
  const both = second ? [first, second] : [first];
  const at = (c) => `${c.label} gives f = ${number(c.f(z))} with slope f′ = ${number(c.df(z))}`;
  const dies = (c) => `${c.label} ${deadText(c).replace(/^(?!.*where$)/, "for ")}`;
  const left = (c) => `${number(powerOf(w * c.df(z), depth))} for ${c.label}`;
  let said =
    `At z = ${short(z)}, ${both.map(at).join("; ")}. ` +
    `The gradient dies (|f′| below ${DEAD}): ${both.map(dies).join("; ")}. ` +
    `Through ${depth === 1 ? "1 layer" : `${depth} layers`} with w = ${short(w)} it is multiplied by ` +
    `${both.map(left).join(" and ")}.`;
  if (wrong) {
    said +=
      ` Yours first leaves ${first.label} at z = ${short(wrong.z)}: ` +
      `${wrong.which === "df" ? "f′" : "f"} = ${number(wrong.got)}, expected ${number(wrong.expected)}.`;
  } else if (second && compare === "own") {
    said += ` Yours agrees with ${first.label} everywhere in the picture.`;
  }
  return said;
}

function view(state) {
  const { activation, compare, alpha, z, w, depth, own } = state;
  const first = namedCurve(activation, alpha);
  let second = null;
  if (compare === "own") second = ownCurve(own);
  else if (compare !== "none" && compare !== activation) second = namedCurve(compare, alpha);
  const marks = {};
  markCurve(marks, "a", first, z);
  markCurve(marks, "b", second, z);
  markProduct(marks, "a", first, second, state);
  markProduct(marks, "b", second, first, state);
  const wrong = second && compare === "own" ? firstDifference(second, first) : null;
  for (const [which, plot] of Object.entries(PLOTS)) {
    marks[`guide-${which}`] = { d: `M${coordinate(plot.x(z))} 0V${coordinate(plot.height)}` };
    // at the edge where the point itself lies outside
    const inside = (at, size) => Math.max(9, Math.min(size - 9, at));
    const at = () => [inside(plot.x(wrong.z), plot.width), inside(plot.y(wrong.got), plot.height)];
    marks[`wrong-${which}`] = { d: wrong?.which === which ? ring(...at(), 8) : "" };
  }
  marks.at = { text: `z\u00a0=\u00a0${short(z)}` };
  marks["head-power"] = { text: `(w·f′)${power(depth).slice(2)}` };
  return {
    marks,
    values: { alpha: short(alpha), z: short(z), w: short(w), depth: String(depth) },
    disabled: [activation, compare].includes("leaky_relu") ? [] : ["alpha"],
    sentence: sentence(state, first, second, wrong),
  };
}

// The point follows the pointer in both pictures, in the steps of the slider.
function connect(root, { set, signal }) {
  for (const [which, plot] of Object.entries(PLOTS)) {
    const move = (x) => {
      const cells = Math.round(((x / plot.width) * 12 - 6) / CELL);
      set("z", Math.max(-120, Math.min(120, cells)) * CELL);
    };
    drag(root.querySelector(`[data-lm-plot="${which}"]`), move, signal);
  }
}

export default figure({ view, connect, maths: { ACTIVATIONS, deadIntervals } });
