/**
 * The statement that nearly allows: one thing about it is not met, and all else is. Nine denials of ten are one of these,
 * and the difference is what the reader wants to see.
 */
import { parseArn } from '../../common/index.ts';
import { type CompiledStatement, compiledPolicy } from './compile.ts';
import { compileCondition } from './conditions.ts';
import { conditionsOf, type Supply, suppliesThatMeet, supplyWords } from './supply.ts';
import { type Facts, factsOf } from './survey.ts';
import type { DecisionInput, NamedPolicy, PolicyType, StatementRef } from './types.ts';

export type UnmetCondition = Readonly<{
  element: 'Condition';
  operator: string;
  key: string;
  wanted: readonly string[];
  /** Absent: the request does not have the key. */
  found?: readonly string[];
}>;

export type NearMiss = Readonly<{
  by: StatementRef;
  /** What is not met. */
  differs:
    | Readonly<{ element: 'Action'; wanted: readonly string[]; found: string }>
    | Readonly<{ element: 'Principal'; wanted: readonly string[]; found: string; hint?: string }>
    | Readonly<{ element: 'Resource'; wanted: readonly string[]; found: string; hint?: string }>
    | UnmetCondition;
  /** Where the statement has more than one condition that is not met: the others. */
  alsoUnmet?: readonly UnmetCondition[];
  /** What the request could carry so that the statement allows it as it stands. */
  supply?: readonly Supply[];
  words: string;
}>;

/** The nearest first: a condition unmet is nearer than another resource, that than another principal, that than another action. */
const ELEMENTS = ['Condition', 'Resource', 'Principal', 'Action'] as const;

export function nearMissOf(
  policyType: PolicyType,
  policies: readonly NamedPolicy[],
  input: DecisionInput,
): NearMiss | undefined {
  const facts = factsOf(input);
  const misses = policies.flatMap((policy) => {
    const { statements } = compiledPolicy(policy.document);
    const raw = rawPolicy(policy.document);
    return statements.flatMap((statement) => {
      const differs = statement.allow
        ? differenceOf(statement, raw.statements[statement.index] ?? {}, raw, input, facts)
        : [];
      const [first, ...others] = differs;
      if (first === undefined) return [];
      const by: StatementRef = {
        policyType,
        policyName: policy.name,
        statementIndex: statement.index,
        ...(statement.sid !== undefined && { sid: statement.sid }),
      };
      const supply =
        first.element === 'Condition'
          ? suppliesThatMeet(raw.statements[statement.index]?.['Condition'], input.context, raw.version, true)
          : [];
      const miss = {
        by,
        differs: first,
        ...(others.length > 0 && { alsoUnmet: others as readonly UnmetCondition[] }),
        ...(supply.length === differs.length && { supply }),
      };
      return [{ ...miss, words: wordsOf(miss) }];
    });
  });
  return ELEMENTS.flatMap((element) => misses.filter(({ differs }) => differs.element === element))[0];
}

type Raw = Readonly<Record<string, unknown>>;

/** The parts not met: of one element only, or none at all where the statement is too far off. */
function differenceOf(
  statement: CompiledStatement,
  raw: Raw,
  { version }: Readonly<{ version: unknown }>,
  { principal, request }: DecisionInput,
  facts: Facts,
): readonly NearMiss['differs'][] {
  const differs: NearMiss['differs'][] = [];
  if (!statement.action(facts.action)) {
    const wanted = texts(raw['Action'] ?? raw['NotAction']);
    if (!wanted.some((pattern) => ofService(pattern, facts.action))) return [];
    differs.push({ element: 'Action', wanted, found: request.action });
  }
  if (statement.principal !== undefined && statement.principal(principal) === 'none') {
    const wanted = namesOf(raw['Principal'] ?? raw['NotPrincipal']);
    const found = callerNames(principal)[0] ?? 'anonymous';
    const hint = principalHint(wanted, callerNames(principal));
    differs.push({ element: 'Principal', wanted, found, ...(hint !== undefined && { hint }) });
  }
  if (!statement.resource(facts.resource, facts.context)) {
    const wanted = texts(raw['Resource'] ?? raw['NotResource']);
    const hint =
      raw['Resource'] === undefined ? 'it is excepted by NotResource' : resourceHint(wanted, request.resource, version);
    differs.push({ element: 'Resource', wanted, found: request.resource, ...(hint !== undefined && { hint }) });
  }
  if (differs.length > 1) return [];
  const unmet = unmetConditions(raw['Condition'], version, facts);
  if (differs.length === 0) return unmet;
  return unmet.length === 0 ? differs : [];
}

