// A run as the end of an address, #playground&data=xor&hidden=3&steps=500, as in playground_link.py.
const START = "#playground";

const written = (value) => {
  if (Array.isArray(value)) return value.map(written).join(Array.isArray(value[0]) ? ";" : ",");
  return typeof value === "string" ? value : String(Number(value));
};

// Only what differs from the usual state.
export function write(state, usual) {
  const names = Object.keys(usual).sort().filter((name) => written(state[name]) !== written(usual[name]));
  return [START, ...names.map((name) => `${name}=${written(state[name])}`)].join("&");
}

const numberOr = (text) => (text === "" || Number.isNaN(Number(text)) ? text : Number(text));

function read(text, usual) {
  if (typeof usual === "string") return text;
  if (typeof usual === "boolean") return text === "1";
  if (typeof usual === "number") return Number(text);
  const parts = text.split(text.includes(";") ? ";" : ",").filter(Boolean);
  return typeof usual[0] === "boolean" ? parts.map((part) => part === "1") : parts.map(Number);
}

// The state an address stands for, or null if it stands for none. fits(name, value) says whether a
// value is allowed; what is not allowed stays as usual.
export function readLink(hash, usual, fits) {
  let text = hash;
  try {
    text = decodeURIComponent(hash);
  } catch {
    return null;
  }
  if (text !== START && !text.startsWith(`${START}&`)) return null;
  const state = { ...usual };
  for (const pair of text.split("&").slice(1)) {
    const [name, value = ""] = pair.split("=");
    if (!(name in usual)) continue;
    const events = name === "until" || name === "edits";
    const found = events
      ? value.split(";").filter(Boolean).map((part) => part.split(",").map(numberOr))
      : read(value, usual[name]);
    if (fits(name, found)) state[name] = found;
  }
  return state;
}
