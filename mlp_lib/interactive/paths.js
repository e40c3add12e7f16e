// Lines and points of a picture, line by line as in drawing.py.
import { coordinate } from "./format.js";

// A path through points [x, y]; null lifts the pen.
export function path(points) {
  let d = "";
  let down = false;
  for (const point of points) {
    if (point) d += `${down ? "L" : "M"}${coordinate(point[0])} ${coordinate(point[1])}`;
    down = Boolean(point);
  }
  return d;
}

export const ring = (x, y, r = 3.5) =>
  `M${coordinate(x - r)} ${coordinate(y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;
