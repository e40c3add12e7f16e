// The losses of mlp_lib that are minus the logarithm of a probability, and the squared error.
// A probability below EPS is replaced by EPS, inside the logarithm and under the fraction only.
const EPS = 1e-12;
const atLeast = (p) => (p < EPS ? EPS : p);
const mean = (values) => values.reduce((sum, v) => sum + v, 0) / values.length;

export const bce = (yhat, y) =>
  mean(yhat.map((p, i) => -(y[i] * Math.log(atLeast(p)) + (1 - y[i]) * Math.log(atLeast(1 - p)))));
export const gradBce = (yhat, y) =>
  yhat.map((p, i) => ((1 - y[i]) / atLeast(1 - p) - y[i] / atLeast(p)) / yhat.length);
export const mse = (yhat, y) => mean(yhat.map((p, i) => (p - y[i]) ** 2));
export const gradMse = (yhat, y) => yhat.map((p, i) => (2 / yhat.length) * (p - y[i]));

// P and Y: one row per example.
export const each = (P, Y) => P.map((row, i) => -row.reduce((sum, p, k) => sum + Y[i][k] * Math.log(atLeast(p)), 0));
export const cce = (P, Y) => mean(each(P, Y));
export const nll = (P, Y) => each(P, Y).reduce((sum, v) => sum + v, 0);
export const likelihood = (P, Y) => P.reduce((all, row, i) => row.reduce((some, p, k) => some * p ** Y[i][k], all), 1);

const largest = (row) => row.indexOf(Math.max(...row));
export const right = (P, Y) => P.map((row, i) => largest(row) === largest(Y[i]));
