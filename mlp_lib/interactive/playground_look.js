// What the figure shows of a state: the run, the parameters, and everything measured at them. A run is
// kept and goes on where it stands, so that a frame costs its new updates only.
import { backward, forward, meanLoss } from "./maths/batch.js";
import { DATA } from "./maths/datasets.js";
import { Training, continues, proceed } from "./maths/training.js";

// the latest runs, for several figures on a page
const runs = [];
const KEPT = 4;

export function runOf(state) {
  let run = runs.find((known) => continues(known, state));
  if (!run) {
    run = new Training(state);
    warm(run);
  }
  return proceed(run, state);
}

export function warm(run) {
  runs.unshift(run);
  runs.splice(KEPT);
}

function share(net, classes, { Y, t, m }, Yhat) {
  const k = net.sizes.at(-1);
  let right = 0;
  for (let r = 0; r < m; r += 1) {
    const row = Yhat.subarray(r * k, r * k + k);
    const answer = classes > 2 ? row.indexOf(Math.max(...row)) : Number(row[0] > 0.5);
    right += Number(answer === Number(t[r]));
  }
  return right / m;
}

// sizes: |δ| of every example and unit, without the 1/m, in order; norms: ‖dW‖ by layer; dead[k]: by unit of hidden layer k + 1.
export function lookAt(state) {
  const run = runOf(state);
  const { seen, net, train, test } = run;
  if (seen && seen.t === run.t && seen.edits === state.edits) return seen.look;
  const theta = run.params(state);
  const { classes } = DATA[state.data];
  const caches = [train, test].map(({ X, m }) => forward(net, theta, X, m));
  const answers = caches.map(({ a }) => a.at(-1));
  const { dZ, gradient } = backward(net, theta, caches[0], train.Y);
  const look = {
    run,
    net,
    theta,
    classes,
    gradient,
    losses: [train, test].map(({ Y, m }, i) => meanLoss(net, answers[i], Y, m)),
    right: classes ? [train, test].map((part, i) => share(net, classes, part, answers[i])) : null,
    sizes: dZ.map((D) => D.map((d) => Math.abs(d * train.m)).sort()),
    norms: net.layers.map(({ W, b }) => Math.sqrt(gradient.subarray(W, b).reduce((sum, g) => sum + g * g, 0))),
    dead: net.layers.slice(0, -1).map(({ k }, l) =>
      Array.from({ length: k }, (_, j) => caches[0].z[l].every((z, i) => i % k !== j || net.df(z) === 0))),
  };
  run.seen = { t: run.t, edits: state.edits, look };
  return look;
}
