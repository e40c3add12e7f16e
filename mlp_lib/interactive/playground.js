// Figure 13, Playground. The picture is described in playground.py; view() says what a state looks
// like, in the same words and numbers.
import { figure } from "./figure.js";
import { coordinate, counted, down, short, trimmed, up, value } from "./format.js";
import { ACTIVATIONS } from "./maths/activations.js";
import { DATA } from "./maths/datasets.js";
import { generator } from "./maths/random.js";
import { Training, proceed } from "./maths/training.js";
import { path } from "./paths.js";
import { graph, hits, inputNames } from "./playground_graph.js";
import { readLink, write } from "./playground_link.js";
import { MOST, USUAL, fits, live } from "./playground_live.js";
import { lookAt, runOf } from "./playground_look.js";
import { REACH } from "./playground_maps.js";

const OPTIMISERS = { sgd: "plain descent", momentum: "momentum", nesterov: "Nesterov", rmsprop: "RMSProp", adam: "Adam" };
const INITS = {
  xavier_normal: "Xavier normal",
  xavier_uniform: "Xavier uniform",
  he: "He",
  lecun: "LeCun",
  normal: "normal, size 1",
  zeros: "all zero",
};
const PENALTIES = { none: "none", l1: "L1", l2: "L2" };
const PACES = { epoch: "one epoch", update: "one update" };
const CURVE = { width: 292, height: 180 };
const SPREAD = { left: 34, top: 26, width: 304, height: 210 };
const [BINS, PLANE] = [24, 318];

const inPlane = ([x, y]) => [((x + REACH) / (2 * REACH)) * PLANE, ((REACH - y) / (2 * REACH)) * PLANE];
const percent = (part) => `${short(Math.floor(1000 * part + 0.5) / 10)} %`;

function roundUp(x) {
  if (!(x > 0 && x < Infinity)) return 1;
  const base = 10 ** Math.floor(Math.log10(x));
  return [1, 2, 5].map((step) => step * base).find((top) => top >= x) ?? 10 * base;
}

// The parameter at a place of θ, in words: w⁽¹⁾ x₁ → 2, b⁽¹⁾ 2.
function parameter({ layers }, at, features) {
  const k = layers.findIndex((layer) => at < layer.b + layer.k);
  const { k: m, W, b } = layers[k];
  if (at >= b) return `b${up(k + 1)} ${at - b + 1}`;
  const from = Math.floor((at - W) / m);
  return `w${up(k + 1)} ${k === 0 ? inputNames(features)[from] : from + 1} → ${((at - W) % m) + 1}`;
}

function unitName({ unit, features }, sizes) {
  if (unit < 1) return "the answer ŷ";
  let rest = unit - 1;
  const k = sizes.findIndex((n) => rest < n || ((rest -= n), false));
  return k === 0 ? inputNames(features)[rest] : `a${up(k)}${down(rest + 1)}`;
}

// What the colours of the large map mean; between its ends the opacity says how much.
function legendOf({ unit, discrete, activation }, sizes, classes) {
  let ends = classes ? ["● ŷ = 0", "ŷ = 1 ■"] : ["● ŷ ≥ 1", "ŷ ≤ −1 ■"];
  if (unit) {
    const before = sizes.slice(0, -1).reduce((sum, n) => sum + n, 0);
    const half = unit > before ? classes > 0 : unit > sizes[0] && activation === "sigmoid";
    ends = ["above", "below"].map((where) => `${where} ${half ? 0.5 : 0}`);
  } else if (classes > 2) {
    const names = [..."●■▲"].map((sign, k) => `<b class="lm-${"abc"[k]}">${sign} ${k}</b>`);
    return `${names.join("")}<span>the likeliest${discrete ? "" : "; pale: unsure"}</span>`;
  }
  const cut = discrete && !unit ? ' class="lm-cut"' : "";
  return `<span>${ends[0]}</span><i${cut}></i><span>${ends[1]}</span>`;
}

