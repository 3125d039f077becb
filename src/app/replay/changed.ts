/** What was decided beside what would have been: from the first turn that differs. */
import { type EpochMs, isoMillis, SECOND_MS } from '../../common/index.ts';
import type { ChangedAnswer } from './answer.ts';

export type Decided = Readonly<{ at: EpochMs; lines: readonly string[] }>;

/** How long answers take is no decision. */
const SLACK_MS = 2 * SECOND_MS;

export function rowsFrom(then: readonly Decided[], now: readonly Decided[]): ChangedAnswer['rows'] {
  let first = 0;
  for (;;) {
    const [was, is] = [then[first], now[first]];
    if (was === undefined || is === undefined || !alike(was, is)) break;
    first += 1;
  }
  const rows: { at: string; was: readonly string[]; would: readonly string[] }[] = [];
  const [left, right] = [then.slice(first), now.slice(first)];
  while (left.length > 0 || right.length > 0) {
    const [was, is] = [left[0], right[0]];
    const at = Math.min(was?.at ?? Infinity, is?.at ?? Infinity);
    const takesLeft = was !== undefined && was.at <= at + SLACK_MS;
    const takesRight = is !== undefined && is.at <= at + SLACK_MS;
    if (takesLeft) left.shift();
    if (takesRight) right.shift();
    rows.push({ at: isoMillis(at), was: takesLeft ? was.lines : [], would: takesRight ? is.lines : [] });
  }
  return rows;
}

function alike(was: Decided, is: Decided): boolean {
  return Math.abs(was.at - is.at) <= SLACK_MS && was.lines.join('\n') === is.lines.join('\n');
}
