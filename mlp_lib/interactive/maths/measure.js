// Measured gradients of functions of a few complex numbers, written [re, im].
//
// The figure shows rounding errors, and rounding depends on how exp is computed. So exp, sin and cos
// are spelt out here and in gradcheck.py in the same operations, and give the same bits everywhere.
import { chainBackward, chainForward } from "./chain.js";

const LN2_HIGH = 0.693147180369123816490; // 33 bits, so that k·LN2_HIGH is exact
const LN2_LOW = 1.90821492927058770002e-10;

export function exp(x) {
  const k = Math.floor(x / Math.LN2 + 0.5);
  const r = x - k * LN2_HIGH - k * LN2_LOW;
  let sum = 1;
  for (let n = 17; n > 0; n -= 1) sum = 1 + (sum * r) / n;
  return sum * 2 ** k;
}

// Σ of a term that goes on by −b²/(n(n+1)): cos from n = 1, sin from n = 2.
function series(first, n, b) {
  let [term, sum] = [first, first];
  for (; n < 24; n += 2) {
    term *= (-b * b) / (n * (n + 1));
    sum += term;
  }
  return sum;
}

export const sigmoid = (z) => 1 / (1 + exp(-z));

function complexSigmoid([a, b]) {
  if (b === 0) return [sigmoid(a), 0];
  const e = exp(-a);
  const [c, d] = [1 + e * series(1, 1, b), -e * series(b, 2, b)];
  const size = c * c + d * d;
  return [c / size, -d / size];
}

const INPUT = 0.8; // of the chain of lesson 8, whose target is 1

// f and its true gradient at theta. `point` is where theta stands if it is not the reader's.
export const FUNCTIONS = {
  chain: {
    f(theta) {
      let a = [INPUT, 0];
      for (const [w, v] of theta) a = complexSigmoid([w * a[0] - v * a[1], w * a[1] + v * a[0]]);
      const d = a[0] - 1;
      return [0.5 * (d * d - a[1] * a[1]), d * a[1]];
    },
    grad(w) {
      return chainBackward(w, chainForward(w, INPUT, sigmoid), 1, (z) => sigmoid(z) * sigmoid(-z)).dw;
    },
  },
  bowl: {
    point: [1, 1],
    f: ([[x, u], [y, v]]) => [1.5 * (x * x - u * u) + (y * y - v * v) + 2, 3 * x * u + 2 * y * v],
    grad: ([x, y]) => [3 * x, 2 * y],
  },
  kink: {
    point: [1e-4],
    f: ([[z, v]]) => (z > 0 ? [1 + z, v] : [1, 0]),
    grad: ([z]) => [z > 0 ? 1 : 0],
  },
};

// (f, theta, h) → the gradient as measured.
const moved = (theta, i, re, im) => theta.map((v, j) => (j === i ? [v + re, im] : [v, 0]));
export const SCHEMES = {
  forward(f, theta, h) {
    const base = f(moved(theta, -1, 0, 0))[0];
    return theta.map((_, i) => (f(moved(theta, i, h, 0))[0] - base) / h);
  },
  central: (f, theta, h) =>
    theta.map((_, i) => (f(moved(theta, i, h, 0))[0] - f(moved(theta, i, -h, 0))[0]) / (2 * h)),
  complex: (f, theta, h) => theta.map((_, i) => f(moved(theta, i, 0, h))[1] / h),
};
