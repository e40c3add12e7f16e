// Figure 16, Graph. The picture is described in graph.py; view() says what a state looks like, in
// the same words and numbers.
import { figure } from "./figure.js";
import { coordinate, down, factor, short, trimmed, value } from "./format.js";
import { evaluate, read, reverse } from "./maths/expression.js";

const SLOTS = 6;
const [WIDTH, HEIGHT, ROOM] = [350, 520, 84];
const SIGNS = { "+": "+", "-": "−", "*": "×", "/": "÷", "**": "**", neg: "−" };
const FLOOR = 1e-12;
const AWAY = "Your class was run at other inputs: these numbers are the reference's.";
const STILL =
  "Your numbers belong to the inputs they were computed at. To move those, give an expression and " +
  'your class: Graph("a*b + a", engine=Value).';

// a number as it is multiplied, in a formula
const known = (v) => (v === null ? "–" : value(v));

// What the figure shows: nodes with a name to refer to them, gradients, what is wrong.
function graphOf({ own, expression, values }) {
  const recorded = own.nodes && !own.at; // an object that was handed over, not a class to be run
  const settings = [expression, ...values];
  const away = Boolean(own.at && settings.some((v, i) => own.at[i] !== v));
  let nodes = own.nodes ?? [];
  const mine = nodes.length > 0 && !away;
  let problem = null;
  let variables = [];
  if (!recorded) {
    const made = read(expression);
    ({ problem, variables } = made);
    nodes = evaluate(made, values).map((node, i) => ({ ...node, ...(mine ? own.nodes[i] : {}) }));
  }
  const taken = new Set([...nodes.map((node) => node.name), ...variables]);
  let count = 0;
  const names = nodes.map((node, i) => {
    if (node.name) return node.name;
    if (node.op === "number") return known(node.data);
    if (i === nodes.length - 1 && !taken.has("y")) return "y";
    count += 1;
    return `v${[...String(count)].map((digit) => down(Number(digit))).join("")}`;
  });
  const broken = nodes.findIndex((node) => node.data === null);
  const whole = nodes.length > 0 && broken < 0;
  const back = whole ? reverse(nodes) : { grads: nodes.map(() => 0), parts: nodes.map(() => []) };
  return { nodes, names, problem, variables, broken, whole, recorded, away, mine, ...back };
}

function stepsOf({ nodes, whole }) {
  const inner = nodes.flatMap((node, i) => (node.parents.length && node.data !== null ? [i] : []));
  const steps = [["start", -1], ...inner.map((i) => ["forward", i])];
  return whole ? [...steps, ["seed", -1], ...inner.reverse().map((i) => ["back", i])] : steps;
}

// An operation with its operands as text.
function written({ op, p }, operands, tight = false) {
  const [a, b] = operands;
  if (op === "neg") return `−${a}`;
  if (op === "power") return `${a} ** ${short(p)}`;
  if (SIGNS[op]) return tight ? `${a}${SIGNS[op]}${b}` : `${a} ${SIGNS[op]} ${b}`;
  return `${op}(${operands.join(", ")})`;
}

function stage(graph, [kind, i]) {
  const { nodes, names, grads } = graph;
  const y = names.at(-1);
  if (kind === "start") {
    const given = nodes.flatMap((node, k) => (node.op === "variable" ? [`${names[k]} = ${known(node.data)}`] : []));
    return ["the leaves of the graph", given.join(", ") || "numbers only"];
  }
  if (kind === "seed") return ["backward begins at the result", `∂${y}/∂${y} = 1`];
  const node = nodes[i];
  if (kind === "forward") {
    const single = node.parents.length === 1 && node.op !== "neg" && node.op !== "power";
    const numbers = node.parents.map((parent) => (single ? value : factor)(nodes[parent].data));
    const text = `${names[i]} = ${written(node, node.parents.map((parent) => names[parent]))}`;
    return [`forward: ${names[i]}`, `${text} = ${written(node, numbers)} = ${value(node.data)}`];
  }
  const shares = node.parents.map((parent, k) => {
    const amount = node.slopes[k] * grads[i];
    return `${names[parent]} gets ${value(node.slopes[k])} · ${factor(grads[i])} = ${value(amount)}`;
  });
  return [`backward: ${names[i]} hands on ∂${y}/∂${names[i]} = ${value(grads[i])}`, shares.join("; ")];
}

