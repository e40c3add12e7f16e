// An expression as a computational graph: read, evaluated, and gone through backwards. The twin of
// expression.py; a test holds it equal to Value of mlp_lib.
import { PLAIN } from "./plain.js";

export const FUNCTIONS = {
  exp: { f: Math.exp, df: Math.exp },
  log: { f: Math.log, df: (z) => 1 / z },
  sin: { f: Math.sin, df: Math.cos },
  cos: { f: Math.cos, df: (z) => -Math.sin(z) },
  tanh: PLAIN.tanh,
  sigmoid: PLAIN.sigmoid,
  relu: PLAIN.relu,
};
const [MOST_VARIABLES, MOST_NODES, MOST_LETTERS] = [6, 40, 120];

class Unread extends Error {
  constructor(at, why) {
    super(why);
    this.at = at;
  }
}

function tokensOf(text) {
  const tokens = [];
  const digits = "[0-9]+[.]?[0-9]*(?:[eE][-+]?[0-9]+)?|[.][0-9]+(?:[eE][-+]?[0-9]+)?";
  const piece = new RegExp(`( +)|(${digits})|([A-Za-z_][A-Za-z0-9_]*)|([*][*]|[-+*/()=;])`, "y");
  for (let at = 0; at < text.length; at = piece.lastIndex) {
    piece.lastIndex = at;
    const found = piece.exec(text);
    if (!found) throw new Unread(at, `“${[...text.slice(at)][0]}” is no part of an expression`);
    const kind = ["number", "name", "sign"].find((_, i) => found[i + 2]);
    if (kind) tokens.push({ kind, text: found[0], at });
  }
  if (text.length > MOST_LETTERS) throw new Unread(MOST_LETTERS, `more than ${MOST_LETTERS} characters`);
  return [...tokens, { kind: "end", text: "", at: text.length }];
}

// Nodes {op, parents, name, value, p} in the order of computation; the last part is the result.
function build(tokens) {
  const nodes = [];
  const known = new Map(); // name → node
  const variables = [];
  let i = 0;
  const found = () => (tokens[i].kind === "end" ? "the end" : `“${tokens[i].text}”`);
  const fail = (why, at = tokens[i].at) => { throw new Unread(at, why); };
  const is = (sign) => tokens[i].kind === "sign" && tokens[i].text === sign;
  const take = (sign) => is(sign) && Boolean((i += 1));
  const need = (sign, after = "") => take(sign) || fail(`expected “${sign}”${after}, found ${found()}`);
  const add = (op, parents, more = {}) => {
    if (nodes.length === MOST_NODES) fail(`more than ${MOST_NODES} steps`, tokens[i - 1].at);
    nodes.push({ op, parents, name: "", ...more });
    return nodes.length - 1;
  };

  function atom() {
    const { kind, text, at } = tokens[i];
    if (kind === "number") {
      i += 1;
      return add("number", [], { value: Number(text) });
    }
    if (kind === "name") {
      i += 1;
      if (Object.hasOwn(FUNCTIONS, text)) {
        need("(", ` after ${text}`);
        const inside = sum();
        need(")");
        return add(text, [inside]);
      }
      if (is("(")) fail(`“${text}” is none of the functions ${Object.keys(FUNCTIONS).join(", ")}`, at);
      if (!known.has(text)) {
        if (variables.length === MOST_VARIABLES) fail(`more than ${MOST_VARIABLES} variables`, at);
        variables.push(text);
        known.set(text, add("variable", [], { name: text }));
      }
      return known.get(text);
    }
    if (take("(")) {
      const inside = sum();
      need(")");
      return inside;
    }
    return fail(`expected a number, a name or “(”, found ${found()}`);
  }
  function power() {
    const base = atom();
    if (!take("**")) return base;
    const exponent = signed();
    if (nodes[exponent].op === "number") return add("power", [base], { p: nodes[exponent].value });
    return add("**", [base, exponent]);
  }
  function signed() {
    if (!take("-")) return power();
    const inside = signed();
    return nodes[inside].op === "number" ? add("number", [], { value: -nodes[inside].value }) : add("neg", [inside]);
  }
  function chain(next, signs) {
    let left = next();
    for (;;) {
      const sign = signs.find(take);
      if (!sign) return left;
      left = add(sign, [left, next()]);
    }
  }
  const product = () => chain(signed, ["*", "/"]);
  function sum() {
    return chain(product, ["+", "-"]);
  }

  for (;;) {
    const { kind, text, at } = tokens[i];
    const named = kind === "name" && tokens[i + 1].text === "=";
    if (named) {
      if (known.has(text) || Object.hasOwn(FUNCTIONS, text)) fail(`“${text}” has a meaning already`);
      i += 2;
    }
    const root = sum();
    if (named) {
      known.set(text, root);
      nodes[root].name ||= nodes[root].op === "number" ? "" : text;
    }
    if (tokens[i].kind === "end") return { nodes, root, variables };
    if (!take(";")) fail(`expected an operator, found ${found()}`);
    if (!named) fail("only the last part may be without a name, as in u = a*b; u + 1", at);
  }
}

