// Figure 4, Losses. The picture is described in losses.py; view() says what a state looks like.
import { drag } from "./drag.js";
import { figure } from "./figure.js";
import { coordinate, number, short } from "./format.js";
import { bce, cce, each, gradBce, gradMse, likelihood, mse, nll, right } from "./maths/losses.js";
import { path, ring } from "./paths.js";

const KEYS = ["a", "b", "c"];
const PENALTIES = { width: 316, height: 206, x: (v) => v * 316, y: (v) => ((5 - v) / 5) * 206 };
const REACH = 0.15;
const LEFT = 26;
const WIDTH = 258;
const TRUE = [0, 1, 2, 0];
const REST = [[0, 0.5, 0.5], [2 / 3, 0, 1 / 3], [1 / 3, 2 / 3, 0], [0, 0.5, 0.5]];

const tidy = (x) => number(Math.abs(x) < 1e5 ? Number(x.toFixed(12)) : x);

function predictions(p) {
  const P = p.map((own, i) => REST[i].map((rest, k) => (k === TRUE[i] ? own : (1 - own) * rest)));
  return [P, TRUE.map((c) => KEYS.map((_, k) => Number(k === c)))];
}

function markPenalties(marks, { yhat, y }) {
  const p = y ? yhat : 1 - yhat;
  const found = { a: [bce([p], [1]), gradBce([p], [1])[0]], b: [mse([p], [1]), gradMse([p], [1])[0]] };
  const x = PENALTIES.x(p);
  marks.guide = { d: `M${coordinate(x)} 0V${coordinate(PENALTIES.height)}` };
  const texts = {};
  for (const [key, [value, slope]] of Object.entries(found)) {
    const end = (t) => [PENALTIES.x(p + t), PENALTIES.y(value + t * slope)];
    marks[`tangent-${key}`] = { d: path([end(-REACH), end(REACH)]) };
    marks[`point-${key}`] = { d: ring(x, Math.max(5, PENALTIES.y(value)), key === "a" ? 4.5 : 6.5) };
    texts[key] = `${key === "a" ? "−ln p" : "(1 − p)²"} = ${tidy(value)}, slope ${tidy(slope)}`;
    marks[`says-${key}`] = { text: texts[key] };
  }
  const two = [yhat, 1 - yhat];
  const targets = [y, 1 - y];
  targets.forEach((target, k) => {
    marks[`target-${k}`] = { text: short(target) };
    marks[`yhat-${k}`] = { text: short(two[k]) };
    marks[`term-${k}`] = { text: tidy(target ? cce([[two[k]]], [[1]]) : 0) };
  });
  const one = tidy(bce([yhat], [y]));
  const both = tidy(cce([two], [targets]));
  marks.cce = { text: both };
  marks.bce = { text: one };
  const clipped = p < 1e-12 ? " In the logarithm the code replaces 0 by 10⁻¹²." : "";
  return (
    `The model said ŷ = ${short(yhat)}, and y = ${y} came true, to which it gave p = ${short(p)}: ` +
    `${texts.a}; ${texts.b}.${clipped} BCE of one output is ${one}, CCE of two is ${both}.`
  );
}

function markLikelihood(marks, { p }) {
  const [P, Y] = predictions(p);
  const losses = each(P, Y);
  const hits = right(P, Y);
  P.forEach((row, i) => {
    let start = 0;
    row.forEach((share, k) => {
      const place = { x: coordinate(LEFT + start * WIDTH), width: coordinate(share * WIDTH) };
      marks[`bar-${i}-${KEYS[k]}`] = place;
      if (k === TRUE[i]) marks[`true-${i}`] = place;
      start += share;
    });
    const far = [P.slice(0, i + 1), Y.slice(0, i + 1)];
    marks[`p-${i}`] = { text: short(p[i]) };
    marks[`loss-${i}`] = { text: tidy(losses[i]) };
    marks[`product-${i}`] = { text: tidy(likelihood(...far)) };
    marks[`sum-${i}`] = { text: tidy(nll(...far)) };
    marks[`hit-${i}`] = { text: hits[i] ? "" : "✗" };
  });
  const all = likelihood(P, Y);
  const mean = tidy(cce(P, Y));
  const share = `${hits.filter(Boolean).length} of 4`;
  marks["bar-all"] = { width: coordinate(all * WIDTH) };
  marks.all = { text: tidy(all) };
  marks.mean = { text: mean };
  marks.accuracy = { text: share };
  return (
    `Four pictures with ${p.map(short).join(", ")} for the true class: likelihood ${tidy(all)}, ` +
    `minus its logarithm ${tidy(nll(P, Y))}, mean ${mean}; ${share} classified correctly.`
  );
}

function view(state) {
  const marks = {};
  const sentence = `${markPenalties(marks, state)} ${markLikelihood(marks, state)}`;
  const values = { yhat: short(state.yhat) };
  state.p.forEach((p, i) => {
    values[`p.${i}`] = short(p);
  });
  return { marks, values, disabled: [], sentence };
}

// The point follows the pointer, in the steps of the slider.
function connect(root, { get, set, signal }) {
  drag(root.querySelector('[data-lm-plot="p"]'), (x) => {
    const p = Math.round(Math.max(0, Math.min(1, x / PENALTIES.width)) * 100);
    set("yhat", (get("y") ? p : 100 - p) / 100);
  }, signal);
}

export default figure({ view, connect, maths: { bce, cce, each, gradBce, gradMse, likelihood, mse, nll, right } });
