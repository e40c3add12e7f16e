// Figure 7, GradientDescent. The picture is described in descent.py; view() says what a state looks
// like, in the same words and numbers.
import { drag } from "./drag.js";
import { figure } from "./figure.js";
import { counted, number, short, trimmed, value } from "./format.js";
import { optimiser } from "./maths/optimisers.js";
import { SURFACES, noiseSource } from "./maths/surfaces.js";
import { path, ring } from "./paths.js";

const LABELS = { sgd: "plain descent", momentum: "momentum", nesterov: "Nesterov", rmsprop: "RMSProp", adam: "Adam" };
const FAR = 1e12; // the walk ends where nothing can be seen any more

const axes = (width, height, [left, right], [low, high]) => ({
  width,
  height,
  x: (v) => ((v - left) / (right - left)) * width,
  y: (v) => ((high - v) / (high - low)) * height,
  back: (x, y) => [left + (x / width) * (right - left), high - (y / height) * (high - low)],
});
const PLACES = {
  bowl: { names: ["x", "y"], axes: axes(306, 216, [-1.7, 1.7], [-1.2, 1.2]), start: [[-1.6, 1.6], [-1.1, 1.1]], eta: [0.001, 1, 0.001] },
  two: { names: ["w", "b"], axes: axes(306, 216, [-4.1, 5.25], [-4.6, 2]), start: [[-4, 5], [-4.5, 1.9]], eta: [0.05, 10, 0.05] },
};
const HIGHER = [2.759, -1.378]; // the bottom of the higher valley
const CURVE = { width: 286, height: 216, y: (size) => ((4 - Math.log10(Math.max(size, 1e-99))) / 16) * 216 };

const clamp = (v, [low, high]) => Math.max(low, Math.min(high, v));
const startOf = ({ surface, start }) => start.map((v, i) => clamp(v, PLACES[surface].start[i]));

function walk(state) {
  const { f, grad } = SURFACES[state.surface];
  const step = optimiser(state.optimiser, state.eta);
  const draw = noiseSource();
  const points = [startOf(state)];
  for (let t = 0; t < state.steps; t += 1) {
    const now = points.at(-1);
    const slope = grad(now).map((g) => g + state.noise * draw());
    points.push(step(now, slope));
    if (Math.max(...points.at(-1).map(Math.abs)) > FAR) break;
  }
  return { points, heights: points.map(f), slope: Math.hypot(...grad(points.at(-1))) };
}

const said = (state, [a, b]) => {
  const names = PLACES[state.surface].names;
  return `${names[0]} = ${value(a)}, ${names[1]} = ${value(b)}`;
};

function verdict(state, { points, heights, slope }) {
  const end = heights.at(-1);
  if (state.surface === "bowl" && state.optimiser === "sgd" && !state.noise) {
    const factors = [3, 2].map((curvature) => 1 - curvature * state.eta);
    const words = `Each step multiplies x by 1 − 3η = ${trimmed(factors[0], 6)} and y by 1 − 2η = ${trimmed(factors[1], 6)}`;
    const largest = Math.max(...factors.map(Math.abs));
    if (Math.abs(largest - 1) < 1e-9) return `${words}: it comes no nearer.`;
    if (largest > 1) return `${words}: the walk diverges, since η is above 2/3.`;
    const half = Math.log(0.5) / Math.log(largest);
    return `${words}: the distance halves every ${half < 1 ? "step or sooner" : `${trimmed(half, 0)} steps`}.`;
  }
  if (!(end < 10 * heights[0] + 1)) return "The walk diverges.";
  if (slope > 1e-3) return `It still goes downhill: the gradient has length ${value(slope)}.`;
  if (end < 1e-3) return "The gradient is nearly 0: this is the lowest point.";
  const [w, b] = points.at(-1);
  const valley = Math.hypot(w - HIGHER[0], b - HIGHER[1]) < 0.3;
  return `The gradient is nearly 0 here, and this is ${valley ? "the higher valley" : "flat ground, not a valley"}.`;
}

function view(state) {
  const { names, axes: plot, start: limits, eta } = PLACES[state.surface];
  const run = walk(state);
  const { points, heights } = run;
  const { bottom } = SURFACES[state.surface];
  const start = startOf(state);
  const at = (p) => [plot.x(p[0]), plot.y(p[1])];
  const across = (t) => (t / state.steps) * CURVE.width;
  const marks = {
    path: { d: path(points.map(at)) },
    dots: { d: points.map((p) => ring(...at(p), 2)).join("") },
    start: { d: ring(...at(start), 6) },
    end: { d: ring(...at(points.at(-1)), 5) },
    curve: { d: path(heights.map((h, t) => [across(t), CURVE.y(h)])) },
    "curve-end": { d: ring(across(points.length - 1), CURVE.y(heights.at(-1)), 5) },
    "half-steps": { text: trimmed(state.steps / 2, 1) },
    "all-steps": { text: String(state.steps) },
    verdict: { text: verdict(state, run) },
  };
  for (const key of Object.keys(PLACES)) marks[`frame-${key}`] = { display: key === state.surface ? "inline" : "none" };
  [0, 1, 2, 3].forEach((t) => {
    const known = t < points.length;
    marks[`t-${t}`] = { text: String(t) };
    [0, 1].forEach((i) => {
      marks[`p${i}-${t}`] = { text: known ? value(points[t][i]) : "–" };
    });
    marks[`f-${t}`] = { text: known ? value(heights[t] + bottom) : "–" };
  });
  const last = points.length - 1;
  marks["t-end"] = { text: String(last) };
  [0, 1].forEach((i) => {
    marks[`head-${i}`] = { text: names[i] };
    marks[`p${i}-end`] = { text: value(points[last][i]) };
  });
  marks["f-end"] = { text: value(heights[last] + bottom) };
  const surface = state.surface === "bowl" ? "bowl" : "surface with two valleys";
  const noise = state.noise ? `, noise ${short(state.noise)}` : "";
  return {
    marks,
    values: {
      eta: trimmed(state.eta, 6),
      steps: String(state.steps),
      noise: short(state.noise),
      "start.0": short(start[0]),
      "start.1": short(start[1]),
    },
    disabled: [],
    limits: {
      eta,
      "start.0": [...limits[0], 0.05],
      "start.1": [...limits[1], 0.05],
    },
    sentence:
      `On the ${surface}, ${LABELS[state.optimiser]} with η = ${trimmed(state.eta, 6)}${noise} from ${said(state, start)}, ` +
      `f = ${value(heights[0] + bottom)}: after ${counted(last, "step")} at ${said(state, points[last])}, ` +
      `f = ${value(heights[last] + bottom)}, ${number(Math.max(0, heights[last]) < 1e-12 ? 0 : heights[last])} above the lowest value. ` +
      `${marks.verdict.text}`,
  };
}

// The start follows the pointer in the contour picture, in the steps of its sliders.
function connect(root, { get, set, signal }) {
  drag(root.querySelector('[data-lm-plot="contour"]'), (x, y) => {
    const { axes: plot, start } = PLACES[get("surface")];
    set("start", plot.back(x, y).map((v, i) => clamp(Math.round(v * 20) / 20, start[i])));
  }, signal);
}

export default figure({ view, connect, maths: { SURFACES, noiseSource, optimiser } });
