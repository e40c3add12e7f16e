// Figure 1, Neuron. The picture is described in neuron.py; view() says what a state looks like.
import { figure } from "./figure.js";
import { coordinate, number, short, trimmed } from "./format.js";
import { BENDS, neuron } from "./maths/neuron.js";
import { path, ring } from "./paths.js";

const SHOWN = {
  identity: ["Identity", "id"],
  sigmoid: ["Sigmoid", "σ"],
  tanh: ["Tanh", "tanh"],
  relu: ["ReLU", "ReLU"],
  step: ["Step", "step"],
  sgn: ["Sgn", "sgn"],
};
const JUMPS = { step: [0, 1], sgn: [-1, 1] };
const UNBOUNDED = ["identity", "relu"];
const NAMES = ["w₁x₁", "w₂x₂", "w₃x₃", "b"];
const ROWS = [50, 106, 162, 218];
const LEVELS = [-1, -0.5, 0, 0.5, 1];
const CURVE = { width: 306, height: 194, x: (v) => ((v + 10) / 20) * 306, y: (v) => ((1.25 - v) / 2.5) * 194 };

const tidy = (x) => trimmed(x, 4);
const sign = (v) => (v > 0 ? " lm-a" : v < 0 ? " lm-b" : "");

function markBars(marks, parts, sums) {
  let limit = 2;
  while (limit < Math.max(...sums.map(Math.abs))) limit *= 2;
  for (let k = 0; k < 5; k += 1) marks[`tick-${k}`] = { text: short(((k - 2) * limit) / 2) };
  const at = (v) => ((v / limit + 1) / 2) * 224;
  const z = sums.at(-1);
  const ends = [...sums.map((end, j) => [j ? sums[j - 1] : 0, end]), [0, z]];
  ends.forEach(([start, end], j) => {
    const [low, high] = [at(start), at(end)].sort((a, b) => a - b);
    marks[`bar-${j}`] = {
      x: coordinate(low),
      width: coordinate(high - low),
      class: `lm-bar${j < 4 ? sign(end - start) : " lm-c"}`,
    };
    marks[`part-${j}`] = { text: tidy([...parts, z][j]) };
  });
  marks.steps = { d: sums.map((s, j) => `M${coordinate(at(s))} ${8 + j * 38}v38`).join("") };
}

function markCurve(marks, z, a, activation) {
  const scale = UNBOUNDED.includes(activation) ? 8 : 1;
  LEVELS.forEach((level, k) => {
    marks[`level-${k}`] = { text: short(level * scale) };
  });
  const points = [];
  for (let i = 0; i <= 100; i += 1) {
    const at = (i - 50) / 5;
    const jump = at === 0 && JUMPS[activation];
    if (jump) points.push([CURVE.x(0), CURVE.y(jump[0])], null, [CURVE.x(0), CURVE.y(jump[1])]);
    else points.push([CURVE.x(at), CURVE.y(BENDS[activation](at) / scale)]);
  }
  const x = Math.max(6, Math.min(CURVE.width - 6, CURVE.x(z)));
  const y = Math.max(6, Math.min(CURVE.height - 6, CURVE.y(a / scale)));
  marks.curve = { d: path(points) };
  marks.guide = { d: `M${coordinate(x)} ${coordinate(CURVE.height)}V${coordinate(y)}H0` };
  marks.point = { d: ring(x, y, 5) };
}

function sentence({ x, w, b, activation }, parts, z, a) {
  const sizes = parts.map(Math.abs);
  const strongest = sizes.indexOf(Math.max(...sizes));
  let pull = "nothing pulls";
  if (parts[strongest]) pull = `${NAMES[strongest]} pulls most, ${parts[strongest] > 0 ? "up" : "down"}wards`;
  return (
    `Inputs ${x.map(short).join(", ")}, weights ${w.map(short).join(", ")}, bias ${short(b)}. ` +
    `The contributions ${parts.slice(0, 3).map(tidy).join(", ")} and the bias add up to z = ${tidy(z)}; ${pull}. ` +
    `${SHOWN[activation][0]} makes of it a = ${number(a)}.`
  );
}

function view(state) {
  const { x, w, b, activation } = state;
  const { parts, sums, z, a } = neuron(x, w, b, activation);
  const marks = {
    bend: { text: SHOWN[activation][1] },
    z: { text: `z = ${tidy(z)}` },
    a: { text: `a = ${number(a)}` },
  };
  const values = { b: short(b) };
  parts.forEach((part, j) => {
    marks[`wire-${j}`] = {
      d: path([[70, ROWS[j]], [222, 134]]),
      class: `lm-wire${sign(part)}`,
      "stroke-width": coordinate(1 + 2 * Math.min(4, Math.abs(part))),
    };
    const own = j < 3;
    marks[`input-${j}`] = { text: own ? short(x[j]) : "1" };
    marks[`weight-${j}`] = { text: own ? `w${"₁₂₃"[j]} = ${short(w[j])}` : `b = ${short(b)}` };
    if (own) [values[`x.${j}`], values[`w.${j}`]] = [short(x[j]), short(w[j])];
  });
  markBars(marks, parts, sums);
  markCurve(marks, z, a, activation);
  return { marks, values, disabled: [], sentence: sentence(state, parts, z, a) };
}

export default figure({ view, maths: { BENDS, neuron } });
