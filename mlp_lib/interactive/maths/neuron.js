// One neuron: what each input contributes, their sum z with the bias, and the activation g(z).
import { PLAIN } from "./plain.js";

const { identity, sigmoid, tanh, relu } = PLAIN;

export const BENDS = {
  identity: identity.f,
  sigmoid: sigmoid.f,
  tanh: tanh.f,
  relu: relu.f,
  step: (z) => (z > 0 ? 1 : 0),
  sgn: (z) => (z >= 0 ? 1 : -1),
};

// Sums of settings like 0.1 · 3 − 0.3 are 0 here and not 6×10⁻¹⁷, so that a jump of g lies where it is drawn.
export const rounded = (z) => Number(z.toFixed(12));

export function neuron(x, w, b, bend) {
  const parts = [...x.map((v, j) => w[j] * v), b];
  const sums = [];
  parts.reduce((sum, part) => sums.push(rounded(sum + part)) && sum + part, 0);
  const z = sums.at(-1);
  return { parts: parts.map(rounded), sums, z, a: BENDS[bend](z) };
}
