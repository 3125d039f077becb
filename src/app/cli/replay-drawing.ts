/**
 * An answer of `replay` as people read it: what happened and what was decided, whether it would be decided so again, and what
 * would have been.
 *
 *   deployment shop/live  d-ABC123DEF
 *     Stopped in 000000000000, us-east-1
 *
 *     12:00:00.020  the revision was read: greeter:live from version 1 to 2
 *                   → looking at the alarms before beginning
 */
import type { ChangedAnswer, InstantAnswer, NotEarlierAnswer, ReplayAnswer, TurnLine } from '../replay/answer.ts';
import { comparisonSign, durationWords } from '../replay/words.ts';
import type { Paint } from './paint.ts';

export function drawnReplay(answer: ReplayAnswer, paint: Paint): string {
  return `${linesOf(answer, paint).join('\n')}\n`;
}

function linesOf(answer: ReplayAnswer, paint: Paint): string[] {
  const { kind, id, name, account, region, status, instant, changed, notEarlier, notes } = answer;
  const until = instant === undefined ? undefined : Date.parse(instant.at);
  const turns = until === undefined ? answer.turns : answer.turns.filter(({ at }) => Date.parse(at) <= until);
  return [
    `${kind} ${paint.strong(name)}${id === name ? '' : `  ${paint.faint(id)}`}`,
    `  ${status} in ${account}, ${region}`,
    ...(changed === undefined ? ['', ...turnLines(withoutRepeats(turns), paint)] : []),
    '',
    ...checkLines(answer, paint),
    ...(instant === undefined ? [] : ['', ...instantLines(instant, paint)]),
    ...(changed === undefined ? [] : ['', ...changedLines(changed, paint)]),
    ...(notEarlier === undefined || instant !== undefined || changed !== undefined
      ? []
      : ['', ...notEarlierLines(notEarlier, paint)]),
    ...(notes.length === 0 ? [] : ['', ...notes.map((text) => paint.warn(`  ! ${text}`))]),
    ...(changed === undefined ? answer.parts.flatMap((part) => ['', ...partLines(part, paint)]) : []),
  ];
}

function partLines(part: ReplayAnswer['parts'][number], paint: Paint): string[] {
  if ('unknown' in part) return [`  ${paint.warn('?')} ${part.id}: ${part.unknown}`];
  return linesOf(part, paint).map((line) => (line === '' ? '' : `  ${line}`));
}

const INDENT = ' '.repeat(16);

/** Looking at an action time and again, and finding it under way, is told once. */
function withoutRepeats(turns: readonly TurnLine[]): readonly TurnLine[] {
  const told = new Set<string>();
  return turns.filter(({ event, changes, check }) => {
    if (changes.length > 0 || check === 'Different') return true;
    if (/^(it was time to look at|the judge heard)/.test(event) || told.has(event)) return false;
    told.add(event);
    return true;
  });
}

function turnLines(turns: readonly TurnLine[], paint: Paint): string[] {
  return turns.flatMap(({ at, event, changes, effects, check }, index) => {
    const day = at.slice(0, 10);
    const newDay = day === turns[index - 1]?.at.slice(0, 10) ? [] : [paint.faint(`  ${day}`)];
    const mark = check === 'Different' ? `  ${paint.bad('◀ decided otherwise now')}` : '';
    return [
      ...newDay,
      `  ${at.slice(11, 23)}  ${event}${mark}`,
      ...changes.map((text) => `${INDENT}${paint.strong('→')} ${text}`),
      ...effects.map((text) => paint.faint(`${INDENT}· ${text}`)),
    ];
  });
}

function checkLines(answer: ReplayAnswer, paint: Paint): string[] {
  const { same, whole, from, difference } = answer;
  const since = whole ? '' : ` The history begins at ${from}.`;
  if (same) return [`${paint.good('✓')} The same decisions come out: ${checkedWords(answer)}${since}`];
  if (difference === undefined) return [];
  const { at, event, how, differences, version } = difference;
  return [
    `${paint.bad('✗')} The rules of now decide otherwise, from turn ${version} on (${at}): ${event}.`,
    `  ${how[0]?.toUpperCase()}${how.slice(1)}.`,
    ...differences.map(({ path, was, is }) => `    ${path}: ${shown(was)} then, ${shown(is)} now`),
  ];
}

