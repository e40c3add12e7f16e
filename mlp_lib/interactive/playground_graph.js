// The network of the Playground as a graph, line by line as in playground.py and playground_maps.py.
import { coordinate, down, short } from "./format.js";
import { chosenFeatures } from "./maths/training.js";

export const WIDTH = 350;
export const HEIGHT = 306;
export const side = (columns) => (columns <= 6 ? 32 : 26);
export function place(sizes, k, j) {
  const pitch = Math.min(58, 296 / Math.max(...sizes));
  return [(WIDTH * (k + 0.5)) / sizes.length, HEIGHT / 2 + (j - (sizes[k] - 1) / 2) * pitch];
}
export const inputNames = (features) => chosenFeatures(features).map(({ label }) => label);

function edge(sizes, k, j, i) {
  const half = side(sizes.length) / 2;
  const [x1, y1] = place(sizes, k, j);
  const [x2, y2] = place(sizes, k + 1, i);
  return `M${coordinate(x1 + half)} ${coordinate(y1)}L${coordinate(x2 - half)} ${coordinate(y2)}`;
}

// net: layers of batch.js; dead[k][j]: whether unit j of hidden layer k + 1 is dead.
export function graph({ sizes, layers }, theta, at, unit, features, dead) {
  const half = side(sizes.length) / 2;
  let largest = 0;
  for (const { W, b } of layers) for (let p = W; p < b; p += 1) largest = Math.max(largest, Math.abs(theta[p]));
  const heaviest = Math.max(...layers.map(({ b, k }) => Math.max(...theta.subarray(b, b + k).map(Math.abs)))) || 1;
  let [glow, edges, boxes, biases] = ["", "", "", ""];
  layers.forEach(({ n, k: m, W, b }, k) => {
    for (let j = 0; j < n; j += 1) {
      for (let i = 0; i < m; i += 1) {
        const p = W + j * m + i;
        const d = edge(sizes, k, j, i);
        const width = coordinate(0.6 + (3.4 * Math.abs(theta[p])) / (largest || 1));
        edges += `<path class="lm-edge lm-${theta[p] < 0 ? "b" : "a"}" stroke-width="${width}" d="${d}"/>`;
        if (p === at) glow = `<path class="lm-glow" d="${d}"/>`;
      }
    }
    for (let i = 0; i < m; i += 1) {
      const [x, y] = place(sizes, k + 1, i);
      const bias = theta[b + i];
      if (bias) {
        const length = 3 + (6 * Math.abs(bias)) / heaviest;
        const extent = coordinate(length);
        biases +=
          `<rect class="lm-bias lm-${bias < 0 ? "b" : "a"}" x="${coordinate(x - half)}" y="${coordinate(y + half - length)}" ` +
          `width="${extent}" height="${extent}"/>`;
      }
      if (b + i !== at) continue;
      glow = `<circle class="lm-glow" cx="${coordinate(x)}" cy="${coordinate(y)}" r="21"/>`;
    }
  });
  const names = inputNames(features);
  const size = short(2 * half);
  const last = sizes.length - 1;
  let number = 0;
  sizes.forEach((n, k) => {
    const label = k === last ? "output" : k ? `layer ${k}` : "inputs";
    boxes += `<text x="${coordinate(place(sizes, k, 0)[0])}" y="${HEIGHT + 11}">${label}</text>`;
    for (let j = 0; j < n; j += 1) {
      number += 1;
      const [x, y] = place(sizes, k, j);
      const [left, top] = [coordinate(x - half), coordinate(y - half)];
      const chosen = number === unit ? " lm-chosen" : "";
      boxes += `<rect class="lm-unit${chosen}" fill="none" x="${left}" y="${top}" width="${size}" height="${size}" rx="3"/>`;
      if (k > 0 && k < last && dead[k - 1][j]) {
        boxes += `<path class="lm-dead" d="M${left} ${top}l${size} ${size}m-${size} 0l${size} -${size}"/>`;
      }
      if (k > 0 && k < last) continue;
      const text = k === 0 ? names[j] : `ŷ${n > 1 ? down(j + 1) : ""}`;
      boxes += `<text class="lm-label" x="${coordinate(x)}" y="${coordinate(y + 4)}">${text}</text>`;
    }
  });
  return glow + edges + boxes + biases;
}

// Wide lines and squares for the pointer; they change with the shape of the network only.
export function hits(sizes) {
  let marks = "";
  let number = 0;
  sizes.slice(1).forEach((m, k) => {
    for (let j = 0; j < sizes[k]; j += 1) {
      for (let i = 0; i < m; i += 1) {
        number += 1;
        marks += `<path class="lm-hit" data-w="${number}" d="${edge(sizes, k, j, i)}"/>`;
      }
    }
    number += m;
  });
  const size = side(sizes.length);
  let unit = 0;
  sizes.forEach((n, k) => {
    for (let j = 0; j < n; j += 1) {
      unit += 1;
      const [x, y] = place(sizes, k, j);
      marks +=
        `<rect class="lm-pick" fill="#0000" data-u="${unit}" x="${coordinate(x - size / 2)}" ` +
        `y="${coordinate(y - size / 2)}" width="${short(size)}" height="${short(size)}"/>`;
    }
  });
  // in a corner of its unit a bias is marked and can be chosen
  number = 0;
  sizes.slice(1).forEach((m, k) => {
    number += sizes[k] * m;
    for (let i = 0; i < m; i += 1) {
      number += 1;
      const [x, y] = place(sizes, k + 1, i);
      const at = `x="${coordinate(x - size / 2)}" y="${coordinate(y + size / 2 - 12)}"`;
      marks += `<rect fill="#0000" data-w="${number}" ${at} width="12" height="12"/>`;
    }
  });
  return marks;
}
