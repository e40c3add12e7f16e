// Random numbers that are the same in every language, to the last bit; the twin of random.py.
// A counter goes through a mixer (the end of murmur3), so that each seed has a sequence of its own.
function mix(x) {
  const y = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  const z = Math.imul(y ^ (y >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}

export function random(seed) {
  let at = mix(seed + 1);
  const next = () => {
    at = (at + 0x9e3779b9) >>> 0;
    return mix(at) / 2 ** 32;
  };
  return {
    uniform: (low = 0, high = 1) => low + (high - low) * next(),
    below: (n) => Math.floor(n * next()),
    // like a normal distribution: the sum of twelve, which no rounding touches
    normal() {
      let sum = -6;
      for (let k = 0; k < 12; k += 1) sum += next();
      return sum;
    },
  };
}
