// The perceptron's learning rule, one update at a time. x carries a 1 in front for the bias.
export const sgn = (z) => (z >= 0 ? 1 : -1);
export const score = (w, x) => w[0] + w[1] * x[0] + w[2] * x[1];
export const mistakes = (X, y, w) => X.flatMap((x, i) => (sgn(score(w, x)) === y[i] ? [] : [i]));

// The weights before the first update and after each one, until nothing is wrong or `most` are done.
export function train(X, y, most, eta = 0.5) {
  const path = [[0, 0, 0]];
  for (;;) {
    const w = path.at(-1);
    const [i] = mistakes(X, y, w);
    if (i === undefined || path.length > most) return path;
    const step = eta * (y[i] - sgn(score(w, X[i])));
    path.push([1, ...X[i]].map((x, k) => w[k] + step * x));
  }
}
