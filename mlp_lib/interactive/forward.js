// Figure 8, Forward. The picture is described in forward.py; view() says what a state looks like,
// in the same words and numbers.
import { figure } from "./figure.js";
import { coordinate, down, factor, short, up, value } from "./format.js";
import { ACTIVATIONS } from "./maths/activations.js";
import { forward } from "./maths/forward.js";
import { softmax } from "./maths/softmax.js";
import { matrix } from "./matrix.js";

const [WIDTH, TOP, PITCH, HALF] = [350, 22, 112, 29];

const held = (v) => (v < 0 ? `(${short(v)})` : short(v)); // a setting as a factor
const listed = (values, write = value) => values.map(write).join(", ");
const outOf = (name) => (name === "softmax" ? softmax : (z) => z.map((v) => ACTIVATIONS[name].f(v)));
const outName = (name) => ACTIVATIONS[name]?.label ?? name;

// The input and the parameters, from the list of all numbers.
function network({ sizes, numbers }) {
  let next = 0;
  const take = (n) => numbers.slice(next, (next += n));
  const x = take(sizes[0]);
  const params = sizes.slice(1).map((m, k) => [Array.from({ length: m }, () => take(sizes[k])), take(m)]);
  return { x, params };
}

// Entry by entry, whether a number is wrong; all of them where there is none.
function off(got, right) {
  const allowed = 1e-6 * Math.max(...right.map(Math.abs)) + 1e-12;
  return right.map((v, i) => !(Math.abs((got ?? [])[i] - v) <= allowed));
}

function runOf(state) {
  const { x, params } = network(state);
  const { z, a } = forward(x, params, ACTIVATIONS[state.activation].f, outOf(state.output));
  const settings = [state.activation, state.output, ...state.numbers];
  const own = settings.every((v, i) => state.own.at?.[i] === v) ? state.own : null;
  const right = { z, a };
  const L = params.length;
  const wrong = [];
  for (let k = 0; own && k < L; k += 1) {
    for (const kind of ["z", "a"]) {
      if (!own[kind] || (kind === "a" && !own.z && k < L - 1)) continue;
      if (off(own[kind][k], right[kind][k]).includes(true)) wrong.push(`${kind}${k}`);
    }
  }
  const symbol = (k) => (k === L - 1 ? "ŷ" : `a${up(k + 1)}`);
  // the numbers to draw, and which of them are wrong
  const made = (kind, k) => {
    const expected = right[kind][k];
    if (!wrong.includes(`${kind}${k}`)) return [expected, expected.map(() => false)];
    return [own[kind][k] ?? expected.map(() => NaN), off(own[kind][k], expected)];
  };
  return { state, x, params, z, a, right, own, wrong, L, symbol, made };
}

// For each unit its sum and its activation, as formulas with the numbers filled in.
function linesOf({ state, x, params, z, a, L }) {
  return params.flatMap(([W, b], k) => {
    const before = k ? a[k - 1] : x;
    const sender = k ? `a${up(k)}` : "x";
    const last = k === L - 1;
    const name = last ? outName(state.output) : ACTIVATIONS[state.activation].label;
    return W.map((row, i) => {
      const here = `${up(k + 1)}${down(i + 1)}`;
      const terms = row.map((_, j) => `w${up(k + 1)}${down(i + 1, j + 1)}${sender}${down(j + 1)}`);
      const filled = row.map((w, j) => `${held(w)}·${k ? factor(before[j]) : held(before[j])}`);
      const sum = `${terms.join(" + ")} + b${here} = ${filled.join(" + ")} + ${held(b[i])}`;
      let bent = `${name}(z${here}) = ${name}(${value(z[k][i])})`;
      if (last && state.output === "softmax") bent = `softmax(z${up(k + 1)})${down(i + 1)}`;
      const symbol = last ? `ŷ${down(i + 1)}` : `a${here}`;
      return { k, i, z: `z${here} = ${sum} = ${value(z[k][i])}`, a: `${symbol} = ${bent} = ${value(a[k][i])}` };
    });
  });
}

// W a + b = z → a, a row for each layer; the line of a unit is the row of its matrix.
function layersOf({ state, x, params, a, right, wrong, symbol, made }, chosen) {
  let n = 0;
  const rows = params.map(([W, b], k) => {
    const here = up(k + 1);
    const start = n + 1;
    n += b.length;
    const options = { cell: (r) => ` data-u="${start + r}"`, row: chosen.k === k ? chosen.i : undefined };
    let parts = matrix(`W${here}`, W, "plain", options);
    parts += `${k ? matrix(`a${up(k)}`, a[k - 1], "a") : matrix("x", x, "a")}<i>+</i>`;
    parts += matrix(`b${here}`, b, "plain", options);
    const bend = k === params.length - 1 ? outName(state.output) : ACTIVATIONS[state.activation].label;
    for (const [kind, sign, label] of [["z", "=", `z${here}`], ["a", `${bend} →`, symbol(k)]]) {
      const [values, bad] = made(kind, k);
      const classes = wrong[0] === `${kind}${k}` ? " lm-first" : "";
      parts += `<i>${sign}</i>${matrix(label, values, "a", { ...options, classes, wrong: bad })}`;
      if (bad.includes(true)) parts += matrix(`right: ${label}`, right[kind][k], "c");
    }
    return `<div class="lm-layer">${parts}</div>`;
  });
  return rows.join("");
}

