// Every activation of mlp_lib and its derivative with respect to the pre-activation z.
// Same formulas, same conventions at the kinks; a test holds both equal on thousands of points.
import { erfc } from "./erf.js";

const sigmoid = (z) => {
  const e = Math.exp(-Math.abs(z)); // never overflows
  return z < 0 ? e / (1 + e) : 1 / (1 + e);
};
const dSigmoid = (z) => sigmoid(z) * sigmoid(-z);

const bell = (z) => Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
const normalCdf = (z) => 0.5 * erfc(-z / Math.SQRT2);

const ROOT = Math.sqrt(2 / Math.PI);
const inner = (z) => ROOT * (z + 0.044715 * z * z * z);
const dInner = (z) => ROOT * (1 + 3 * 0.044715 * z * z);

const dTanh = (z) => 1 - Math.tanh(z) ** 2;
const sech = (z) => {
  const e = Math.exp(-Math.abs(z));
  return (2 * e) / (1 + e * e);
};

// name: [label, f, f′]; jump says what the limit from the right is where it differs from the value
// at 0, so that a picture can break the line there.
export const ACTIVATIONS = {
  identity: { label: "identity", f: (z) => z, df: () => 1 },
  sigmoid: { label: "sigmoid", f: sigmoid, df: dSigmoid },
  tanh: { label: "tanh", f: Math.tanh, df: dTanh },
  relu: { label: "ReLU", f: (z) => Math.max(z, 0), df: (z) => (z > 0 ? 1 : 0), jump: { df: 1 } },
  leaky_relu: {
    label: "leaky ReLU",
    f: (z, alpha = 0.01) => (z > 0 ? z : alpha * z),
    df: (z, alpha = 0.01) => (z > 0 ? 1 : alpha),
    jump: { df: 1 },
  },
  gelu: { label: "GELU", f: (z) => z * normalCdf(z), df: (z) => normalCdf(z) + z * bell(z) },
  gelu_tanh: {
    label: "GELU (tanh)",
    f: (z) => z * sigmoid(2 * inner(z)),
    df: (z) => sigmoid(2 * inner(z)) + z * dSigmoid(2 * inner(z)) * 2 * dInner(z),
  },
  gudermannian: { label: "Gudermannian", f: (z) => 2 * Math.atan(Math.tanh(z / 2)), df: sech },
  step: { label: "step", f: (z) => (z > 0 ? 1 : 0), df: () => 0, jump: { f: 1 } },
  softplus: {
    label: "softplus",
    f: (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))),
    df: sigmoid,
  },
};

// Where |f′| < 0.01: intervals of [−reach, reach] as [from, to], found on a grid and sharpened by
// bisection. An end at ±reach means that the gradient stays dead from there on.
export const DEAD = 0.01;
export const REACH = 40;
const CELL = 0.05;

export function deadIntervals(df) {
  const dead = (z) => Math.abs(df(z)) < DEAD;
  const cells = Math.round((2 * REACH) / CELL);
  const at = (i) => (i - cells / 2) * CELL;
  const edge = (alive, gone) => {
    for (let k = 0; k < 40; k += 1) {
      const middle = (alive + gone) / 2;
      if (dead(middle)) gone = middle;
      else alive = middle;
    }
    return Math.abs(gone) < 1e-9 ? 0 : gone;
  };
  const found = [];
  let from = dead(at(0)) ? at(0) : null;
  for (let i = 1; i <= cells; i += 1) {
    const now = dead(at(i));
    if (now && from === null) from = edge(at(i - 1), at(i));
    if (!now && from !== null) {
      found.push([from, edge(at(i), at(i - 1))]);
      from = null;
    }
  }
  if (from !== null) found.push([from, at(cells)]);
  return found;
}
