/** Trust policies, bound to the users and roles that they name; see `bound-policies.ts`. */
import type { Queryable, RoleRecord } from '../../store/index.ts';
import { bindPolicy, shownPolicy } from '../bound-policies.ts';
import { malformed } from './policy-checks.ts';

export type BoundTrust = Pick<RoleRecord, 'trust' | 'trustBound' | 'bound'>;

/** `document` is well formed. Throws MalformedPolicyDocument for a user or role that does not exist. */
export async function bindTrust(q: Queryable, account: string, document: string): Promise<BoundTrust> {
  const { policy, policyPrincipals } = await bindPolicy(q, account, document, (principal) =>
    malformed(`Invalid principal in policy: "AWS":"${principal}"`),
  );
  return { trust: document, trustBound: policy, bound: policyPrincipals ?? {} };
}

/** What `GetRole` shows: as it was written, while all that it names are who they were. */
export async function shownTrust(q: Queryable, role: RoleRecord): Promise<string> {
  const shown = await shownPolicy(q, role.trustBound, role.bound);
  return Object.values(role.bound).some((id) => shown.includes(id)) ? shown : role.trust;
}
