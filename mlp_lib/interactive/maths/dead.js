// Where the gradient dies, |f′| < 0.01: intervals of [−reach, reach] as [from, to], found on a grid and sharpened by
// bisection. An end at ±reach means that the gradient stays dead from there on.
export const DEAD = 0.01;
export const REACH = 40;
const CELL = 0.05;

export function deadIntervals(df) {
  const dead = (z) => Math.abs(df(z)) < DEAD;
  const cells = Math.round((2 * REACH) / CELL);
  const at = (i) => (i - cells / 2) * CELL;
  const edge = (alive, gone) => {
    for (let k = 0; k < 40; k += 1) {
      const middle = (alive + gone) / 2;
      if (dead(middle)) gone = middle;
      else alive = middle;
    }
    return Math.abs(gone) < 1e-9 ? 0 : gone;
  };
  const found = [];
  let from = dead(at(0)) ? at(0) : null;
  for (let i = 1; i <= cells; i += 1) {
    const now = dead(at(i));
    if (now && from === null) from = edge(at(i - 1), at(i));
    if (!now && from !== null) {
      found.push([from, edge(at(i), at(i - 1))]);
      from = null;
    }
  }
  if (from !== null) found.push([from, at(cells)]);
  return found;
}
