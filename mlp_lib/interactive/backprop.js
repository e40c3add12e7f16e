// Figure 10, BackpropStepper. The picture is described in backprop.py; view() says what a state
// looks like, in the same words and numbers.
import { figure } from "./figure.js";
import { coordinate, counted, down, factor, short, up, value } from "./format.js";
import { matrix } from "./matrix.js";
import { PLAIN } from "./maths/plain.js";
import { PAIRS, apply, backward, forward, loss, measure, relativeError, roads, transpose } from "./maths/network.js";

const PAIR_WORDS = {
  half_sse_identity: ["linear, ½ squared error", "½ Σ (ŷ − y)²"],
  half_sse_sigmoid: ["sigmoid, ½ squared error", "½ Σ (ŷ − y)²"],
  bce_sigmoid: ["sigmoid, binary cross-entropy", "−Σ (y ln ŷ + (1 − y) ln(1 − ŷ))"],
  cce_softmax: ["softmax, cross-entropy", "−Σ y ln ŷ"],
};
const FLOOR = 1e-5;
const NOTICED = 1e-3;
const MOST = 5; // examples in a batch
// x, z, a, ŷ, y, ∂J/∂a and ∂J/∂z: of one example, and of a batch
const SYMBOLS = [["x", "z", "a", "ŷ", "y", "e", "δ"], ["X", "Z", "A", "Ŷ", "Y", "dA", "dZ"]];

const size = (values) => Math.max(...values.flat().map(Math.abs));
const words = (name) => PLAIN[name].label;

function drawn(sizes, seed) {
  let s = Math.imul(seed + 1, 2654435761) >>> 0;
  const draw = () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s >>> 16;
  };
  const values = (n) => Array.from({ length: n }, () => ((draw() % 30) - 14.5) / 10);
  const target = () => {
    const at = draw() % sizes.at(-1);
    return Array.from({ length: sizes.at(-1) }, (_, i) => Number(i === at));
  };
  const X = [values(sizes[0])];
  const params = sizes.slice(1).map((m, k) => [Array.from({ length: m }, () => values(sizes[k])), values(m)]);
  const Y = [target()];
  while (X.length < MOST) {
    X.push(values(sizes[0]));
    Y.push(target());
  }
  return { params, X, Y };
}

const whole = ({ db, dW }) => ![...db, ...dW].includes(null);

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
// w with the indices of its matrix: [to, from], of a batch [from, to]
const nameOf = ([k, i, j], batch) => {
  if (j === null) return `b${up(k + 1)}${down(i + 1)}`;
  return `w${up(k + 1)}${batch ? down(j + 1, i + 1) : down(i + 1, j + 1)}`;
};
const entry = (matrix, i, j) => (j === null ? matrix[i] : matrix[i][j]);

// Everything that a state of the figure stands for.
function runOf(state) {
  const { activation, pair, mistake, seed, updates, eta } = state;
  const sizes = sizesOf(state);
  const net = (seed === 0 && state.nets[sizes.join("-")]) || drawn(sizes, seed);
  const [X, Y] = [net.X, net.Y].map((rows) => rows.slice(0, state.batch));
  const batch = X.length > 1;
  const settings = [activation, pair, ...state.sizes, seed, updates, eta, state.batch];
  const own = state.own.at && state.own; // the reader has a function
  const called = own && settings.every((v, i) => own.at[i] === v); // and its numbers belong to this state
  const lossOf = (params) => loss(params, X, Y, activation, pair);
  let params = called ? own.params : net.params;
  let done = called ? updates : 0;
  const pass = (wrong) => backward(params, forward(params, X, activation, pair), Y, activation, pair, wrong);
  while (!own && done < updates) {
    const made = pass(mistake);
    if (!whole(made)) break;
    const moved = apply(params, made, eta);
    if (Math.max(...moved.flat().map(size)) > 1e4) break; // too large
    params = moved;
    done += 1;
  }
  const cache = forward(params, X, activation, pair);
  const right = pass();
  let got = right;
  if (own) {
    const [dW, db] = [0, 1].map((j) => params.map((_, k) => (called ? own.grads[k][j] : null)));
    // for one example db is δ; of a batch only the sums are known
    got = { delta: batch ? right.delta : db.map((v) => v && [v]), e: db.map(() => null), dW, db };
  } else if (mistake !== "none") got = pass(mistake);
  const after = whole(got) ? apply(params, got, eta) : null;
  const at = Math.min(state.example, X.length) - 1;
  const form = own?.at.at(-1); // how many examples a reader's own function gets: one, or several
  return {
    state, sizes, params, X, Y, cache, right, got, after, done, own, called, at, batch,
    unknown: (which) => own && (which === "e" || (batch && which === "delta")), // an own function does not return it
    limits: { batch: [form > 1 ? 2 : 1, form === 1 ? 1 : net.X.length, 1], example: [1, X.length, 1] },
    symbols: SYMBOLS[+batch],
    L: params.length,
    J: lossOf(params),
    measured: measure(lossOf, params),
    newJ: after && lossOf(after),
    slope: PLAIN[activation].df,
  };
}

