/** What must hold of a rehearsal: `errors 30 %: caught within PT3M, hurt at most 200`. */
import { DAY_MS, HOUR_MS, MINUTE_MS, parseDurationMs, SECOND_MS } from '../../common/index.ts';
import type { FaultResult } from '../../core/rehearsal/index.ts';
import { duration, percent } from '../cli/words.ts';

export type Assertion = Readonly<{
  fault: string;
  /** Every run is caught within so long of when the fault could be felt. */
  caughtWithinMs?: number;
  /** No run hurts more requests. */
  hurtAtMost?: number;
  /** The share of runs in which a deployment may be stopped. */
  falseRollbacks?: number;
  /** How most runs end, or how that begins: `Failed`. */
  ends?: string;
  /** What acts in most runs. */
  by?: string;
}>;

const FORM =
  'expected FAULT: CLAUSE, CLAUSE..., of "caught within PT3M", "hurt at most 200", "stopped at most 1 %", "ends Failed", "by ALARM"';

/** `faults`: the names that there are. */
export function parseAssertion(
  text: string,
  faults: readonly string[],
): Readonly<{ assertion: Assertion } | { problem: string }> {
  // The name itself may hold a colon: `no codedeploy:CreateDeployment`.
  const known = faults.filter((name) => text.startsWith(`${name}:`)).toSorted((a, b) => b.length - a.length);
  const [fault] = known;
  if (fault === undefined) {
    if (!text.includes(': ')) return { problem: FORM };
    return { problem: `${text.slice(0, text.lastIndexOf(': '))}: no such fault; known are ${faults.join(', ')}` };
  }
  let assertion: Assertion = { fault };
  for (const clause of text.slice(fault.length + 1).split(',')) {
    const read = readClause(clause.trim());
    if (read === undefined) return { problem: `"${clause.trim()}": ${FORM}` };
    assertion = { ...assertion, ...read };
  }
  return { assertion };
}

function readClause(clause: string): Omit<Assertion, 'fault'> | undefined {
  const [, within] = /^caught within (.+)$/.exec(clause) ?? [];
  if (within !== undefined) {
    const caughtWithinMs = durationOf(within);
    return caughtWithinMs === undefined ? undefined : { caughtWithinMs };
  }
  const [, hurt] = /^hurts? at most (\d+)(?: requests?)?$/.exec(clause) ?? [];
  if (hurt !== undefined) return { hurtAtMost: Number(hurt) };
  const [, stopped] = /^(?:stopped|false rollbacks) at most (\d+(?:\.\d+)?) ?%$/.exec(clause) ?? [];
  if (stopped !== undefined && Number(stopped) <= 100) return { falseRollbacks: Number(stopped) / 100 };
  const [, ends] = /^ends (.+)$/.exec(clause) ?? [];
  if (ends !== undefined) return { ends };
  const [, by] = /^by (.+)$/.exec(clause) ?? [];
  return by === undefined ? undefined : { by };
}

const UNITS: Readonly<Record<string, number>> = {
  s: SECOND_MS,
  second: SECOND_MS,
  min: MINUTE_MS,
  minute: MINUTE_MS,
  h: HOUR_MS,
  hour: HOUR_MS,
  d: DAY_MS,
  day: DAY_MS,
};

/** `PT3M`, or as people write it: `3 min`, `90 seconds`. */
function durationOf(text: string): number | undefined {
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?) ?([a-z]+?)s?$/.exec(text) ?? [];
  const unitMs = UNITS[unit];
  return count !== undefined && unitMs !== undefined ? Number(count) * unitMs : parseDurationMs(text);
}

/** What of it does not hold, in words. */
export function brokenBy(assertion: Assertion, results: readonly FaultResult[]): readonly string[] {
  const { fault, caughtWithinMs, hurtAtMost, falseRollbacks, ends, by } = assertion;
  const found = results.find((result) => result.fault === fault);
  if (found === undefined) return [`${fault}: it was not rehearsed`];
  const broken: string[] = [];
  if (caughtWithinMs !== undefined && (found.caught < found.runs || (found.caughtAfterMostMs ?? 0) > caughtWithinMs))
    broken.push(`to be caught within ${duration(caughtWithinMs)}; ${caughtWords(found)}`);
  if (hurtAtMost !== undefined && found.hurt.most > hurtAtMost)
    broken.push(`to hurt at most ${hurtAtMost} requests; it hurt ${found.hurt.most}`);
  if (falseRollbacks !== undefined && found.stopped / found.runs > falseRollbacks)
    broken.push(`at most ${percent(falseRollbacks)} to be stopped; ${percent(found.stopped / found.runs)} were`);
  if (ends !== undefined && !found.ends.startsWith(ends)) broken.push(`to end ${ends}; it ended ${found.ends}`);
  if (by !== undefined && found.by !== by) broken.push(`to be ended by ${by}; it was ${found.by ?? 'by nothing'}`);
  return broken.map((words) => `${fault}: ${words}`);
}

function caughtWords({ caught, runs, caughtAfterMostMs = 0 }: FaultResult): string {
  if (caught === 0) return 'it never was';
  if (caught < runs) return `${caught} of ${runs} runs were`;
  return `it took up to ${duration(caughtAfterMostMs)}`;
}
