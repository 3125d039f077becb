/**
 * The smallest change that would let a denied request through, proven by deciding again with it.
 *
 * A denial may hide others behind it: across accounts both sides must allow, and a key policy stands behind a bucket
 * policy's leave. So the steps are found one after another, each by the denial that is left; then every step that the
 * others make needless is dropped.
 *
 * What always holds: with all steps applied the decision is an allow, and with any one of them left out it is not. Where
 * no statement can help (credentials of GetSessionToken), `steps` is empty and `beyond` says why.
 */
import type { AccessRequest } from '../../common/index.ts';
import { decide } from './decide.ts';
import { nearMissOf, type NearMiss } from './near-miss.ts';
import type { Caller, DecisionInput, NamedPolicy, PolicyDecision, PolicyType, StatementRef } from './types.ts';

/** A statement as it would be written. */
export type StatementJson = Readonly<{
  Effect: 'Allow';
  Principal?: Readonly<Record<string, string>> | '*';
  Action: string;
  Resource?: string;
}>;

export type MendStep =
  | Readonly<{
      kind: 'Add';
      policyType: PolicyType;
      statement: StatementJson;
      /** Of service and resource control policies: which level of the organization lacks it, from the root, 0. */
      level?: number;
      /** A statement of that type that nearly does. */
      nearMiss?: NearMiss;
    }>
  /** An explicit deny: no statement outweighs it. It must go, or be narrowed so that it spares the request. */
  | Readonly<{ kind: 'Remove'; policyType: PolicyType; by: StatementRef }>;

export type Mend = Readonly<{ steps: readonly MendStep[]; beyond?: string }>;

/** More than there are types of policy: each step opens one, or takes one explicit deny away. */
const MOST_STEPS = 24;

/** `decision` is what `decide(input)` answered. An allowed one needs no step. */
export function smallestMend(input: DecisionInput, decision: PolicyDecision = decide(input)): Mend {
  const steps: MendStep[] = [];
  for (let current = decision; !current.allowed; current = decide(withSteps(input, steps))) {
    if (steps.length === MOST_STEPS) return { steps: [], beyond: 'No statement of a policy allows this request.' };
    const next = stepsFor(withSteps(input, steps), current);
    if (next.length === 0) return { steps: [], beyond: beyondReason(current) };
    steps.push(...next);
  }
  return { steps: needed(input, steps) };
}

/** The same request, as if the steps had been done. */
export function withSteps(input: DecisionInput, steps: readonly MendStep[]): DecisionInput {
  return steps.reduce(withStep, input);
}

function needed(input: DecisionInput, steps: readonly MendStep[]): readonly MendStep[] {
  let kept = steps;
  for (const step of steps) {
    const without = kept.filter((other) => other !== step);
    if (decide(withSteps(input, without)).allowed) kept = without;
  }
  return kept;
}

type Denied = Extract<PolicyDecision, { allowed: false }>;

function stepsFor(input: DecisionInput, { reason }: Denied): readonly MendStep[] {
  const { policyType } = reason;
  if (reason.kind === 'explicit') return [{ kind: 'Remove', policyType, by: reason.by }];
  const statement = statementFor(policyType, input.principal, input.request);
  const levels = levelsOf(policyType, input);
  if (levels === undefined) {
    const step = {
      kind: 'Add' as const,
      policyType,
      statement,
      ...nearMissPart(policyType, input, policiesOf(policyType, input)),
    };
    // One that changes nothing would be found again for ever.
    return sameDenial(input, step, policyType) ? acrossSides(input, step) : [step];
  }
  return levels.flatMap((level, index) =>
    levelAllows(input, policyType, level)
      ? []
      : [{ kind: 'Add' as const, policyType, statement, level: index, ...nearMissPart(policyType, input, level) }],
  );
}

function nearMissPart(
  policyType: PolicyType,
  input: DecisionInput,
  policies: readonly NamedPolicy[],
): { nearMiss?: NearMiss } {
  const nearMiss = nearMissOf(policyType, policies, input);
  return nearMiss === undefined ? {} : { nearMiss };
}

function sameDenial(input: DecisionInput, step: MendStep, policyType: PolicyType): boolean {
  const after = decide(withStep(input, step));
  return !after.allowed && after.reason.kind === 'implicit' && after.reason.policyType === policyType;
}

/**
 * Across accounts a denial names the resource's side although the caller's own side is what lacks an allow (the resource
 * lets the whole account in). Then the step is the caller's.
 */
function acrossSides(input: DecisionInput, step: MendStep): readonly MendStep[] {
  if (step.policyType !== 'resource-based policy' && step.policyType !== 'role trust policy') return [];
  const policyType = 'identity-based policy';
  const own: MendStep = {
    kind: 'Add',
    policyType,
    statement: statementFor(policyType, input.principal, input.request),
    ...nearMissPart(policyType, input, input.policies.identity),
  };
  return sameDenial(input, own, step.policyType) ? [] : [own];
}

