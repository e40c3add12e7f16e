// The forward pass of a small network in column form: W[to][from], one example.
// Entry k of z and a belongs to layer k + 1. A test holds it equal to mlp_lib.
export function forward(x, params, g, out) {
  const z = [];
  const a = [];
  for (const [W, b] of params) {
    const before = a.at(-1) ?? x;
    z.push(W.map((row, i) => row.reduce((sum, w, j) => sum + w * before[j], 0) + b[i]));
    a.push(z.length === params.length ? out(z.at(-1)) : z.at(-1).map((v) => g(v)));
  }
  return { z, a };
}
