// The error function to double precision, from two classical expansions:
//   |x| < 1.5  Abramowitz & Stegun 7.1.6 (Kummer's form of the series; all terms have one sign,
//              so nothing cancels):  erf x = 2/√π · exp(−x²) · Σ 2ⁿ x²ⁿ⁺¹ / (2n+1)!!
//   x ≥ 1.5    Abramowitz & Stegun 7.1.14 (Laplace's continued fraction):
//              √π · exp(x²) · erfc x = 1/(x + (1/2)/(x + 1/(x + (3/2)/(x + …)))),
//              evaluated from the front by the modified Lentz recurrence.

const SERIES_END = 1.5;

// exp(−x²) without the rounding of x·x: h has 24 bits, so h·h is exact.
function expMinusSquare(x) {
  const h = Math.fround(x);
  return Math.exp(-h * h) * Math.exp((h - x) * (h + x));
}

function series(x) {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n += 1) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * expMinusSquare(x) * sum;
}

function tail(x) {
  let value = x;
  let c = x;
  let d = 0;
  for (let k = 1; k < 1000; k += 1) {
    d = 1 / (x + (k / 2) * d);
    c = x + k / 2 / c;
    value *= c * d;
    if (Math.abs(c * d - 1) < 2e-16) break;
  }
  return expMinusSquare(x) / (Math.sqrt(Math.PI) * value);
}

export function erf(x) {
  if (Number.isNaN(x)) return NaN;
  if (Math.abs(x) < SERIES_END) return series(x);
  return x > 0 ? 1 - erfc(x) : erfc(-x) - 1;
}

export function erfc(x) {
  if (Number.isNaN(x)) return NaN;
  if (x < SERIES_END) return 1 - erf(x);
  return x > 27 ? 0 : tail(x); // erfc 27 is below the smallest double
}
