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
import { UNREADABLE } from './compile.ts';
import { decide, isBeyondSessionToken } from './decide.ts';
import { gateOf } from './gates.ts';
import { addWords, removeWords } from './mend-words.ts';
import { nearMissOf, type NearMiss } from './near-miss.ts';
import { type Supply, suppliesThatMeet, withSupply } from './supply.ts';
import type {
  Caller,
  DecisionInput,
  GateName,
  NamedPolicy,
  PolicyDecision,
  PolicyType,
  StatementRef,
} from './types.ts';

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
      gate: GateName;
      policyType: PolicyType;
      statement: StatementJson;
      /** The policy to write it into; absent where the caller or the resource has none that can be edited. */
      policyName?: string;
      /** Of service and resource control policies: which level of the organization lacks it, from the root, 0. */
      level?: number;
      /** A statement of that type that nearly does. */
      nearMiss?: NearMiss;
      words: string;
    }>
  /** An explicit deny: no statement outweighs it. It must go, or be narrowed so that it spares the request. */
  | Readonly<{
      kind: 'Remove';
      gate: GateName;
      policyType: PolicyType;
      by: StatementRef;
      /** As it is written; absent where the policy cannot be read. */
      statement?: Readonly<Record<string, unknown>>;
      /** What the request could carry so that the statement spares it: any one of them, proven as the step is. */
      instead?: readonly Supply[];
      words: string;
    }>;

export type Mend = Readonly<{
  steps: readonly MendStep[];
  beyond?: string;
}>;

/** Each step opens one type or level, or takes one explicit deny away. */
const MOST_STEPS = 100;

