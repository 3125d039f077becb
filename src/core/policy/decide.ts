/**
 * The policy decision: may this caller do this action on this resource? Pure, whole, and with its reason.
 *
 *   explicit Deny anywhere ────────────────────────────────▶ denied
 *   resource control policies: a level without Allow ──────▶ denied
 *   service control policies: a level without Allow ───────▶ denied
 *   same account:  resource policy names the very caller ──▶ allowed
 *                  identity or (by role) resource allows, and boundary, and session policy
 *   across accounts:  identity, boundary and session allow on the one side, the resource policy on the other
 *
 * What always holds: a Deny wins; adding an Allow to a policy never removes a permission; a boundary, a session policy
 * or a service control policy never adds one.
 * Source: IAM User Guide, "Policy evaluation logic" (single account, cross-account), "Permissions boundaries for IAM
 * entities"; KMS Developer Guide, "Default key policy" (for `resourcePolicyMode: 'Only'`).
 */
import { type AccessRequest, parseArn, type ResourcePolicy } from '../../common/index.ts';
import { type CompiledStatement, compiledPolicy } from './compile.ts';
import { type ResourceValue, splitArn } from './patterns.ts';
import type { Grip } from './principals.ts';
import { ContextView } from './request-context.ts';
import { serviceGrant } from './service-grants.ts';
import type {
  Allowance,
  Caller,
  DecisionInput,
  Denial,
  Gate,
  GateName,
  NamedPolicy,
  PolicyDecision,
  PolicyType,
  StatementRef,
} from './types.ts';

export function decide(input: DecisionInput): PolicyDecision {
  const survey = surveyOf(input);
  const outcome = outcomeOf(survey);
  return { ...outcome, gates: gatesOf(survey, outcome.allowed) };
}

type Outcome = Readonly<{ allowed: true; by: Allowance } | { allowed: false; reason: Denial }>;

type Finding = { allow: StatementRef | undefined; deny: StatementRef | undefined };

/** Everything that the policies say about the request, before anything is concluded from it. */
type Survey = Readonly<{
  caller: Caller;
  request: AccessRequest;
  sameAccount: boolean;
  /** The root of an account needs no identity policy. */
  isRoot: boolean;
  identity: Finding;
  boundary: Finding | undefined;
  session: Finding | undefined;
  resource: Finding & { grip: Grip };
  resourceType: PolicyType;
  serviceControl: Finding | undefined;
  resourceControl: Finding | undefined;
  plumbing: string | undefined;
}>;

const NO_POLICIES: readonly NamedPolicy[] = [];

function surveyOf(input: DecisionInput): Survey {
  const { principal: caller, request, policies } = input;
  const facts: Facts = {
    caller,
    action: request.action.toLowerCase(),
    resource: { text: request.resource, fields: splitArn(request.resource) },
    context: new ContextView(input.context),
  };
  const account = 'account' in caller ? caller.account : undefined;
  const owner = request.resourceAccount ?? input.scope.account;
  const hasIdentity = caller.type === 'User' || caller.type === 'AssumedRole';
  const resourceType = isTrust(request) ? 'role trust policy' : 'resource-based policy';
  return {
    caller,
    request,
    sameAccount: account === owner,
    isRoot: caller.type === 'Root',
    identity: find('identity-based policy', hasIdentity ? policies.identity : NO_POLICIES, facts),
    boundary: policies.boundary && find('permissions boundary', [policies.boundary], facts),
    session: policies.session && find('session policy', policies.session, facts),
    resource: findInResourcePolicies(resourceType, request.resourcePolicies ?? NO_POLICIES, facts),
    resourceType,
    serviceControl:
      policies.serviceControl !== undefined && account !== undefined && !isServiceLinked(caller)
        ? findAtEveryLevel('service control policy', policies.serviceControl, facts)
        : undefined,
    resourceControl:
      policies.resourceControl !== undefined && !isServiceLinked(caller)
        ? findAtEveryLevel('resource control policy', policies.resourceControl, facts)
        : undefined,
    plumbing:
      caller.type === 'Service'
        ? serviceGrant(caller.service, facts.action, request.resource, facts.context)?.reason
        : undefined,
  };
}

