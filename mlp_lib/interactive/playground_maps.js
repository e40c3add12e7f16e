// What the network and each of its units answer over the plane, painted on two canvases: the large
// map under the points, and one map in every unit of the graph. Colours as in playground_maps.py.
import { forward } from "./maths/batch.js";
import { chosenFeatures } from "./maths/training.js";
import { HEIGHT, WIDTH, place, side } from "./playground_graph.js";

const CELLS = 40;
const PLANE = 318;
export const REACH = 1.7;
// as blue, green, red of a pixel, which the opacity stands before
const COLOURS = [0xc87200, 0x146ee0, 0x6e9600];
const OPACITY = 170;

const AT = Array.from({ length: CELLS }, (_, i) => REACH * ((2 * i + 1) / CELLS - 1));

// The inputs of the network at the middles of the cells, row by row from the top.
let [known, inputs] = ["", null];
function grid(features) {
  if (known !== features.join()) {
    const chosen = chosenFeatures(features);
    inputs = Float64Array.from(AT.flatMap((y) => AT.flatMap((x) => chosen.map(({ f }) => f(x, -y)))));
    known = features.join();
  }
  return inputs;
}


// A square of pixels on a canvas of its own; made when first needed, since the mathematics also runs
// where there is no page.
function square(cells) {
  const canvas = Object.assign(document.createElement("canvas"), { width: cells, height: cells });
  const image = new ImageData(cells, cells);
  return { cells, canvas, image, pixels: new Uint32Array(image.data.buffer) };
}
let [large, small] = [null, null];

function cell({ pixels }, i, colour, strength) {
  pixels[i] = COLOURS[colour] + (Math.round(OPACITY * Math.min(1, strength)) << 24);
}

// The network's answer: the class, or the sign, as colour and its degree as opacity.
function answer(onto, Yhat, classes, discrete) {
  for (let i = 0; i < CELLS * CELLS; i += 1) {
    let [colour, strength] = [0, 0];
    if (classes > 2) {
      for (let k = 1; k < classes; k += 1) if (Yhat[i * classes + k] > Yhat[i * classes + colour]) colour = k;
      strength = 1.5 * Yhat[i * classes + colour] - 0.5;
    } else if (classes) {
      [colour, strength] = [Number(Yhat[i] > 0.5), Math.abs(2 * Yhat[i] - 1)];
    } else {
      [colour, strength] = [Number(Yhat[i] < 0), Math.abs(Yhat[i])];
    }
    cell(onto, i, colour, discrete ? 0.6 : strength);
  }
}

// A unit: first colour above its centre, second below, opacity by its own largest value.
function unit(onto, A, n, j, centre) {
  const skip = CELLS / onto.cells;
  let largest = 0;
  for (let i = j; i < A.length; i += n) largest = Math.max(largest, Math.abs(A[i] - centre));
  for (let row = 0; row < onto.cells; row += 1) {
    for (let column = 0; column < onto.cells; column += 1) {
      const v = A[(row * CELLS + column) * skip * n + j] - centre;
      cell(onto, row * onto.cells + column, Number(v < 0), Math.abs(v) / (largest || 1));
    }
  }
}

function clear(canvas, width, height) {
  const scale = Math.min(2, window.devicePixelRatio || 1);
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const context = canvas.getContext("2d");
  context.setTransform(w / width, 0, 0, h / height, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

// shown: 0 for the answer, else the unit whose map is large.
export function paint(canvases, { net, theta, state, classes, shown }) {
  const { sizes } = net;
  large ??= square(CELLS);
  small ??= square(CELLS / 2);
  const cache = forward(net, theta, grid(state.features), CELLS * CELLS);
  const graph = clear(canvases.units, WIDTH, HEIGHT);
  const plane = clear(canvases.plane, PLANE, PLANE);
  const half = side(sizes.length) / 2;
  const stamp = ({ canvas, image }, context, ...where) => {
    canvas.getContext("2d").putImageData(image, 0, 0);
    context.drawImage(canvas, ...where);
  };
  let number = 0;
  sizes.forEach((n, k) => {
    const last = k === sizes.length - 1;
    const middle = (k > 0 && !last && state.activation === "sigmoid") || (last && classes > 0);
    for (let j = 0; j < n; j += 1) {
      number += 1;
      const [x, y] = place(sizes, k, j);
      const centre = middle ? 0.5 : 0;
      unit(small, cache.a[k], n, j, centre);
      stamp(small, graph, x - half, y - half, 2 * half, 2 * half);
      if (number !== shown) continue;
      unit(large, cache.a[k], n, j, centre);
      stamp(large, plane, 0, 0, PLANE, PLANE);
    }
  });
  if (shown) return;
  answer(large, cache.a.at(-1), classes, state.discrete);
  stamp(large, plane, 0, 0, PLANE, PLANE);
}
