/**
 * Identity providers that everybody shares: whoever has an account there gets tokens from them, so that a role which trusts one
 * without saying in whose tokens trusts the world. AWS refuses to save such trust.
 * Source: IAM User Guide, "Identity-provider controls for shared OIDC providers".
 */
import type { PolicyStatement } from '../../core/policy/index.ts';

/** By host and path: the claim that tells one tenant from another. */
const TELLING: Readonly<Record<string, string>> = {
  'token.actions.githubusercontent.com': 'sub',
  'oidc-configuration.audit-log.githubusercontent.com': 'sub',
  'vstoken.actions.githubusercontent.com': 'sub',
  'gitlab.com': 'sub',
  'agent.buildkite.com': 'sub',
  'app.terraform.io': 'sub',
  'api.pulumi.com/oidc': 'aud',
  'scalr.io': 'sub',
  'proidc.upbound.io': 'sub',
  'oidc.vercel.com': 'aud',
};

/** The condition key that a statement of a trust policy lacks; undefined when it is careful enough. */
export function lackingTenantKey(statement: PolicyStatement): string | undefined {
  const { Effect: effect, Principal: principal, Condition: condition } = statement;
  if (effect !== 'Allow' || typeof principal !== 'object' || principal === null) return undefined;
  const { Federated: federated } = principal as { Federated?: unknown };
  for (const name of Array.isArray(federated) ? (federated as unknown[]) : [federated]) {
    const provider = typeof name === 'string' ? name.slice(name.indexOf('oidc-provider/') + 14) : '';
    const claim = Object.hasOwn(TELLING, provider) ? TELLING[provider] : undefined;
    if (claim !== undefined && !isTold(condition, `${provider}:${claim}`)) return `${provider}:${claim}`;
  }
  return undefined;
}

/** Only an operator that lets the named in tells; one that keeps some out, or holds without the key, does not. */
const TELLS = /^(?:ForAnyValue:)?String(?:Equals|EqualsIgnoreCase|Like)$/i;

function isTold(condition: unknown, key: string): boolean {
  return Object.entries((condition ?? {}) as Record<string, Record<string, unknown>>).some(
    ([operator, keys]) =>
      TELLS.test(operator) &&
      Object.entries(keys).some(([name, value]) => name.toLowerCase() === key && isTelling(value)),
  );
}

function isTelling(value: unknown): boolean {
  const values = Array.isArray(value) ? (value as unknown[]) : [value];
  return values.length > 0 && values.every((each) => !/^[*?]*$/.test(String(each)));
}