function outcomeOf(survey: Survey): Outcome {
  const explicit = explicitDenial(survey);
  if (explicit !== undefined)
    return { allowed: false, reason: { kind: 'explicit', policyType: explicit.policyType, by: explicit } };
  if (survey.resourceControl !== undefined && survey.resourceControl.allow === undefined) {
    return missing('resource control policy');
  }
  if (survey.serviceControl !== undefined && survey.serviceControl.allow === undefined) {
    return missing('service control policy');
  }
  const { caller, request, resource } = survey;
  if (isBeyondSessionToken(caller, request)) return missing('session policy');
  if (request.grantedBy !== undefined) return { allowed: true, by: { kind: 'grant', name: request.grantedBy } };
  if (caller.type === 'Service' || caller.type === 'Anonymous' || caller.type === 'Federated') {
    if (resource.allow !== undefined) return allowedBy(resource.allow);
    if (survey.plumbing !== undefined) return { allowed: true, by: { kind: 'service', reason: survey.plumbing } };
    return missing(survey.resourceType);
  }
  return survey.sameAccount ? withinAccount(survey) : acrossAccounts(survey);
}

function withinAccount(survey: Survey): Outcome {
  const { resource, identity, request } = survey;
  const only = request.resourcePolicyMode === 'Only';
  if (resource.allow !== undefined && resource.grip === 'direct') return allowedBy(resource.allow);
  // The account itself is allowed what its account is; elsewhere it needs no leave at all.
  if (survey.isRoot) {
    if (only && resource.allow === undefined) return missing(survey.resourceType);
    return narrowed(
      survey,
      resource.allow === undefined ? { allowed: true, by: { kind: 'root' } } : allowedBy(resource.allow),
    );
  }
  if (resource.allow !== undefined && resource.grip === 'role') return narrowed(survey, allowedBy(resource.allow));
  if (only && resource.allow === undefined) return missing(survey.resourceType);
  if (identity.allow === undefined) return missing('identity-based policy');
  return narrowed(survey, allowedBy(identity.allow));
}

function acrossAccounts(survey: Survey): Outcome {
  const { resource, identity } = survey;
  const identityAllows = survey.isRoot || identity.allow !== undefined;
  if (resource.allow === undefined) return missing(survey.resourceType);
  if (!identityAllows) {
    // As observed: where the resource lets the whole account in, the resource's side is named all the same.
    return missing(resource.grip === 'account' ? survey.resourceType : 'identity-based policy');
  }
  return narrowed(survey, allowedBy(resource.allow));
}

/** Boundary and session policy: what they do not allow is taken away. */
function narrowed(survey: Survey, allowance: Outcome): Outcome {
  if (survey.boundary !== undefined && survey.boundary.allow === undefined) return missing('permissions boundary');
  if (survey.session !== undefined && survey.session.allow === undefined) return missing('session policy');
  return allowance;
}

/** Several types may deny; the first of this order is named. Across accounts the caller's own side goes first, as observed. */
function explicitDenial(survey: Survey): StatementRef | undefined {
  const { serviceControl, resourceControl, resource, boundary, session, identity } = survey;
  return (
    serviceControl?.deny ??
    resourceControl?.deny ??
    (survey.sameAccount ? undefined : identity.deny) ??
    resource.deny ??
    boundary?.deny ??
    session?.deny ??
    identity.deny
  );
}

function allowedBy(statement: StatementRef): Outcome {
  return { allowed: true, by: { kind: 'statement', statement } };
}

function missing(policyType: PolicyType): Outcome {
  return { allowed: false, reason: { kind: 'implicit', policyType } };
}

/** `sts:AssumeRole` and its companions on a role: the resource policy is the role's trust policy. */
function isTrust(request: AccessRequest): boolean {
  return request.resourcePolicyMode === 'Only' && request.action.toLowerCase().startsWith('sts:');
}

/**
 * Credentials of `sts:GetSessionToken` call nothing of IAM and, of STS, only AssumeRole and GetCallerIdentity (which asks
 * no policy). Source: STS API Reference, "GetSessionToken".
 */
function isBeyondSessionToken(caller: Caller, request: AccessRequest): boolean {
  if ((caller.type !== 'User' && caller.type !== 'Root') || caller.temporary === undefined) return false;
  const action = request.action.toLowerCase();
  if (action.startsWith('iam:')) return action !== 'iam:passrole';
  return action.startsWith('sts:') && request.resourcePolicyMode !== 'Only';
}

function isServiceLinked(caller: Caller): boolean {
  return caller.type === 'AssumedRole' && caller.roleArn.includes(':role/aws-service-role/');
}

// --- what the statements say ---

type Facts = Readonly<{
  caller: Caller;
  /** In lower case. */
  action: string;
  resource: ResourceValue;
  context: ContextView;
}>;

