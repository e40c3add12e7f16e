// Figure 12, GradientCheck. The picture is described in gradcheck.py; view() says what a state looks
// like, in the same words and numbers.
import { drag } from "./drag.js";
import { figure } from "./figure.js";
import { coordinate, number, power, short } from "./format.js";
import { FUNCTIONS, SCHEMES, exp } from "./maths/measure.js";
import { path, ring } from "./paths.js";

const LABELS = {
  chain: "loss of the chain",
  bowl: "bowl 1.5x² + y² + 2 at (1, 1)",
  kink: "1 + ReLU(z) at z = 10⁻⁴",
};
const CALLS = { forward: (p) => p + 1, central: (p) => 2 * p, complex: (p) => p };
const KEYS = { forward: "a", central: "b", complex: "c" };
// read from text, because powers are not rounded alike everywhere
const H = Array.from({ length: 61 }, (_, i) => Number(`${[1, 1.8, 3.2, 5.6][i % 4]}e-${16 - Math.floor(i / 4)}`));
const FLOOR = 1e-18;
const PLOT = {
  width: 294,
  height: 250,
  x: (i) => (i / 60) * 294,
  y: (error) => ((1 - Math.log10(Math.max(error, FLOOR))) / 20) * 250,
};

const decimals = (v) => `${v < 0 ? "−" : ""}${Math.abs(v).toFixed(7)}`;
const hText = (i) => (i % 4 ? number(H[i]) : power(i / 4 - 16));

function runOf({ target, w }) {
  const { f, grad, point } = FUNCTIONS[target];
  const theta = point ?? w;
  const exact = grad(theta);
  const measured = {};
  const errors = {};
  for (const [name, scheme] of Object.entries(SCHEMES)) {
    measured[name] = H.map((h) => scheme(f, theta, h));
    errors[name] = measured[name].map((slopes) => Math.max(...slopes.map((v, i) => Math.abs(v - exact[i]))));
  }
  return { theta, exact, measured, errors };
}

function view(state) {
  const { at, target } = state;
  const { theta, exact, measured, errors } = runOf(state);
  const marks = {
    here: { d: `M${coordinate(PLOT.x(at))} 0V${PLOT.height}` },
    exact: { text: `exactly ${decimals(exact[0])}` },
    h: { text: `h = ${hText(at)}` },
  };
  const best = {};
  for (const [name, key] of Object.entries(KEYS)) {
    const all = errors[name];
    best[name] = all.indexOf(Math.min(...all));
    marks[`line-${key}`] = { d: path(all.map((e, i) => [PLOT.x(i), PLOT.y(e)])) };
    marks[`point-${key}`] = { d: ring(PLOT.x(at), PLOT.y(all[at]), 5) };
    marks[`measured-${key}`] = { text: decimals(measured[name][at][0]) };
    marks[`error-${key}`] = { text: number(all[at]) };
    marks[`best-${key}`] = { text: number(all[best[name]]) };
    marks[`tip-${key}`] = { text: hText(best[name]) };
    marks[`calls-${key}`] = { text: String(CALLS[name](theta.length)) };
  }
  const values = { at: hText(at) };
  state.w.forEach((v, i) => {
    values[`w.${i}`] = short(v);
  });
  const chain = target === "chain";
  const said = (name) => `${name} ${number(errors[name][at])}`;
  const tip = (name) => `${name} ${number(errors[name][best[name]])} at h = ${hText(best[name])}`;
  return {
    marks,
    values,
    disabled: chain ? [] : ["w.0", "w.1", "w.2"],
    sentence:
      `Function: ${LABELS[target]}${chain ? ` with w = ${state.w.map(short).join(", ")}` : ""}. ` +
      `Largest error of its gradient measured with h = ${hText(at)}: ${Object.keys(KEYS).map(said).join(", ")}. ` +
      `Smallest error on this scale: ${Object.keys(KEYS).map(tip).join(", ")}.`,
  };
}

function connect(root, { set, signal }) {
  drag(root.querySelector('[data-lm-plot="error"]'), (x) => {
    set("at", Math.max(0, Math.min(60, Math.round((x / PLOT.width) * 60))));
  }, signal);
}

export default figure({ view, connect, maths: { FUNCTIONS, H, SCHEMES, exp } });