function statementFor(policyType: PolicyType, caller: Caller, request: AccessRequest): StatementJson {
  const { action: Action, resource } = request;
  if (policyType === 'role trust policy') return { Effect: 'Allow', Principal: principalElement(caller), Action };
  if (policyType !== 'resource-based policy') return { Effect: 'Allow', Action, Resource: resource };
  // A key policy is about the key that it is on.
  const Resource = /^arn:[^:]*:kms:/.test(resource) ? '*' : resource;
  return { Effect: 'Allow', Principal: principalElement(caller), Action, Resource };
}

function principalElement(caller: Caller): Readonly<Record<string, string>> | '*' {
  switch (caller.type) {
    case 'Anonymous':
      return '*';
    case 'Service':
      return { Service: caller.service };
    case 'Federated':
      return { Federated: caller.provider };
    case 'AssumedRole':
      return { AWS: caller.roleArn };
    case 'Root':
      return { AWS: `arn:aws:iam::${caller.account}:root` };
    default:
      return { AWS: caller.arn };
  }
}

function policiesOf(policyType: PolicyType, { policies, request }: DecisionInput): readonly NamedPolicy[] {
  switch (policyType) {
    case 'identity-based policy':
      return policies.identity;
    case 'permissions boundary':
      return policies.boundary === undefined ? [] : [policies.boundary];
    case 'session policy':
      return policies.session ?? [];
    default:
      return request.resourcePolicies ?? [];
  }
}

function levelsOf(
  policyType: PolicyType,
  { policies }: DecisionInput,
): readonly (readonly NamedPolicy[])[] | undefined {
  if (policyType === 'service control policy') return policies.serviceControl;
  if (policyType === 'resource control policy') return policies.resourceControl;
  return undefined;
}

/** Asks the decision itself: with this level alone, is its type still what lacks an allow? */
function levelAllows(input: DecisionInput, policyType: PolicyType, level: readonly NamedPolicy[]): boolean {
  const key = policyType === 'service control policy' ? 'serviceControl' : 'resourceControl';
  const decision = decide({ ...input, policies: { ...input.policies, [key]: [level] } });
  return decision.allowed || decision.reason.kind === 'explicit' || decision.reason.policyType !== policyType;
}

// --- the input with a step done ---

function withStep(input: DecisionInput, step: MendStep): DecisionInput {
  const { policyType } = step;
  const { policies, request } = input;
  const change = (list: readonly NamedPolicy[]): readonly NamedPolicy[] =>
    step.kind === 'Add' ? [...list, addition(step.statement)] : list.map((policy) => without(policy, step.by));
  const changeLevels = (levels: readonly (readonly NamedPolicy[])[] = []): readonly (readonly NamedPolicy[])[] =>
    levels.map((level, index) => (step.kind === 'Add' && step.level !== index ? level : change(level)));
  switch (policyType) {
    case 'identity-based policy':
      return { ...input, policies: { ...policies, identity: change(policies.identity) } };
    case 'permissions boundary': {
      const boundary =
        step.kind === 'Add'
          ? extended(policies.boundary, step.statement)
          : policies.boundary && without(policies.boundary, step.by);
      return boundary === undefined ? input : { ...input, policies: { ...policies, boundary } };
    }
    case 'session policy':
      return { ...input, policies: { ...policies, session: change(policies.session ?? []) } };
    case 'service control policy':
      return { ...input, policies: { ...policies, serviceControl: changeLevels(policies.serviceControl) } };
    case 'resource control policy':
      return { ...input, policies: { ...policies, resourceControl: changeLevels(policies.resourceControl) } };
    default:
      return { ...input, request: { ...request, resourcePolicies: change(request.resourcePolicies ?? []) } };
  }
}

function addition(statement: StatementJson): NamedPolicy {
  return {
    name: 'the proposed statement',
    document: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
  };
}

function extended(policy: NamedPolicy | undefined, statement: StatementJson): NamedPolicy {
  const document = policy === undefined ? undefined : read(policy.document);
  if (policy === undefined || document === undefined) return addition(statement);
  const statements = [...listOf(document['Statement']), statement];
  return { ...policy, document: JSON.stringify({ ...document, Statement: statements }) };
}

/** Where a statement was, one stands that meets no action, so that the others keep their places. */
const NOTHING = { Effect: 'Deny', Action: 'sluice:Nothing', Resource: '*' };

function without(policy: NamedPolicy, by: StatementRef): NamedPolicy {
  if (policy.name !== by.policyName) return policy;
  const document = read(policy.document);
  if (document === undefined)
    return { ...policy, document: JSON.stringify({ Version: '2012-10-17', Statement: [NOTHING] }) };
  const statements = listOf(document['Statement']).map((statement, index) =>
    index === by.statementIndex ? NOTHING : statement,
  );
  return { ...policy, document: JSON.stringify({ ...document, Statement: statements }) };
}

function read(text: string): Record<string, unknown> | undefined {
  try {
    const document: unknown = JSON.parse(text);
    return typeof document === 'object' && document !== null ? (document as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function beyondReason({ reason }: Denied): string {
  return reason.policyType === 'session policy'
    ? 'Credentials of GetSessionToken and GetFederationToken cannot make this call, whatever the policies say.'
    : 'No statement of a policy allows this request.';
}
