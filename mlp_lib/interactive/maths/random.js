// The random numbers of numpy.random.default_rng(seed): PCG64, started by SeedSequence, with the same
// uniform and normal numbers and permutations. A run in the page is therefore a run in Python.

const M64 = (1n << 64n) - 1n;
const M128 = (1n << 128n) - 1n;
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;

// SeedSequence(seed).generate_state(8): eight 32-bit words.
function seedWords(seed) {
  let constant = 0x43b0d7e5;
  const hash = (word, multiplier) => {
    const mixed = word ^ constant;
    constant = Math.imul(constant, multiplier);
    const product = Math.imul(mixed, constant);
    return product ^ (product >>> 16);
  };
  const pool = [seed, 0, 0, 0].map((word) => hash(word, 0x931e8875));
  for (let from = 0; from < 4; from += 1) {
    for (let to = 0; to < 4; to += 1) {
      if (from === to) continue;
      const sum = Math.imul(pool[to], 0xca01f9dd) - Math.imul(hash(pool[from], 0x931e8875), 0x4973f715);
      pool[to] = sum ^ (sum >>> 16);
    }
  }
  constant = 0x8b51f9dd;
  return [...pool, ...pool].map((word) => hash(word, 0x58f38ded) >>> 0);
}

// The strips of the ziggurat that normal numbers are drawn from: edges, and heights there.
const R = 3.6541528853610088;
const AREA = 0.00492867323397465524494;
const bell = (x) => Math.exp(-0.5 * x * x);
const EDGE = [AREA / bell(R)];
EDGE[255] = R;
for (let i = 254; i > 0; i -= 1) EDGE[i] = Math.sqrt(-2 * Math.log(AREA / EDGE[i + 1] + bell(EDGE[i + 1])));
const HEIGHT = EDGE.map((x, i) => (i ? bell(x) : 1));
const INNER = EDGE.map((x, i) => Math.trunc((i > 1 ? EDGE[i - 1] / x : i ? 0 : R / x) * 2 ** 52));

export function generator(seed) {
  const words = seedWords(seed).map(BigInt);
  const number128 = (i) => (words[i + 1] << 96n) | (words[i] << 64n) | (words[i + 3] << 32n) | words[i + 2];
  const increment = ((number128(4) << 1n) | 1n) & M128;
  let state = ((increment + number128(0)) * MULTIPLIER + increment) & M128;
  let kept = null; // the upper half of a number of which only the lower half was needed

  const next64 = () => {
    state = (state * MULTIPLIER + increment) & M128;
    const x = (state >> 64n) ^ (state & M64);
    const turn = state >> 122n;
    return ((x >> turn) | (x << (64n - turn))) & M64;
  };
  const next32 = () => {
    if (kept !== null) {
      const word = kept;
      kept = null;
      return word;
    }
    const word = next64();
    kept = word >> 32n;
    return word & 0xffffffffn;
  };
  // in [0, 1)
  const random = () => Number(next64() >> 11n) / 2 ** 53;
  const uniform = (low, high) => low + (high - low) * random();

  function normal() {
    for (;;) {
      const bits = next64();
      const low = Number(bits & 0x1ffn);
      const size = Number((bits >> 9n) & 0xfffffffffffffn);
      const i = low & 255;
      const x = (low > 255 ? -size : size) * (EDGE[i] / 2 ** 52);
      if (size < INNER[i]) return x;
      if (i) {
        if ((HEIGHT[i - 1] - HEIGHT[i]) * random() + HEIGHT[i] < bell(x)) return x;
        continue;
      }
      for (;;) {
        const beyond = -Math.log1p(-random()) / R;
        const y = -Math.log1p(-random());
        if (y + y > beyond * beyond) return (bits >> 17n) & 1n ? -(R + beyond) : R + beyond;
      }
    }
  }

  // 0 … top, each as likely: as many bits as top has, again while they say more
  function upTo(top) {
    const mask = BigInt(2 ** (32 - Math.clz32(top)) - 1);
    for (;;) {
      const drawn = Number(next32() & mask);
      if (drawn <= top) return drawn;
    }
  }

  function permutation(m) {
    const order = Array.from({ length: m }, (_, i) => i);
    for (let i = m - 1; i > 0; i -= 1) {
      const j = upTo(i);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }
  return { random, uniform, normal, permutation };
}
