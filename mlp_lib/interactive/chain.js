// Figure 9, Chain. The picture is described in chain.py; view() says what a state looks like, in
// the same words and numbers.
import { figure } from "./figure.js";
import { coordinate, counted, factor, number, short, up, value } from "./format.js";
import { ACTIVATIONS } from "./maths/activations.js";
import { chainBackward, chainForward, chainMeasured } from "./maths/chain.js";
import { path, ring } from "./paths.js";

const DEEPEST = 20;
const [TOP, ROOM, WIDTH, HALF] = [36, 506, 118, 10];
const [LEFT, RIGHT] = [0, 232];
const PLOT = {
  height: 150,
  x: (depth) => ((depth - 1) / 19) * 286,
  y: (size) => ((6 - Math.max(-99, Math.min(99, Math.log10(size)))) / 22) * 150,
};

const held = (v) => (v < 0 ? `(${short(v)})` : short(v)); // a setting as a factor
const weights = ({ w, rest }, depth) => Array.from({ length: depth }, (_, l) => w[l] ?? rest);

function stepsOf(L) {
  const found = [["start", 0]];
  for (let l = 1; l <= L; l += 1) found.push(["z", l], ["a", l]);
  found.push(["loss", 0], ["e", L]);
  for (let l = L; l >= 1; l -= 1) {
    found.push(["delta", l], ["dw", l]);
    if (l > 1) found.push(["e", l - 1]);
  }
  return found;
}

const SYMBOLS = { e: "e", delta: "δ", dw: "∂J/∂w" };

function wrongs({ own, right, L }) {
  const backward = stepsOf(L).filter(([kind]) => kind in SYMBOLS);
  return backward.filter(([kind, l]) => {
    const allowed = 1e-6 * Math.max(...right[kind].map(Math.abs)) + 1e-12;
    return own && !(Math.abs((own[kind] ?? [])[l - 1] - right[kind][l - 1]) <= allowed);
  });
}

function runOf(state) {
  const { f: g, df } = ACTIVATIONS[state.activation];
  const L = state.depth;
  const w = weights(state, L);
  const { z, a } = chainForward(w, state.a0, g);
  const right = chainBackward(w, { z, a }, state.y, df);
  const settings = [state.activation, L, ...state.w, state.rest, state.a0, state.y];
  const own = settings.every((v, i) => state.own.at?.[i] === v) ? state.own : null;
  const run = { state, L, w, z, a, right, own, slopes: z.map((v) => df(v)), J: 0.5 * (a[L] - state.y) ** 2 };
  run.measured = Math.floor(chainMeasured(w, state.a0, state.y, g) * 1e8 + 0.5) / 1e8; // the digits it has
  run.sizes = Array.from({ length: DEEPEST }, (_, i) => {
    const long = weights(state, i + 1);
    return Math.abs(chainBackward(long, chainForward(long, state.a0, g), state.y, df).dw[0]);
  });
  return { ...run, wrong: wrongs(run) };
}

function stage({ state, L, w, z, a, right, slopes, J }, [kind, l]) {
  const [here, before] = [up(l), up(l - 1)];
  const layer = `layer ${l}`;
  const i = l - 1;
  const name = ACTIVATIONS[state.activation].label;
  const last = (symbol) => (l === L ? "ŷ" : symbol);
  if (kind === "start") return ["the input", `a⁽⁰⁾ = ${short(state.a0)}`];
  if (kind === "z") {
    return [`forward, z of ${layer}`, `z${here} = w${here} a${before} = ${short(w[i])} · ${factor(a[i])} = ${value(z[i])}`];
  }
  if (kind === "a") {
    return [`forward, a of ${layer}`, `${last(`a${here}`)} = ${name}(z${here}) = ${name}(${value(z[i])}) = ${value(a[l])}`];
  }
  if (kind === "loss") {
    return ["the loss", `J = ½(ŷ − y)² = ½(${value(a[L])} − ${held(state.y)})² = ${value(J)}`];
  }
  if (kind === "e" && l === L) {
    return ["backward, e of the last layer", `e${here} = ŷ − y = ${value(a[L])} − ${held(state.y)} = ${value(right.e[i])}`];
  }
  if (kind === "e") {
    const next = up(l + 1);
    const numbers = `${short(w[l])} · ${factor(right.delta[l])} = ${value(right.e[i])}`;
    return [`backward, e of ${layer}`, `e${here} = w${next} δ${next} = ${numbers}`];
  }
  if (kind === "delta") {
    const numbers = `${value(right.e[i])} · ${factor(slopes[i])} = ${value(right.delta[i])}`;
    return [`backward, δ of ${layer}`, `δ${here} = e${here} g′(z${here}) = ${numbers}`];
  }
  const numbers = `${value(right.delta[i])} · ${factor(a[i])} = ${value(right.dw[i])}`;
  return [`the gradient of ${layer}`, `∂J/∂w${here} = δ${here} a${before} = ${numbers}`];
}