// A step in words and as a formula; with a planted mistake, as the mistaken code has it.
function stage({ state, L, X: { length }, batch, symbols: [X, Z, A, P, Y, E, D] }, [kind, k]) {
  const here = up(k + 1);
  const later = up(k + 2);
  const before = k === 0 ? X : `${A}${up(k)}`;
  const last = k === L - 1;
  const layer = last ? "the output layer" : `layer ${k + 1}`;
  const wrong = !state.own.at && state.mistake;
  const [output, formula] = PAIR_WORDS[state.pair];
  let start = wrong === "sign" ? `${Y} − ${P}` : `${P} − ${Y}`;
  if (batch || state.pair === "half_sse_sigmoid") start = `(${start})`;
  if (state.pair === "half_sse_sigmoid") start += ` ⊙ ${P}(1 − ${P})`;
  if (wrong === "elementwise" && state.pair === "cce_softmax") start = `−${Y}/${P} ⊙ ${P}(1 − ${P})`;
  if (batch && wrong !== "no_mean") start += "/m";
  const T = wrong === "no_transpose" ? "" : "ᵀ";
  const [W, d] = [`W${here}`, `${D}${here}`];
  return {
    start: ["the start", `${X} and all W and b`],
    z: [`forward, ${Z} of ${layer}`, `${Z}${here} = ${batch ? `${before} ${W}` : `${W} ${before}`} + b${here}`],
    a: [
      `forward, ${A} of ${layer}`,
      last ? `${P} = ${output.split(",")[0]}(${Z}${here})` : `${A}${here} = ${words(state.activation)}(${Z}${here})`,
    ],
    loss: ["the loss", `J = ${batch ? `mean over ${length} examples of ` : ""}${formula}`],
    delta: [
      `backward, ${D} of ${layer}`,
      `${d} = ${last ? start : `${E}${here}${wrong === "no_slope" ? "" : ` ⊙ g′(${Z}${here})`}`}`,
    ],
    e: [
      `backward, ${E} of ${layer}`,
      `${E}${here} = ${batch ? `${D}${later} W${later}${T}` : `W${later}${T} ${D}${later}`}`,
    ],
    grad: [
      `backward, gradients of ${layer}`,
      batch ? `d${W} = ${before}ᵀ ${d}, db${here} = sum of the rows of ${d}` : `∂J/∂${W} = ${d} ${before}ᵀ, ∂J/∂b${here} = ${d}`,
    ],
    update: ["the update", "W ← W − η ∂J/∂W, b ← b − η ∂J/∂b"],
  }[kind];
}

// The first quantity of the backward pass that is not the reference's; a gradient comes after its δ.
function firstWrong({ L, own, called, got, right }) {
  if (own) return called && own.first;
  return stepsOf(L).find(
    ([kind, k]) => (kind === "e" || kind === "delta") && (got[kind][k] === null || off(got[kind][k], right[kind][k]).includes(true)),
  );
}

