/**
 * An answer of `why` as people read it: the way of the request as gates, one a line, and what opens the first closed one.
 *
 *   ✗ kms:Decrypt on arn:aws:kms:us-east-1:111111111111:key/1234
 *     by arn:aws:sts::222222222222:assumed-role/deploy/release
 *
 *       ✓ identity  statement 3 of work on role deploy
 *       ✗ key       nothing in it allows this            ◀ here
 */
import type { Json } from '../../common/index.ts';
import type { QuestionAnswer, RequestAnswer, WhyAnswer, WorkAnswer } from '../why/ask.ts';
import { type Explanation, type GateLine, type MendLine, statementName } from '../why/explanation.ts';
import type { Paint } from './paint.ts';

export function drawnAnswer(answer: WhyAnswer, paint: Paint): string {
  const lines = linesOf(answer, paint);
  return `${lines.join('\n')}\n`;
}

function linesOf(answer: WhyAnswer, paint: Paint): string[] {
  switch (answer.kind) {
    case 'question':
      return questionLines(answer, paint);
    case 'request':
      return requestLines(answer, paint);
    default:
      return workLines(answer, paint);
  }
}

function questionLines({ explanation, followedBy, notes }: QuestionAnswer, paint: Paint): string[] {
  return [
    ...explanationLines(explanation, paint),
    ...followedBy.flatMap((each) => [
      '',
      paint.faint('and with it, for the key that the object lies under:'),
      '',
      ...explanationLines(each, paint),
    ]),
    ...noteLines(notes, paint),
  ];
}

/** A whole decision: head, gates, and the way out. */
export function explanationLines(explanation: Explanation, paint: Paint): string[] {
  const { allowed, principal, action, resource, gates, firstClosed, because } = explanation;
  return [
    head(allowed, action, resource, paint),
    `  by ${principal}`,
    '',
    ...gateLines(gates, firstClosed, paint),
    ...(because === undefined ? [] : ['', `  ${paint.good('Allowed')}: ${because}.`]),
    ...mendLines(explanation, paint),
  ];
}

function head(allowed: boolean, action: string, resource: string, paint: Paint): string {
  const mark = allowed ? paint.good('✓') : paint.bad('✗');
  return `${mark} ${paint.strong(action)}${resource === '*' ? '' : ` on ${resource}`}`;
}

function gateLines(gates: readonly GateLine[], firstClosed: GateLine | undefined, paint: Paint): string[] {
  return gates.flatMap((gate) => {
    const name = gate.gate.padEnd(12);
    const { by } = gate;
    const quote = by?.statement === undefined ? [] : [`${' '.repeat(19)}${paint.faint(compact(by.statement))}`];
    switch (gate.state) {
      case 'open':
        return [`    ${paint.good('✓')} ${name} ${by === undefined ? openWords(gate) : statementName(by)}`, ...quote];
      case 'bypassed':
        return [paint.faint(`    · ${name} says nothing, and is not needed`)];
      default: {
        const here = sameGate(gate, firstClosed) ? `  ${paint.bad('◀ here')}` : '';
        const what = by === undefined ? `no ${gate.policyType} allows it` : `${statementName(by)} denies it`;
        return [`    ${paint.bad('✗')} ${name} ${what}${here}`, ...quote];
      }
    }
  });
}

function openWords({ gate, policyType }: GateLine): string {
  return gate === 'grant' ? policyType : 'open';
}

function sameGate(one: GateLine, other: GateLine | undefined): boolean {
  return one.gate === other?.gate && one.policyType === other.policyType;
}

function mendLines({ mend }: Explanation, paint: Paint): string[] {
  if (mend === undefined) return [];
  if (mend.steps.length === 0) return ['', `  ${mend.beyond ?? 'No statement opens it.'}`];
  const many = mend.steps.length > 1;
  return [
    '',
    `  ${paint.strong(many ? `What opens it, ${mend.steps.length} changes:` : 'What opens it:')}`,
    ...mend.steps.flatMap((step) => stepLines(step, paint)),
    ...(mend.proven
      ? [`  ${paint.good('Proven')}: decided again with ${many ? 'them' : 'it'}, the call is allowed.`]
      : []),
  ];
}

