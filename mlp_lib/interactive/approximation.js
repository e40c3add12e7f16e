// Figure 14, Approximation. The picture is described in approximation.py; view() says what
// a state looks like, in the same words and numbers.
import { figure } from "./figure.js";
import { coordinate, counted, number, short, trimmed } from "./format.js";
import { loss, POINTS, predict, start, straight, TARGETS, update } from "./maths/fit1d.js";
import { PLAIN } from "./maths/plain.js";
import { path, ring } from "./paths.js";

const LABELS = { absolute: "|x|", square: "x²", sine: "sin x", step: "step" };
const [MOST, FAR, STRIDE] = [20000, 1e6, 250];
const PLOT = { height: 230, x: (v) => ((v + 1) / 2) * 310, y: (v) => ((2.2 - v) / 4.4) * 230 };
const LOSS = { width: 294, height: 230, y: (v) => ((1 - Math.max(-99, Math.min(99, Math.log10(v)))) / 7) * 230 };
const across = (t) => (Math.log10(Math.max(1, t)) / Math.log10(MOST)) * LOSS.width;
const GRID = Array.from({ length: 101 }, (_, i) => (i - 50) / 50);
const STOPS = [...new Set([0, ...Array.from({ length: 141 }, (_, k) => Math.round(10 ** ((k * Math.log10(MOST)) / 140)))])];

// The run that is shown is kept, with a copy of the network every so many steps, so that going on
// costs the new steps only, and going back at most STRIDE of them.
let [kept, run] = ["", null];

function trained({ target, activation, units, rate, seed, steps }) {
  const key = [target, activation, units, rate, seed].join();
  if (key !== kept) {
    const { x, ...net } = start(units, seed);
    [kept, run] = [key, { x, y: x.map(TARGETS[target]), net, t: 0, losses: [], copies: [], end: MOST }];
  }
  const { x, y, losses, copies } = run;
  const unit = PLAIN[activation];
  const before = Math.min(copies.length - 1, Math.floor(steps / STRIDE));
  if (copies.length && (steps < run.t || run.t < before * STRIDE)) {
    [run.net, run.t] = [structuredClone(copies[before]), before * STRIDE];
  }
  for (;;) {
    if (run.t % STRIDE === 0) copies[run.t / STRIDE] ??= structuredClone(run.net);
    if (run.t >= Math.min(steps, run.end)) break;
    if (!((losses[run.t] ??= loss(run.net, unit.f, x, y)) <= FAR)) run.end = run.t;
    else losses[run.t] = update(run.net, unit, x, y, rate);
    if (run.end === run.t) break;
    run.t += 1;
  }
  losses[run.t] ??= loss(run.net, unit.f, x, y);
  return run;
}

const curve = (values) => path(GRID.map((v, i) => [PLOT.x(v), PLOT.y(values[i])]));

// A dashed line for each unit, with its number beside it.
function drawnShares(shares) {
  let [lines, names] = ["", ""];
  shares.forEach((share, j) => {
    const at = 96 - 5 * (j % 4);
    const y = Math.max(12, Math.min(PLOT.height - 4, PLOT.y(share[at]) + 4));
    lines += `<path class="lm-line lm-share lm-c" d="${curve(share)}"/>`;
    names +=
      `<text class="lm-label lm-c" stroke="none" text-anchor="middle" ` +
      `x="${coordinate(PLOT.x(GRID[at]))}" y="${coordinate(y)}">${j + 1}</text>`;
  });
  return lines + names;
}

function view(state) {
  const { net, x, y, t: done, losses } = trained(state);
  const { f, label } = PLAIN[state.activation];
  const truth = TARGETS[state.target];
  const line = straight(x, y);
  const shares = Array.from(net.w1, (w, j) => GRID.map((v) => net.w2[j] * f(w * v + net.b1[j])));
  const now = losses[done];
  const places = [...STOPS.filter((s) => s < done), done].map((t) => [across(t), LOSS.y(losses[t])]);
  const [right, height] = places.at(-1);
  const level = LOSS.y(line);
  const words = shares.map((share) => `${trimmed(share[0], 2)} to ${trimmed(share[100], 2)}`);
  const rows = shares.map((share, j) => {
    const numbers = [net.w1[j] ? -net.b1[j] / net.w1[j] : NaN, share[0], share[100]].map(number);
    return `<tr><th scope="row">${j + 1}</th>${numbers.map((text) => `<td>${text}</td>`).join("")}</tr>`;
  });
  const time = counted(done, "step");
  return {
    marks: {
      truth: { d: curve(GRID.map(truth)) },
      points: { d: x.map((v, i) => ring(PLOT.x(v), PLOT.y(y[i]), 2.2)).join("") },
      shares: { html: drawnShares(shares) },
      sum: { d: curve(GRID.map((v) => predict(net, f, v))) },
      curve: { d: path(places) },
      here: { d: ring(right, Math.max(5, Math.min(LOSS.height - 5, height)), 5) },
      straight: { d: `M0 ${coordinate(level)}H${LOSS.width}` },
      "straight-name": { y: coordinate(level - 6) },
      loss: { text: `loss ${number(now)} after ${time}` },
      rows: { html: rows.join("") },
      bias: { text: `and b⁽²⁾ = ${number(net.b2)} everywhere` },
    },
    values: { steps: String(state.steps), units: String(state.units), rate: short(state.rate), seed: String(state.seed) },
    disabled: [],
    sentence:
      `${counted(state.units, `${label} unit`)} and a linear output for ${LABELS[state.target]} on (−1, 1), after ${time} with ` +
      `learning rate ${short(state.rate)}: loss ${number(now)}` +
      `${now <= FAR ? `; the best straight line has ${number(line)}` : ": training diverges"}. ` +
      `From x = −1 to 1 the units' shares of the sum go from ${words.join(", ")}.`,
  };
}

const actions = {
  // slowly at first, then faster, as the axis of the steps is
  train({ steps }, first) {
    if (steps === MOST) return first ? { steps: 0 } : null;
    return { steps: Math.min(MOST, steps + Math.max(1, Math.floor(steps / 30))) };
  },
  step: ({ steps }) => ({ steps: steps < MOST ? steps + 1 : 0 }),
  reset: () => ({ steps: 0 }),
};

// Whoever changes the network begins anew.
function connect(root, { set, signal }) {
  root.addEventListener("input", ({ target }) => {
    if (target.dataset.lmTrait !== "steps") set("steps", 0);
  }, { signal });
}

export default figure({ view, connect, actions, maths: { POINTS, PLAIN, TARGETS, loss, predict, start, update } });