const errorsOf = ({ got, measured }) =>
  measured.dW.map((dW, k) => {
    if (!got.dW[k] || !got.db[k]) return null;
    return [relativeError(got.dW[k].flat(), dW.flat(), FLOOR), relativeError(got.db[k], measured.db[k], FLOOR)];
  });

// A relative error with digits that show it.
const sizeOf = (error) => error.toFixed(error < 0.01 ? 4 : 2);

// Of a reader's own function Python says it.
function verdictOf(run, first) {
  const { state, sizes, own, called, got, batch } = run;
  const { mistake, pair } = state;
  if (own) return called ? own.verdict : own.not_called;
  const known = errorsOf(run).filter(Boolean).flat();
  const noticed = known.filter((e) => e > NOTICED);
  if (!first) {
    if (mistake !== "none") {
      const why = {
        no_transpose: "Wᵀδ = Wδ",
        no_slope: "g′ = 1 or e = 0",
        no_mean: !batch && "m = 1",
        elementwise: pair !== "cce_softmax" && "no softmax",
      }[mistake];
      return `In this network the mistake changes no number${noticed.length ? "" : ", and the gradient check agrees"}: ${why || "ŷ = y"}.`;
    }
    if (noticed.length) return "The measurement stepped over a kink and disagrees.";
    return "The gradient check agrees with all ∂J/∂W, ∂J/∂b in this network.";
  }
  const [kind, k] = first;
  const [E, D] = run.symbols.slice(-2);
  const symbol = (kind === "e" ? E : D) + up(k + 1);
  let text = `First wrong quantity: ${symbol}.`;
  if (got[kind][k] === null) {
    const [n, m] = sizes.slice(k + 1);
    const here = up(k + 2);
    text = `NumPy stops before ${symbol}: W${here} is ${batch ? `${n}×${m} and a row of ` : `${m}×${n} and `}${D}${here} has ${m} entries.`;
  }
  if (noticed.length) {
    const most = sizeOf(Math.max(...noticed));
    text += ` The gradient check notices it in ${noticed.length} of ${known.length} tensors, relative error ${most}.`;
  } else if (whole(got)) text += " The gradient check does not notice it.";
  return text;
}