// The product of all rates for the first weight, as far as the backward pass has come.
function product({ L, w, a, right, slopes }, shown) {
  const names = [];
  const rates = [];
  let so = 1;
  const take = (kind, l, name, rate, text = factor(rate)) => {
    names.push(name);
    if (!shown(kind, l)) return;
    rates.push(text);
    so *= rate;
  };
  take("e", L, "(ŷ − y)", right.e[L - 1], value(right.e[L - 1]));
  for (let l = L; l >= 1; l -= 1) {
    take("delta", l, `g′(z${up(l)})`, slopes[l - 1]);
    if (l > 1) take("e", l - 1, `w${up(l)}`, w[l - 1], held(w[l - 1]));
  }
  take("dw", 1, "a⁽⁰⁾", a[0], held(a[0]));
  const more = rates.length < names.length ? " · …" : "";
  const numbers = rates.length ? `${rates.join(" · ")}${more} = ${value(so)}${more}` : "…";
  return `<p>∂J/∂w⁽¹⁾ = ${names.join(" · ")}</p><p>= ${numbers}</p>`;
}

const arrow = (x, from, to) => {
  const back = from < to ? -5 : 5;
  return path([[x, from], [x, to], null, [x - 4, to + back], [x, to], [x + 4, to + back]]);
};

// Forward on the left from top to bottom, backward on the right from bottom to top.
function picture(run, shown, now) {
  const { state, L, w, z, a, right, own, slopes, J, wrong } = run;
  const rows = 2 * L + 2;
  const pitch = Math.min(70, ROOM / (rows - 1));
  const y = (row) => TOP + pitch * row;
  let out = "";
  const box = (x, row, kind, l, symbol, v, type, bad) => {
    const active = now[0] === kind && now[1] === l ? " lm-now" : "";
    const text = shown(kind, l) ? `${symbol} = ${bad ? "✗" : ""}${value(v)}` : `${symbol} = ·`;
    out +=
      `<rect class="lm-box ${type}${active}" x="${x}" y="${coordinate(y(row) - HALF)}" width="${WIDTH}" height="20" rx="5"/>` +
      `<text class="${active.trim()}" text-anchor="middle" x="${x + WIDTH / 2}" y="${coordinate(y(row) + 4.2)}">${text}</text>`;
  };
  const link = (x, type, from, to, label) => {
    out +=
      `<path class="lm-arrow ${type}" d="${arrow(x, from, to)}"/>` +
      `<text class="lm-quiet" x="${x + 9}" y="${coordinate((from + to) / 2 + 4)}">${label}</text>`;
  };
  const bad = (kind, l) => wrong.some((s) => s[0] === kind && s[1] === l);
  const made = (kind, l) => (bad(kind, l) ? (own[kind] ?? [])[l - 1] ?? NaN : right[kind][l - 1]);
  for (let l = 1; l <= L; l += 1) {
    const [from, at] = [2 * l - 2, 2 * l - 1];
    const middle = (y(from) + y(at)) / 2;
    const ends = `M${WIDTH} ${coordinate(y(from))}L175 ${coordinate(middle)}L${RIGHT} ${coordinate(y(at))}`;
    const gradient = shown("dw", l) ? `${bad("dw", l) ? "✗" : ""}${value(made("dw", l))}` : "·";
    const active = now[0] === "dw" && now[1] === l ? " lm-now" : "";
    out += `<path class="lm-meet" d="${ends}"/>`;
    out += `<text class="lm-label lm-c${active}" text-anchor="middle" x="175" y="${coordinate(middle + 4)}">w${up(l)}: ${gradient}</text>`;
    link(LEFT + 30, "lm-a", y(from) + HALF, y(at) - HALF, `× ${held(w[l - 1])}`);
    link(LEFT + 30, "lm-a", y(at) + HALF, y(at + 1) - HALF, ACTIVATIONS[state.activation].label);
    if (l > 1) link(RIGHT + 30, "lm-b", y(at) - HALF, y(from) + HALF, `× ${held(w[l - 1])}`);
    link(RIGHT + 30, "lm-b", y(at + 1) - HALF, y(at) + HALF, `× ${value(slopes[l - 1])}`);
    box(LEFT, at, "z", l, `z${up(l)}`, z[l - 1], "lm-a");
    box(LEFT, at + 1, "a", l, l === L ? "ŷ" : `a${up(l)}`, a[l], "lm-a");
    box(RIGHT, at, "delta", l, `δ${up(l)}`, made("delta", l), "lm-b", bad("delta", l));
    box(RIGHT, at + 1, "e", l, `e${up(l)}`, made("e", l), "lm-b", bad("e", l));
  }
  const end = rows - 1;
  link(LEFT + 30, "lm-a", y(end - 1) + HALF, y(end) - HALF, "½(ŷ − y)²");
  link(RIGHT + 30, "lm-b", y(end) - HALF, y(end - 1) + HALF, "× (ŷ − y)");
  box(LEFT, 0, "start", 0, "a⁽⁰⁾", state.a0, "lm-a");
  box(LEFT, end, "loss", 0, "J", J, "lm-a");
  box(RIGHT, end, "loss", 0, "∂J/∂J", 1, "lm-b");
  return out;
}

