/**
 * Policies on resources are bound to the very users and roles that they name: on saving, ARNs become unique ids, so that one
 * made anew under an old name is not let in by accident. They are shown as ARNs while the entity exists, as ids after.
 * What is kept and decided on is the bound text; beside it, which ARN each id was written as.
 * Source: IAM User Guide, "AWS JSON policy elements: Principal".
 */
import { parseArn } from '../common/index.ts';
import { accounts, globalKey, nameKey, type Queryable, roles, users } from '../store/index.ts';

/** From the ARN as written to the unique id (`AIDA...`, `AROA...`). */
export type PolicyPrincipals = Readonly<Record<string, string>>;
export type BoundPolicy = Readonly<{ policy: string; policyPrincipals: PolicyPrincipals | undefined }>;

/**
 * `document` is well formed; `account` is the one that owns the resource. Throws what `refuse` makes for a user or role that
 * does not exist. Must not be called inside a transaction of the store, unless with it as `q`.
 * Differs from AWS: an account that this house does not know may live elsewhere; its principals are taken as written.
 */
export async function bindPolicy(
  q: Queryable,
  account: string,
  document: string,
  refuse: (principal: string) => Error,
): Promise<BoundPolicy> {
  const principals: Record<string, string> = {};
  for (const arn of namedEntities(document)) {
    const owner = parseArn(arn)?.account ?? '';
    const id = await uniqueIdOf(q, arn);
    if (id !== undefined) principals[arn] = id;
    else if (owner === account || (await accounts.get(q, globalKey(owner))) !== undefined) throw refuse(arn);
  }
  if (Object.keys(principals).length === 0) return { policy: document, policyPrincipals: undefined };
  return { policy: withPrincipals(document, (name) => principals[name]), policyPrincipals: principals };
}

/** As a reader sees it: the ARNs of those that still are who they were. */
export async function shownPolicy(
  q: Queryable,
  policy: string,
  principals: PolicyPrincipals | undefined,
): Promise<string> {
  const alive: Record<string, string> = {};
  for (const [arn, id] of Object.entries(principals ?? {})) if ((await uniqueIdOf(q, arn)) === id) alive[id] = arn;
  return Object.keys(alive).length === 0 ? policy : withPrincipals(policy, (name) => alive[name]);
}

/** The document with other names in its Principal and NotPrincipal elements; `map` gives none for a name that stays. */
export function withPrincipals(document: string, map: (name: string) => string | undefined): string {
  const policy = JSON.parse(document) as { Statement?: unknown };
  for (const statement of Array.isArray(policy.Statement) ? policy.Statement : [policy.Statement]) {
    for (const member of ['Principal', 'NotPrincipal'] as const) {
      const element = (statement as Partial<Record<typeof member, unknown>> | undefined)?.[member];
      if (typeof element !== 'object' || element === null || !('AWS' in element)) continue;
      const to = (name: unknown): unknown => (typeof name === 'string' ? (map(name) ?? name) : name);
      element.AWS = Array.isArray(element.AWS) ? element.AWS.map(to) : to(element.AWS);
    }
  }
  return JSON.stringify(policy);
}

function namedEntities(document: string): readonly string[] {
  const found = new Set<string>();
  withPrincipals(document, (name) => {
    if (/^arn:[^:]+:iam::\d{12}:(?:role|user)\//.test(name)) found.add(name);
    return undefined;
  });
  return [...found];
}

/** Undefined where no user or role has this ARN, path and all. */
async function uniqueIdOf(q: Queryable, arn: string): Promise<string | undefined> {
  const parsed = parseArn(arn);
  if (parsed === undefined) return undefined;
  const key = nameKey(parsed.account, arn.slice(arn.lastIndexOf('/') + 1));
  if (parsed.resource.startsWith('role/')) {
    const role = (await roles.get(q, key))?.document;
    return role?.arn === arn ? role.roleId : undefined;
  }
  const user = (await users.get(q, key))?.document;
  return user?.arn === arn ? user.userId : undefined;
}