function ownText({ own, wrong, right, symbol, made }) {
  if (!own) return "";
  const remark = own.remark && `${own.remark}.`;
  if (!wrong.length) return remark || !own.a ? remark : "Your numbers are the reference's.";
  const [kind, k] = [wrong[0][0], Number(wrong[0].slice(1))];
  const name = kind === "z" ? `z${up(k + 1)}` : symbol(k);
  const said = `${name} = ${listed(made(kind, k)[0])}, expected ${listed(right[kind][k])}.`;
  return `Your first wrong quantity: ${said} ${remark}`.trim();
}

function graphOf({ state, x: input, params, L, made }, chosen) {
  const x = state.sizes.map((n) => Array.from({ length: n }, (_, j) => (WIDTH * (j + 0.5)) / n));
  const y = state.sizes.map((_, k) => TOP + PITCH * k);
  let [edges, labels, inputs, boxes] = ["", "", "", ""];
  let n = 0;
  params.forEach(([W, b], k) => {
    const few = W.flat().length <= 4;
    W.forEach((row, i) => {
      const mine = chosen.k === k && chosen.i === i;
      row.forEach((w, j) => {
        const [x1, x2] = [x[k][j], x[k + 1][i] + (j - (row.length - 1) / 2) * 14];
        const [y1, y2] = [y[k] + (k ? HALF : 12), y[k + 1] - HALF];
        const d = `M${coordinate(x1)} ${coordinate(y1)}L${coordinate(x2)} ${coordinate(y2)}`;
        edges += `<path${mine ? ' class="lm-mine"' : ""} d="${d}"/>`;
        if (!few && !mine) return;
        const share = W.length === 1 || row.length === 1 ? 0.5 : 0.3 + 0.14 * j;
        const at = `x="${coordinate(x1 + share * (x2 - x1))}" y="${coordinate(y1 + share * (y2 - y1) + 4)}"`;
        labels += `<text class="lm-label${mine ? " lm-now" : ""}" ${at}>${short(w)}</text>`;
      });
    });
    b.forEach((bias, i) => {
      n += 1;
      const mine = chosen.k === k && chosen.i === i;
      const [left, top] = [x[k + 1][i], y[k + 1]];
      const lines = [["", `b ${short(bias)}`]];
      for (const [kind, symbol] of [["z", "z"], ["a", k === L - 1 ? "ŷ" : "a"]]) {
        const [values, bad] = made(kind, k);
        lines.push(["lm-a", `${symbol} ${bad[i] ? "✗" : ""}${value(values[i])}`]);
      }
      const text = lines.map(
        ([type, words], r) =>
          `<text class="${type}" x="${coordinate(left - 34)}" y="${coordinate(top - 12 + 16 * r)}">${words}</text>`,
      );
      boxes +=
        `<g data-u="${n}"${mine ? ' class="lm-mine"' : ""}><rect x="${coordinate(left - 41)}" ` +
        `y="${coordinate(top - HALF)}" width="82" height="${2 * HALF}" rx="6"/>${text.join("")}</g>`;
    });
  });
  input.forEach((v, j) => {
    inputs +=
      `<rect x="${coordinate(x[0][j] - 36)}" y="${coordinate(y[0] - 12)}" width="72" height="24" rx="6"/>` +
      `<text text-anchor="middle" x="${coordinate(x[0][j])}" y="${coordinate(y[0] + 4.5)}">x${down(j + 1)} ${short(v)}</text>`;
  });
  return (
    `<g class="lm-edges" fill="none" stroke="#888">${edges}</g><g text-anchor="middle">${labels}</g>` +
    `<g class="lm-units" fill="none" stroke="none">${inputs}${boxes}</g>`
  );
}

function view(state) {
  const run = runOf(state);
  const lines = linesOf(run);
  const chosen = lines[Math.min(state.unit, lines.length) - 1];
  const own = ownText(run);
  const sums = lines.map(
    (line, n) =>
      `<div data-u="${n + 1}"${line === chosen ? ' class="lm-mine"' : ""}><p>${line.z}</p><p>${line.a}</p></div>`,
  );
  const stages = run.params.map(
    (_, k) => `z${up(k + 1)} = ${listed(run.z[k])}; ${run.symbol(k)} = ${listed(run.a[k])}`,
  );
  const values = { unit: `${chosen.i + 1} of layer ${chosen.k + 1}` };
  state.numbers.forEach((v, n) => {
    values[`numbers.${n}`] = short(v);
  });
  return {
    marks: {
      graph: { html: graphOf(run, chosen) },
      sums: { html: sums.join("") },
      layers: { html: layersOf(run, chosen) },
      own: { text: own },
    },
    values,
    disabled: [],
    limits: { unit: [1, lines.length, 1] },
    sentence:
      `Network ${state.sizes.join("-")}, ${ACTIVATIONS[state.activation].label} units, ${outName(state.output)} output, ` +
      `x = ${listed(run.x, short)}. ${stages.join(". ")}. ${chosen.z}.${own && ` ${own}`}`,
  };
}

// A unit is chosen where the pointer is: in the graph, in the sums, in the matrices.
function connect(root, { set, signal }) {
  for (const kind of ["pointerover", "pointerdown"]) {
    root.addEventListener(kind, ({ target }) => {
      const place = target.closest("[data-u]");
      if (place) set("unit", Number(place.dataset.u));
    }, { signal });
  }
}

export default figure({ view, connect, maths: { forward, softmax, ACTIVATIONS } });