export function stepLines(
  { kind, words, statement, policyName, policyType, nearly }: MendLine,
  paint: Paint,
): string[] {
  if (kind === 'Remove') {
    return [`  ${paint.bad('-')} ${words}`, ...(statement === undefined ? [] : [`      ${compact(statement)}`])];
  }
  const on = (statement as Readonly<{ Resource?: string }> | undefined)?.Resource;
  const place =
    policyName ??
    (policyType === 'resource-based policy' && on !== undefined ? `a policy on ${on}` : withArticle(policyType));
  return [
    `  ${paint.good('+')} in ${place}${policyName === undefined || policyName.includes('policy') ? '' : ` (${policyType})`}:`,
    ...(statement === undefined ? [] : [`      ${compact(statement)}`]),
    ...(nearly === undefined ? [] : [paint.faint(`      ${nearly.replace(` of ${policyName}`, '')}`)]),
  ];
}

function withArticle(policyType: string): string {
  return policyType === 'identity-based policy' ? 'an identity-based policy of the caller' : `a ${policyType}`;
}

/** `told`: what it answered is said already. */
function requestLines(answer: RequestAnswer, paint: Paint, told = false): string[] {
  const { decided, now, madeFor, notes } = answer;
  return [
    `${answer.service}:${answer.operation}  ${paint.faint(answer.requestId)}`,
    `  at ${answer.at} in ${answer.account}, ${answer.region}${answer.viaService === undefined ? '' : `, via ${answer.viaService}`}`,
    ...(answer.errorCode === undefined || told
      ? []
      : [`  answered ${answer.errorCode}: ${answer.message ?? ''}`.trimEnd()]),
    '',
    ...(decided === undefined ? [] : decidedLines(answer, decided, paint)),
    ...todayLines(decided !== undefined, now, paint),
    ...madeFor.flatMap((each) => [
      '',
      paint.faint('denied in a call that was made for it:'),
      ...requestLines(each, paint),
    ]),
    ...noteLines(notes, paint),
  ];
}

function decidedLines(
  { principal }: RequestAnswer,
  { action, resource, gates, firstClosed }: NonNullable<RequestAnswer['decided']>,
  paint: Paint,
): string[] {
  return [head(false, action, resource, paint), `  by ${principal}`, '', ...gateLines(gates, firstClosed, paint)];
}

/** A denial is followed by what today's policies say of it; any other call is told by them alone. */
function todayLines(wasDenied: boolean, now: readonly Explanation[], paint: Paint): string[] {
  if (!wasDenied) {
    if (now.length === 0) return [paint.faint('It needed no permission.')];
    return [
      paint.faint('By the policies of now:'),
      '',
      ...now.flatMap((each, index) => [...(index > 0 ? [''] : []), ...explanationLines(each, paint)]),
    ];
  }
  return now.flatMap((each) => [
    '',
    each.allowed
      ? `  The policies of now ${paint.good('would allow it')}: ${each.because ?? ''}.`
      : `  The policies of now ${paint.bad('would still deny it')}.`,
    ...mendLines(each, paint),
  ]);
}

function workLines({ work, failures }: WorkAnswer, paint: Paint): string[] {
  const { kind, id, name, account, region, status } = work;
  return [
    `${kind} ${paint.strong(name)}  ${paint.faint(id)}`,
    `  ${status} in ${account}, ${region}`,
    ...(failures.length === 0 ? ['', '  Nothing of it failed.'] : []),
    ...failures.flatMap(({ part, message, denials, within }) => [
      '',
      `${paint.bad('✗')} ${part === undefined ? '' : `${paint.strong(part)}: `}${message}`,
      ...(denials.length === 0 && within === undefined ? [paint.faint('  No call was denied on its way.')] : []),
      ...denials.flatMap((denial) => ['', ...indented(requestLines(denial, paint, true))]),
      ...(within === undefined ? [] : ['', ...indented(workLines(within, paint))]),
    ]),
  ];
}

function noteLines(notes: readonly string[], paint: Paint): string[] {
  return notes.length === 0 ? [] : ['', ...notes.map((text) => paint.warn(`  ! ${text}`))];
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => (line === '' ? '' : `  ${line}`));
}

/** One line, with spaces where a reader wants them. */
function compact(value: Json): string {
  if (Array.isArray(value)) return `[${value.map((each) => compact(each as Json)).join(', ')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = Object.entries(value as Readonly<Record<string, Json>>);
  return `{ ${members.map(([key, member]) => `${JSON.stringify(key)}: ${compact(member)}`).join(', ')} }`;
}
