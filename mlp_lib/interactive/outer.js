// Figure 6, OuterProduct. The picture is described in outer.py; view() says what a state looks like.
import { drag } from "./drag.js";
import { figure } from "./figure.js";
import { number, short } from "./format.js";
import { weightGrad } from "./maths/outer.js";

const SUB = "₁₂₃";
const [LEFT, TOP] = [98, 88];
const [WIDTH, HEIGHT] = [84, 44];
const SIDE = [24, 62];
const ABOVE = [46, 32];
const THREE = [0, 1, 2];
const GONE = { class: "lm-heat", "fill-opacity": "0" };

const listed = (values) => values.map(short).join(", ");

function ground(value, size) {
  const sign = value > 0 ? " lm-a" : value < 0 ? " lm-b" : "";
  const ink = value ? 0.06 + 0.4 * Math.min(1, Math.abs(value) / size) : 0;
  return { class: `lm-heat${sign} lm-there`, "fill-opacity": ink.toFixed(2) };
}

function markPanel(marks, panel, grid, left, top, to, sender) {
  const size = Math.max(0.05, ...grid.flat().map(Math.abs));
  for (const i of THREE) {
    for (const [key, [name, vector]] of [["side", left], ["above", top]]) {
      const known = i < vector.length;
      marks[`${key}-${panel}-${i}`] = known ? ground(vector[i], 1) : GONE;
      marks[`${key}-name-${panel}-${i}`] = { text: known ? name + SUB[i] : "" };
      marks[`${key}-value-${panel}-${i}`] = { text: known ? short(vector[i]) : "" };
    }
    for (const j of THREE) {
      const value = grid[i]?.[j];
      const known = value !== undefined;
      marks[`cell-${panel}-${i}${j}`] = known ? ground(value, size) : GONE;
      marks[`value-${panel}-${i}${j}`] = { text: known ? number(value) : "" };
    }
  }
  const [x, y] = [LEFT + (sender - 1) * WIDTH, TOP + (to - 1) * HEIGHT];
  const there = sender <= top[1].length;
  marks[`chosen-${panel}`] = { d: there ? `M${x} ${y}h${WIDTH}v${HEIGHT}h-${WIDTH}Z` : "" };
  marks[`from-${panel}`] = {
    d: there
      ? `M${SIDE[0]} ${y}h${SIDE[1]}v${HEIGHT}h-${SIDE[1]}Z` +
        `M${x} ${ABOVE[0]}h${WIDTH}v${ABOVE[1]}h-${WIDTH}Z`
      : "",
  };
}

function view({ delta: all, a, receivers: n, to: wanted, sender }) {
  const delta = all.slice(0, n);
  const to = Math.min(wanted, n);
  const dW = weightGrad(delta, a);
  const twin = weightGrad(a, delta);
  const marks = {};
  markPanel(marks, "right", dW, ["δ", delta], ["a", a], to, sender);
  markPanel(marks, "twin", twin, ["a", a], ["δ", delta], to, sender);
  const [row, column] = [SUB[to - 1], SUB[sender - 1]];
  const w = `w${row}${column}`;
  const value = number(dW[to - 1][sender - 1]);
  const filled = `${short(delta[to - 1])} · ${short(a[sender - 1])}`;
  marks["says-right"] = { text: `∂J/∂${w} = δ${row} · a${column} = ${filled} = ${value}` };
  let there = `at the place of ${w} it has nothing, no column ${sender}`;
  if (sender <= n) there = `at the place of ${w} it has a${row} · δ${column} = ${number(twin[to - 1][sender - 1])}`;
  marks["says-twin"] = { text: `A${there.slice(1)}` };
  const wrong = n === 3 ? dW.flat().filter((v, k) => Math.abs(v - twin.flat()[k]) > 1e-12).length : 0;
  let verdict = "W − α · twin: no error message, and by luck no difference.";
  if (n === 2) verdict = "W − α · twin: ValueError, the shapes (2, 3) and (3, 2) do not fit.";
  else if (wrong) verdict = `W − α · twin: no error message, and ${wrong} of 9 weights go wrong.`;
  marks.verdict = { text: verdict };
  const values = { to: String(to), sender: String(sender) };
  for (const i of THREE) [values[`delta.${i}`], values[`a.${i}`]] = [short(all[i]), short(a[i])];
  return {
    marks,
    values,
    limits: { to: [1, n, 1] },
    disabled: n === 3 ? [] : ["delta.2"],
    sentence:
      `δ = (${listed(delta)}), a = (${listed(a)}). ∂J/∂W = δaᵀ has the shape ${n}×3 of W: ` +
      `${dW.map((line) => line.map(number).join(", ")).join("; ")}. ` +
      `To receiver ${to} from sender ${sender}: ∂J/∂${w} = ${filled} = ${value}. ` +
      `The transposed twin has the shape 3×${n}; ${there}. ${verdict}`,
  };
}

// A weight is chosen with the pointer too.
function connect(root, { get, set, signal }) {
  drag(root.querySelector(".lm-right"), (x, y) => {
    const within = (v, most) => Math.max(1, Math.min(most, v));
    set("sender", within(Math.floor((x - LEFT) / WIDTH) + 1, 3));
    set("to", within(Math.floor((y - TOP) / HEIGHT) + 1, get("receivers")));
  }, signal);
}

export default figure({ view, connect, maths: { weightGrad } });
