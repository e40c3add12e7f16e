// The shapes of a product and of a sum as numpy has them; null where it stops. A vector has one entry.
export const product = (left, right) =>
  left.at(-1) === right[0] ? [...left.slice(0, -1), ...right.slice(1)] : null;

export function total(left, right) {
  const length = Math.max(left.length, right.length);
  const full = (shape) => [...Array(length - shape.length).fill(1), ...shape];
  const [a, b] = [full(left), full(right)];
  if (a.some((n, i) => n !== b[i] && n !== 1 && b[i] !== 1)) return null;
  return a.map((n, i) => (n === 1 ? b[i] : n));
}
