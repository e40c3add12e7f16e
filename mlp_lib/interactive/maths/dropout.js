// Inverted dropout of one layer, and mistakes made with it. Each draw is a new mask. A test holds
// it equal to dropout_forward of mlp_lib.
import { generator } from "./random.js";

export const ROWS = 4;
export const UNITS = 6;

// What is done with A ⊙ M: the factor of what is kept.
export const WAYS = {
  inverted: (p) => 1 / (1 - p),
  unscaled: () => 1,
  by_p: (p) => 1 / p,
  one_row: (p) => 1 / (1 - p),
};

export function activations() {
  const source = generator(5);
  return Array.from({ length: ROWS }, () => Array.from({ length: UNITS }, () => Math.ceil(20 * source.random()) / 10));
}

const source = generator(6);
const numbers = []; // they do not depend on the state

// The masks of so many draws, each [example][unit] of 1 (kept) and 0.
export function masks(p, draws, way) {
  while (numbers.length < draws * ROWS * UNITS) numbers.push(source.random());
  const keep = 1 - p;
  return Array.from({ length: draws }, (_, t) =>
    Array.from({ length: ROWS }, (_row, i) =>
      Array.from({ length: UNITS }, (_unit, j) =>
        Number(numbers[(t * ROWS + (way === "one_row" ? 0 : i)) * UNITS + j] < keep))));
}