function find(policyType: PolicyType, policies: readonly NamedPolicy[], facts: Facts): Finding {
  const finding: Finding = { allow: undefined, deny: undefined };
  for (const policy of policies) {
    for (const statement of compiledPolicy(policy.document).forAction(facts.action)) {
      if (statement.allow && finding.allow !== undefined) continue;
      if (!applies(statement, facts)) continue;
      const ref = refOf(policyType, policy, statement);
      if (statement.allow) finding.allow = ref;
      else {
        finding.deny = ref;
        return finding;
      }
    }
  }
  return finding;
}

const GRIPS: readonly Grip[] = ['none', 'account', 'role', 'direct'];

/** Of the statements that allow, the one that names the caller most closely counts. */
function findInResourcePolicies(
  policyType: PolicyType,
  policies: readonly ResourcePolicy[],
  facts: Facts,
): Finding & { grip: Grip } {
  const finding: Finding & { grip: Grip } = { allow: undefined, deny: undefined, grip: 'none' };
  for (const policy of policies) {
    for (const statement of compiledPolicy(policy.document).forAction(facts.action)) {
      // A statement that names nobody binds nobody, except the stand-in for a policy that cannot be read.
      const grip = statement.principal?.(facts.caller) ?? (statement.allow ? 'none' : 'direct');
      if (grip === 'none') continue;
      if (statement.allow && GRIPS.indexOf(grip) <= GRIPS.indexOf(finding.grip)) continue;
      if (!applies(statement, facts)) continue;
      const ref = refOf(policyType, policy, statement);
      if (statement.allow) {
        finding.allow = ref;
        finding.grip = grip;
      } else {
        finding.deny = ref;
        return finding;
      }
    }
  }
  return finding;
}

/** The effective permission is the intersection over the levels: an allow counts only if every level has one. */
function findAtEveryLevel(policyType: PolicyType, levels: readonly (readonly NamedPolicy[])[], facts: Facts): Finding {
  const all: Finding = { allow: undefined, deny: undefined };
  let everyLevelAllows = true;
  for (const level of levels) {
    const { allow, deny } = find(policyType, level, facts);
    if (deny !== undefined) return { allow: undefined, deny };
    if (allow === undefined) everyLevelAllows = false;
    else all.allow = allow;
  }
  return everyLevelAllows ? all : { allow: undefined, deny: undefined };
}

function applies(statement: CompiledStatement, facts: Facts): boolean {
  if (!statement.resource(facts.resource, facts.context)) return false;
  for (const test of statement.conditions) if (!test(facts.context)) return false;
  return true;
}

function refOf(policyType: PolicyType, policy: NamedPolicy, statement: CompiledStatement): StatementRef {
  return statement.sid === undefined
    ? { policyType, policyName: policy.name, statementIndex: statement.index }
    : { policyType, policyName: policy.name, statementIndex: statement.index, sid: statement.sid };
}

// --- the same, as gates on the way ---

function gatesOf(survey: Survey, allowed: boolean): readonly Gate[] {
  const gates: Gate[] = [];
  const add = (gate: GateName, policyType: PolicyType, finding: Finding | undefined, opens?: boolean): void => {
    if (finding === undefined) return;
    const { allow, deny } = finding;
    if (deny !== undefined) gates.push({ gate, policyType, state: 'closed', by: deny });
    else if (opens ?? allow !== undefined)
      gates.push(allow ? { gate, policyType, state: 'open', by: allow } : { gate, policyType, state: 'open' });
    else gates.push({ gate, policyType, state: allowed ? 'bypassed' : 'closed' });
  };
  const { caller, request, resourceType } = survey;
  const trust = resourceType === 'role trust policy';
  if (trust) add('trust', resourceType, survey.resource);
  if (caller.type === 'User' || caller.type === 'AssumedRole' || caller.type === 'Root') {
    add('identity', 'identity-based policy', survey.identity, survey.isRoot ? true : undefined);
  }
  add('boundary', 'permissions boundary', survey.boundary);
  add('session', 'session policy', survey.session);
  add('organization', 'service control policy', survey.serviceControl);
  add('organization', 'resource control policy', survey.resourceControl);
  const matters =
    !survey.sameAccount || request.resourcePolicyMode === 'Only' || (request.resourcePolicies?.length ?? 0) > 0;
  if (!trust && matters) {
    const isKey = parseArn(request.resource)?.service === 'kms';
    add(isKey ? 'key' : 'resource', resourceType, survey.resource, request.grantedBy === undefined ? undefined : true);
  }
  return gates;
}
