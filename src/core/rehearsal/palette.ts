/** What goes wrong with releases, ready made. */
import { MINUTE_MS } from '../../common/index.ts';
import type { Fault } from './faults.ts';

/** `shiftMs`: from the first step to the last. */
export function palette(shiftMs: number): readonly Fault[] {
  return [
    { name: 'healthy' },
    { name: 'errors 5 %', errorShare: () => 0.05 },
    { name: 'errors 30 %', errorShare: () => 0.3 },
    { name: 'slow leak', errorShare: (sinceMs) => Math.min(0.5, (0.5 * sinceMs) / Math.max(shiftMs, MINUTE_MS)) },
    { name: 'latency x3', latencyFactor: 3 },
    {
      name: 'metrics gap',
      errorShare: () => 0.3,
      metricsGap: { fromMs: 0, toMs: Math.max(shiftMs, 10 * MINUTE_MS) },
    },
    { name: 'flapping', errorShare: (sinceMs) => (Math.floor(sinceMs / MINUTE_MS) % 2 === 0 ? 0.3 : 0) },
    { name: 'only at 100 %', errorShare: (_, weightPercent) => (weightPercent === 100 ? 1 : 0) },
    { name: 'hook hangs', hook: 'Hangs' },
  ];
}
