// Figure 10, BackpropStepper. The picture is described in backprop.py; view() says what a state
// looks like, in the same words and numbers.
import { figure } from "./figure.js";
import { coordinate, counted, down, factor, short, up, value } from "./format.js";
import { matrix } from "./matrix.js";
import { PLAIN } from "./maths/plain.js";
import { PAIRS, apply, backward, forward, loss, measure, relativeError, roads } from "./maths/network.js";

const PAIR_WORDS = {
  half_sse_identity: ["linear, ½ squared error", "½ Σ (ŷ − y)²"],
  half_sse_sigmoid: ["sigmoid, ½ squared error", "½ Σ (ŷ − y)²"],
  bce_sigmoid: ["sigmoid, binary cross-entropy", "−Σ (y ln ŷ + (1 − y) ln(1 − ŷ))"],
  cce_softmax: ["softmax, cross-entropy", "−Σ y ln ŷ"],
};
const FLOOR = 1e-5;
const NOTICED = 1e-3;
const TOO_LARGE = 1e6;
const WIDTH = 350;
const TOP = 30;
const BOTTOM = 452;

const size = (values) => Math.max(...values.flat().map(Math.abs));
const words = (name) => PLAIN[name].label;

function drawn(sizes, seed) {
  let s = Math.imul(seed + 1, 2654435761) >>> 0;
  const draw = () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s >>> 16;
  };
  const values = (n) => Array.from({ length: n }, () => ((draw() % 30) - 14.5) / 10);
  const x = values(sizes[0]);
  const params = sizes.slice(1).map((m, k) => [Array.from({ length: m }, () => values(sizes[k])), values(m)]);
  const target = draw() % sizes.at(-1);
  return { params, x, y: Array.from({ length: sizes.at(-1) }, (_, i) => Number(i === target)) };
}

const whole = ({ delta, dW }) => ![...delta, ...dW].includes(null);

// Entry by entry, whether a number is wrong: by more than a millionth of the largest.
function off(got, right) {
  const expected = right.flat();
  if (got === null) return expected.map(() => false);
  const allowed = 1e-6 * size(right) + 1e-12;
  return got.flat().map((v, i) => !(Math.abs(v - expected[i]) <= allowed));
}

function placesOf(sizes) {
  const found = [];
  for (let k = 0; k + 1 < sizes.length; k += 1) {
    for (let i = 0; i < sizes[k + 1]; i += 1) {
      for (let j = 0; j < sizes[k]; j += 1) found.push([k, i, j]);
      found.push([k, i, null]);
    }
  }
  return found;
}

function stepsOf(L) {
  const found = [["start", 0]];
  for (let k = 0; k < L; k += 1) found.push(["z", k], ["a", k]);
  found.push(["loss", 0]);
  for (let k = L - 1; k >= 0; k -= 1) {
    found.push(["delta", k], ["grad", k]);
    if (k) found.push(["e", k - 1]);
  }
  return [...found, ["update", 0]];
}

const sizesOf = (state) => state.sizes.filter(Boolean);
const lastStep = (state) => 5 * (sizesOf(state).length - 1) + 1;
const nameOf = ([k, i, j]) => (j === null ? `b${up(k + 1)}${down(i + 1)}` : `w${up(k + 1)}${down(i + 1, j + 1)}`);
const entry = (matrix, i, j) => (j === null ? matrix[i] : matrix[i][j]);

// Everything that a state of the figure stands for.
function runOf(state) {
  const { activation, pair, mistake, seed, updates, eta } = state;
  const sizes = sizesOf(state);
  const net = (seed === 0 && state.nets[sizes.join("-")]) || drawn(sizes, seed);
  const { x, y } = net;
  const settings = [activation, pair, ...state.sizes, seed, updates, eta];
  const own = settings.every((v, i) => state.own.at?.[i] === v) ? state.own : null;
  const lossOf = (params) => loss(params, x, y, activation, pair);
  let params = own?.params ?? net.params;
  let done = own ? updates : 0;
  while (!own && done < updates) {
    const made = backward(params, forward(params, x, activation, pair), y, activation, pair, mistake);
    if (!whole(made)) break;
    const moved = apply(params, made, eta);
    if (Math.max(...moved.flat().map(size)) > TOO_LARGE) break;
    params = moved;
    done += 1;
  }
  const cache = forward(params, x, activation, pair);
  const right = backward(params, cache, y, activation, pair);
  let got = right;
  if (own) {
    got = { delta: own.grads.map(([, db]) => db), e: own.grads.map(() => null), dW: own.grads.map(([dW]) => dW) };
  } else if (mistake !== "none") got = backward(params, cache, y, activation, pair, mistake);
  const after = whole(got) ? apply(params, got, eta) : null;
  return {
    state, sizes, params, x, y, cache, right, got, after, done, own,
    L: params.length,
    J: lossOf(params),
    measured: measure(lossOf, params),
    newJ: after ? lossOf(after) : NaN,
    slope: (z) => PLAIN[activation].df(z),
  };
}

