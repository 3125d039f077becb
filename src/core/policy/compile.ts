/**
 * Policies made ready for deciding: read once, kept by their text. A policy also remembers which of its statements an
 * action can meet at all, so that a decision looks only at those.
 *
 * A document that cannot be read denies everything: an error inside evaluation must never let a call through.
 */
import { compileCondition, type ConditionTest, parseOperator } from './conditions.ts';
import { compilePattern, compileResourcePattern, type ResourceMatcher } from './patterns.ts';
import { compilePrincipal, type PrincipalMatcher } from './principals.ts';
import { ContextView } from './request-context.ts';

export type CompiledStatement = Readonly<{
  allow: boolean;
  index: number;
  sid: string | undefined;
  /** Lower-case action in. */
  action: (action: string) => boolean;
  resource: ResourceMatcher;
  /** Absent: the statement names no principal (identity policies). */
  principal: PrincipalMatcher | undefined;
  conditions: readonly ConditionTest[];
}>;

export interface CompiledPolicy {
  readonly statements: readonly CompiledStatement[];
  /** Its text names a `ResourceTag/...` key; true for some policies that only look like it. */
  readonly readsResourceTags: boolean;
  /** The statements whose Action element meets this action (in lower case). */
  forAction(action: string): readonly CompiledStatement[];
}

/** By text. The bound keeps a house with many short-lived session policies from growing; 4096 are a few megabytes. */
const compiled = new Map<string, CompiledPolicy>();
const MOST_COMPILED = 4096;
const MOST_ACTIONS = 512;

export function compiledPolicy(text: string): CompiledPolicy {
  const known = compiled.get(text);
  if (known !== undefined) return known;
  const policy = compileDocument(text);
  if (compiled.size >= MOST_COMPILED) compiled.clear();
  compiled.set(text, policy);
  return policy;
}

function compileDocument(text: string): CompiledPolicy {
  let statements: readonly CompiledStatement[];
  try {
    const document = objectOf(JSON.parse(text));
    if (document['Statement'] === undefined) throw new Error('no Statement');
    const variables = document['Version'] === '2012-10-17';
    statements = asList(document['Statement']).map((statement, index) =>
      compileStatement(objectOf(statement), index, variables),
    );
  } catch {
    statements = [DENY_EVERYTHING];
  }
  const byAction = new Map<string, readonly CompiledStatement[]>();
  return {
    statements,
    // A key may be spelt with escapes, which is rare enough to take for a yes.
    readsResourceTags: /resourcetag\/|\\u/i.test(text),
    forAction: (action) => {
      const known = byAction.get(action);
      if (known !== undefined) return known;
      const found = statements.filter((statement) => statement.action(action));
      if (byAction.size >= MOST_ACTIONS) byAction.clear();
      byAction.set(action, found);
      return found;
    },
  };
}

/** The Sid of the statement that stands for a policy that cannot be read. */
export const UNREADABLE = 'UnreadablePolicy';

const DENY_EVERYTHING: CompiledStatement = {
  allow: false,
  index: 0,
  sid: UNREADABLE,
  action: () => true,
  resource: () => true,
  principal: undefined,
  conditions: [],
};

const MEMBERS: ReadonlySet<string> = new Set([
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
]);

function compileStatement(statement: Record<string, unknown>, index: number, variables: boolean): CompiledStatement {
  for (const member of Object.keys(statement)) {
    // Half understood is not understood: what a member that is unknown was to narrow would go unnarrowed.
    if (!MEMBERS.has(member)) throw new Error(`unknown element ${member}`);
    if (member.startsWith('Not') && statement[member.slice(3)] !== undefined) throw new Error(`two of ${member}`);
  }
  const effect = statement['Effect'];
  if (effect !== 'Allow' && effect !== 'Deny') throw new Error('Effect is neither Allow nor Deny');
  return {
    allow: effect === 'Allow',
    index,
    sid: typeof statement['Sid'] === 'string' ? statement['Sid'] : undefined,
    action: actionMatcher(statement),
    resource: resourceMatcher(statement, variables),
    principal: principalMatcher(statement),
    conditions: conditionTests(statement['Condition'], variables),
  };
}

const NOTHING = new ContextView({});

function actionMatcher(statement: Record<string, unknown>): CompiledStatement['action'] {
  const negated = statement['Action'] === undefined;
  const patterns = strings(negated ? statement['NotAction'] : statement['Action']);
  if (patterns.length === 0) throw new Error('no Action');
  const matchers = patterns.map((pattern) =>
    compilePattern(pattern.toLowerCase(), { variables: false, wildcards: true }),
  );
  return (action) => matchers.some((match) => match(action, NOTHING)) !== negated;
}

function resourceMatcher(statement: Record<string, unknown>, variables: boolean): ResourceMatcher {
  const listed = statement['Resource'];
  const others = statement['NotResource'];
  // Trust policies name no resource: they are about the role that they are on.
  if (listed === undefined && others === undefined) return () => true;
  const matchers = strings(listed ?? others).map((pattern) => compileResourcePattern(pattern, variables));
  const any: ResourceMatcher = (resource, context) => {
    for (const match of matchers) if (match(resource, context)) return true;
    return false;
  };
  return listed === undefined ? (resource, context) => !any(resource, context) : any;
}

function principalMatcher(statement: Record<string, unknown>): PrincipalMatcher | undefined {
  if (statement['Principal'] !== undefined) return compilePrincipal(statement['Principal'], false);
  if (statement['NotPrincipal'] !== undefined) return compilePrincipal(statement['NotPrincipal'], true);
  return undefined;
}

function conditionTests(block: unknown, variables: boolean): ConditionTest[] {
  const tests: ConditionTest[] = [];
  if (block === undefined) return tests;
  for (const [operator, keys] of Object.entries(objectOf(block))) {
    if (parseOperator(operator) === undefined) throw new Error(`unknown condition operator ${operator}`);
    for (const [key, values] of Object.entries(objectOf(keys))) {
      tests.push(compileCondition(operator, key, scalars(values), variables));
    }
  }
  return tests;
}

function objectOf(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('expected an object');
  return value as Record<string, unknown>;
}

function asList(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function strings(value: unknown): string[] {
  return asList(value).map((item) => {
    if (typeof item !== 'string') throw new Error('expected a string');
    return item;
  });
}

/** Condition values may be written as booleans and numbers. */
function scalars(value: unknown): string[] {
  return asList(value).map((item) => {
    if (typeof item === 'string') return item;
    if (typeof item === 'boolean' || typeof item === 'number') return String(item);
    throw new Error('expected a string, number or boolean');
  });
}