// Levels from top to bottom: inner nodes as in draw_graph, leaves just above their first use; long
// edges go through places of their own.
function layout(nodes) {
  const level = [];
  nodes.forEach((node, i) => {
    level[i] = Math.max(-1, ...node.parents.map((parent) => level[parent])) + 1;
  });
  nodes.forEach((node, i) => {
    if (node.parents.length) return;
    const users = nodes.flatMap((other, k) => (other.parents.includes(i) ? [level[k]] : []));
    if (users.length) level[i] = Math.min(...users) - 1;
  });
  const depth = Math.max(0, ...level) + 1;
  const rows = Array.from({ length: depth }, () => []);
  const items = nodes.map((_, i) => ({ node: i, above: [], below: [] }));
  items.forEach((item, i) => rows[level[i]].push(item));
  const edges = [];
  nodes.forEach((node, child) => node.parents.forEach((parent, k) => {
    const way = [items[parent]];
    for (let row = level[parent] + 1; row < level[child]; row += 1) {
      const place = { node: -1, above: [], below: [] };
      rows[row].push(place);
      way.push(place);
    }
    way.push(items[child]);
    way.slice(1).forEach((item, n) => {
      item.above.push(way[n]);
      way[n].below.push(item);
    });
    edges.push({ parent, child, k, way });
  }));
  const room = (row) => row.reduce((sum, item) => sum + (item.node < 0 ? 26 : ROOM), 0);
  const wide = Math.max(WIDTH, ...rows.map(room));
  const place = (row) => {
    const gap = (wide - room(row)) / Math.max(1, row.length);
    let x = 0;
    for (const item of row) {
      const own = (item.node < 0 ? 26 : ROOM) + gap;
      item.x = x + own / 2;
      x += own;
    }
  };
  rows.forEach(place);
  const sweep = (row, side) => {
    for (const item of row) {
      item.key = item[side].length ? item[side].reduce((sum, other) => sum + other.x, 0) / item[side].length : item.x;
    }
    row.sort((a, b) => a.key - b.key);
    place(row);
  };
  for (let round = 0; round < 4; round += 1) {
    for (let r = 1; r < depth; r += 1) sweep(rows[r], "above");
    for (let r = depth - 2; r >= 0; r -= 1) sweep(rows[r], "below");
  }
  return { items, edges, level, depth, wide };
}

