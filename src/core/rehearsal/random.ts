/** Numbers by chance, the same for the same seed: a rehearsal can be had again. */
export interface Chance {
  /** 0 up to 1. */
  uniform(): number;
  /** How many of `n` come true, each with probability `p`. */
  binomial(n: number, p: number): number;
  /** How many come in a span in which `mean` are expected. */
  poisson(mean: number): number;
  /** Of mean 0 and deviation 1. */
  normal(): number;
}

/** Beyond this the bell curve is as good, and takes no time. */
const EXACT = 40;

export function chance(seed: number): Chance {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  // mulberry32
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const between = (value: number, most: number): number => Math.min(most, Math.max(0, Math.round(value)));
  return {
    uniform,
    normal,
    binomial(n, p) {
      if (n <= 0 || p <= 0) return 0;
      if (p >= 1) return n;
      if (n * Math.min(p, 1 - p) > EXACT) return between(n * p + normal() * Math.sqrt(n * p * (1 - p)), n);
      if (n <= EXACT) {
        let hits = 0;
        for (let i = 0; i < n; i++) if (uniform() < p) hits += 1;
        return hits;
      }
      // Many tries and few hits, or few misses: what is rare comes at random.
      return p <= 0.5 ? Math.min(n, this.poisson(n * p)) : n - Math.min(n, this.poisson(n * (1 - p)));
    },
    poisson(mean) {
      if (mean <= 0) return 0;
      if (mean > EXACT) return between(mean + normal() * Math.sqrt(mean), Number.MAX_SAFE_INTEGER);
      const limit = Math.exp(-mean);
      let count = 0;
      for (let product = uniform(); product > limit; product *= uniform()) count += 1;
      return count;
    },
  };
}
