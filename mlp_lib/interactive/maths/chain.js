// One unit per layer: forward, backward, and the measured derivative of the first weight.
// Entry l of w, z, dw, delta and e belongs to layer l + 1; a begins with the input.
// A test holds it equal to mlp_lib.

export function chainForward(w, a0, g) {
  const z = [];
  const a = [a0];
  for (const weight of w) {
    z.push(weight * a.at(-1));
    a.push(g(z.at(-1)));
  }
  return { z, a };
}

export function chainBackward(w, { z, a }, y, dg) {
  const [dw, delta, e] = [[], [], []];
  let error = a.at(-1) - y;
  for (let l = w.length - 1; l >= 0; l -= 1) {
    e[l] = error;
    delta[l] = e[l] * dg(z[l]);
    dw[l] = delta[l] * a[l];
    error = w[l] * delta[l];
  }
  return { dw, delta, e };
}

export function chainMeasured(w, a0, y, g, h = 1e-5) {
  const J = (first) => 0.5 * (chainForward([first, ...w.slice(1)], a0, g).a.at(-1) - y) ** 2;
  return (J(w[0] + h) - J(w[0] - h)) / (2 * h);
}
