// Softmax twice: as mlp_lib computes it, and as the formula reads, which overflows.
// Doubles are the float64 of numpy: e^710 is Infinity, Infinity/Infinity is NaN.

export function softmax(z) {
  const top = Math.max(...z);
  const e = z.map((v) => Math.exp(v - top));
  const total = e.reduce((sum, v) => sum + v, 0);
  return e.map((v) => v / total);
}

export function naiveSoftmax(z) {
  const e = z.map((v) => Math.exp(v));
  const total = e.reduce((sum, v) => sum + v, 0);
  return e.map((v) => v / total);
}