function checkedWords({ checked, effectsChecked }: ReplayAnswer): string {
  const states = checked === 1 ? '1 state' : `${checked} states`;
  if (checked > 0 && effectsChecked === checked)
    return `${states}, and what was to be done after ${checked === 1 ? 'it' : 'each'}, are as recorded.`;
  const are = `${states} ${checked === 1 ? 'is' : 'are'} as recorded`;
  if (effectsChecked > 0)
    return `${are}; what was to be done is on record for ${effectsChecked} of them, and the same.`;
  return checked === 0 ? `${are}.` : `${are}; what was to be done was not kept then.`;
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function instantLines({ at, is }: InstantAnswer, paint: Paint): string[] {
  return [`${paint.strong('At')} ${at}:`, ...is.map((text) => `  ${text}`)];
}

// --- what would have been ---

const COLUMN = 54;
const MOST_ROWS = 60;

function changedLines({ settings, same, rows, outcome, assumed }: ChangedAnswer, paint: Paint): string[] {
  const set = settings.join(', ');
  const assumptions = assumed.map((text) => paint.warn(`  ! ${text}`));
  if (same) return [`With ${paint.strong(set)} it would have gone the same way: ${outcome.was}.`, ...assumptions];
  const cut = rows.slice(0, MOST_ROWS);
  return [
    `With ${paint.strong(set)}, from the first decision that differs:`,
    '',
    `  ${' '.repeat(14)}${paint.faint('as it was'.padEnd(COLUMN))}  ${paint.faint('as it would have been')}`,
    ...cut.flatMap(({ at, was, would }) => sideBySide(at.slice(11, 23), was, would)),
    ...(rows.length > cut.length ? [paint.faint(`  and ${rows.length - cut.length} more (--json shows all)`)] : []),
    '',
    `  it was:             ${outcome.was}`,
    `  it would have been: ${outcome.would}`,
    ...(assumptions.length > 0 ? ['', ...assumptions] : []),
  ];
}

function sideBySide(time: string, was: readonly string[], would: readonly string[]): string[] {
  const [left, right] = [was.flatMap(wrapped), would.flatMap(wrapped)];
  return Array.from({ length: Math.max(left.length, right.length) }, (_, index) =>
    `  ${(index === 0 ? time : '').padEnd(14)}${(left[index] ?? '').padEnd(COLUMN)}  ${right[index] ?? ''}`.trimEnd(),
  );
}

/** In lines that fit a column, later ones set in. */
function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > COLUMN) {
      lines.push(line);
      line = `  ${word}`;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

// --- why not earlier ---

function notEarlierLines(found: NotEarlierAnswer, paint: Paint): string[] {
  const { alarm, rule, ruleThen, movedAt, firstBreach, earliestAt, raisedAt, wasRaisedAt, endedAt, acted, lostMs } =
    found;
  const cost = (...rules: readonly string[]): string[] =>
    found.costs
      .filter((each) => rules.includes(each.rule))
      .map(({ costMs, words }) => paint.faint(`  ${`+ ${durationWords(costMs)}`.padEnd(13)} ${words}`));
  const at = (instant: string, text: string): string => `  ${instant.slice(11, 23)}  ${text}`;
  const { value, comparison, threshold, seconds } = firstBreach;
  const breach = `${Number(value.toPrecision(4))} ${comparisonSign(comparison)} ${threshold}`;
  const moments: { when: string; lines: string[] }[] = [
    {
      when: earliestAt,
      lines: [
        `  ${'in'.padStart(12)}  the ${durationWords(seconds * 1000)} from ${firstBreach.at.slice(11, 19)} on comes the first datapoint over the threshold: ${breach}`,
        ...cost('Period', 'Publishing'),
        at(earliestAt, `${paint.good('◀')} the first moment at which the alarm ${alarm} could have acted`),
      ],
    },
  ];
  if (raisedAt !== undefined) {
    const verb = raisedAt === wasRaisedAt ? 'was' : 'is';
    const line = at(raisedAt, `the alarm ${verb} raised by its rule of now (${rule})`);
    moments.push({ when: raisedAt, lines: [...cost('DatapointsToAlarm'), line] });
  }
  if (wasRaisedAt !== undefined && wasRaisedAt !== raisedAt)
    moments.push({ when: wasRaisedAt, lines: [at(wasRaisedAt, 'the alarm was raised')] });
  const end = acted ? 'the deployment acted' : `${paint.bad('✗')} the deployment had ended, and nothing had acted`;
  moments.push({ when: endedAt, lines: [...cost('Poll'), at(endedAt, end)] });
  return [
    paint.strong('Why not earlier?'),
    ...(ruleThen === undefined ? [] : [`  The alarm ${alarm} has been changed since: ${rule} now, ${ruleThen} then.`]),
    at(movedAt, 'the new version got its first requests'),
    ...moments
      .toSorted((one, other) => (one.when < other.when ? -1 : one.when > other.when ? 1 : 0))
      .flatMap(({ lines }) => lines),
    ...(raisedAt === undefined ? [`  ${'never'.padStart(12)}  is the alarm raised by its rule of now (${rule})`] : []),
    ...(acted && lostMs > 0 ? [`  ${durationWords(lostMs)} lay between the first moment and the deed.`] : []),
  ];
}
