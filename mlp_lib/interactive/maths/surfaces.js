// Two surfaces to walk down: the bowl 1.5x² + y² + 2, and the loss of one sigmoid unit with three
// examples, which has two valleys. f is the height above the lowest point, bottom the height there.
import { sigmoid } from "./plain.js";

const X = [0, 1, -3];
const Y = [0.2, 0.8, 0.8];
const BOTTOM = 0.03723020754910907;

export const SURFACES = {
  bowl: {
    bottom: 2,
    f: ([x, y]) => 1.5 * x * x + y * y,
    grad: ([x, y]) => [3 * x, 2 * y],
  },
  two: {
    bottom: BOTTOM,
    f: ([w, b]) => X.reduce((sum, x, i) => sum + (sigmoid(w * x + b) - Y[i]) ** 2, 0) / 6 - BOTTOM,
    grad([w, b]) {
      const p = X.map((x) => sigmoid(w * x + b));
      const delta = p.map((v, i) => ((v - Y[i]) * v * (1 - v)) / 3);
      return [delta.reduce((sum, d, i) => sum + d * X[i], 0), delta.reduce((sum, d) => sum + d, 0)];
    },
  },
};

// Numbers like those of a normal distribution, the same in every language: sums of twelve uniform ones.
export function noiseSource() {
  let s = 12345;
  return () => {
    let sum = 0;
    for (let k = 0; k < 12; k += 1) {
      s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
      sum += s >>> 16;
    }
    return sum / 65536 - 6;
  };
}