function drawn(graph, own, steps, at) {
  const { nodes, names, grads, parts } = graph;
  if (!nodes.length) return "";
  const { items, edges, level, depth, wide } = layout(nodes);
  const tall = own ? 64 : 50;
  const pitch = Math.max(tall + 32, Math.min(118, (HEIGHT - tall) / Math.max(1, depth - 1)));
  const scale = Math.min(1, WIDTH / wide, HEIGHT / ((depth - 1) * pitch + tall));
  const left = (WIDTH / scale - wide) / 2;
  const shown = new Set(steps.slice(0, at + 1).map(([kind, i]) => `${kind}${i}`));
  const [kind, active] = steps[at];
  const top = (row) => row * pitch;
  const forward = (i) => !nodes[i].parents.length || shown.has(`forward${i}`);
  let [lines, labels, boxes] = ["", "", ""];
  const exits = nodes.map((_, i) =>
    edges.filter((edge) => edge.parent === i).sort((a, b) => a.way[1].x - b.way[1].x || a.k - b.k));
  for (const edge of edges) {
    const { parent, child, k, way } = edge;
    const uses = exits[parent];
    const count = nodes[child].parents.length;
    const begin = left + way[0].x + (uses.indexOf(edge) - (uses.length - 1) / 2) * Math.min(14, 60 / uses.length);
    // the slots at the top of a box: who comes from the left enters on the left
    const others = nodes[child].parents.map((_, n) => edges.find((other) => other.child === child && other.k === n));
    const entry = others.sort((a, b) => a.way.at(-2).x - b.way.at(-2).x || a.k - b.k).indexOf(edge);
    const end = left + way.at(-1).x + (entry - (count - 1) / 2) * 22;
    let d = `M${coordinate(begin)} ${coordinate(top(level[parent]) + tall)}`;
    let [x, y] = [begin, top(level[parent]) + tall];
    way.slice(1).forEach((item, n) => {
      const last = n === way.length - 2;
      const [nextX, nextY] = [last ? end : left + item.x, top(level[parent] + n + 1)];
      const bend = (nextY - y) / 2;
      d += `C${coordinate(x)} ${coordinate(y + bend)} ${coordinate(nextX)} ${coordinate(nextY - bend)} ${coordinate(nextX)} ${coordinate(nextY)}`;
      if (!last) d += `v${tall}`;
      [x, y] = [nextX, nextY + tall];
    });
    const now = child === active ? (kind === "back" ? " lm-b lm-on" : " lm-a lm-on") : "";
    lines += `<path class="lm-edge${now}" fill="none" d="${d}"/>`;
    if (forward(child) && nodes[child].slopes.length) {
      const anchor = count === 1 ? "start" : entry ? "start" : "end";
      const off = anchor === "start" ? 5 : -5;
      const wrong = own && nodes[child].wrong?.includes(k) ? "✗" : "";
      labels +=
        `<text class="lm-label lm-c" text-anchor="${anchor}" x="${coordinate(end + off)}" ` +
        `y="${coordinate(top(level[child]) - 6)}">${wrong}${value(nodes[child].slopes[k])}</text>`;
    }
  }
  nodes.forEach((node, i) => {
    const x = left + items[i].x;
    const y = top(level[i]);
    const now = i === active ? " lm-on" : "";
    const mine = own && own.first === i && graph.whole ? " lm-first" : "";
    const sign = node.op === "power" ? `**${short(node.p)}` : SIGNS[node.op] ?? node.op;
    const title = node.parents.length ? `${names[i]}: ${sign}` : node.op === "number" && !node.name ? "number" : names[i];
    const received = parts[i].filter(([child]) => shown.has(`back${child}`));
    const last = i === nodes.length - 1;
    const ready = last ? shown.has("seed-1") : received.length === parts[i].length && received.length > 0;
    let grad = "∂ ·";
    if (ready) grad = `∂ ${value(grads[i])}`;
    else if (received.length) grad = `∂ ${value(received.reduce((sum, [, amount]) => sum + amount, 0))} + …`;
    const texts = [
      [title, "lm-name-of"],
      [forward(i) ? known(node.data) : "·", "lm-a"],
      [grad, "lm-b"],
    ];
    if (own) texts.push([`yours ${ready ? `${own.bad.includes(i) ? "✗" : ""}${value(own.grads[i] ?? NaN)}` : "·"}`, ""]);
    boxes +=
      `<rect class="lm-node${node.parents.length ? "" : " lm-leaf"}${now}${mine}" fill="none" x="${coordinate(x - 39)}" y="${coordinate(y)}" ` +
      `width="78" height="${tall}" rx="7"/>`;
    texts.forEach(([text, type], row) => {
      boxes += `<text class="${type}" text-anchor="middle" x="${coordinate(x)}" y="${coordinate(y + 15 + 14.5 * row)}">${text}</text>`;
    });
  });
  return `<g transform="translate(0 6) scale(${trimmed(scale, 3)})">${lines}${labels}${boxes}</g>`;
}

// The sum of every node that is used more than once, as far as it has arrived.
function sums({ nodes, names, grads, parts }, shown) {
  const rows = nodes.flatMap((_, i) => {
    if (parts[i].length < 2) return [];
    const received = parts[i].filter(([child]) => shown(["back", child])).map(([, amount]) => factor(amount));
    const waiting = parts[i].length - received.length;
    if (waiting) received.push(...Array(waiting).fill("·"));
    const total = waiting ? "" : ` = ${value(grads[i])}`;
    return [`<p>∂${names.at(-1)}/∂${names[i]} = ${received.join(" + ")}${total}</p>`];
  });
  return rows.join("") || "<p>No value is used twice.</p>";
}

// Whose gradients the reader's object has wrong, in the order of the way back.
function compared({ nodes, grads, whole }) {
  const mine = nodes.map((node) => node.grad ?? NaN);
  const allowed = 1e-9 * Math.max(0, ...grads.map(Math.abs)) + FLOOR;
  const bad = nodes.map((_, i) => i).filter((i) => whole && !(Math.abs(mine[i] - grads[i]) <= allowed));
  return { grads: mine, bad, first: bad.at(-1) ?? -1 };
}

