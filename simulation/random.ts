/**
 * Random numbers by seed, fast, and one generator per purpose: a run that draws one number more for one purpose draws the
 * same for all the others, so that what is left out while a failure is shrunk does not shuffle everything else.
 * sfc32 (Chris Doty-Humphrey, PractRand), which passes its tests at 32 bits of output and four words of state.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number, purpose: string) {
    this.#a = hashText(purpose, seed | 0);
    this.#b = hashText(purpose, Math.imul(seed | 0, 0x9e3779b1) ^ 0x5bd1e995);
    this.#c = Math.floor(seed / 2 ** 32) | 0;
    for (let i = 0; i < 12; i++) this.bits();
  }

  /** 32 bits, as a number from 0 to 2^32 - 1. */
  bits(): number {
    const t = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + t;
    this.#c |= 0;
    return t >>> 0;
  }

  /** 0 up to 1. */
  uniform(): number {
    return this.bits() / 4_294_967_296;
  }

  /** True with probability `p`. */
  chance(p: number): boolean {
    return this.uniform() < p;
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.uniform() * (most - least + 1));
  }

  pick<T>(choices: readonly T[]): T {
    const choice = choices[Math.floor(this.uniform() * choices.length)];
    if (choice === undefined && choices.length === 0) throw new Error('nothing to pick from');
    return choice as T;
  }

  /** One of the keys, each as often as its weight says. */
  weighted<Key extends string>(weights: Readonly<Record<Key, number>>): Key {
    const entries = Object.entries(weights) as [Key, number][];
    let left = this.uniform() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [key, weight] of entries) {
      left -= weight;
      if (left < 0) return key;
    }
    return (entries.at(-1) as [Key, number])[0];
  }

  /** In another order; the given list stays as it is. */
  shuffled<T>(items: readonly T[]): T[] {
    const shuffled = [...items];
    for (let last = shuffled.length - 1; last > 0; last--) {
      const other = this.between(0, last);
      [shuffled[last], shuffled[other]] = [shuffled[other] as T, shuffled[last] as T];
    }
    return shuffled;
  }
}

/** FNV-1a over UTF-16 code units, with a final mix; 32 bits. */
export function hashText(text: string, start: number): number {
  let hash = start ^ 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix(hash);
}

/** Spreads 32 bits over 32 bits, one to one (MurmurHash3's finaliser). */
export function mix(bits: number): number {
  let h = bits;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
