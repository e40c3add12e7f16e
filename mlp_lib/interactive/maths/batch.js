// A network in row form, a batch at a time: Z = A W + b forward, dZ, dW = Aᵀ dZ and db backward.
// All parameters are one vector, layer after layer, W[from, to] before b; Z, A and dZ are vectors
// too, one example after the other. A test holds all of it equal to mlp_lib.
import { PAIRS } from "./network.js";

// loss: a pair of network.js, or mse_identity, the mean of squares.
export function network(sizes, activation, pair) {
  let at = 0;
  const layers = sizes.slice(1).map((k, l) => {
    const layer = { n: sizes[l], k, W: at, b: at + sizes[l] * k };
    at = layer.b + k;
    return layer;
  });
  const squares = pair === "mse_identity";
  const { out, loss, delta } = PAIRS[squares ? "half_sse_identity" : pair];
  const factor = squares ? 2 / sizes.at(-1) : 1; // what ½ Σ (ŷ − y)² is multiplied by
  const byRow = pair === "cce_softmax"; // other outputs look at one number at a time
  return { sizes, layers, byRow, size: at, f: activation.f, df: activation.df, out, loss, delta, factor };
}

// X: m rows. drop(l, n): a mask of n entries 0 or 1 for layer l + 1, and keep; null without dropout.
export function forward(net, theta, X, m, drop = null) {
  const cache = { m, z: [], a: [X], masks: [], keep: drop?.keep ?? 1 };
  const last = net.layers.length - 1;
  net.layers.forEach(({ n, k, W, b }, l) => {
    const [A, Z, next] = [cache.a[l], new Float64Array(m * k), new Float64Array(m * k)];
    for (let r = 0; r < m; r += 1) {
      for (let i = 0; i < k; i += 1) {
        let sum = theta[b + i];
        for (let j = 0; j < n; j += 1) sum += A[r * n + j] * theta[W + j * k + i];
        Z[r * k + i] = sum;
      }
    }
    if (l === last && net.byRow) for (let r = 0; r < m * k; r += k) next.set(net.out(Z.subarray(r, r + k)), r);
    else if (l === last) next.set(net.out(Z));
    else for (let i = 0; i < m * k; i += 1) next[i] = net.f(Z[i]);
    if (drop && l < last) {
      const mask = drop.draw(m * k);
      for (let i = 0; i < m * k; i += 1) next[i] = (next[i] * mask[i]) / drop.keep;
      cache.masks.push(mask);
    }
    cache.z.push(Z);
    cache.a.push(next);
  });
  return cache;
}

// The mean over the examples; Y: m rows. Every loss is a sum over all entries.
export const meanLoss = (net, Yhat, Y, m) => (net.factor * net.loss(Yhat, Y)) / m;

// dZ by layer and the gradient of the mean loss, as a vector like theta.
export function backward(net, theta, { m, z, a, masks, keep }, Y) {
  const gradient = new Float64Array(net.size);
  const dZ = [];
  let D = net.delta(a.at(-1), Y).map((v) => (net.factor * v) / m);
  for (let l = net.layers.length - 1; l >= 0; l -= 1) {
    const { n, k, W, b } = net.layers[l];
    const A = a[l];
    dZ[l] = D;
    for (let r = 0; r < m; r += 1) {
      for (let i = 0; i < k; i += 1) {
        const d = D[r * k + i];
        gradient[b + i] += d;
        for (let j = 0; j < n; j += 1) gradient[W + j * k + i] += A[r * n + j] * d;
      }
    }
    if (l === 0) break;
    const E = new Float64Array(m * n);
    for (let r = 0; r < m; r += 1) {
      for (let j = 0; j < n; j += 1) {
        let e = 0;
        for (let i = 0; i < k; i += 1) e += D[r * k + i] * theta[W + j * k + i];
        const at = r * n + j;
        const slope = net.df(z[l - 1][at]);
        E[at] = e * (masks.length ? (slope * masks[l - 1][at]) / keep : slope);
      }
    }
    D = E;
  }
  return { dZ, gradient };
}