/** `decision` is what `decide(input)` answered. An allowed one needs no step. */
export function smallestMend(input: DecisionInput, decision: PolicyDecision = decide(input)): Mend {
  const steps: MendStep[] = [];
  for (let current = decision; !current.allowed; current = decide(withSteps(input, steps))) {
    if (steps.length === MOST_STEPS) return { steps: [], beyond: 'No statement of a policy allows this request.' };
    const next = stepsFor(withSteps(input, steps), current);
    if (next.length === 0) return { steps: [], beyond: beyondReason(input) };
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
  if (reason.kind === 'explicit') return [removal(input, reason.by)];
  const levels = levelsOf(policyType, input);
  if (levels === undefined) {
    const step = addition(policyType, input, policiesOf(policyType, input));
    // One that changes nothing would be found again for ever.
    return sameDenial(input, step, policyType) ? acrossSides(input, step) : [step];
  }
  return levels.flatMap((level, index) =>
    levelAllows(input, policyType, level) ? [] : [addition(policyType, input, level, index)],
  );
}

function addition(
  policyType: PolicyType,
  input: DecisionInput,
  policies: readonly NamedPolicy[],
  level?: number,
): MendStep {
  const { principal, request } = input;
  const nearMiss = nearMissOf(policyType, policies, input);
  const editable = policies.filter((policy) => !isManagedByAws(policy));
  const policyName = (editable.find(({ name }) => name === nearMiss?.by.policyName) ?? editable[0])?.name;
  const step = {
    kind: 'Add' as const,
    gate: gateOf(policyType, request.resource),
    policyType,
    statement: statementFor(policyType, principal, request, policies),
    ...(policyName !== undefined && { policyName }),
    ...(level !== undefined && { level }),
    ...(nearMiss !== undefined && { nearMiss }),
  };
  return { ...step, words: addWords(step, principal) };
}

function isManagedByAws({ name, arn = name }: NamedPolicy): boolean {
  return /^arn:[^:]*:(?:iam|organizations)::aws:/.test(arn);
}

function removal(input: DecisionInput, by: StatementRef): MendStep {
  const { policyType } = by;
  const policies = levelsOf(policyType, input)?.flat() ?? policiesOf(policyType, input);
  const document = read(policies.find(({ name }) => name === by.policyName)?.document ?? '');
  const written = by.sid === UNREADABLE ? undefined : listOf(document?.['Statement'])[by.statementIndex];
  const statement = written as Readonly<Record<string, unknown>> | undefined;
  const instead = statement === undefined ? [] : sparingSupplies(input, by, statement, document?.['Version']);
  const step = {
    kind: 'Remove' as const,
    gate: gateOf(policyType, input.request.resource),
    policyType,
    by,
    ...(statement !== undefined && { statement }),
    ...(instead.length > 0 && { instead }),
  };
  return { ...step, words: removeWords(step) };
}

/** Values for the keys of the deny's own conditions, with which it no longer denies. */
function sparingSupplies(
  input: DecisionInput,
  by: StatementRef,
  statement: Readonly<Record<string, unknown>>,
  version: unknown,
): readonly Supply[] {
  return suppliesThatMeet(statement['Condition'], input.context, version, false).filter((supply) => {
    const after = decide({ ...input, context: withSupply(input.context, supply) });
    return after.allowed || after.reason.kind !== 'explicit' || !sameStatement(after.reason.by, by);
  });
}

function sameStatement(one: StatementRef, other: StatementRef): boolean {
  return (
    one.policyType === other.policyType &&
    one.policyName === other.policyName &&
    one.level === other.level &&
    one.statementIndex === other.statementIndex
  );
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
  const own = addition('identity-based policy', input, input.policies.identity);
  return sameDenial(input, own, step.policyType) ? [] : [own];
}

function statementFor(
  policyType: PolicyType,
  caller: Caller,
  request: AccessRequest,
  policies: readonly NamedPolicy[],
): StatementJson {
  const { action: Action, resource } = request;
  if (policyType === 'role trust policy') return { Effect: 'Allow', Principal: principalElement(caller), Action };
  const Resource = exactly(resource, policyType === 'permissions boundary' ? policies[0] : undefined);
  if (policyType === 'resource control policy') return { Effect: 'Allow', Principal: '*', Action, Resource };
  if (policyType !== 'resource-based policy') return { Effect: 'Allow', Action, Resource };
  // A key policy is about the key that it is on.
  const owned = /^arn:[^:]*:kms:/.test(resource) ? '*' : Resource;
  return { Effect: 'Allow', Principal: principalElement(caller), Action, Resource: owned };
}

/** A pattern that fits this resource alone: the wildcards in its name, as a key of S3 may hold them, are written literally. */
function exactly(resource: string, into: NamedPolicy | undefined): string {
  if (!resource.startsWith('arn:')) return resource;
  // An older policy knows no escapes; there the name is a pattern of itself.
  if (into !== undefined && read(into.document)?.['Version'] !== VERSION) return resource;
  const colon = [1, 2, 3, 4, 5].reduce((at) => resource.indexOf(':', at + 1), -1);
  return resource.slice(0, colon + 1) + resource.slice(colon + 1).replace(/[*?]|\$(?=\{)/g, '${$&}');
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
    case 'VPC endpoint policy':
      return policies.endpoint === undefined ? [] : [policies.endpoint];
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
    step.kind === 'Add' ? [...list, proposed(step.statement)] : list.map((policy) => without(policy, step.by));
  const changeLevels = (levels: readonly (readonly NamedPolicy[])[] = []): readonly (readonly NamedPolicy[])[] =>
    levels.map((level, index) => (step.kind === 'Add' && step.level !== index ? level : change(level)));
  switch (policyType) {
    case 'identity-based policy':
      return { ...input, policies: { ...policies, identity: change(policies.identity) } };
    case 'permissions boundary':
      return { ...input, policies: { ...policies, boundary: changed(policies.boundary, step) } };
    case 'VPC endpoint policy':
      return { ...input, policies: { ...policies, endpoint: changed(policies.endpoint, step) } };
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

const VERSION = '2012-10-17';

function proposed(statement: StatementJson): NamedPolicy {
  return { name: 'the proposed statement', document: JSON.stringify({ Version: VERSION, Statement: [statement] }) };
}

/** Of a type that has one policy. */
function changed(policy: NamedPolicy | undefined, step: MendStep): NamedPolicy {
  if (step.kind === 'Add') return extended(policy, step.statement);
  return policy === undefined ? NO_POLICY : without(policy, step.by);
}

const NO_POLICY: NamedPolicy = { name: '', document: JSON.stringify({ Version: VERSION, Statement: [] }) };

function extended(policy: NamedPolicy | undefined, statement: StatementJson): NamedPolicy {
  const document = policy === undefined ? undefined : read(policy.document);
  if (policy === undefined || document === undefined) return proposed(statement);
  const statements = [...listOf(document['Statement']), statement];
  return { ...policy, document: JSON.stringify({ ...document, Statement: statements }) };
}

/** Where a statement was, one stands that meets no action, so that the others keep their places. */
const NOTHING = { Effect: 'Deny', Action: 'sluice:Nothing', Resource: '*' };

function without(policy: NamedPolicy, by: StatementRef): NamedPolicy {
  if (policy.name !== by.policyName) return policy;
  const document = by.sid === UNREADABLE ? undefined : read(policy.document);
  if (document === undefined)
    return { ...policy, document: JSON.stringify({ Version: VERSION, Statement: [NOTHING] }) };
  const statements = listOf(document['Statement']).map((statement, index) =>
    index === by.statementIndex && isDeny(statement) ? NOTHING : statement,
  );
  return { ...policy, document: JSON.stringify({ ...document, Statement: statements }) };
}

/** Of two policies with one name, the other may allow at that place. */
function isDeny(statement: unknown): boolean {
  return typeof statement === 'object' && statement !== null && 'Effect' in statement && statement.Effect === 'Deny';
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

function beyondReason({ principal, request }: DecisionInput): string {
  if (principal.type === 'Anonymous') return 'No policy lets somebody in who has not signed the request.';
  return isBeyondSessionToken(principal, request)
    ? 'Credentials of GetSessionToken and GetFederationToken cannot make this call, whatever the policies say.'
    : 'No statement of a policy allows this request.';
}
