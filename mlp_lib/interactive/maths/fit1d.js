// A network with one hidden layer learns a function of one number, by gradient descent on the mean
// of squares with all points in every step. A test holds it equal to fit_1d of mlp_lib.
import { generator } from "./random.js";

export const POINTS = 50;
export const TARGETS = {
  absolute: Math.abs,
  square: (x) => x * x,
  sine: Math.sin,
  step: (x) => (x > 0 ? 1 : 0),
};

// The points, and the weights before the first step, drawn as fit_1d draws them.
export function start(units, seed) {
  const source = generator(seed);
  const x = Array.from({ length: POINTS }, () => source.uniform(-1, 1));
  const [w1, b1, w2] = [0, 1, 2].map(() => Float64Array.from({ length: units }, source.normal));
  return { x, w1, b1, w2, b2: 0 };
}

export const predict = ({ w1, b1, w2, b2 }, f, x) =>
  w1.reduce((sum, w, j) => sum + w2[j] * f(w * x + b1[j]), b2);

export const loss = (net, f, x, y) => x.reduce((sum, v, i) => sum + (predict(net, f, v) - y[i]) ** 2, 0) / x.length;

// One step in place; returns the loss before it.
export function update(net, { f, df }, x, y, rate) {
  const { w1, b1, w2 } = net;
  const h = w1.length;
  const [dw1, db1, dw2, z, a] = Array.from({ length: 5 }, () => new Float64Array(h));
  let [db2, total] = [0, 0];
  for (let i = 0; i < x.length; i += 1) {
    let out = net.b2;
    for (let j = 0; j < h; j += 1) {
      z[j] = w1[j] * x[i] + b1[j];
      a[j] = f(z[j]);
      out += w2[j] * a[j];
    }
    const error = out - y[i];
    const delta = (2 * error) / x.length;
    total += error * error;
    db2 += delta;
    for (let j = 0; j < h; j += 1) {
      dw2[j] += delta * a[j];
      const back = delta * w2[j] * (f === Math.tanh ? 1 - a[j] * a[j] : df(z[j]));
      db1[j] += back;
      dw1[j] += back * x[i];
    }
  }
  for (let j = 0; j < h; j += 1) {
    w1[j] -= rate * dw1[j];
    b1[j] -= rate * db1[j];
    w2[j] -= rate * dw2[j];
  }
  net.b2 -= rate * db2;
  return total / x.length;
}

// mean of squares of the best straight line
export function straight(x, y) {
  const mean = (values) => values.reduce((sum, v) => sum + v, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  const slope = mean(x.map((v, i) => (v - mx) * (y[i] - my))) / mean(x.map((v) => (v - mx) ** 2));
  return mean(x.map((v, i) => (y[i] - my - slope * (v - mx)) ** 2));
}
