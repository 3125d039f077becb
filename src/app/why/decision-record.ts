/**
 * What is kept of a denial, in the audit trail's record of the call: who asked for what, under which circumstances, and
 * each gate of the way with the statement that decided, in its words of that moment. Policies change; this does not.
 */
import type { AccessRequest, Json, RequestContext } from '../../common/index.ts';
import type { Caller, DecisionInput, Denial, Gate, StatementRef } from '../../core/policy/index.ts';
import type { Scope } from '../../services/index.ts';
import type { Explained } from '../authorizer.ts';

/** A statement by its place, and its text. */
export type QuotedStatement = StatementRef & Readonly<{ statement?: Json }>;

export type QuotedGate = Omit<Gate, 'by'> & Readonly<{ by?: QuotedStatement }>;

export type DecisionRecord = Readonly<{
  principal: Caller;
  scope: Scope;
  request: Pick<AccessRequest, 'action' | 'resource' | 'resourceAccount'>;
  context: RequestContext;
  reason: Denial;
  gates: readonly QuotedGate[];
}>;

/** Undefined for an allowed call: those are not explained later, and the record stays light. */
export function decisionRecord(explained: Explained | undefined): DecisionRecord | undefined {
  if (explained === undefined || explained.decision.allowed) return undefined;
  const { input, decision } = explained;
  const { action, resource, resourceAccount } = input.request;
  return {
    principal: input.principal,
    scope: input.scope,
    request: { action, resource, ...(resourceAccount === undefined ? {} : { resourceAccount }) },
    context: withoutSecrets(input.context),
    reason: decision.reason,
    gates: quotedGates(input, decision.gates),
  };
}

export function quotedGates(input: DecisionInput, gates: readonly Gate[]): QuotedGate[] {
  return gates.map(({ by, ...gate }) => (by === undefined ? gate : { ...gate, by: quoted(input, by) }));
}

export function quoted(input: DecisionInput, ref: StatementRef): QuotedStatement {
  const policy = policiesOf(input, ref).find(({ name }) => name === ref.policyName);
  const statement = policy && statementsOf(policy.document)[ref.statementIndex];
  return statement === undefined ? ref : { ...ref, statement };
}

type Named = Readonly<{ name: string; document: string }>;

function policiesOf({ policies, request }: DecisionInput, { policyType, level }: StatementRef): readonly Named[] {
  const at = (levels: readonly (readonly Named[])[] = []): readonly Named[] =>
    (level === undefined ? undefined : levels[level]) ?? levels.flat();
  switch (policyType) {
    case 'identity-based policy':
      return policies.identity;
    case 'permissions boundary':
      return policies.boundary === undefined ? [] : [policies.boundary];
    case 'session policy':
      return policies.session ?? [];
    case 'service control policy':
      return at(policies.serviceControl);
    case 'resource control policy':
      return at(policies.resourceControl);
    case 'VPC endpoint policy':
      return policies.endpoint === undefined ? [] : [policies.endpoint];
    default:
      return request.resourcePolicies ?? [];
  }
}

/** Empty for a document that cannot be read. */
function statementsOf(document: string): readonly Json[] {
  try {
    const { Statement } = JSON.parse(document) as { Statement?: Json };
    return Statement === undefined ? [] : ((Array.isArray(Statement) ? Statement : [Statement]) as readonly Json[]);
  } catch {
    return [];
  }
}

/** An external id is shared between two parties; who reads the trail is neither. */
const SECRET_KEYS: ReadonlySet<string> = new Set(['sts:externalid']);

function withoutSecrets(context: RequestContext): RequestContext {
  return Object.fromEntries(
    Object.entries(context).map(([key, value]) => [key, SECRET_KEYS.has(key.toLowerCase()) ? '***' : value]),
  );
}
