// Two matrices with a row for each example: what their product PᵀQ sums over is the examples.
export const crossed = (P, Q, n, k) =>
  Array.from({ length: n }, (_, i) =>
    Array.from({ length: k }, (_, j) => P.reduce((sum, row, r) => sum + row[i] * Q[r][j], 0)));

export const columnSums = (P, n) => Array.from({ length: n }, (_, i) => P.reduce((sum, row) => sum + row[i], 0));
