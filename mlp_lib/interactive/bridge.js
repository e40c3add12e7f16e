// Figure 11, BatchBridge. The picture is described in bridge.py; view() says what a state looks
// like, in the same words and numbers.
import { figure } from "./figure.js";
import { counted, down, factor, short, value } from "./format.js";
import { columnSums, crossed } from "./maths/bridge.js";
import { weightGrad } from "./maths/outer.js";

const PLACES = {
  output: "once, in dZ",
  end: "once, in dW and db",
  none: "nowhere",
  twice: "in both places",
};
const [MOST, SENDERS, RECEIVERS] = [5, 2, 3];
const [WIDE, HIGH] = [58, 23];
const NOISE = 1e-9; // what rounding leaves of a zero has no colour

const listed = (values) => values.map(value).join(", ");
const listedRows = (rows) => rows.map(listed).join("; ");
const scaled = (rows, by) => rows.map((row) => row.map((v) => v / by));
const cut = (values, size, m) => Array.from({ length: m }, (_, i) => values.slice(size * i, size * (i + 1)));
const upright = (values) => values.map((v) => [v]);

// A table of numbers as cells; their colour says the sign, its strength the size.
function grid(x, y, rows, chosen = () => false, from = Infinity) {
  const size = Math.max(NOISE, ...rows.flat().map(Math.abs));
  let out = "";
  rows.forEach((row, r) => row.forEach((v, c) => {
    const sign = v > NOISE ? " lm-a" : v < -NOISE ? " lm-b" : "";
    const ink = sign ? (0.06 + (0.3 * Math.abs(v)) / size).toFixed(2) : "0";
    const [left, top] = [x + WIDE * c, y + HIGH * r];
    const gone = r >= from ? " lm-faded" : "";
    out +=
      `<rect class="lm-heat${sign}${chosen(r, c) ? " lm-chosen" : ""}${gone}" fill-opacity="${ink}" x="${left}" ` +
      `y="${top}" width="${WIDE}" height="${HIGH}"/><text class="lm-cell${gone}" ` +
      `x="${left + WIDE / 2}" y="${top + 16}">${value(v)}</text>`;
  }));
  return out;
}

const words = (x, y, text, type = "") => `<text class="${type}" x="${x}" y="${y}">${text}</text>`;
const aside = (x, y, text) => words(x, y, text, "lm-side-name");

function column({ m, to, sender }, now, a, delta, table, added, errors) {
  const entry = (r, c) => r === to - 1 && c === sender - 1;
  const x = 128;
  const end = x + SENDERS * WIDE + 18;
  return (
    aside(x - 8, 48, "aᵀ") +
    grid(x, 32, [a[now - 1]], (_, c) => c === sender - 1) +
    aside(x - WIDE - 20, 96, "δ") +
    grid(x - WIDE - 12, 59, upright(delta[now - 1]), (r) => r === to - 1) +
    grid(x, 59, table, entry) +
    words(end, 96, `δaᵀ, example ${now}`) +
    aside(x - 8, 188, "sum") + grid(x, 150, added, entry) +
    words(end + WIDE / 2, 144, "Σδ", "lm-cell") + grid(end, 150, upright(errors)) +
    aside(x - 8, 281, "sum · 1/m") + grid(x, 243, scaled(added, m), entry) +
    words(x, 237, "∂J/∂W") + words(end, 237, "∂J/∂b") +
    grid(end, 243, scaled(upright(errors), m))
  );
}

function row({ place, to, sender }, now, shown, a, dZ, dW, db) {
  const [i, j] = [to - 1, sender - 1];
  const x = 350 - RECEIVERS * WIDE;
  const top = 43;
  const divided = place === "output" || place === "twice" ? "δᵀ/m" : "δᵀ";
  const later = place === "end" || place === "twice" ? "/m" : "";
  return (
    words(30, 36, "A") + words(x, 36, `dZ, rows ${divided}`) +
    grid(30, top, a, (r, c) => r < shown && c === j, shown) +
    grid(x, top, dZ, (r, c) => r < shown && c === i, shown) +
    words(4, top + HIGH * (now - 1) + 16, `${now} ▸`, "lm-strong") +
    aside(x - 8, 228, `dW = AᵀdZ${later}`) + grid(x, 201, dW, (r, c) => r === j && c === i) +
    aside(x - 8, 280, `db = sum of rows${later}`) + grid(x, 264, [db])
  );
}

