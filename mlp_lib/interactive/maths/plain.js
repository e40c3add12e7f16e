// The plain activations of mlp_lib and their derivatives with respect to the pre-activation z.
// Same formulas, same conventions at the kinks; a test holds both equal on thousands of points.

export const sigmoid = (z) => {
  const e = Math.exp(-Math.abs(z)); // never overflows
  return z < 0 ? e / (1 + e) : 1 / (1 + e);
};
export const dSigmoid = (z) => sigmoid(z) * sigmoid(-z);

// name: [label, f, f′]; jump says what the limit from the right is where it differs from the value
// at 0, so that a picture can break the line there.
export const PLAIN = {
  identity: { label: "identity", f: (z) => z, df: () => 1 },
  sigmoid: { label: "sigmoid", f: sigmoid, df: dSigmoid },
  tanh: { label: "tanh", f: Math.tanh, df: (z) => 1 - Math.tanh(z) ** 2 },
  relu: { label: "ReLU", f: (z) => Math.max(z, 0), df: (z) => (z > 0 ? 1 : 0), jump: { df: 1 } },
  leaky_relu: {
    label: "leaky ReLU",
    f: (z, alpha = 0.01) => (z > 0 ? z : alpha * z),
    df: (z, alpha = 0.01) => (z > 0 ? 1 : alpha),
    jump: { df: 1 },
  },
  softplus: {
    label: "softplus",
    f: (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))),
    df: sigmoid,
  },
};
