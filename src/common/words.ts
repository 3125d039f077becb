/** Spans and shares, as people read them. */

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

/** `45 s`, `2 min`, `1 min 12 s`, `1 h 5 min`, `7 d`: two units at most. */
export function duration(ms: number): string {
  let seconds = Math.round(ms / 1000);
  const first = UNITS.findIndex(([, length]) => seconds >= length);
  if (first < 0) return '0 s';
  const parts = UNITS.slice(first, first + 2).map(([unit, length]) => {
    const count = Math.floor(seconds / length);
    seconds %= length;
    return count === 0 ? '' : `${count} ${unit}`;
  });
  return parts.filter((part) => part !== '').join(' ');
}

/** 0.3 as `30 %`, with three digits at most. */
export function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}