function verdictOf({ m, place }, shown) {
  if (shown < m) return `${counted(m - shown, "example")} still to come: a row of A and of dZ for each.`;
  if (place === "none" && m > 1) return `Without 1/m this is the gradient of the sum, ${m} times that of the mean.`;
  if (place === "twice" && m > 1) return `With 1/m twice this is the mean's gradient divided by ${m} once more.`;
  return "dW is the mean of the tables, transposed: the same numbers, stored [from, to].";
}

function view(state) {
  const { m, place, to, sender } = state;
  const shown = Math.min(state.shown, m);
  const now = Math.max(1, shown);
  const [a, delta] = [cut(state.a, SENDERS, m), cut(state.delta, RECEIVERS, m)];
  const inZ = place === "output" || place === "twice" ? m : 1;
  const later = place === "end" || place === "twice" ? m : 1;
  const dZ = scaled(delta, inZ);
  const [some, errors, rows] = [a, delta, dZ].map((all) => all.slice(0, shown));
  // the sum of the tables δaᵀ of the examples so far is a product too, with the factors exchanged
  const added = crossed(errors, some, RECEIVERS, SENDERS);
  const dW = scaled(crossed(some, rows, SENDERS, RECEIVERS), later);
  const db = scaled([columnSums(rows, RECEIVERS)], later)[0];
  const [i, j] = [to - 1, sender - 1];
  const products = (u, v) => u.map((x, r) => `${factor(x)}·${factor(v[r])}`).join(" + ") || "0";
  const pick = (all, c) => all.map((line) => line[c]);
  const spelt = products(pick(some, j), pick(rows, i));
  const saysColumn =
    `∂J/∂w${down(to, sender)} = 1/m Σ δ${down(to)}a${down(sender)} = ` +
    `(${products(pick(errors, i), pick(some, j))})/${m} = ${value(added[i][j] / m)}`;
  const saysRow =
    `dW${down(sender, to)} = Σ over the rows of column ${sender} of A times column ${to} of dZ = ` +
    `${later > 1 ? `(${spelt})/${later}` : spelt} = ${value(dW[j][i])}.`;
  const verdict = verdictOf(state, shown);
  const marks = {
    column: { html: column(state, now, a, delta, weightGrad(delta[now - 1], a[now - 1]), added, columnSums(errors, RECEIVERS)) },
    row: { html: row(state, now, shown, a, dZ, dW, db) },
    "says-column": { text: saysColumn },
    "says-row": { text: saysRow },
    verdict: { text: verdict },
    whose: { text: `example ${now}` },
  };
  for (let e = 1; e <= MOST; e += 1) marks[`edit-${e}`] = { class: `lm-edit${e === now ? "" : " lm-away"}` };
  const values = { m: String(m), shown: String(shown), to: String(to), sender: String(sender) };
  const disabled = [];
  for (const [trait, size] of [["a", SENDERS], ["delta", RECEIVERS]]) {
    state[trait].forEach((v, k) => {
      values[`${trait}.${k}`] = short(v);
      if (Math.floor(k / size) !== now - 1) disabled.push(`${trait}.${k}`);
    });
  }
  return {
    marks,
    values,
    disabled,
    limits: { shown: [0, m, 1] },
    sentence:
      `Batch of ${m}, ${counted(shown, "example")} added, 1/m ${PLACES[place]}. Example ${now}: a = ${listed(a[now - 1])}, ` +
      `δ = ${listed(delta[now - 1])}. The tables δaᵀ add up to ${listedRows(added)}; ` +
      `dW = ${listedRows(dW)}; db = ${listed(db)}. ${saysRow} ${verdict}`,
  };
}

const actions = {
  next: ({ shown, m }) => ({ shown: shown < m ? shown + 1 : 0 }),
  play({ shown, m }, first) {
    if (shown < m) return { shown: shown + 1 };
    return first ? { shown: 0 } : null;
  },
};

export default figure({ view, actions, maths: { crossed, columnSums, weightGrad } });