// A step in words and as a formula; with a planted mistake, as the mistaken code has it.
function stage({ state, L }, [kind, k]) {
  const here = up(k + 1);
  const later = up(k + 2);
  const before = k === 0 ? "x" : `a${up(k)}`;
  const last = k === L - 1;
  const layer = last ? "the output layer" : `layer ${k + 1}`;
  const wrong = state.own.at ? "" : state.mistake;
  const [output, formula] = PAIR_WORDS[state.pair];
  let start = wrong === "sign" ? "y − ŷ" : "ŷ − y";
  if (state.pair === "half_sse_sigmoid") start = `(${start}) ⊙ ŷ(1 − ŷ)`;
  if (wrong === "elementwise" && state.pair === "cce_softmax") start = "e ⊙ ŷ(1 − ŷ), e = −y/ŷ";
  return {
    start: ["the start", "x and all W and b"],
    z: [`forward, z of ${layer}`, `z${here} = W${here} ${before} + b${here}`],
    a: [
      `forward, a of ${layer}`,
      last ? `ŷ = ${output.split(",")[0]}(z${here})` : `a${here} = ${words(state.activation)}(z${here})`,
    ],
    loss: ["the loss", `J = ${formula}`],
    delta: [
      `backward, δ of ${layer}`,
      `δ${here} = ${last ? start : `e${here}${wrong === "no_slope" ? "" : ` ⊙ g′(z${here})`}`}`,
    ],
    e: [`backward, e of ${layer}`, `e${here} = W${later}${wrong === "no_transpose" ? "" : "ᵀ"} δ${later}`],
    grad: [`backward, gradients of ${layer}`, `∂J/∂W${here} = δ${here} ${before}ᵀ, ∂J/∂b${here} = δ${here}`],
    update: ["the update", "W ← W − η ∂J/∂W, b ← b − η ∂J/∂b"],
  }[kind];
}

const tensor = (kind) => (kind === "grad" ? "dW" : kind);

// The first quantity of the backward pass that is not the reference's.
function firstWrong({ L, own, got, right }) {
  return stepsOf(L).find(([kind, k]) => {
    if (!["delta", "e", "grad"].includes(kind) || (own && kind === "e")) return false;
    const made = got[tensor(kind)][k];
    return made === null || off(made, right[tensor(kind)][k]).includes(true);
  });
}

const errorsOf = ({ got, measured }) =>
  measured.dW.map((dW, k) => {
    if (!got.dW[k] || !got.delta[k]) return null;
    return [relativeError(got.dW[k].flat(), dW.flat(), FLOOR), relativeError(got.delta[k], measured.delta[k], FLOOR)];
  });

function verdictOf(run, first) {
  const { state, own, got, params } = run;
  const known = errorsOf(run).filter(Boolean).flat();
  const noticed = known.filter((e) => e > NOTICED);
  if (!first) {
    const end = noticed.length ? "" : ", and the gradient check agrees";
    if (own) return `Your numbers are the reference's${end}.`;
    if (state.mistake !== "none") return `In this network the mistake changes no number${end}.`;
    if (noticed.length) return "The measurement stepped over a kink and disagrees.";
    return "The gradient check agrees with every ∂J/∂W and ∂J/∂b.";
  }
  const [kind, k] = first;
  let symbol = { delta: "δ", e: "e", grad: "∂J/∂W" }[kind] + up(k + 1);
  let text = `First wrong quantity: ${symbol}.`;
  if (own) {
    if (kind === "delta") symbol = `∂J/∂b${up(k + 1)}`;
    text = `Your first wrong quantity: ${symbol}.`;
    if (own.remark) text += ` ${own.remark}.`;
  } else if (got[tensor(kind)][k] === null) {
    const [rows, columns] = [params[k + 1][0].length, params[k + 1][0][0].length];
    text = `NumPy stops before ${symbol}: W${up(k + 2)} is ${rows}×${columns} and δ${up(k + 2)} has ${rows} entries.`;
  }
  if (noticed.length) {
    const most = Math.max(...noticed).toFixed(2);
    text += ` The gradient check notices it in ${noticed.length} of ${known.length} tensors, relative error ${most}.`;
  }
  return text;
}