function pointsOf({ run, classes }, tests) {
  const marks = {};
  for (const part of ["train", "test"]) {
    const { points, t } = run[part];
    for (let c = 0; c < 3; c += 1) {
      const shape = c === 2 ? "m-3.5 2.5h7l-3.5-6z" : "h0";
      const shown = part === "train" || tests;
      const mine = points.filter((_, i) => shown && Number(classes ? t[i] : t[i] < 0) === c).map(inPlane);
      marks[`${part}-${c}`] = { d: mine.map(([x, y]) => `M${coordinate(x)} ${coordinate(y)}${shape}`).join("") };
    }
  }
  return marks;
}

function curveOf({ curve, t }) {
  const top = roundUp(Math.max(...curve.flatMap(([, ...losses]) => losses)));
  const end = Math.max(t, 1);
  const line = (i) => path(curve.map((entry) => [(entry[0] / end) * CURVE.width, (1 - entry[i] / top) * CURVE.height]));
  return {
    "curve-train": { d: line(1) },
    "curve-test": { d: line(2) },
    "curve-top": { text: trimmed(top, 6) },
    "curve-half": { text: trimmed(top / 2, 6) },
    "curve-end": { text: String(end) },
  };
}

// For every layer a histogram of |δ| by half decades, and the norm of its gradient.
function spreadOf({ sizes, norms }) {
  const pitch = SPREAD.height / sizes.length;
  return sizes.map((all, k) => {
    const counts = Array(BINS).fill(0);
    for (const size of all) {
      if (size) counts[Math.max(0, Math.min(BINS - 1, Math.floor((Math.log10(size) + 10) * 2)))] += 1;
    }
    const bottom = SPREAD.top + (k + 1) * pitch;
    const tallest = Math.max(...counts, 1);
    const across = (share) => SPREAD.left + SPREAD.width * share;
    const steps = counts.flatMap((count, i) => [0, 1].map((e) => [across((i + e) / BINS), bottom - (0.85 * pitch * count) / tallest]));
    let drawn = `<path class="lm-pile lm-a" d="${path([[SPREAD.left, bottom], ...steps, [across(1), bottom]])}Z"/>`;
    drawn += `<text x="12" y="${coordinate(bottom - 4)}">${k + 1}</text>`;
    if (norms[k] > 0) {
      const x = coordinate(across(Math.max(0, Math.min(1, (Math.log10(norms[k]) + 10) / 12))));
      drawn += `<circle class="lm-norm lm-b" fill="none" cx="${x}" cy="${coordinate(bottom - pitch / 2)}" r="5"/>`;
    }
    return drawn;
  }).join("");
}

