// Figure 8, Shapes. The picture is described in shapes.py; view() says what a state looks like, in
// the same words and numbers.
import { figure } from "./figure.js";
import { coordinate, counted, up } from "./format.js";
import { product, total } from "./maths/shapes.js";

const SLOTS = [38, 124, 210, 296];
const HEIGHT = 300;

const written = (shape) => shape.join("×");
const sizesOf = (state) => state.sizes.filter(Boolean);
const atOf = (state) => (state.wrong === "input" ? 1 : Math.min(state.at, sizesOf(state).length - 1));

// Layer by layer what numpy would do, until it stops.
function layersOf(state) {
  const row = state.form === "row";
  const sizes = sizesOf(state);
  const found = [];
  let signal = row ? [state.m, sizes[0]] : [sizes[0]];
  let name = row ? "X" : "x";
  for (let k = 1; k < sizes.length && signal; k += 1) {
    const wrong = k === atOf(state) ? state.wrong : "none";
    const [n, m] = [sizes[k - 1], sizes[k]];
    const here = up(k);
    let W = [`W${here}`, row ? [n, m] : [m, n]];
    let bias = [`b${here}`, row ? [1, m] : [m]];
    if (wrong === "input") [name, signal] = row ? ["Xᵀ", [n, state.m]] : ["xᵀ", [1, n]];
    if (wrong === "transpose") W = [`W${here}ᵀ`, W[1].toReversed()];
    if (wrong === "bias") bias = [`b${here}${row ? "ᵀ" : ""}`, [m, 1]];
    const factors = [[name, signal], W];
    if (row === (wrong === "swap")) factors.reverse();
    const [left, right] = factors;
    const made = product(left[1], right[1]);
    const sum = made && total(made, bias[1]);
    found.push({ left, right, bias, made, sum });
    [signal, name] = [sum, `${row ? "A" : "a"}${here}`];
  }
  return found;
}

const resultOf = ({ form }, k) => `${form === "row" ? "Z" : "z"}${up(k)}`;

// A layer as a formula of shapes.
function lineOf(state, { left, right, bias, made, sum }, k) {
  const [a, W, b] = [left, right, bias].map(([name, shape]) => `${name} ${written(shape)}`);
  if (!made) return `${a} · ${W} ✗`;
  return `${a} · ${W} + ${b} ${sum ? `= ${resultOf(state, k)} ${written(sum)}` : "✗"}`;
}

// How far the mistaken code comes.
function outcome(state, layers, n, k) {
  const [sizes, at, row] = [sizesOf(state), atOf(state), state.form === "row"];
  const { left, right, bias, made, sum } = layers.at(-1);
  const j = layers.length;
  if (!made) {
    const where = j === at ? "NumPy stops here" : `Layer ${at} runs, and layer ${j} stops`;
    return `${where}: ${left[1].at(-1)} against ${right[1][0]}.`;
  }
  if (!sum) {
    const where = j === at ? "The product runs" : `Layer ${at} runs`;
    return `${where}, and the sum of layer ${j} stops: ${written(made)} and ${written(bias[1])}.`;
  }
  const wanted = written(row ? [state.m, sizes.at(-1)] : [sizes.at(-1)]);
  if (written(sum) !== wanted) {
    return `Everything runs, and ${row ? "Ŷ" : "ŷ"} has the shape ${written(sum)} where ${wanted} belongs.`;
  }
  const [input, ofBias] = [state.wrong === "input", state.wrong === "bias"];
  if ((k === 1 || input) && (n === 1 || ofBias)) return "With one number on each side nothing goes wrong.";
  return (
    "Everything runs, and every shape at the end is right: only the numbers are wrong. " +
    "Another size would have told you."
  );
}

// What the shapes mean for the network.
function verdictOf(state, layers) {
  const { form, wrong, m } = state;
  const [sizes, at, row] = [sizesOf(state), atOf(state), form === "row"];
  const [n, k] = [sizes[at - 1], sizes[at]];
  const here = up(at);
  let sent = `${row ? "A" : "a"}${up(at - 1)}`;
  if (at === 1) sent = row ? "X" : "x";
  if (wrong === "none") {
    const said = "Every product fits: what meets inside it are the units that send";
    return row ? `${said}, and the examples stay apart.` : `${said}.`;
  }
  const say = `what the ${n} units that send have to say.`;
  const meant = {
    row: {
      transpose: `W${here}ᵀ is stored [to, from], as in the column form: its rows are the ${k} units that receive, and a row of ${sent} holds ${say}`,
      swap: `With W${here} on the left, what meets inside are its columns, the ${k} units that receive, and the rows of ${sent}, the ${m} examples. Those have no business there.`,
      input: `Xᵀ has the ${m} examples as columns, so they would meet the ${n} inputs of W${here}: the sum would run over examples.`,
      bias: `A column of ${k} biases gives bias i to row i. A row is an example, and there are ${m}; a bias belongs to a unit.`,
    },
    column: {
      transpose: `W${here}ᵀ sums over the ${k} units that receive, and ${sent} brings ${say}`,
      swap: `For a vector, ${sent} W${here} is W${here}ᵀ ${sent}: the sum runs over the ${k} units that receive, and ${sent} brings ${say}`,
      input: `As a row, x looks like ${n} examples with one input each, and W${here} wants the ${n} inputs of one example.`,
      bias: `W${here} ${sent} is a vector of ${k} sums. A column of ${k} biases is added to each of its entries, so that every unit gets every bias.`,
    },
  }[form][wrong];
  return `${meant} ${outcome(state, layers, n, k)}`;
}