// The chosen parameter: its equations with the numbers filled in.
function linesOf(run, place) {
  const { state, sizes, params, cache, right, got, L, slope, at: r, batch } = run;
  const [k, i, j] = place;
  const [E, D] = run.symbols.slice(-2);
  const name = nameOf(place, batch);
  const here = up(k + 1);
  const [W, b] = params[k];
  const delta = right.delta[k][r];
  const bias = j === null;
  const gradient = (pass) => (bias ? pass.db[k] : pass.dW[k]);
  const g = entry(gradient(right), i, j);
  const z = `z${here}${down(i + 1)}`;
  const ownDelta = `${D}${here}${down(i + 1)}`;
  const start = bias ? "1" : k === 0 ? `x${down(j + 1)}` : `a${up(k)}${down(j + 1)}`;
  const starts = cache.a[k].map((row) => (bias ? 1 : row[j]));
  const write = batch ? factor : value;
  const products = starts.map((v, q) => `${write(right.delta[k][q][i])} · ${factor(v)}`).join(" + ");
  const label = got === right ? "" : "Right: ";
  const lines = [
    `<b>${name} = ${value(entry(bias ? b : W, i, j))}</b>, from ${start} to ${z}`,
    `${label}∂J/∂${name} = ${batch ? "Σ " : ""}${ownDelta} · ${start} = ${products} = ${value(g)}`,
  ];
  const which = label + (batch ? `example ${r + 1}: ` : "");
  if (k === L - 1) {
    const p = cache.a[L][r][i];
    const squared = state.pair === "half_sse_sigmoid";
    const around = (t) => (batch || squared ? `(${t})` : t);
    let text = around(`ŷ${down(i + 1)} − y${down(i + 1)}`);
    let filled = around(`${value(p)} − ${factor(run.Y[r][i])}`);
    if (squared) {
      text += ` · ŷ${down(i + 1)}(1 − ŷ${down(i + 1)})`;
      filled += ` · ${value(p * (1 - p))}`;
    }
    if (batch) [text, filled] = [`${text}/m`, `${filled}/${run.X.length}`];
    lines.push(`${which}${ownDelta} = ${text} = ${filled} = ${value(delta[i])}`);
  } else {
    const e = right.e[k][r][i];
    const error = `${E}${here}${down(i + 1)}`;
    const numbers = `${value(e)} · ${factor(slope(cache.z[k][r][i]))} = ${value(delta[i])}`;
    lines.push(`${which}${ownDelta} = ${error} · g′(${z}) = ${numbers}`);
    const next = params[k + 1][0];
    const terms = next.map((_, q) => `${nameOf([k + 1, q, i], batch)}${D}${up(k + 2)}${down(q + 1)}`).join(" + ");
    const filled = next.map((row, q) => `${factor(row[i])}·${factor(right.delta[k + 1][r][q])}`).join(" + ");
    lines.push(`${label}${error} = ${terms} = ${filled} = ${value(e)}`);
  }
  const found = roads(params, cache.z.map((rows) => rows[r]), right.delta.at(-1)[r], state.activation, k, i, starts[r]);
  const sum = found.reduce((total, v) => total + v, 0);
  const terms = found.length > 1 && found.length <= 8 ? `: ${found.map(factor).join(" + ")} = ${value(sum)}` : "";
  const ways = counted(found.length, "road");
  lines.push(`${which}${ways} to the loss${terms}`);
  const digits = 1e8 / Math.max(1, run.J); // that a difference has
  const n = Math.floor(entry(gradient(run.measured), i, j) * digits + 0.5) / digits;
  lines.push(`measured: (J(w + h) − J(w − h))/2h = ${value(n)}`);
  const made = gradient(got);
  if (made !== null && off(made, gradient(right)).includes(true)) {
    lines.push(`<b>✗ ${run.own ? "yours" : "with the mistake"}: ∂J/∂${name} = ${value(entry(made, i, j))}</b>`);
  }
  const said = `${label}∂J/∂${name} = ${value(g)} over ${ways}${batch ? " an example" : ""}.`;
  return { said, html: lines.map((line) => `<p>${line}</p>`).join("") };
}

// The gradient check, tensor by tensor, from the output backward.
function checkOf(run) {
  const word = (error) => (error <= NOTICED ? "✓" : `<b class="lm-off">✗ ${sizeOf(error)}</b>`);
  return errorsOf(run)
    .map((pair, k) => `<p>layer ${k + 1}: ${pair ? `∂J/∂W ${word(pair[0])}, ∂J/∂b ${word(pair[1])}` : "no gradient"}</p>`)
    .reverse()
    .join("");
}

