// A small network: forward, loss, backward, the roads of one weight, and the measured gradient.
// params is a list of [W, b] with W[to][from]; layer k + 1 is params[k]. X, Y and all that is made
// from them have a row for each example. A test holds all of it equal to mlp_lib.
import { PLAIN, sigmoid } from "./plain.js";
import { softmax } from "./softmax.js";

const FLOOR = 1e-12; // a probability inside a logarithm is at least this
const add = (values) => values.reduce((sum, v) => sum + v, 0);
const dot = (u, v) => add(u.map((value, i) => value * v[i]));
const ln = (p) => Math.log(Math.max(p, FLOOR));

export const times = (W, v) => W.map((row) => dot(row, v));
export const transpose = (W) => W[0].map((_, j) => W.map((row) => row[j]));

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

export function forward(params, X, activation, pair) {
  const z = [];
  const a = [X];
  for (const [W, b] of params) {
    z.push(a.at(-1).map((row) => times(W, row).map((v, i) => v + b[i])));
    const last = z.length === params.length;
    a.push(z.at(-1).map(last ? PAIRS[pair].out : elementwise(PLAIN[activation].f)));
  }
  return { z, a };
}

// The mean over the examples.
export function loss(params, X, Y, activation, pair) {
  return add(forward(params, X, activation, pair).a.at(-1).map((p, r) => PAIRS[pair].loss(p, Y[r]))) / X.length;
}

// delta[k] and e[k] with the 1/m of the mean, dW[k] and db[k] belong to layer k + 1; e of the output
// layer is not used. mistake plants one: what cannot be computed then, and all after it, stay null.
export function backward(params, { z, a }, Y, activation, pair, mistake = "none") {
  const L = params.length;
  const [delta, e, dW, db] = [0, 1, 2, 3].map(() => Array(L).fill(null));
  let now = a[L].map((p, r) => {
    let start = PAIRS[pair].delta(p, Y[r]);
    if (mistake === "sign") start = start.map((v) => -v);
    if (mistake === "elementwise" && pair === "cce_softmax") start = p.map((v, i) => -Y[r][i] * (1 - v));
    return mistake === "no_mean" ? start : start.map((v) => v / Y.length);
  });
  for (let k = L - 1; k >= 0; k -= 1) {
    const [W] = params[k];
    delta[k] = now;
    const columns = transpose(now);
    db[k] = columns.map(add);
    dW[k] = columns.map((d) => transpose(a[k]).map((v) => dot(d, v)));
    if (k === 0) break;
    if (mistake === "no_transpose" && W.length !== W[0].length) break;
    e[k - 1] = now.map((row) => times(mistake === "no_transpose" ? W : transpose(W), row));
    const slope = mistake === "no_slope" ? () => 1 : PLAIN[activation].df;
    now = e[k - 1].map((row, r) => row.map((v, i) => v * slope(z[k - 1][r][i])));
  }
  return { delta, e, dW, db };
}

// What each road from a weight into unit `to` of layer k + 1 contributes for one example with these
// z: begin is the activation that enters it (1 for a bias), deltaL is δ of the output layer.
export function roads(params, z, deltaL, activation, k, to, begin) {
  if (k === params.length - 1) return [begin * deltaL[to]];
  const now = begin * PLAIN[activation].df(z[k][to]);
  return params[k + 1][0].flatMap((row, i) => roads(params, z, deltaL, activation, k + 1, i, now * row[to]));
}

export const apply = (params, { dW, db }, eta) =>
  params.map(([W, b], k) => [
    W.map((row, i) => row.map((w, j) => w - eta * dW[k][i][j])),
    b.map((v, i) => v - eta * db[k][i]),
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
    db: copy.map(([, b]) => b.map((_, i) => slope(b, i))),
  };
}

export function relativeError(g, n, floor) {
  const norm = (values) => Math.sqrt(add(values.map((v) => v * v)));
  return norm(minus(g, n)) / Math.max(floor, norm(g) + norm(n));
}
