// Start parameters as mlp_lib.init_params draws them: layer after layer, W[from, to] by the scheme, then
// b = 0, all in one vector.
const SCHEMES = {
  zeros: () => () => 0,
  normal: (n, k, rng) => () => rng.normal(),
  xavier_normal: (n, k, rng) => () => Math.sqrt(2 / (n + k)) * rng.normal(),
  xavier_uniform: (n, k, rng) => {
    const r = Math.sqrt(6 / (n + k));
    return () => rng.uniform(-r, r);
  },
  he: (n, k, rng) => () => Math.sqrt(2 / n) * rng.normal(),
  lecun: (n, k, rng) => () => Math.sqrt(1 / n) * rng.normal(),
};

export function startParams(sizes, rng, scheme) {
  const theta = [];
  sizes.slice(1).forEach((k, l) => {
    const draw = SCHEMES[scheme](sizes[l], k, rng);
    for (let i = 0; i < sizes[l] * k; i += 1) theta.push(draw());
    for (let i = 0; i < k; i += 1) theta.push(0);
  });
  return Float64Array.from(theta);
}
