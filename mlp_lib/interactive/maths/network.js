// A small network in column form, one example: forward, loss, backward, the roads of one weight,
// and the measured gradient. params is a list of [W, b] with W[to][from]; layer k + 1 is params[k].
// A test holds all of it equal to mlp_lib.
import { PLAIN, sigmoid } from "./plain.js";
import { softmax } from "./softmax.js";

const FLOOR = 1e-12; // a probability inside a logarithm is at least this
const add = (values) => values.reduce((sum, v) => sum + v, 0);
const dot = (u, v) => add(u.map((value, i) => value * v[i]));
const ln = (p) => Math.log(Math.max(p, FLOOR));

export const times = (W, v) => W.map((row) => dot(row, v));
export const transpose = (W) => W[0].map((_, j) => W.map((row) => row[j]));
export const outer = (u, v) => u.map((a) => v.map((b) => a * b));

const squares = (p, y) => add(p.map((v, i) => (v - y[i]) ** 2)) / 2;
const minus = (p, y) => p.map((v, i) => v - y[i]);
const elementwise = (f) => (z) => z.map((v) => f(v));

// Loss and output activation that belong together, and δ = ∂J/∂z of the output layer.
export const PAIRS = {
  half_sse_identity: { out: (z) => [...z], loss: squares, delta: minus },
  half_sse_sigmoid: {
    out: elementwise(sigmoid),
    loss: squares,
    delta: (p, y) => p.map((v, i) => (v - y[i]) * v * (1 - v)),
  },
  bce_sigmoid: {
    out: elementwise(sigmoid),
    loss: (p, y) => -add(p.map((v, i) => y[i] * ln(v) + (1 - y[i]) * ln(1 - v))),
    delta: minus,
  },
  cce_softmax: { out: softmax, loss: (p, y) => -add(p.map((v, i) => y[i] * ln(v))), delta: minus },
};

export function forward(params, x, activation, pair) {
  const z = [];
  const a = [x];
  for (const [W, b] of params) {
    z.push(times(W, a.at(-1)).map((v, i) => v + b[i]));
    const last = z.length === params.length;
    a.push(last ? PAIRS[pair].out(z.at(-1)) : z.at(-1).map((v) => PLAIN[activation].f(v)));
  }
  return { z, a };
}

export function loss(params, x, y, activation, pair) {
  return PAIRS[pair].loss(forward(params, x, activation, pair).a.at(-1), y);
}

// delta[k], dW[k] and e[k] belong to layer k + 1; e of the output layer is not used.
// mistake plants one: a quantity that cannot be computed then, and all after it, stay null.
export function backward(params, { z, a }, y, activation, pair, mistake = "none") {
  const L = params.length;
  const [delta, e, dW] = [0, 1, 2].map(() => Array(L).fill(null));
  let now = PAIRS[pair].delta(a[L], y);
  if (mistake === "sign") now = now.map((v) => -v);
  if (mistake === "elementwise" && pair === "cce_softmax") now = a[L].map((p, i) => -y[i] * (1 - p));
  for (let k = L - 1; k >= 0; k -= 1) {
    const [W] = params[k];
    delta[k] = now;
    dW[k] = outer(now, a[k]);
    if (k === 0) break;
    if (mistake === "no_transpose" && W.length !== W[0].length) break;
    e[k - 1] = times(mistake === "no_transpose" ? W : transpose(W), now);
    const slope = mistake === "no_slope" ? () => 1 : PLAIN[activation].df;
    now = e[k - 1].map((v, i) => v * slope(z[k - 1][i]));
  }
  return { delta, e, dW };
}

// What each road from a weight into unit `to` of layer k + 1 contributes: begin is the activation
// that enters it (1 for a bias), deltaL is δ of the output layer.
export function roads(params, z, deltaL, activation, k, to, begin) {
  if (k === params.length - 1) return [begin * deltaL[to]];
  const now = begin * PLAIN[activation].df(z[k][to]);
  return params[k + 1][0].flatMap((row, i) => roads(params, z, deltaL, activation, k + 1, i, now * row[to]));
}

export const apply = (params, { dW, delta }, eta) =>
  params.map(([W, b], k) => [
    W.map((row, i) => row.map((w, j) => w - eta * dW[k][i][j])),
    b.map((v, i) => v - eta * delta[k][i]),
  ]);

// Central differences of f(params), tensor by tensor, in the shape of a gradient.
export function measure(f, params, h = 1e-5) {
  const copy = structuredClone(params);
  const slope = (row, i) => {
    const kept = row[i];
    row[i] = kept + h;
    const above = f(copy);
    row[i] = kept - h;
    const below = f(copy);
    row[i] = kept;
    return (above - below) / (2 * h);
  };
  return {
    dW: copy.map(([W]) => W.map((row) => row.map((_, j) => slope(row, j)))),
    delta: copy.map(([, b]) => b.map((_, i) => slope(b, i))),
  };
}

export function relativeError(g, n, floor) {
  const norm = (values) => Math.sqrt(add(values.map((v) => v * v)));
  return norm(minus(g, n)) / Math.max(floor, norm(g) + norm(n));
}