function ownText({ own, wrong, right }) {
  if (!own) return "";
  if (own.remark) return `${own.remark}.`;
  if (!wrong.length) return "Your numbers are the reference's.";
  const [kind, l] = wrong[0];
  const v = (own[kind] ?? [])[l - 1] ?? NaN;
  return `Your first wrong quantity: ${SYMBOLS[kind]}${up(l)} = ${value(v)}, expected ${value(right[kind][l - 1])}.`;
}

function view(state) {
  const run = runOf(state);
  const { L, w, a, right, J, sizes } = run;
  const steps = stepsOf(L);
  const last = steps.length - 1;
  const at = Math.min(state.step, last);
  const shown = (kind, l) => steps.findIndex((s) => s[0] === kind && s[1] === l) <= at;
  const [title, formula] = stage(run, steps[at]);
  const points = sizes.map((size, i) => [PLOT.x(i + 1), PLOT.y(size)]);
  const [x, y] = points[L - 1];
  const label = ACTIVATIONS[state.activation].label;
  const mine = ownText(run);
  const values = { step: String(at), depth: String(L), rest: short(state.rest), a0: short(state.a0), y: short(state.y) };
  state.w.forEach((v, l) => {
    values[`w.${l}`] = short(v);
  });
  const slope = value(right.dw[0]);
  return {
    marks: {
      chain: { html: picture(run, shown, steps[at]) },
      stage: { text: title },
      formula: { text: formula },
      product: { html: product(run, shown) },
      measured: { text: `measured: (J(w + h) − J(w − h))/2h = ${value(run.measured)}` },
      own: { text: mine },
      line: { d: path(points) },
      dots: { d: points.map((p) => ring(...p, 2.5)).join("") },
      here: { d: ring(x, Math.max(5, Math.min(PLOT.height - 5, y)), 6) },
      size: { text: `|∂J/∂w⁽¹⁾| = ${number(sizes[L - 1])} at depth ${L}` },
    },
    values,
    disabled: [],
    limits: { step: [0, last, 1] },
    sentence:
      `Chain of ${counted(L, `${label} unit`)}, w = ${w.map(short).join(", ")}, from ${short(state.a0)}, y = ${short(state.y)}. ` +
      `Step ${at} of ${last}: ${title}. ŷ = ${value(a[L])}, J = ${value(J)}. ` +
      `∂J/∂w⁽¹⁾ = ${slope} is a product of ${2 * L + 1} factors, measured ${value(run.measured)}. ` +
      `With further weights of ${short(state.rest)} its size at depth ${DEEPEST} is ${number(sizes[DEEPEST - 1])}.` +
      `${mine && ` ${mine}`}`,
  };
}

const actions = {
  next: (state) => ({ step: state.step < 5 * state.depth + 1 ? state.step + 1 : 0 }),
  play(state, first) {
    if (state.step < 5 * state.depth + 1) return { step: state.step + 1 };
    return first ? { step: 0 } : null;
  },
};

export default figure({ view, actions, maths: { ACTIVATIONS, chainForward, chainBackward, chainMeasured } });
