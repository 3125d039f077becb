/**
 * Trust policies are bound to the very users and roles that they name: on saving, ARNs become unique ids, so that a role
 * made anew under an old name is not trusted by accident. They are shown as ARNs while the entity exists, as ids after.
 * Source: IAM User Guide, "AWS JSON policy elements: Principal".
 */
import { parseArn } from '../../common/index.ts';
import { accounts, globalKey, nameKey, type Queryable, type RoleRecord, roles, users } from '../../store/index.ts';
import { malformed } from './policy-checks.ts';

export type BoundTrust = Pick<RoleRecord, 'trust' | 'trustBound' | 'bound'>;

/**
 * `document` is well formed. Throws MalformedPolicyDocument for a user or role that does not exist.
 * Differs from AWS: an account that this house does not know may live elsewhere; its principals are taken as written.
 */
export async function bindTrust(q: Queryable, account: string, document: string): Promise<BoundTrust> {
  const bound: Record<string, string> = {};
  for (const arn of namedEntities(document)) {
    const owner = parseArn(arn)?.account ?? '';
    const id = await uniqueIdOf(q, arn);
    if (id !== undefined) bound[arn] = id;
    else if (owner === account || (await accounts.get(q, globalKey(owner))) !== undefined) {
      throw malformed(`Invalid principal in policy: "AWS":"${arn}"`);
    }
  }
  return { trust: document, trustBound: replaced(document, bound), bound };
}

/** What `GetRole` shows. */
export async function shownTrust(q: Queryable, role: RoleRecord): Promise<string> {
  const gone: Record<string, string> = {};
  for (const [arn, id] of Object.entries(role.bound)) if ((await uniqueIdOf(q, arn)) !== id) gone[arn] = id;
  return Object.keys(gone).length === 0 ? role.trust : replaced(role.trust, gone);
}

async function uniqueIdOf(q: Queryable, arn: string): Promise<string | undefined> {
  const parsed = parseArn(arn);
  if (parsed === undefined) return undefined;
  const name = arn.slice(arn.lastIndexOf('/') + 1);
  const key = nameKey(parsed.account, name);
  if (parsed.resource.startsWith('role/')) {
    const role = (await roles.get(q, key))?.document;
    return role?.arn === arn ? role.roleId : undefined;
  }
  const user = (await users.get(q, key))?.document;
  return user?.arn === arn ? user.userId : undefined;
}

function namedEntities(document: string): string[] {
  const found = new Set<string>();
  eachPrincipal(document, (name) => {
    if (/^arn:[^:]+:iam::\d{12}:(?:role|user)\//.test(name)) found.add(name);
    return name;
  });
  return [...found];
}

function replaced(document: string, by: Readonly<Record<string, string>>): string {
  if (Object.keys(by).length === 0) return document;
  return eachPrincipal(document, (name) => by[name] ?? name);
}

function eachPrincipal(document: string, map: (name: string) => string): string {
  const policy = JSON.parse(document) as { Statement: unknown };
  for (const statement of Array.isArray(policy.Statement) ? policy.Statement : [policy.Statement]) {
    const principal = (statement as { Principal?: { AWS?: string | string[] } }).Principal;
    if (typeof principal !== 'object' || principal.AWS === undefined) continue;
    principal.AWS = Array.isArray(principal.AWS) ? principal.AWS.map(map) : map(principal.AWS);
  }
  return JSON.stringify(policy);
}