function unmetConditions(block: unknown, version: unknown, { context }: Facts): readonly UnmetCondition[] {
  return conditionsOf(block).flatMap(({ operator, key, values: wanted }) => {
    if (compileCondition(operator, key, wanted, version === '2012-10-17')(context)) return [];
    const found = context.get(key.toLowerCase(), key);
    return [{ element: 'Condition' as const, operator, key, wanted, ...(found !== undefined && { found }) }];
  });
}

function ofService(pattern: string, action: string): boolean {
  return pattern.slice(0, pattern.indexOf(':')).toLowerCase() === action.slice(0, action.indexOf(':'));
}

// --- the slips that everybody makes once ---

function resourceHint(wanted: readonly string[], found: string, version: unknown): string | undefined {
  if (found === '*') return 'the action knows no resource, and is asked for *';
  for (const pattern of wanted) {
    if (found.startsWith(`${pattern}/`)) {
      return /^arn:[^:]*:s3:::[^/*]+$/.test(pattern)
        ? `the objects of a bucket are ${pattern}/*`
        : `what lies in it is ${pattern}/*`;
    }
    if (pattern.endsWith('/*') && found === pattern.slice(0, -2)) return `the bucket itself is ${found}, without /*`;
    if (/:kms:.*:alias\//.test(pattern) && found.includes(':key/')) {
      return 'a key is named by the ARN of the key, not of an alias';
    }
    if (found.startsWith(`${pattern}:`)) return `what belongs to it is ${pattern}:*`;
    if (pattern.toLowerCase() === found.toLowerCase()) return 'ARNs are compared with regard to case';
    if (pattern.includes('${')) {
      return version === '2012-10-17'
        ? 'a variable in it has another value, or none, in this request'
        : 'variables are plain text in a policy without "Version": "2012-10-17"';
    }
    const [one, other] = [parseArn(pattern), parseArn(found)];
    if (one === undefined || other === undefined || one.resource !== other.resource) continue;
    if (one.account !== other.account) return `the resource is of account ${other.account}`;
    if (one.region !== other.region) return `the resource is in ${other.region}`;
  }
  return undefined;
}

function principalHint(wanted: readonly string[], names: readonly string[]): string | undefined {
  if (wanted.some((name) => /^A(?:ROA|IDA)[A-Z0-9]+$/.test(name))) {
    return 'a policy keeps the unique id of the user or role that it was saved with; one made anew under its name is another';
  }
  const last = (arn: string): string => arn.slice(arn.lastIndexOf('/') + 1);
  const alike = wanted.find((name) => name.includes('/') && names.some((own) => last(own) === last(name)));
  return alike === undefined ? undefined : 'account and path are part of the name';
}

function callerNames(caller: DecisionInput['principal']): readonly string[] {
  switch (caller.type) {
    case 'AssumedRole':
      return [caller.roleArn, caller.arn];
    case 'Service':
      return [caller.service];
    case 'Federated':
      return [caller.provider];
    case 'Anonymous':
      return [];
    default:
      return [caller.arn];
  }
}

// --- in words ---

function wordsOf({ by, differs, alsoUnmet = [], supply }: Omit<NearMiss, 'words'>): string {
  const which = by.sid === undefined ? `Statement ${by.statementIndex + 1}` : `The statement ${by.sid}`;
  const differences = [differs, ...alsoUnmet].map(differenceWords).join(', and ');
  const would = supply === undefined ? '' : ` It allows a request ${supply.map(supplyWords).join(' and ')}.`;
  return `${which} of ${by.policyName} nearly allows it: ${differences}.${would}`;
}

function differenceWords(differs: NearMiss['differs']): string {
  const wanted = listed(differs.wanted);
  if (differs.element === 'Condition') {
    const found = differs.found === undefined ? 'does not have it' : `has ${listed(differs.found)}`;
    return `${differs.operator} wants ${differs.key} ${wanted}, and the request ${found}`;
  }
  const hint = 'hint' in differs && differs.hint !== undefined ? ` (${differs.hint})` : '';
  return `its ${differs.element} is ${wanted}, not ${differs.found}${hint}`;
}

function listed(values: readonly string[]): string {
  const shown = values.slice(0, 4).join(', ');
  return values.length > 4 ? `${shown}, ... (${values.length} in all)` : shown;
}

function rawPolicy(text: string): Readonly<{ version: unknown; statements: readonly Raw[] }> {
  try {
    const { Version: version, Statement } = JSON.parse(text) as { Version?: unknown; Statement?: unknown };
    return { version, statements: (Array.isArray(Statement) ? Statement : [Statement]) as Raw[] };
  } catch {
    return { version: undefined, statements: [] };
  }
}

function namesOf(element: unknown): readonly string[] {
  if (typeof element !== 'object' || element === null) return texts(element);
  return Object.values(element).flatMap(texts);
}

function texts(value: unknown): readonly string[] {
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value]).map(String);
}
