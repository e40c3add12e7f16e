// Numbers as text, line by line as in drawing.py.

const SUPERSCRIPT = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

export const power = (exponent) => `10${[...String(exponent)].map((c) => SUPERSCRIPT[c]).join("")}`;

// About four digits: 0.2350, −12.35, 1.23×10⁻⁵; whole numbers without decimals.
export function number(x) {
  if (Number.isNaN(x)) return "nan";
  const size = Math.abs(x);
  const sign = x < 0 ? "−" : "";
  if (size === Infinity) return `${sign}∞`;
  if (size < 1e5 && Number.isInteger(size)) return sign + size;
  if (size >= 1e5 || size < 1e-3) {
    const [mantissa, exponent] = size.toExponential(2).split("e");
    return `${sign}${mantissa}×${power(Number(exponent))}`;
  }
  return sign + size.toFixed(size < 10 ? 4 : size < 100 ? 3 : size < 1000 ? 2 : 1);
}

// At most so many decimals and none that say nothing: 1.5, −0.25, 3.
export function trimmed(x, decimals) {
  const text = Math.abs(x).toFixed(decimals).replace(/\.?0+$/, "");
  return x < 0 && text !== "0" ? `−${text}` : text;
}
export const short = (x) => trimmed(x, 3);

export const coordinate = (x) => Math.max(-9999, Math.min(9999, x)).toFixed(1);

// Quantities of a network: a number without rounding noise, the same as a factor, the layer k as ⁽²⁾,
// indices as ₁₂, and 1 road, 2 roads.
const UP = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const DOWN = "₀₁₂₃₄₅₆₇₈₉";
export const value = (v) => number(Math.abs(v) < 1e-12 ? 0 : Number(v.toPrecision(12)));
export const factor = (v) => (v < 0 ? `(${value(v)})` : value(v));
export const up = (k) => `⁽${UP[k]}⁾`;
export const down = (...indices) => indices.map((i) => DOWN[i]).join("");
export const counted = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;
