// The optimisers of mlp_lib: optimiser(name, lr) returns step(theta, gradient) → new theta, which
// remembers what its rule needs; step takes another lr as its third argument. A test holds them equal
// to mlp_lib.

const zeros = (theta) => theta.map(() => 0);

const RULES = {
  sgd: () => (theta, g, lr) => theta.map((v, i) => v - lr * g[i]),
  momentum: ({ mu = 0.9 }) => {
    let v;
    return (theta, g, lr) => {
      v = (v ?? zeros(theta)).map((old, i) => old * mu + g[i]);
      return theta.map((t, i) => t - v[i] * lr);
    };
  },
  nesterov: ({ mu = 0.9 }) => {
    let v;
    return (theta, g, lr) => {
      v = (v ?? zeros(theta)).map((old, i) => old * mu + g[i]);
      return theta.map((t, i) => t - (v[i] * mu + g[i]) * lr);
    };
  },
  rmsprop: ({ rho = 0.99, eps = 1e-8 }) => {
    let s;
    return (theta, g, lr) => {
      s = (s ?? zeros(theta)).map((old, i) => old * rho + g[i] * g[i] * (1 - rho));
      return theta.map((t, i) => t - (g[i] / (Math.sqrt(s[i]) + eps)) * lr);
    };
  },
  adam: ({ beta1 = 0.9, beta2 = 0.999, eps = 1e-8 }) => {
    let [m, v, t] = [null, null, 0];
    return (theta, g, lr) => {
      t += 1;
      m = (m ?? zeros(theta)).map((old, i) => old * beta1 + g[i] * (1 - beta1));
      v = (v ?? zeros(theta)).map((old, i) => old * beta2 + g[i] * g[i] * (1 - beta2));
      const c = Math.sqrt(1 - beta2 ** t); // undoes the start at 0, of v and of ε beside its root
      const rate = (lr * c) / (1 - beta1 ** t);
      return theta.map((now, i) => now - (m[i] / (Math.sqrt(v[i]) + c * eps)) * rate);
    };
  },
};

export function optimiser(name, lr, options = {}) {
  const step = RULES[name](options);
  return (theta, g, now = lr) => step(theta, g, now);
}
