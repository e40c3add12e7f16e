// A training run, update by update, as mlp_lib.training.fit does it with the same seed. What a run
// is follows from its settings, so that a link holds it; settings changed on the way are in `until`:
// [t, name, value] says that up to update t the setting had this value. `edits`: [t, index, value] is a
// parameter set by hand after update t.
import { ACTIVATIONS } from "./activations.js";
import { backward, forward, meanLoss, network } from "./batch.js";
import { DATA, FEATURES, split } from "./datasets.js";
import { optimiser } from "./optimisers.js";
import { generator } from "./random.js";
import { startParams } from "./start.js";

export const EXAMPLES = 200;
// of the loss curve
const POINTS = 120;
// a parameter beyond this: the run has diverged
const TOO_LARGE = 1e6;
const FIRST = ["data", "noise", "share", "features", "hidden", "activation", "init", "seed", "start"];
export const LATER = ["lr", "optimiser", "batch", "penalty", "rate", "dropout"];

export const chosenFeatures = (features) => FEATURES.filter((_, i) => features[i]);

export function sizesOf({ data, features, hidden }) {
  const { classes } = DATA[data];
  return [features.filter(Boolean).length, ...hidden, classes > 2 ? classes : 1];
}

// What a setting is for update t + 1.
const settingAt = (state, name, t) => (state.until.find(([end, n]) => n === name && end > t) ?? [0, name, state[name]])[2];

function rows({ classes }, X, t, order, features) {
  const K = classes > 2 ? classes : 1;
  const known = { m: order.length, points: order.map((i) => X[i]), t: order.map((i) => t[i]) };
  known.X = Float64Array.from(known.points.flatMap(([x, y]) => features.map(({ f }) => f(x, y))));
  known.Y = Float64Array.from(known.t.flatMap((v) => (K > 1 ? Array.from({ length: K }, (_, k) => Number(k === v)) : [v])));
  return known;
}

const pick = ({ X, Y }, order, n, k) => {
  const part = { m: order.length, X: new Float64Array(order.length * n), Y: new Float64Array(order.length * k) };
  order.forEach((from, r) => {
    part.X.set(X.subarray(from * n, from * n + n), r * n);
    part.Y.set(Y.subarray(from * k, from * k + k), r * k);
  });
  return part;
};

export class Training {
  t = 0;
  epoch = 0;
  diverged = false;
  stride = 1;
  // what is left of the order of the present epoch, and the size of its batches
  #waiting = [];
  #size = 0;
  #rule = ["", null];

  constructor(state) {
    const set = DATA[state.data];
    this.rng = generator(state.seed);
    const { X, t } = set.make(EXAMPLES, this.rng, state.noise);
    const parts = split(EXAMPLES, this.rng, state.share);
    const features = chosenFeatures(state.features);
    this.train = rows(set, X, t, parts.train, features);
    this.test = rows(set, X, t, parts.test, features);
    const sizes = sizesOf(state);
    const pair = set.classes === 0 ? "mse_identity" : set.classes === 2 ? "bce_sigmoid" : "cce_softmax";
    this.net = network(sizes, ACTIVATIONS[state.activation], pair);
    this.theta = startParams(sizes, this.rng, state.init);
    if (state.start.length === this.theta.length) this.theta = Float64Array.from(state.start);
    this.curve = [this.#losses()];
  }

  #losses() {
    const { net, theta } = this;
    const loss = ({ X, Y, m }) => meanLoss(net, forward(net, theta, X, m).a.at(-1), Y, m);
    return [this.t, loss(this.train), loss(this.test)];
  }

  // The parameters after t updates, with what was changed by hand since.
  params(state) {
    const theta = this.theta.slice();
    for (const [t, index, value] of state.edits) if (t === this.t && index < theta.length) theta[index] = value;
    return theta;
  }

  #batch(b) {
    const { sizes } = this.net;
    const m = this.train.m;
    if (!this.#waiting.length || b !== this.#size) {
      this.#size = b;
      this.#waiting = b < m ? this.rng.permutation(m) : [];
      this.epoch += 1;
    }
    if (b >= m) return this.train;
    return pick(this.train, this.#waiting.splice(0, b), sizes[0], sizes.at(-1));
  }

  #gradient(state, theta) {
    const [batch, dropout, penalty, rate] = ["batch", "dropout", "penalty", "rate"].map((name) => settingAt(state, name, this.t));
    const { m, X, Y } = this.#batch(batch);
    const keep = 1 - dropout;
    const draw = (n) => Float64Array.from({ length: n }, () => Number(this.rng.random() < keep));
    const cache = forward(this.net, theta, X, m, dropout ? { keep, draw } : null);
    const { gradient } = backward(this.net, theta, cache, Y);
    if (penalty === "none") return gradient;
    for (const { W, b } of this.net.layers) {
      for (let i = W; i < b; i += 1) gradient[i] += rate * (penalty === "l1" ? Math.sign(theta[i]) : theta[i]);
    }
    return gradient;
  }

  #update(state) {
    const theta = this.params(state);
    const gradient = this.#gradient(state, theta);
    const [name, lr] = ["optimiser", "lr"].map((setting) => settingAt(state, setting, this.t));
    if (this.#rule[0] !== name) this.#rule = [name, optimiser(name, 1)];
    const next = this.#rule[1](theta, gradient, lr);
    if (!next.every((v) => Math.abs(v) <= TOO_LARGE)) {
      this.diverged = true;
      return;
    }
    this.theta = next;
    this.t += 1;
    if (this.t % this.stride === 0) this.curve.push(this.#losses());
    if (this.curve.length > POINTS) {
      this.stride *= 2;
      this.curve = this.curve.filter((_, i) => i % 2 === 0);
    }
  }

  // As many updates as state.steps asks for; not more than about `budget` ms of them.
  advance(state, budget = Infinity) {
    const end = performance.now() + budget;
    while (this.t < state.steps && !this.diverged) {
      this.#update(state);
      if (performance.now() > end) return;
    }
  }
}

// All that decides on the first t updates.
function past(state, t) {
  const settings = LATER.map((name) => {
    const ended = state.until.filter(([end, n]) => n === name && end < t);
    return [ended, t && settingAt(state, name, t - 1)];
  });
  return JSON.stringify([FIRST.map((name) => state[name]), settings, state.edits.filter(([end]) => end < t)]);
}

// Whether a run is the beginning of the one that the state describes.
export const continues = (run, state) => run.t <= state.steps && run.past === past(state, run.t + run.diverged);

export function proceed(run, state, budget) {
  run.advance(state, budget);
  run.past = past(state, run.t + run.diverged);
  return run;
}