// The chosen parameter: its equations with the numbers filled in.
function linesOf(run, place) {
  const { state, sizes, params, cache, right, got, L, slope } = run;
  const [k, i, j] = place;
  const name = nameOf(place);
  const here = up(k + 1);
  const [W, b] = params[k];
  const delta = right.delta[k];
  const wanted = j === null ? delta : right.dW[k];
  const g = entry(wanted, i, j);
  const z = `z${here}${down(i + 1)}`;
  const ownDelta = `δ${here}${down(i + 1)}`;
  const start = j === null ? "1" : k === 0 ? `x${down(j + 1)}` : `a${up(k)}${down(j + 1)}`;
  const begin = j === null ? 1 : cache.a[k][j];
  const lines = [
    `<b>${name} = ${value(j === null ? b[i] : W[i][j])}</b>, from ${start} to ${z}`,
    `∂J/∂${name} = ${ownDelta} · ${start} = ${value(delta[i])} · ${factor(begin)} = ${value(g)}`,
  ];
  if (k === L - 1) {
    const p = cache.a[L][i];
    let text = `ŷ${down(i + 1)} − y${down(i + 1)}`;
    let filled = `${value(p)} − ${factor(run.y[i])}`;
    if (state.pair === "half_sse_sigmoid") {
      text = `(${text}) · ŷ${down(i + 1)}(1 − ŷ${down(i + 1)})`;
      filled = `(${filled}) · ${value(p * (1 - p))}`;
    }
    lines.push(`${ownDelta} = ${text} = ${filled} = ${value(delta[i])}`);
  } else {
    const e = right.e[k][i];
    const error = `e${here}${down(i + 1)}`;
    const later = up(k + 2);
    const numbers = `${value(e)} · ${factor(slope(cache.z[k][i]))} = ${value(delta[i])}`;
    lines.push(`${ownDelta} = ${error} · g′(${z}) = ${numbers}`);
    const next = params[k + 1][0];
    const terms = next.map((_, r) => `w${later}${down(r + 1, i + 1)}δ${later}${down(r + 1)}`).join(" + ");
    const filled = next.map((row, r) => `${factor(row[i])}·${factor(right.delta[k + 1][r])}`).join(" + ");
    lines.push(`${error} = ${terms} = ${filled} = ${value(e)}`);
  }
  const found = roads(params, cache.z, right.delta.at(-1), state.activation, k, i, begin);
  const sum = found.reduce((total, v) => total + v, 0);
  const terms = found.length > 1 && found.length <= 8 ? `: ${found.map(factor).join(" + ")} = ${value(sum)}` : "";
  const ways = counted(found.length, "road");
  lines.push(`${ways} to the loss${terms}`);
  const n = entry(j === null ? run.measured.delta[k] : run.measured.dW[k], i, j);
  lines.push(`measured: (J(w + h) − J(w − h))/2h = ${value(Math.floor(n * 1e8 + 0.5) / 1e8)}`); // the digits it has
  const made = j === null ? got.delta[k] : got.dW[k];
  if (made !== null && off(made, wanted).includes(true)) {
    lines.push(`<b>✗ ${run.own ? "yours" : "with the mistake"}: ∂J/∂${name} = ${value(entry(made, i, j))}</b>`);
  }
  const said = `∂J/∂${name} = ${value(g)} over ${ways}.`;
  return { said, html: lines.map((line) => `<p>${line}</p>`).join("") };
}

// The gradient check, tensor by tensor, from the output backward.
function checkOf(run) {
  const word = (error) => (error <= NOTICED ? "✓" : `<b class="lm-off">✗ ${error.toFixed(2)}</b>`);
  return errorsOf(run)
    .map((pair, k) => `<p>layer ${k + 1}: ${pair ? `∂J/∂W ${word(pair[0])}, ∂J/∂b ${word(pair[1])}` : "no gradient"}</p>`)
    .reverse()
    .join("");
}

