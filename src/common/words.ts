/** Spans and shares, as people read them. */

/** `45 s`, `2 min`, `1 min 12 s`. */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** 0.3 as `30 %`, with three digits at most. */
export function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}