function layersOf(run, shown, now, first) {
  const { L, sizes, got, right, cache, batch, at: r } = run;
  const [X, Z, A, P, Y, E, D] = run.symbols;
  const d = batch ? "d" : "∂J/∂";
  const params = shown("update", 0) && run.after ? run.after : run.params;
  const fresh = params === run.after ? "new " : "";
  const places = placesOf(sizes);
  const active = (kind, k = 0) => (now[0] === kind && now[1] === k ? " lm-now" : "");
  const turned = (W) => (batch ? transpose(W) : W);
  const row = batch && r;
  const one = (tensor) => (batch ? tensor : tensor[0]); // what has a row for each example
  const rows = (label, tensor, kind, options) => matrix(label, one(tensor), kind, { row, ...options });
  const chooser = (start, k) => (q, c) => {
    const [to, from] = batch ? [c, q] : [q, c];
    return ` data-w="${start + to * (sizes[k] + 1) + from}"`;
  };
  const result = (which, label, k, start) => {
    const ofRows = which === "e" || which === "delta";
    const kind = ofRows ? which : "grad";
    const form = ofRows ? one : which === "dW" ? turned : (b) => [b];
    const options = { classes: active(kind, k), row: ofRows && row };
    const visible = shown(kind, k);
    let [made, type] = [got[which][k], "b"];
    if (run.unknown(which)) [made, label, type] = [right[which][k], `right: ${label}`, "c"];
    else if (run.own && which === "delta") label = `${d}b${up(k + 1)} = ${label}`;
    const expected = form(right[which][k]);
    const beside = visible ? matrix(`right: ${label}`, expected, "c", { row: options.row }) : "";
    if (made === null) return matrix(label, expected, type, { ...options, visible: false }) + beside;
    const wrong = off(form(made), expected);
    if (visible && wrong.includes(true) && first?.[0] === kind && first[1] === k) options.classes += " lm-first";
    const cell = start && chooser(start, k);
    const drawnMatrix = matrix(label, form(made), type, { ...options, visible, wrong, cell });
    return drawnMatrix + (wrong.includes(true) ? beside : "");
  };
  const found = params.map(([W, b], k) => {
    const last = k === L - 1;
    const here = up(k + 1);
    const start = places.findIndex(([layer]) => layer === k) + 1;
    const classes = active("update");
    const parts = k ? [] : [rows(X, run.X, "a", { classes: active("start") })];
    parts.push(matrix(`${fresh}W${here}`, turned(W), "plain", { classes, cell: chooser(start, k) }));
    parts.push(matrix(`${fresh}b${here}`, batch ? [b] : b, "plain", { classes }));
    parts.push(rows(`${Z}${here}`, cache.z[k], "a", { visible: shown("z", k), classes: active("z", k) }));
    parts.push(rows(last ? P : `${A}${here}`, cache.a[k + 1], "a", { visible: shown("a", k), classes: active("a", k) }));
    if (last) parts.push(rows(Y, run.Y, "plain", { classes: active("loss") }));
    parts.push("</div><div>", last ? "" : result("e", `${E}${here}`, k));
    parts.push(result("delta", `${D}${here}`, k), result("dW", `${d}W${here}`, k, start));
    if (batch) parts.push(result("db", `db${here}`, k));
    const title = last ? "output" : `layer ${k + 1}`;
    return `<div class="lm-layer"><b>${title}</b><div>${parts.join("")}</div></div>`;
  });
  return found.join("");
}

// The lines in the box of one unit: text and class.
function unitLines(run, shown, now, k, j) {
  const r = run.at;
  if (k === 0) return [[`x${down(j + 1)} ${value(run.X[r][j])}`, ""]];
  const last = k === run.L;
  const layer = k - 1;
  const [E, D] = run.symbols.slice(-2);
  const line = (symbol, kind, v, type, wrong) => {
    if (!shown(kind, layer)) return [`${symbol} ·`, type];
    if (v === null) return [`${symbol} –`, type];
    const active = now[0] === kind && now[1] === layer ? " lm-now" : "";
    return [`${symbol} ${wrong ? "✗" : ""}${value(v)}`, type + active];
  };
  const lines = [
    line("z", "z", run.cache.z[layer][r][j], "lm-a"),
    line(last ? "ŷ" : "a", "a", run.cache.a[k][r][j], "lm-a"),
  ];
  if (last) lines.push([`y ${value(run.Y[r][j])}`, now[0] === "loss" ? "lm-now" : ""]);
  for (const kind of last ? ["delta"] : ["e", "delta"]) {
    const right = run.right[kind][layer];
    let [made, symbol, type] = [run.got[kind][layer], kind === "e" ? E : D, "lm-b"];
    if (run.unknown(kind)) [made, symbol, type] = [right, `right ${symbol}`, "lm-c"];
    else if (run.own) symbol = "db";
    const wrong = off(made, right)[r * run.sizes[k] + j];
    lines.push(line(symbol, kind, made && made[r][j], type, wrong));
  }
  return lines;
}

