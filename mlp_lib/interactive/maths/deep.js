// A deep network in row form without biases: how large its gradients are, layer by layer. A test
// holds it equal to layer_grad_norms of mlp_lib.
import { generator } from "./random.js";

const rows = (m, n, draw) => Array.from({ length: m }, () => Array.from({ length: n }, () => draw()));
const times = (A, B) =>
  A.map((row) => {
    const out = new Array(B[0].length).fill(0);
    row.forEach((v, k) => B[k].forEach((w, j) => { out[j] += v * w; }));
    return out;
  });
const flip = (A) => A[0].map((_, j) => A.map((row) => row[j]));
export const norm = (A) => Math.sqrt(A.reduce((all, row) => row.reduce((sum, v) => sum + v * v, all), 0));

// name: (n_in, n_out, source, scale) → W[from][to]
const normal = (n, m, source, scale) => rows(n, m, () => scale * source.normal());
export const SCHEMES = {
  normal,
  lecun: (n, m, source) => normal(n, m, source, Math.sqrt(1 / n)),
  he: (n, m, source) => normal(n, m, source, Math.sqrt(2 / n)),
  xavier_uniform(n, m, source) {
    const r = Math.sqrt(6 / (n + m));
    return rows(n, m, () => source.uniform(-r, r));
  },
  zeros: (n, m) => rows(n, m, () => 0),
};

// X, Y and every W, drawn in this order.
export function drawn({ depth, scheme, scale, seed }, width = 16, m = 32) {
  const source = generator(seed);
  const [X, Y] = [0, 1].map(() => rows(m, width, source.normal));
  return { X, Y, Ws: Array.from({ length: depth }, () => SCHEMES[scheme](width, width, source, scale)) };
}

// norms: ‖dW‖ of each layer; errors: ‖dZ‖; slopes: √(mean g′²) of each hidden layer;
// gains: what each W does to the length of an error on average, ‖W‖/√n.
export function backward({ X, Y, Ws }, { f, df }) {
  const [Z, A] = [[], [X]];
  Ws.forEach((W, k) => {
    Z.push(times(A[k], W));
    A.push(k === Ws.length - 1 ? Z[k] : Z[k].map((row) => row.map((v) => f(v))));
  });
  let dZ = A.at(-1).map((row, i) => row.map((v, j) => (v - Y[i][j]) / X.length));
  const [norms, errors, slopes] = [[], [], []];
  for (let k = Ws.length - 1; k >= 0; k -= 1) {
    norms.unshift(norm(times(flip(A[k]), dZ)));
    errors.unshift(norm(dZ));
    if (k === 0) break;
    const slope = Z[k - 1].map((row) => row.map((v) => df(v)));
    slopes.unshift(norm(slope) / Math.sqrt(slope.length * slope[0].length));
    dZ = times(dZ, flip(Ws[k])).map((row, i) => row.map((v, j) => v * slope[i][j]));
  }
  return { norms, errors, slopes, gains: Ws.map((W) => norm(W) / Math.sqrt(W.length)) };
}