function remark({ nodes, names, grads, parts }, own) {
  const y = names.at(-1);
  for (let i = nodes.length - 1; i >= 0; i -= 1) {
    for (const [k, parent] of nodes[i].parents.entries()) {
      if (nodes[i].wrong?.includes(k)) {
        return `Your slope of ${names[i]} by ${names[parent]} is ${value(nodes[i].given[k])}, expected ${value(nodes[i].slopes[k])}.`;
      }
    }
  }
  const i = own.first;
  if (i < 0) return "Your gradients are the reference's.";
  const made = own.grads[i];
  const said = `Your first wrong gradient: ∂${y}/∂${names[i]} = ${value(made)}, expected ${value(grads[i])}.`;
  if (i === nodes.length - 1) return `${said} The result's own gradient has to be set to 1.`;
  const [amounts, near] = [parts[i].map(([, amount]) => amount), (v) => Math.abs(v - made) <= 1e-9 * Math.abs(v) + FLOOR];
  if (amounts.length > 1 && amounts.some(near)) return `${said} That is one share of ${amounts.length}: was it = where += belongs?`;
  if (near(2 * grads[i])) return `${said} That is twice as much: was it cleared before a second backward?`;
  return said;
}

function view(state) {
  const graph = graphOf(state);
  const { nodes, names, problem, variables, broken, recorded, away } = graph;
  const steps = stepsOf(graph);
  const last = steps.length - 1;
  const at = Math.min(state.step, last);
  const shown = ([kind, i]) => steps.findIndex((s) => s[0] === kind && s[1] === i) <= at;
  const own = graph.mine ? compared(graph) : null;
  let [title, formula] = stage(graph, steps[at]);
  if (!nodes.length) [title, formula] = ["nothing to draw yet", ""];
  let trouble = "";
  if (problem) trouble = `Character ${problem.at + 1}: ${problem.why}.`;
  if (broken >= 0) {
    const inside = written(nodes[broken], nodes[broken].parents.map((parent) => factor(nodes[parent].data)));
    trouble += `${trouble && " "}${names[broken]} = ${inside} has no finite value or slope.`;
  }
  const text = problem ? `${state.expression}\n${" ".repeat(Math.min(problem.at, 120))}▲` : "";
  const y = names.at(-1);
  const leaves = nodes.flatMap((node, i) => (node.op === "variable" ? [i] : []));
  const words = [];
  if (nodes.length) words.push(leaves.length ? `With ${leaves.map((i) => `${names[i]} = ${known(nodes[i].data)}`).join(", ")}:` : "The value:");
  if (graph.whole) {
    words.push(`${y} = ${value(nodes.at(-1).data)}.`);
    const slopes = leaves.map((i) => `∂${y}/∂${names[i]} = ${value(graph.grads[i])}`);
    if (slopes.length) words.push(`${slopes.join(", ")}.`);
    nodes.forEach((node, i) => {
      if (graph.parts[i].length > 1 && node.parents.length) {
        words.push(`${names[i]} is used ${graph.parts[i].length} times, ∂${y}/∂${names[i]} = ${value(graph.grads[i])}.`);
      }
    });
  } else if (nodes.length) words.push("no result.");
  let verdict = own ? remark(graph, own) : "";
  if (away) verdict = AWAY;
  else if (state.own.remark) verdict = `${state.own.remark}.`;
  const still = recorded ? STILL : "";
  const source = recorded ? "Your own object" : state.expression.trim() || "Nothing";
  const marks = {
    graph: { html: drawn(graph, own, steps, at) },
    stage: { text: title },
    formula: { text: formula },
    sums: { html: sums(graph, shown) },
    where: { text },
    problem: { text: trouble },
    own: { text: verdict },
    still: { text: still },
    text: { "aria-invalid": String(Boolean(problem)) },
  };
  const values = { step: String(at), expression: state.expression };
  const disabled = recorded ? ["expression"] : [];
  for (let i = 0; i < SLOTS; i += 1) {
    const name = variables[i];
    marks[`slot-${i}`] = { style: name ? "" : "display:none" };
    marks[`name-${i}`] = { text: name ?? "" };
    marks[`input-${i}`] = { "aria-label": name ?? "unused" };
    values[`values.${i}`] = short(state.values[i]);
    if (!name) disabled.push(`values.${i}`);
  }
  return {
    marks,
    values,
    disabled,
    limits: { step: [0, last, 1] },
    sentence: [`${source}.`, trouble, ...words, `Step ${at} of ${last}: ${title}.`, verdict, still].filter(Boolean).join(" "),
  };
}

const lastStep = (state) => stepsOf(graphOf(state)).length - 1;
const actions = {
  next: (state) => ({ step: state.step < lastStep(state) ? state.step + 1 : 0 }),
  back: (state) => ({ step: (Math.min(state.step, lastStep(state)) || lastStep(state) + 1) - 1 }),
  play(state, first) {
    if (state.step < lastStep(state)) return { step: state.step + 1 };
    return first ? { step: 0 } : null;
  },
};

export default figure({ view, actions, maths: { evaluate, read, reverse } });
