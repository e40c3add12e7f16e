// Figure 15, Dropout. The picture is described in dropout.py; view() says what a state looks like,
// in the same words and numbers.
import { figure } from "./figure.js";
import { counted, short, trimmed, value } from "./format.js";
import { activations, masks, ROWS, UNITS, WAYS } from "./maths/dropout.js";
import { path, ring } from "./paths.js";

const MOST = 2000;
const [CELL, ROW, LEFT] = [52, 23, 36];
const HEIGHT = 176;
const x = (n) => (Math.log10(n) / Math.log10(MOST)) * 300;
const y = (share) => ((2 - share) / 2) * HEIGHT;
// numbers of draws, evenly spread on the axis
const STOPS = Array.from({ length: 111 }, (_, k) => Math.round(10 ** ((k * Math.log10(MOST)) / 110)));

const A = activations();
const add = (values) => values.reduce((sum, v) => sum + v, 0);

function grid(values, mask, chosen) {
  let out = "";
  values.forEach((row, i) => row.forEach((exact, j) => {
    const v = Number(exact.toPrecision(9)); // without rounding noise
    const [left, top] = [LEFT + CELL * j, 22 + ROW * i];
    const own = i === 0 && j === chosen ? " lm-chosen" : "";
    const shade = trimmed(Math.min(0.5, v / 8), 2);
    const look = mask[i][j]
      ? `class="lm-cell${own}" fill="#0060a8" fill-opacity="${shade}"`
      : `class="lm-cell lm-gone${own}" fill="none"`;
    out +=
      `<rect ${look} x="${left + 1}" y="${top + 1}" width="${CELL - 2}" height="${ROW - 2}" rx="3"/>` +
      `<text x="${left + CELL / 2}" y="${top + 16}">${trimmed(v, 2)}</text>`;
  }));
  return out;
}

function view({ p, draws, way, unit }) {
  const drawn = masks(p, draws, way);
  const scale = WAYS[way](p);
  const mask = drawn.at(-1);
  const j = unit - 1;
  const a = A[0][j];
  const kept = A.map((row, i) => row.map((_, k) => drawn.reduce((sum, m) => sum + m[i][k], 0) / draws));
  const mean = A.map((row, i) => row.map((v, k) => v * scale * kept[i][k]));
  const running = [];
  drawn.reduce((sum, m, t) => {
    running.push(((sum + m[0][j]) * scale) / (t + 1));
    return sum + m[0][j];
  }, 0);
  const stops = [...new Set([...STOPS.filter((n) => n <= draws), draws])];
  const line = stops.map((n) => [x(n), y(running[n - 1])]);
  const [expected, spread] = [scale * (1 - p), scale * Math.sqrt(p * (1 - p))];
  const band = [1, -1].map((sign) => STOPS.map((n) => [x(n), y(expected + (sign * 2 * spread) / Math.sqrt(n))]));
  const silent = mask.flat().filter((v) => !v).length;
  const overall = add(mean.flat()) / add(A.flat());
  const [right, height] = line.at(-1);
  const whole = A.map((row) => row.map(() => 1));
  const times = counted(draws, "draw");
  return {
    marks: {
      whole: { html: grid(A, whole, j) },
      draw: { html: grid(A.map((row, i) => row.map((v, k) => v * scale * mask[i][k])), mask, j) },
      mean: { html: grid(mean, whole, j) },
      "draw-title": { text: `draw ${draws}: kept ones times ${trimmed(scale, 2)}` },
      "mean-title": { text: `mean over ${times}` },
      line: { d: path(line) },
      here: { d: ring(right, Math.max(5, Math.min(HEIGHT - 5, height)), 5) },
      band: { d: band.map(path).join("") },
    },
    values: { p: short(p), draws: String(draws), unit: String(unit) },
    disabled: [],
    sentence:
      `With p = ${short(p)}, draw ${draws} silences ${silent} of ${ROWS * UNITS} activations and multiplies the others by ` +
      `${trimmed(scale, 3)}.${way === "one_row" ? " The four examples share one row." : ""} Unit ${unit} of example 1 says ` +
      `${short(a)} at evaluation; its mean over ${times} is ${value(mean[0][j])}, expected ` +
      `${value(a * expected)}. Over the whole layer the mean is ${value(overall)} times that of ` +
      `evaluation, expected ${trimmed(expected, 3)}.`,
  };
}

const actions = {
  next: ({ draws }) => ({ draws: draws < MOST ? draws + 1 : 1 }),
  // slowly at first, then faster
  play({ draws }, first) {
    if (draws === MOST) return first ? { draws: 1 } : null;
    return { draws: Math.min(MOST, draws + Math.max(1, Math.floor(draws / 20))) };
  },
};

export default figure({ view, actions, maths: { WAYS, activations, masks } });
