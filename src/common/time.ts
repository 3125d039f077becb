/**
 * Instants and durations. Instants are `EpochMs` (milliseconds since 1970-01-01T00:00:00Z) and end in `At`;
 * durations end in their unit.
 */
export type EpochMs = number;

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** `2026-11-24T06:04:12Z`: AWS's form without fractions, for events and logs. */
export function isoSeconds(at: EpochMs): string {
  return new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

/** `2026-11-24T06:04:12.345Z`. */
export function isoMillis(at: EpochMs): string {
  return new Date(at).toISOString();
}

/**
 * Reads `300` (seconds), `1.5` (seconds) or an ISO 8601 duration (`PT5M`, `P1DT2H`), in milliseconds.
 * Returns undefined for anything else, months and years included (their length is not fixed).
 */
export function parseDurationMs(text: string): number | undefined {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Math.round(Number(trimmed) * SECOND_MS);
  const match = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/.exec(trimmed);
  if (match === null || trimmed === 'P' || trimmed.endsWith('T')) return undefined;
  const [weeks, days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0));
  return Math.round(
    (weeks ?? 0) * 7 * DAY_MS +
      (days ?? 0) * DAY_MS +
      (hours ?? 0) * HOUR_MS +
      (minutes ?? 0) * MINUTE_MS +
      (seconds ?? 0) * SECOND_MS,
  );
}