function layersOf(run, shown, now, first) {
  const { L, got, right, cache } = run;
  const params = shown("update", 0) && run.after ? run.after : run.params;
  const fresh = params === run.after ? "new " : "";
  const places = placesOf(run.sizes);
  const at = (kind, k = 0) => (now[0] === kind && now[1] === k ? " lm-now" : "");
  const chooser = (start, columns) => (r, c) => ` data-w="${start + r * (columns + 1) + c}"`;
  const result = (which, label, k, start) => {
    const kind = which === "dW" ? "grad" : which;
    const visible = shown(kind, k);
    const made = run.own && which === "e" ? right.e[k] : got[which][k];
    const classes = at(kind, k);
    const beside = matrix(`right: ${label}`, right[which][k], "c");
    if (made === null) return matrix(label, right[which][k], "b", { visible: false, classes }) + (visible ? beside : "");
    const wrong = off(made, right[which][k]);
    const mark = visible && first?.[0] === kind && first[1] === k ? " lm-first" : "";
    const drawnMatrix = matrix(label, made, "b", {
      visible, wrong, classes: classes + mark, cell: start && chooser(start, made[0].length),
    });
    return drawnMatrix + (visible && wrong.includes(true) ? beside : "");
  };
  const rows = params.map(([W, b], k) => {
    const last = k === L - 1;
    const here = up(k + 1);
    const start = places.findIndex(([layer]) => layer === k) + 1;
    const classes = at("update");
    const parts = k ? [] : [matrix("x", run.x, "a", { classes: at("start") })];
    parts.push(matrix(`${fresh}W${here}`, W, "plain", { classes, cell: chooser(start, W[0].length) }));
    parts.push(matrix(`${fresh}b${here}`, b, "plain", { classes }));
    parts.push(matrix(`z${here}`, cache.z[k], "a", { visible: shown("z", k), classes: at("z", k) }));
    parts.push(matrix(last ? "ŷ" : `a${here}`, cache.a[k + 1], "a", { visible: shown("a", k), classes: at("a", k) }));
    parts.push(last ? `${matrix("y", run.y, "plain", { classes: at("loss") })}</div><div>` : `</div><div>${result("e", `e${here}`, k)}`);
    parts.push(result("delta", `δ${here}`, k), result("dW", `∂J/∂W${here}`, k, start));
    const title = last ? "output" : `layer ${k + 1}`;
    return `<div class="lm-layer"><b>${title}</b><div>${parts.join("")}</div></div>`;
  });
  return rows.join("");
}

// The lines in the box of one unit: text and class.
function unitLines(run, shown, now, k, j) {
  if (k === 0) return [[`x${down(j + 1)} ${value(run.x[j])}`, ""]];
  const last = k === run.L;
  const layer = k - 1;
  const line = (symbol, kind, v, type, wrong) => {
    if (!shown(kind, layer)) return [`${symbol} ·`, type];
    if (v === null) return [`${symbol} –`, type];
    const active = now[0] === kind && now[1] === layer ? " lm-now" : "";
    return [`${symbol} ${wrong ? "✗" : ""}${value(v)}`, type + active];
  };
  const lines = [
    line("z", "z", run.cache.z[layer][j], "lm-a"),
    line(last ? "ŷ" : "a", "a", run.cache.a[k][j], "lm-a"),
  ];
  if (last) lines.push([`y ${value(run.y[j])}`, now[0] === "loss" ? "lm-now" : ""]);
  for (const kind of last ? ["delta"] : ["e", "delta"]) {
    const right = run.right[kind][layer];
    const made = run.own && kind === "e" ? right : run.got[kind][layer];
    lines.push(line(kind === "e" ? "e" : "δ", kind, made && made[j], "lm-b", off(made, right)[j]));
  }
  return lines;
}