// A table of cells around (x, middle); a vector stands upright.
function cells(x, middle, cell, [rows, columns = 1], type) {
  const [left, top] = [x - (columns * cell) / 2, middle - (rows * cell) / 2];
  let d = "";
  for (let i = 0; i <= rows; i += 1) d += `M${coordinate(left)} ${coordinate(top + i * cell)}H${coordinate(left + columns * cell)}`;
  for (let j = 0; j <= columns; j += 1) d += `M${coordinate(left + j * cell)} ${coordinate(top)}V${coordinate(top + rows * cell)}`;
  return (
    `<rect class="lm-ground ${type}" x="${coordinate(left)}" y="${coordinate(top)}" ` +
    `width="${coordinate(columns * cell)}" height="${coordinate(rows * cell)}"/><path class="lm-cells" d="${d}"/>`
  );
}

// The two sides that meet in a product: the left factor's last, the right one's first.
function inner(middle, cell, left, right, bad) {
  let d = "";
  for (const [x, shape, across] of [[SLOTS[0], left, left.length > 1], [SLOTS[1], right, false]]) {
    const [rows, columns = 1] = shape;
    const [a, b] = [x - (columns * cell) / 2, middle - (rows * cell) / 2];
    d += across
      ? `M${coordinate(a)} ${coordinate(b - 4)}h${coordinate(columns * cell)}`
      : `M${coordinate(a - 4)} ${coordinate(b)}v${coordinate(rows * cell)}`;
  }
  return `<path class="lm-inner ${bad ? "lm-b" : "lm-c"}" d="${d}"/>`;
}

// A row of boxes for each layer, a cell for each number.
function picture(state, layers) {
  const L = sizesOf(state).length - 1;
  const room = L === 2 ? 72 : 56;
  const cell = Math.min(14, Math.floor(room / Math.max(state.m, ...state.sizes)));
  let out = "";
  layers.forEach(({ left, right, bias, made, sum }, index) => {
    const middle = (HEIGHT / L) * index + room / 2 + 6;
    const under = middle + room / 2;
    const shapes = [[...left, "lm-a"], [...right, ""], [...bias, ""], [resultOf(state, index + 1), sum, "lm-a"]];
    shapes.forEach(([name, shape, type], i) => {
      if (!shape) out += `<text class="lm-b" x="${SLOTS[i]}" y="${coordinate(middle + 5)}">✗</text>`;
      else {
        out += cells(SLOTS[i], middle, cell, shape, type);
        out += `<text class="lm-shape" x="${SLOTS[i]}" y="${coordinate(under + 30)}">${written(shape)}</text>`;
      }
      out += `<text class="lm-strong" x="${SLOTS[i]}" y="${coordinate(under + 15)}">${name}</text>`;
    });
    for (const [x, sign, bad] of [[81, "·", !made], [167, "+", made && !sum], [253, "=", false]]) {
      const type = bad ? ' class="lm-b lm-strong"' : "";
      out += `<text${type} x="${x}" y="${coordinate(middle + 5)}">${bad ? "✗" : sign}</text>`;
    }
    out += inner(middle, cell, left[1], right[1], !made);
  });
  return out;
}

function view(state) {
  const sizes = sizesOf(state);
  const layers = layersOf(state);
  const count = counted(sizes.slice(1).reduce((sum, m, k) => sum + sizes[k] * m + m, 0), "parameter");
  const verdict = verdictOf(state, layers);
  const lines = layers.map((layer, k) => lineOf(state, layer, k + 1));
  const which = state.form === "row" ? `Row form, batch of ${state.m}` : "Column form";
  const values = { m: String(state.m), at: String(atOf(state)) };
  state.sizes.forEach((n, i) => {
    values[`sizes.${i}`] = String(n);
  });
  return {
    marks: {
      picture: { html: picture(state, layers) },
      lines: { html: lines.map((line) => `<p>${line}</p>`).join("") },
      count: { text: `${count}, whatever the batch` },
      verdict: { text: verdict },
    },
    values,
    disabled: [
      ...(state.form === "column" ? ["m"] : []),
      ...(["none", "input"].includes(state.wrong) ? ["at"] : []),
    ],
    limits: { at: [1, sizes.length - 1, 1] },
    sentence: `${which}, layers ${sizes.join("-")}, ${count}. ${lines.join("; ")}. ${verdict}`,
  };
}

export default figure({ view, maths: { product, total } });