const layersOf = ({ sizes, norms, dead }) =>
  sizes.map((all, k) => {
    const n = all.length;
    const middle = (all[Math.floor((n - 1) / 2)] + all[Math.floor(n / 2)]) / 2;
    const silent = k < dead.length ? `${dead[k].filter(Boolean).length} of ${dead[k].length}` : "–";
    const zero = all.findIndex((size) => size > 0);
    const cells = [value(norms[k]), value(middle), percent((zero < 0 ? n : zero) / n), silent];
    return `<tr><th scope="row">${k + 1}</th>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
  }).join("");

function verdictOf({ own, data, activation, seed, edits, until }, { t }) {
  if (!own.at) return "";
  const at = [t, data, activation, seed, edits.length, until.length];
  return own.at.join() === at.join() ? own.remark : "Your gradient: to be compared when the run rests.";
}

function sentenceOf(state, look, weight, own) {
  const { run, net, losses, norms, dead, theta } = look;
  const { label } = DATA[state.data];
  const right = look.right ? `, ${percent(look.right[0])} and ${percent(look.right[1])} right` : "";
  const start = state.start.length === theta.length ? "a start of your own" : `start ${INITS[state.init]}`;
  const edited = state.edits.length ? `, ${counted(state.edits.length, "edit")} by hand` : "";
  return (
    `${label[0].toUpperCase()}${label.slice(1)}, noise ${short(state.noise)}: ${run.train.m} examples for training, ` +
    `${run.test.m} for the test. Network ${net.sizes.join("-")} on ${inputNames(state.features).join(", ")} with ` +
    `${ACTIVATIONS[state.activation].label} units, ${start}, seed ${state.seed}. ` +
    `After ${counted(run.t, "update")} in ${counted(run.epoch, "epoch")}${edited}` +
    `${run.diverged ? ", where it diverges" : ""}: ` +
    `loss ${value(losses[0])} in training and ${value(losses[1])} in the test${right}. ` +
    `Norms of the gradient from layer 1 on: ${norms.map(value).join(", ")}; dead units: ${dead.flat().filter(Boolean).length} of ` +
    `${state.hidden.reduce((sum, n) => sum + n, 0)}. Training by ${OPTIMISERS[state.optimiser]} with learning ` +
    `rate ${trimmed(state.lr, 6)}, batches of ${state.batch}, penalty ${PENALTIES[state.penalty]} ` +
    `(rate ${trimmed(state.rate, 6)}), dropout ${short(state.dropout)}, ${PACES[state.pace]} a frame. ` +
    `Chosen: ${weight}. The large map shows ${unitName(state, net.sizes)} by ` +
    `${state.discrete ? "class" : "degree"}, ${state.tests ? "with" : "without"} test points.${own ? ` ${own}` : ""}`
  );
}

function view(given) {
  const look = lookAt(given);
  const { run, net, theta, gradient, losses, right } = look;
  const { sizes } = net;
  const units = sizes.reduce((sum, n) => sum + n, 0);
  const state = { ...given, unit: Math.min(given.unit, units) };
  const at = Math.min(state.chosen, theta.length) - 1;
  const name = parameter(net, at, state.features);
  const weight = `${name} = ${value(theta[at])}, slope of J along it ${value(gradient[at])}`;
  const own = verdictOf(state, run);
  const marks = {
    columns: { style: `--lm-columns:${sizes.length}` },
    graph: { html: graph(net, theta, at, state.unit, state.features, look.dead) },
    hits: { html: hits(sizes) },
    shown: { text: `the plane: ${unitName(state, sizes)}` },
    legend: { html: legendOf(state, sizes, look.classes) },
    weight: { text: weight },
    spread: { html: spreadOf(look) },
    layers: { html: layersOf(look) },
    own: { text: own },
    link: { href: write(given, USUAL) },
    ...pointsOf(look, state.tests),
    ...curveOf(run),
    update: { text: `${run.t}${run.diverged ? " (diverged)" : ""}` },
    epoch: { text: String(run.epoch) },
  };
  ["train", "test"].forEach((part, i) => {
    marks[`loss-${part}`] = { text: value(losses[i]) };
    marks[`right-${part}`] = { text: right ? percent(right[i]) : "–" };
    marks[`many-${part}`] = { text: String(run[part].m) };
  });
  for (let k = 0; k < 6; k += 1) {
    marks[`column-${k}`] = { class: `lm-column${k < state.hidden.length ? "" : " lm-none"}` };
    marks[`count-${k}`] = { text: String(state.hidden[k] ?? "") };
  }
  return {
    marks,
    values: {
      noise: short(state.noise),
      share: short(state.share),
      seed: String(state.seed),
      dropout: short(state.dropout),
      chosen: name,
      unit: unitName(state, sizes),
    },
    disabled: [],
    limits: { chosen: [1, theta.length, 1], unit: [0, units, 1] },
    sentence: sentenceOf(state, look, weight, own),
  };
}

// One update or epoch further; null at the end of the run.
function further(state) {
  const run = runOf(state);
  if (run.diverged || state.steps >= MOST) return null;
  const more = state.pace === "epoch" ? Math.ceil(run.train.m / state.batch) : 1;
  return { steps: Math.min(MOST, state.steps + more) };
}

const actions = {
  run: further,
  step: further,
  reset: () => ({ steps: 0, until: [], edits: [] }),
  more: ({ hidden }) => (hidden.length < 6 ? { hidden: [...hidden, 2] } : null),
  fewer: ({ hidden }) => (hidden.length ? { hidden: hidden.slice(0, -1) } : null),
};
for (let k = 0; k < 6; k += 1) {
  const change = (by) => ({ hidden }) => {
    const n = (hidden[k] ?? 0) + by;
    return n >= 1 && n <= 8 ? { hidden: hidden.with(k, n) } : null;
  };
  actions[`plus${k}`] = change(1);
  actions[`minus${k}`] = change(-1);
}

const maths = { Training, USUAL, fits, generator, proceed, readLink };
export default live(figure({ view, actions, maths }));
