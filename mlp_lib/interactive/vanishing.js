// Figure 15, Vanishing. The picture is described in vanishing.py; view() says what a state looks
// like, in the same words and numbers.
import { figure } from "./figure.js";
import { coordinate, number, short } from "./format.js";
import { backward, drawn, SCHEMES } from "./maths/deep.js";
import { PLAIN } from "./maths/plain.js";
import { path, ring } from "./paths.js";

const HOW = { lecun: "drawn by LeCun", he: "drawn by He", xavier_uniform: "drawn by Xavier", zeros: "all zero" };
const HEIGHT = 200;
const logarithm = (v) => Math.max(-99, Math.min(99, Math.log10(v)));
const PLOTS = {
  norms: (v) => ((18 - logarithm(v)) / 36) * HEIGHT,
  factors: (v) => ((2 - logarithm(v)) / 5) * HEIGHT,
};

// the geometric mean
const typical = (values) =>
  Math.min(...values) <= 0 ? 0 : Math.exp(values.reduce((sum, v) => sum + Math.log(v), 0) / values.length);

function verdict(norms, ratio) {
  const largest = Math.max(...norms);
  if (!largest) return "no layer gets a gradient";
  if (largest < 1e-6) return "every gradient is tiny, whatever the ratio says";
  if (largest > 1e4) return "it explodes";
  if (!norms[0]) return "nothing arrives in layer 1";
  if (ratio < 0.01) return "it vanishes";
  return ratio > 100 ? "it explodes" : "it reaches every layer";
}

// The weights stay while an activation is chosen.
let [kept, net] = ["", null];
function network({ depth, scheme, scale, seed }) {
  const key = [depth, scheme, scale, seed].join();
  if (key !== kept) [kept, net] = [key, drawn({ depth, scheme, scale, seed })];
  return net;
}

function view(state) {
  const L = state.depth;
  const marks = { last: { text: String(L) }, hidden: { text: String(L - 1) } };
  const said = [];
  const starts = [];
  for (const [key, name, radius] of [["a", state.activation, 2.5], ["b", state.compare, 3.5]]) {
    const table = { name: "–", slope: "–", gain: "–", product: "–", factor: "–", ratio: "–" };
    const lines = { norms: [], factors: [] };
    const shown = name !== "none";
    if (shown) {
      const { norms, errors, slopes, gains } = backward(network(state), PLAIN[name]);
      const factors = slopes.map((_, l) => (errors[l + 1] ? errors[l] / errors[l + 1] : 0));
      const points = (values, y) => values.map((v, l) => [(l / Math.max(1, values.length - 1)) * 286, y(v)]);
      lines.norms = points(norms, PLOTS.norms);
      lines.factors = points(factors, PLOTS.factors);
      const [slope, gain, ratio] = [typical(slopes), typical(gains.slice(1)), norms[0] / norms[L - 1]];
      table.name = PLAIN[name].label;
      table.slope = number(slope);
      table.gain = number(gain);
      table.product = number(slope * gain);
      table.factor = number(typical(factors));
      const some = norms[L - 1] > 0;
      if (some) table.ratio = number(ratio);
      said.push(
        `With ${table.name} a layer multiplies the error by ${table.factor} on average (slopes ${table.slope}, ` +
        `weights ${table.gain}); ‖dW‖ is ${number(norms[0])} in layer 1 and ${number(norms[L - 1])} in layer ${L}` +
        `${some ? `, ratio ${table.ratio}` : ""}: ${verdict(norms, some ? ratio : 0)}.`,
      );
    }
    for (const [plot, points] of Object.entries(lines)) {
      marks[`${plot}-${key}`] = { d: path(points) };
      marks[`${plot}-dots-${key}`] = { d: points.map((p) => ring(...p, radius)).join("") };
    }
    starts.push([key, lines.norms[0]?.[1] ?? Infinity]);
    marks[`label-${key}`] = { text: shown ? table.name : "" };
    for (const [entry, text] of Object.entries(table)) marks[`${entry}-${key}`] = { text };
  }
  starts.sort((first, second) => Number(first[1] > second[1]) - Number(first[1] < second[1]));
  starts.forEach(([key, y], i) => {
    marks[`label-${key}`].y = coordinate(Math.max(14, Math.min(HEIGHT - 6, y + (i ? 20 : -10))));
  });
  const how = HOW[state.scheme] ?? `drawn with standard deviation ${short(state.scale)}`;
  return {
    marks,
    values: { depth: String(L), scale: short(state.scale), seed: String(state.seed) },
    disabled: state.scheme === "normal" ? [] : ["scale"],
    sentence: `${L} layers of 16 units, weights ${how}. ${said.join(" ")}`,
  };
}

export default figure({ view, maths: { PLAIN, SCHEMES, backward, drawn } });