function graphOf(run, shown, now, places, chosen, losses) {
  const { L, sizes, params, got } = run;
  const middle = sizes.map((_, k) => TOP + ((BOTTOM - TOP) * k) / L);
  const half = sizes.map((_, k) => (k === 0 ? 12 : 30));
  const x = sizes.map((n) => Array.from({ length: n }, (_, j) => (WIDTH * (j + 0.5)) / n));
  const largestW = Math.max(...params.map(([W]) => size(W)));
  const largestG = Math.max(0, ...got.dW.filter(Boolean).map(size)) || 1;
  const [ck, ci, cj] = places[chosen];
  let [glows, edges, hits] = ["", "", ""];
  places.forEach(([k, i, j], index) => {
    if (j === null) return;
    const [n, m] = [sizes[k], sizes[k + 1]];
    const [x1, y1] = [x[k][j] + (i - (m - 1) / 2) * 9, middle[k] + half[k]];
    const [x2, y2] = [x[k + 1][i] + (j - (n - 1) / 2) * 9, middle[k + 1] - half[k + 1]];
    const d = `M${coordinate(x1)} ${coordinate(y1)}L${coordinate(x2)} ${coordinate(y2)}`;
    if (index === chosen) glows += `<path class="lm-glow lm-chosen" d="${d}"/>`;
    else if ((k === ck + 1 && j === ci) || k > ck + 1) glows += `<path class="lm-glow" d="${d}"/>`;
    let [width, type] = [largestW ? Math.abs(params[k][0][i][j]) / largestW : 0, ""];
    if (shown("grad", k) && got.dW[k]) [width, type] = [Math.abs(got.dW[k][i][j]) / largestG, "lm-b"];
    edges += `<path class="lm-edge ${type}" stroke-width="${coordinate(0.8 + 3.2 * width)}" d="${d}"/>`;
    hits += `<path class="lm-hit" data-w="${index + 1}" d="${d}"/>`;
  });
  let boxes = "";
  sizes.forEach((n, k) => {
    for (let j = 0; j < n; j += 1) {
      const [left, top] = [x[k][j] - 42, middle[k] - half[k]];
      const own = cj === null && ck === k - 1 && ci === j;
      boxes +=
        `<rect class="lm-unit${own ? " lm-chosen" : ""}" fill="none" x="${coordinate(left)}" y="${coordinate(top)}" ` +
        `width="84" height="${2 * half[k]}" rx="6"/>`;
      unitLines(run, shown, now, k, j).forEach(([text, type], r) => {
        boxes += `<text class="${type}" x="${coordinate(left + 6)}" y="${coordinate(top + 15 + 13.5 * r)}">${text}</text>`;
      });
    }
  });
  const end = `<text class="lm-title" text-anchor="middle" font-weight="600" x="175" y="502">${losses}</text>`;
  return glows + edges + hits + boxes + end;
}

function view(state) {
  const run = runOf(state);
  const steps = stepsOf(run.L);
  const places = placesOf(run.sizes);
  const last = steps.length - 1;
  const at = Math.min(state.step, last);
  const chosen = Math.min(state.chosen, places.length) - 1;
  const shown = (kind, k) => steps.findIndex((s) => s[0] === kind && s[1] === k) <= at;
  const [title, formula] = stage(run, steps[at]);
  const first = firstWrong(run);
  const verdict = verdictOf(run, first);
  let losses = `J = ${value(run.J)}`;
  if (!shown("loss", 0)) losses = "J = ·";
  else if (shown("update", 0)) losses += run.after ? ` → ${value(run.newJ)}` : " → no update";
  const lines = linesOf(run, places[chosen]);
  const sentence =
    `Network ${run.sizes.join("-")}, ${words(state.activation)} units, output ${PAIR_WORDS[state.pair][0]}, ` +
    `after ${counted(run.done, "update")}. Step ${at} of ${last}: ${title}. ` +
    `J = ${value(run.J)}, and an update with η = ${short(state.eta)} ` +
    `${run.after ? `leads to ${value(run.newJ)}` : "cannot be made"}. ` +
    `${lines.said} ${verdict}`;
  const values = { step: String(at), chosen: nameOf(places[chosen]), seed: String(state.seed), updates: String(state.updates) };
  values.eta = short(state.eta);
  state.sizes.forEach((count, index) => {
    values[`sizes.${index}`] = String(count);
  });
  return {
    marks: {
      graph: { html: graphOf(run, shown, steps[at], places, chosen, losses) },
      stage: { text: title },
      formula: { text: formula },
      losses: { text: losses },
      lines: { html: lines.html },
      check: { html: checkOf(run) },
      verdict: { text: verdict },
      layers: { html: layersOf(run, shown, steps[at], first) },
    },
    values,
    disabled: state.own.at ? ["mistake"] : [],
    limits: { step: [0, last, 1], chosen: [1, places.length, 1] },
    sentence,
  };
}

const actions = {
  // one quantity further; after the update the next round begins
  next(state) {
    if (state.step < lastStep(state)) return { step: state.step + 1 };
    return state.updates < 50 ? { step: 0, updates: state.updates + 1 } : { step: 0, updates: 0 };
  },
  // to the end of this round; from the end, once more from its beginning
  play(state, first) {
    if (state.step < lastStep(state)) return { step: state.step + 1 };
    return first ? { step: 0 } : null;
  },
};

// A weight is chosen where the pointer is, in the graph and in the matrices.
function connect(root, { set, signal }) {
  for (const kind of ["pointerover", "pointerdown"]) {
    root.addEventListener(kind, ({ target }) => {
      const place = target.closest("[data-w]");
      if (place) set("chosen", Number(place.dataset.w));
    }, { signal });
  }
}

const maths = { PAIRS, forward, loss, backward, roads, measure, relativeError, apply };
export default figure({ view, connect, actions, maths });
