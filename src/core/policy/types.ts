/**
 * The words of the policy decision.
 *
 * Glossary:
 * - request: one action on one resource that must be allowed (`AccessRequest`).
 * - finding: what the policies of one type say about a request: an allow, an explicit deny, or nothing.
 * - grip: how closely a resource policy's Principal element names the caller. `direct`: the very user or session, the
 *   service, or everybody; `role`: the role of the session; `account`: the caller's account, which only delegates.
 * - gate: one policy type on the way of a request, open or closed, with the statement that decided.
 *
 * Source: IAM User Guide, "Policy evaluation logic".
 */
import type { AccessRequest, Principal, RequestContext } from '../../common/index.ts';

/** A policy as JSON text, with the name by which a denial calls it, and its ARN where it has one of its own. */
export type NamedPolicy = Readonly<{ name: string; document: string; arn?: string }>;

/** Who asks. `Federated` is a caller that a web identity provider vouches for; it exists only while it assumes a role. */
export type Caller = Principal | Readonly<{ type: 'Federated'; provider: string; account?: string }>;

/** What binds the caller. Absent `boundary`, `session`, `serviceControl`, `resourceControl`: none applies. */
export type PolicySet = Readonly<{
  identity: readonly NamedPolicy[];
  boundary?: NamedPolicy;
  session?: readonly NamedPolicy[];
  /** Over the caller's account: a list per level (root, each unit, the account); every level must allow. */
  serviceControl?: readonly (readonly NamedPolicy[])[];
  /** The same over the resource's account. */
  resourceControl?: readonly (readonly NamedPolicy[])[];
  /** Of the VPC endpoint that the request came through. */
  endpoint?: NamedPolicy;
}>;

export type DecisionInput = Readonly<{
  principal: Caller;
  request: AccessRequest;
  /** Where the call is made; its account owns the resource unless the request says otherwise. */
  scope: Readonly<{ account: string; region: string }>;
  policies: PolicySet;
  /** Every condition key of the request, the request's own included. Names are compared without regard to case. */
  context: RequestContext;
}>;

/** As AWS's messages name them. */
export type PolicyType =
  | 'identity-based policy'
  | 'resource-based policy'
  | 'permissions boundary'
  | 'session policy'
  | 'service control policy'
  | 'resource control policy'
  | 'VPC endpoint policy'
  | 'role trust policy';

export type StatementRef = Readonly<{
  policyType: PolicyType;
  policyName: string;
  policyArn?: string;
  /** Of a service or resource control policy: 0 is the root's level, the last is the account's. */
  level?: number;
  /** From 0. */
  statementIndex: number;
  /** Its Sid, where it has one. */
  sid?: string;
}>;

export type GateName = 'trust' | 'identity' | 'boundary' | 'session' | 'organization' | 'endpoint' | 'resource' | 'key';

export type Gate = Readonly<{
  gate: GateName;
  policyType: PolicyType;
  /** `bypassed`: says nothing, and the decision did not need it. */
  state: 'open' | 'closed' | 'bypassed';
  /** The statement that allowed or denied; absent where none matched, or where no statement is needed (root). */
  by?: StatementRef;
}>;

export type Denial =
  /** `through`: the type by way of which it binds, where a service calls on with the caller's credentials. */
  | Readonly<{ kind: 'explicit'; policyType: PolicyType; by: StatementRef; through?: PolicyType }>
  /** `policyType` is the type in which an allow is missing, `level` the first level of it that lacks one. */
  | Readonly<{ kind: 'implicit'; policyType: PolicyType; level?: number }>;

export type Allowance =
  | Readonly<{ kind: 'statement'; statement: StatementRef }>
  /** The account's root in its own account. */
  | Readonly<{ kind: 'root' }>
  /** A KMS grant or the like. */
  | Readonly<{ kind: 'grant'; name: string }>
  /** AWS's own plumbing; see `service-grants.ts`. */
  | Readonly<{ kind: 'service'; reason: string }>;

export type PolicyDecision =
  | Readonly<{ allowed: true; by: Allowance; gates: readonly Gate[] }>
  | Readonly<{ allowed: false; reason: Denial; gates: readonly Gate[] }>;
