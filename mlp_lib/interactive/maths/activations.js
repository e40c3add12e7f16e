// Every activation of mlp_lib and its derivative with respect to the pre-activation z.
// The plain ones stand in plain.js, for the figures that need no others.
import { erfc } from "./erf.js";
import { PLAIN, dSigmoid, sigmoid } from "./plain.js";

const bell = (z) => Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
const normalCdf = (z) => 0.5 * erfc(-z / Math.SQRT2);

const ROOT = Math.sqrt(2 / Math.PI);
const inner = (z) => ROOT * (z + 0.044715 * z * z * z);
const dInner = (z) => ROOT * (1 + 3 * 0.044715 * z * z);

const sech = (z) => {
  const e = Math.exp(-Math.abs(z));
  return (2 * e) / (1 + e * e);
};

export const ACTIVATIONS = {
  ...PLAIN,
  gelu: { label: "GELU", f: (z) => z * normalCdf(z), df: (z) => normalCdf(z) + z * bell(z) },
  gelu_tanh: {
    label: "GELU (tanh)",
    f: (z) => z * sigmoid(2 * inner(z)),
    df: (z) => sigmoid(2 * inner(z)) + z * dSigmoid(2 * inner(z)) * 2 * dInner(z),
  },
  gudermannian: { label: "Gudermannian", f: (z) => 2 * Math.atan(Math.tanh(z / 2)), df: sech },
  step: { label: "step", f: (z) => (z > 0 ? 1 : 0), df: () => 0, jump: { f: 1 } },
};
