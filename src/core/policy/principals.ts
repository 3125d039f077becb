/**
 * The Principal element: whom a resource or trust policy names, and how closely.
 * Source: IAM User Guide, "AWS JSON policy elements: Principal" and "NotPrincipal".
 */
import { parseArn } from '../../common/index.ts';
import type { Caller } from './types.ts';

/** How closely a statement names the caller; see `types.ts`. Ordered: a later one needs less from other policies. */
export type Grip = 'none' | 'account' | 'role' | 'direct';
export type PrincipalMatcher = (caller: Caller) => Grip;

type Named = Readonly<{
  everybody: boolean;
  aws: ReadonlySet<string>;
  services: ReadonlySet<string>;
  federated: ReadonlySet<string>;
}>;

export function compilePrincipal(element: unknown, negated: boolean): PrincipalMatcher {
  const named = namedBy(element);
  if (negated) return (caller) => (isExempt(named, caller) ? 'none' : 'direct');
  return (caller) => gripOf(named, caller);
}

function gripOf(named: Named, caller: Caller): Grip {
  if (named.everybody) return 'direct';
  switch (caller.type) {
    case 'Anonymous':
      return 'none';
    case 'Service':
      return named.services.has(serviceName(caller.service)) ? 'direct' : 'none';
    case 'Federated':
      return named.federated.has(caller.provider) ? 'direct' : 'none';
    case 'AssumedRole':
      if (named.aws.has(caller.arn)) return 'direct';
      if (named.aws.has(caller.roleArn) || named.aws.has(caller.roleId)) return 'role';
      if (caller.federatedProvider !== undefined && named.federated.has(caller.federatedProvider)) return 'role';
      return named.aws.has(caller.account) ? 'account' : 'none';
    case 'User':
      if (named.aws.has(caller.arn) || named.aws.has(caller.userId)) return 'direct';
      return named.aws.has(caller.account) ? 'account' : 'none';
    case 'FederatedUser':
      if (named.aws.has(caller.arn)) return 'direct';
      // Its user is named: what the session lacks is not made good, as for the role of a session.
      if (named.aws.has(caller.userArn) || (caller.userId !== undefined && named.aws.has(caller.userId))) return 'role';
      return named.aws.has(caller.account) ? 'account' : 'none';
    default:
      return named.aws.has(caller.account) ? 'account' : 'none';
  }
}

/**
 * NotPrincipal lets a caller off only if all that it is are listed: for a session its account, its role and itself.
 * A list that leaves one out denies by way of that one.
 */
function isExempt(named: Named, caller: Caller): boolean {
  if (named.everybody) return true;
  switch (caller.type) {
    case 'AssumedRole':
      return (
        named.aws.has(caller.account) &&
        (named.aws.has(caller.roleArn) || named.aws.has(caller.roleId)) &&
        named.aws.has(caller.arn)
      );
    case 'User':
      return named.aws.has(caller.account) && (named.aws.has(caller.arn) || named.aws.has(caller.userId));
    case 'FederatedUser':
      return named.aws.has(caller.account) && named.aws.has(caller.arn);
    default:
      return gripOf(named, caller) !== 'none';
  }
}

/** Throws for what is no Principal element: a Deny must not bind nobody because nobody can read whom it means. */
function namedBy(element: unknown): Named {
  const aws = new Set<string>();
  const services = new Set<string>();
  const federated = new Set<string>();
  let everybody = element === '*';
  if (!everybody && (typeof element !== 'object' || element === null)) throw new Error('expected a principal');
  for (const [kind, value] of Object.entries(everybody ? {} : (element as object))) {
    for (const name of Array.isArray(value) ? (value as unknown[]) : [value as unknown]) {
      if (typeof name !== 'string') throw new Error('expected the name of a principal');
      if (kind === 'AWS' && name === '*') everybody = true;
      else if (kind === 'AWS') aws.add(accountOfRoot(name) ?? name);
      else if (kind === 'Service') services.add(serviceName(name));
      else if (kind === 'Federated') federated.add(name);
      // S3 keeps canonical users as their accounts.
      else if (kind !== 'CanonicalUser') throw new Error(`unknown kind of principal ${kind}`);
    }
  }
  return { everybody, aws, services, federated };
}

/** `arn:aws:iam::111111111111:root` and `111111111111` are the same principal. */
function accountOfRoot(name: string): string | undefined {
  const arn = parseArn(name);
  return arn?.service === 'iam' && arn.resource === 'root' ? arn.account : undefined;
}

/** `codedeploy.us-east-1.amazonaws.com` is `codedeploy.amazonaws.com`. */
export function serviceName(name: string): string {
  return name.replace(/^([a-z0-9-]+)\.[a-z]{2}(?:-[a-z]+)+-\d+\.amazonaws\.com$/, '$1.amazonaws.com');
}
