// Figure 3, Softmax. The picture is described in softmax.py; view() says what a state looks like.
import { figure } from "./figure.js";
import { coordinate, number, short } from "./format.js";
import { sigmoid } from "./maths/plain.js";
import { naiveSoftmax, softmax } from "./maths/softmax.js";

const KEYS = ["a", "b", "c"];
const LEFT = 62;
const WIDTH = 198;

const add = (values) => values.reduce((sum, v) => sum + v, 0);
const whole = (x) => (Math.abs(x - Math.round(x)) < 1e-12 ? Math.round(x) : x); // noise of a sum
const listed = (values) => values.map((v) => number(whole(v))).join(", ");

function sentence({ scores, shift, temperature }, shown, e) {
  const sum = (panel) => number(whole(add(shown[panel])));
  let plain = "gives the same here";
  if (e.includes(Infinity)) plain = `overflows, since float64 ends near e⁷⁰⁹, and gives ${listed(shown.naive)}`;
  else if (add(e) === 0) plain = "underflows: every power of e is 0, and 0/0 is nan";
  return (
    `Scores ${scores.map(short).join(", ")} with shift ${short(shift)} and temperature ${short(temperature)}. ` +
    `Sigmoids: ${listed(shown.sigmoid)}, sum ${sum("sigmoid")}. ` +
    `Softmax: ${listed(shown.softmax)}, sum ${sum("softmax")}. ` +
    `The formula without subtracting the largest score ${plain}.`
  );
}

function view(state) {
  const u = state.scores.map((z) => (z + state.shift) / state.temperature);
  const e = u.map(Math.exp);
  const shown = { sigmoid: u.map(sigmoid), softmax: softmax(u), naive: naiveSoftmax(u) };
  const marks = { "e-total": { text: number(add(e)) } };
  for (const [panel, values] of Object.entries(shown)) {
    let start = 0;
    KEYS.forEach((key, i) => {
      const known = Number.isNaN(values[i]) ? 0 : values[i];
      marks[`bar-${panel}-${key}`] = { width: coordinate(known * WIDTH) };
      marks[`value-${panel}-${key}`] = { text: number(whole(values[i])) };
      marks[`stack-${panel}-${key}`] = {
        x: coordinate(LEFT + (start * WIDTH) / 3),
        width: coordinate((known * WIDTH) / 3),
      };
      start += known;
    });
    marks[`total-${panel}`] = { text: number(whole(add(values))) };
  }
  KEYS.forEach((key, i) => {
    const why = e[i] === Infinity ? "∞ / ∞" : "0 / 0";
    marks[`why-${key}`] = { text: Number.isNaN(shown.naive[i]) ? why : "" };
    marks[`u-${key}`] = { text: number(u[i]) };
    marks[`e-${key}`] = { text: number(e[i]) };
  });
  const values = { shift: short(state.shift), temperature: short(state.temperature) };
  state.scores.forEach((z, i) => {
    values[`scores.${i}`] = short(z);
  });
  return { marks, values, disabled: [], sentence: sentence(state, shown, e) };
}

export default figure({ view, maths: { naiveSoftmax, softmax } });