function graphOf(run, shown, now, places, chosen, losses) {
  const { L, sizes, params, got } = run;
  const middle = sizes.map((_, k) => 30 + (422 * k) / L);
  const half = sizes.map((_, k) => (k === 0 ? 12 : 30));
  const x = sizes.map((n) => Array.from({ length: n }, (_, j) => (350 * (j + 0.5)) / n));
  const largestW = Math.max(...params.map(([W]) => size(W)));
  const largestG = Math.max(0, ...got.dW.filter(Boolean).map(size)) || 1;
  const [ck, ci, cj] = places[chosen];
  let [edges, hits] = ["", ""];
  places.forEach(([k, i, j], index) => {
    if (j === null) return;
    const [n, m] = [sizes[k], sizes[k + 1]];
    const [x1, y1] = [x[k][j] + (i - (m - 1) / 2) * 9, middle[k] + half[k]];
    const [x2, y2] = [x[k + 1][i] + (j - (n - 1) / 2) * 9, middle[k + 1] - half[k + 1]];
    const d = `M${coordinate(x1)} ${coordinate(y1)}L${coordinate(x2)} ${coordinate(y2)}`;
    let glow = (k === ck + 1 && j === ci) || k > ck + 1 ? " lm-glow" : "";
    if (index === chosen) glow = " lm-glow lm-chosen";
    let [width, type] = [largestW ? Math.abs(params[k][0][i][j]) / largestW : 0, ""];
    if (shown("grad", k) && got.dW[k]) [width, type] = [Math.abs(got.dW[k][i][j]) / largestG, "lm-b"];
    edges += `<path class="lm-edge ${type}" stroke-width="${coordinate(0.8 + 3.2 * width)}" d="${d}"/>`;
    hits += `<path class="lm-hit${glow}" data-w="${index + 1}" d="${d}"/>`;
  });
  let boxes = "";
  sizes.forEach((n, k) => {
    for (let j = 0; j < n; j += 1) {
      const [left, top] = [x[k][j] - 42, middle[k] - half[k]];
      const own = cj === null && ck === k - 1 && ci === j;
      boxes +=
        `<rect class="lm-unit${own ? " lm-chosen" : ""}" x="${coordinate(left)}" y="${coordinate(top)}" ` +
        `width="84" height="${2 * half[k]}" rx="6"/>`;
      unitLines(run, shown, now, k, j).forEach(([text, type], r) => {
        const fit = text.length > 11 ? ' textLength="77" lengthAdjust="spacingAndGlyphs"' : ""; // else it might not fit
        boxes += `<text class="${type}" x="${coordinate(left + 4)}" y="${coordinate(top + 15 + 13.5 * r)}"${fit}>${text}</text>`;
      });
    }
  });
  const end = `<text class="lm-title" x="175" y="502">${losses}</text>`;
  return hits + edges + boxes + end;
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
  const [few, most] = run.limits.batch;
  const sentence =
    `Network ${run.sizes.join("-")}, ${words(state.activation)} units, output ${PAIR_WORDS[state.pair][0]}, ` +
    `${counted(run.X.length, "example")}, after ${counted(run.done, "update")}. Step ${at} of ${last}: ${title}. ` +
    `J = ${value(run.J)}, and an update with η = ${short(state.eta)} ` +
    `${run.after ? `leads to ${value(run.newJ)}` : "cannot be made"}. ` +
    `${lines.said} ${verdict}`;
  const values = {
    step: at, chosen: nameOf(places[chosen], run.batch), seed: state.seed, updates: state.updates,
    eta: short(state.eta), batch: run.X.length, example: run.at + 1,
  };
  state.sizes.forEach((count, index) => {
    values[`sizes.${index}`] = count;
  });
  for (const key in values) values[key] += "";
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
    disabled: [state.own.at && "mistake", few === most && "batch", !run.batch && "example"].filter(Boolean),
    limits: { step: [0, last, 1], chosen: [1, places.length, 1], ...run.limits },
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
