/**
 * The statement that nearly allows: it allows the action, and something else about it is not met. Nine denials of ten are
 * one of these, and the difference is what the reader wants to see.
 */
import { compiledPolicy } from './compile.ts';
import { compileCondition } from './conditions.ts';
import { splitArn } from './patterns.ts';
import { ContextView } from './request-context.ts';
import type { DecisionInput, NamedPolicy, PolicyType, StatementRef } from './types.ts';

export type NearMiss = Readonly<{
  by: StatementRef;
  /** What is not met. */
  differs:
    | Readonly<{ element: 'Principal' }>
    | Readonly<{ element: 'Resource'; wanted: readonly string[]; found: string; hint?: string }>
    | Readonly<{
        element: 'Condition';
        operator: string;
        key: string;
        wanted: readonly string[];
        found?: readonly string[];
      }>;
}>;

/** The nearest first: one condition unmet is nearer than another resource, and that than another principal. */
const ELEMENTS = ['Condition', 'Resource', 'Principal'] as const;

export function nearMissOf(
  policyType: PolicyType,
  policies: readonly NamedPolicy[],
  { principal, request, context }: DecisionInput,
): NearMiss | undefined {
  const view = new ContextView(context);
  const resource = { text: request.resource, fields: splitArn(request.resource) };
  const misses: NearMiss[] = [];
  for (const policy of policies) {
    const statements = rawStatements(policy.document);
    for (const statement of compiledPolicy(policy.document).forAction(request.action.toLowerCase())) {
      if (!statement.allow) continue;
      const raw = statements[statement.index] ?? {};
      const by: StatementRef = {
        policyType,
        policyName: policy.name,
        statementIndex: statement.index,
        ...(statement.sid === undefined ? {} : { sid: statement.sid }),
      };
      if (statement.principal !== undefined && statement.principal(principal) === 'none')
        misses.push({ by, differs: { element: 'Principal' } });
      else if (!statement.resource(resource, view)) {
        const wanted = texts(raw['Resource'] ?? raw['NotResource']);
        const hint = hintOf(wanted, request.resource);
        misses.push({
          by,
          differs: { element: 'Resource', wanted, found: request.resource, ...(hint === undefined ? {} : { hint }) },
        });
      } else {
        const unmet = unmetCondition(raw, view);
        if (unmet !== undefined) misses.push({ by, differs: unmet });
      }
    }
  }
  return ELEMENTS.flatMap((element) => misses.filter(({ differs }) => differs.element === element))[0];
}

function unmetCondition(
  raw: Readonly<Record<string, unknown>>,
  view: ContextView,
): Extract<NearMiss['differs'], { element: 'Condition' }> | undefined {
  for (const [operator, keys] of Object.entries((raw['Condition'] ?? {}) as Record<string, unknown>)) {
    for (const [key, value] of Object.entries(keys as Record<string, unknown>)) {
      const wanted = texts(value);
      // Variables are read as the newer version reads them: the statement was met by all else.
      if (compileCondition(operator, key, wanted, true)(view)) continue;
      const found = view.get(key.toLowerCase(), key);
      return { element: 'Condition', operator, key, wanted, ...(found === undefined ? {} : { found }) };
    }
  }
  return undefined;
}

/** The slips that everybody makes once. */
function hintOf(wanted: readonly string[], found: string): string | undefined {
  for (const pattern of wanted) {
    if (/^arn:[^:]*:s3:::[^/*]+$/.test(pattern) && found.startsWith(`${pattern}/`))
      return `the objects of a bucket are ${pattern}/*`;
    if (pattern.endsWith('/*') && found === pattern.slice(0, -2)) return `the bucket itself is ${found}, without /*`;
    if (/:kms:.*:alias\//.test(pattern) && found.includes(':key/'))
      return 'a key is named by the ARN of the key, not of an alias';
    if (found.startsWith(`${pattern}:`)) return `what belongs to it is ${pattern}:*`;
  }
  return undefined;
}

function rawStatements(text: string): readonly Record<string, unknown>[] {
  try {
    const { Statement } = JSON.parse(text) as { Statement?: unknown };
    return (Array.isArray(Statement) ? Statement : [Statement]) as Record<string, unknown>[];
  } catch {
    return [];
  }
}

function texts(value: unknown): readonly string[] {
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value]).map(String);
}