// {nodes, root, variables} and, where the text cannot be read on, the problem {at, why}; then the
// graph is that of the longest beginning that can be read.
export function read(text) {
  let problem = null;
  const attempt = (work) => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof Unread)) throw error;
      problem ??= { at: error.at, why: error.message };
      return null;
    }
  };
  const tokens = attempt(() => tokensOf(text)) ?? attempt(() => tokensOf(text.slice(0, problem.at)));
  const end = { kind: "end", text: "", at: 0 };
  for (let n = tokens.length - 1; n > 0; n -= 1) {
    const made = attempt(() => build(problem ? [...tokens.slice(0, n), end] : tokens));
    if (made) return { ...made, problem };
  }
  if (!problem) attempt(() => build(tokens)); // nothing at all
  return { nodes: [], root: -1, variables: [], problem };
}

// What a node is, from its parents' numbers: [value, slopes].
export function step({ op, p, value }, [a, b]) {
  if (op === "number") return [value, []];
  if (op === "+") return [a + b, [1, 1]];
  if (op === "-") return [a - b, [1, -1]];
  if (op === "*") return [a * b, [b, a]];
  if (op === "/") return [a / b, [1 / b, -a / b / b]];
  if (op === "neg") return [-a, [-1]];
  if (op === "power") return [a ** p, [p ? p * a ** (p - 1) : 0]];
  if (op === "**") return [a ** b, [b ? b * a ** (b - 1) : 0, a ** b * Math.log(a)]];
  return [FUNCTIONS[op].f(a), [FUNCTIONS[op].df(a)]];
}

// The nodes behind the root, parents before children, with data and slopes: {op, name, parents, …}.
// data is null from the first one on that has no value.
export function evaluate({ nodes, root, variables }, values) {
  const order = [];
  const visit = (i) => {
    if (order.includes(i)) return;
    nodes[i].parents.forEach(visit);
    order.push(i);
  };
  if (root >= 0) visit(root);
  const done = [];
  let broken = false;
  for (const i of order) {
    const node = nodes[i];
    const parents = node.parents.map((parent) => order.indexOf(parent));
    const given = parents.map((parent) => done[parent].data);
    let [data, slopes] = [null, []];
    if (node.op === "variable") data = values[variables.indexOf(node.name)];
    else if (!broken) {
      [data, slopes] = step(node, given);
      broken = ![data, ...slopes].every(Number.isFinite);
      if (broken) data = null;
    }
    done.push({ ...node, parents, data, slopes });
  }
  return done;
}

// The gradient of the last node by every node: {grads, parts}, where parts has for each node what it
// receives, in the order of the walk: [child, amount].
export function reverse(nodes) {
  const parts = nodes.map(() => []);
  const grads = nodes.map(() => 0);
  if (nodes.length) grads[nodes.length - 1] = 1;
  for (let i = nodes.length - 1; i >= 0; i -= 1) {
    nodes[i].parents.forEach((parent, k) => {
      const amount = nodes[i].slopes[k] * grads[i];
      parts[parent].push([i, amount]);
      grads[parent] += amount;
    });
  }
  return { grads, parts };
}
