/**
 * What a request could carry so that a condition comes out otherwise: `s3:x-amz-server-side-encryption = aws:kms` for a
 * statement that denies everything else. Values are tried, one key at a time, from those that the condition itself names.
 */
import type { RequestContext } from '../../common/index.ts';
import { compileCondition, parseOperator } from './conditions.ts';
import { ContextView } from './request-context.ts';

/** `value` null: the key is left out. */
export type Supply = Readonly<{ key: string; value: string | null }>;

/** Supplies after which the condition of that key is met (or, with `met` false, no longer met); one for each condition. */
export function suppliesThatMeet(
  block: unknown,
  context: RequestContext,
  version: unknown,
  met: boolean,
): readonly Supply[] {
  const variables = version === '2012-10-17';
  const before = new ContextView(context);
  const found: Supply[] = [];
  for (const { operator, key, values } of conditionsOf(block)) {
    const test = compileCondition(operator, key, values, variables);
    if (test(before) === met) continue;
    const supply = candidates(operator, values)
      .map((value) => ({ key, value }))
      .find((candidate) => test(new ContextView(withSupply(context, candidate))) === met);
    if (supply !== undefined) found.push(supply);
  }
  return found;
}

/** The context as if the request carried it. */
export function withSupply(context: RequestContext, { key, value }: Supply): RequestContext {
  const others = Object.entries(context).filter(([name]) => name.toLowerCase() !== key.toLowerCase());
  return Object.fromEntries(value === null ? others : [...others, [key, value]]);
}

export function supplyWords({ key, value }: Supply): string {
  return value === null ? `without ${key}` : `with ${key} = ${value}`;
}

/** A Condition block as a list. The block was compiled before: its shape is known to be right. */
export function conditionsOf(block: unknown): readonly Readonly<{ operator: string; key: string; values: string[] }>[] {
  return Object.entries((block ?? {}) as Record<string, unknown>).flatMap(([operator, keys]) =>
    Object.entries(keys as Record<string, unknown>).map(([key, values]) => ({
      operator,
      key,
      values: (Array.isArray(values) ? values : [values]).map(String),
    })),
  );
}

/** Nearest to what the policy names first; leaving the key out is the last resort. */
function candidates(operator: string, values: readonly string[]): readonly (string | null)[] {
  const base = parseOperator(operator)?.base ?? '';
  const concrete = values.filter((value) => !value.includes('${')).map((value) => instanceOf(base, value));
  if (base === 'Bool') return ['true', 'false', null];
  if (base.startsWith('Numeric')) {
    return [...concrete, ...concrete.flatMap((value) => [String(Number(value) - 1), String(Number(value) + 1)]), null];
  }
  return [...concrete, null];
}

/** One value that the pattern fits: its stars stand for nothing. */
function instanceOf(base: string, value: string): string {
  if (base.endsWith('Like') || base.startsWith('Arn')) return value.replaceAll('*', '').replaceAll('?', 'x');
  return base.endsWith('IpAddress') ? (value.split('/')[0] ?? value) : value;
}
