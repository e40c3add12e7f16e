// A matrix or a vector of numbers as a table with its name and shape, as `matrix` in drawing.py.
import { value } from "./format.js";

// wrong: flat list of flags; cell(r, c): further attributes of an entry; row: the one that stands out.
export function matrix(label, values, kind, { classes = "", visible = true, wrong, cell, row } = {}) {
  const rows = values.map((line) => [line].flat());
  const shape = Array.isArray(values[0]) ? `${rows.length}×${rows[0].length}` : rows.length;
  const body = rows.map((line, r) => {
    const cells = line.map((v, c) => {
      const bad = visible && wrong?.[r * line.length + c];
      const text = visible ? `${bad ? "✗" : ""}${value(v)}` : "·";
      return `<td${bad ? ' class="lm-off"' : ""}${cell?.(r, c) ?? ""}>${text}</td>`;
    });
    return `<tr${r === row ? ' class="lm-mine"' : ""}>${cells.join("")}</tr>`;
  });
  return (
    `<table class="lm-matrix lm-${kind}${classes}"><caption>${label} <small>${shape}</small></caption>` +
    `<tbody>${body.join("")}</tbody></table>`
  );
}
