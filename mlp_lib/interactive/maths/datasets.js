// The data sets of mlp_lib.data as the Playground uses them, from a generator of random.js: points
// [x₁, x₂] and what belongs to them, a label or a number. A test holds them equal to Python.

const range = (m) => Array.from({ length: m }, (_, i) => i);
const noisy = (points, spread, rng) => points.map((point) => point.map((v) => v + spread * rng.normal()));

function gaussians(m, rng, centres, spread) {
  const t = range(m).map((i) => i % centres.length);
  return { X: noisy(t.map((k) => centres[k]), spread, rng), t };
}

function moons(m, rng, noise) {
  const t = range(m).map((i) => i % 2);
  const points = t.map((label) => {
    const angle = rng.uniform(0, Math.PI);
    const [x, y] = [Math.cos(angle), Math.sin(angle)];
    return label ? [1 - x, 0.5 - y] : [x, y];
  });
  return { X: noisy(points, noise, rng), t };
}

function circles(m, rng, noise) {
  const t = range(m).map((i) => i % 2);
  const points = t.map((label) => {
    const angle = rng.uniform(0, 2 * Math.PI);
    const r = label ? 0.5 : 1;
    return [r * Math.cos(angle), r * Math.sin(angle)];
  });
  return { X: noisy(points, noise, rng), t };
}

function spiral(m, rng, classes, noise) {
  const t = range(m).map((i) => i % classes);
  const points = t.map((label) => {
    const r = rng.uniform(0, 1);
    const angle = 2 * Math.PI * (0.75 * r + label / classes);
    return [r * Math.cos(angle), r * Math.sin(angle)];
  });
  return { X: noisy(points, noise, rng), t };
}

function surface(f) {
  return (m, rng, noise) => {
    const X = range(m).map(() => [rng.uniform(-1.5, 1.5), rng.uniform(-1.5, 1.5)]);
    return { X, t: X.map(([x, y]) => f(x, y) + noise * rng.normal()) };
  };
}

const moved = ({ X, t }, change) => ({ X: X.map(([x, y]) => change(x, y)), t });
const larger = (x, y) => [1.4 * x, 1.4 * y];
const CORNERS = [[-0.8, -0.8], [0.8, -0.8], [-0.8, 0.8], [0.8, 0.8]];
const THREE = [[-0.9, -0.5], [0.9, -0.5], [0, 0.9]];

// classes: 0 where the target is a number
export const DATA = {
  circles: { label: "circles", classes: 2, make: circles },
  xor: {
    label: "XOR",
    classes: 2,
    make: (m, rng, noise) => {
      const { X, t } = gaussians(m, rng, CORNERS, 2 * noise);
      return { X, t: t.map((k) => Number(k === 1 || k === 2)) };
    },
  },
  moons: { label: "moons", classes: 2, make: (m, rng, noise) => moved(moons(m, rng, noise), (x, y) => [x - 0.5, y - 0.25]) },
  spiral: { label: "spiral", classes: 2, make: (m, rng, noise) => moved(spiral(m, rng, 2, noise / 3), larger) },
  gaussians: { label: "three clouds", classes: 3, make: (m, rng, noise) => gaussians(m, rng, THREE, 2 * noise) },
  arms: { label: "three arms", classes: 3, make: (m, rng, noise) => moved(spiral(m, rng, 3, noise / 3), larger) },
  plane: { label: "plane", classes: 0, make: surface((x, y) => (x + y) / 3) },
  saddle: { label: "saddle", classes: 0, make: surface((x, y) => (x * y) / 2) },
  hills: {
    label: "hill and hollow",
    classes: 0,
    make: surface((x, y) => {
      const bump = (c) => Math.exp(-2 * ((x - c) ** 2 + (y - c) ** 2));
      return bump(0.7) - bump(-0.7);
    }),
  },
};

export const FEATURES = [
  { label: "x₁", f: (x) => x },
  { label: "x₂", f: (x, y) => y },
  { label: "x₁²", f: (x) => x * x },
  { label: "x₂²", f: (x, y) => y * y },
  { label: "x₁x₂", f: (x, y) => x * y },
  { label: "sin πx₁", f: (x) => Math.sin(Math.PI * x) },
  { label: "sin πx₂", f: (x, y) => Math.sin(Math.PI * y) },
];

// Half way goes to the even number, as in Python.
const round = (v) => (v % 1 === 0.5 ? 2 * Math.round(v / 2) : Math.round(v));

// As mlp_lib.train_test_split: the numbers of the rows for training and for the test.
export function split(m, rng, share) {
  const order = rng.permutation(m);
  const test = round(m * share);
  return { train: order.slice(test), test: order.slice(0, test) };
}
