/**
 * The survey: everything that the policies say about a request, before anything is concluded from it. A survey that goes on
 * after the first denial costs little, and is what an explanation needs.
 */
import { type AccessRequest, parseArn, type ResourcePolicy } from '../../common/index.ts';
import { type CompiledStatement, compiledPolicy } from './compile.ts';
import { type ResourceValue, splitArn } from './patterns.ts';
import type { Grip } from './principals.ts';
import { ContextView } from './request-context.ts';
import { serviceGrant } from './service-grants.ts';
import type { Caller, DecisionInput, NamedPolicy, PolicyType, StatementRef } from './types.ts';

export type Finding = {
  allow: StatementRef | undefined;
  deny: StatementRef | undefined;
  /** Of control policies: the first level that allows nothing. */
  lacking?: number;
};

export type Survey = Readonly<{
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
  endpoint: Finding | undefined;
  plumbing: string | undefined;
}>;

/** The policies that bind this caller for this request: of those given, the ones that apply. */
export type Binding = Readonly<{
  identity: readonly NamedPolicy[];
  boundary: readonly NamedPolicy[] | undefined;
  session: readonly NamedPolicy[] | undefined;
  resource: readonly ResourcePolicy[];
  serviceControl: readonly (readonly NamedPolicy[])[] | undefined;
  resourceControl: readonly (readonly NamedPolicy[])[] | undefined;
  endpoint: readonly NamedPolicy[] | undefined;
}>;

export type Facts = Readonly<{
  caller: Caller;
  /** In lower case. */
  action: string;
  resource: ResourceValue;
  context: ContextView;
}>;

const NO_POLICIES: readonly NamedPolicy[] = [];

export function surveyOf(input: DecisionInput): Survey {
  const { principal: caller, request } = input;
  const facts = factsOf(input);
  const binding = bindingOf(input, facts.action);
  const resourceType = isTrust(request) ? 'role trust policy' : 'resource-based policy';
  return {
    caller,
    request,
    sameAccount: accountOf(caller) === ownerOf(input),
    isRoot: actsAsRoot(caller),
    identity: find('identity-based policy', binding.identity, facts),
    boundary: binding.boundary && find('permissions boundary', binding.boundary, facts),
    session: binding.session && find('session policy', binding.session, facts),
    resource: findInResourcePolicies(resourceType, binding.resource, facts),
    resourceType,
    serviceControl: binding.serviceControl && findAtEveryLevel('service control policy', binding.serviceControl, facts),
    resourceControl:
      binding.resourceControl && findAtEveryLevel('resource control policy', binding.resourceControl, facts),
    endpoint: binding.endpoint && find('VPC endpoint policy', binding.endpoint, facts),
    plumbing:
      caller.type === 'Service'
        ? serviceGrant(caller.service, facts.action, request.resource, facts.context)?.reason
        : undefined,
  };
}

export function factsOf({ principal, request, context }: DecisionInput): Facts {
  return {
    caller: principal,
    action: request.action.toLowerCase(),
    resource: { text: request.resource, fields: splitArn(request.resource) },
    context: new ContextView(context),
  };
}

export function bindingOf(input: DecisionInput, action: string = input.request.action.toLowerCase()): Binding {
  const { principal: caller, request, policies } = input;
  const serviceLinked = isServiceLinked(caller);
  return {
    identity: hasIdentityPolicies(caller) ? policies.identity : NO_POLICIES,
    boundary: policies.boundary && [policies.boundary],
    // Without a session policy the session of GetFederationToken has nothing of its user's.
    session: policies.session ?? (caller.type === 'FederatedUser' ? NO_POLICIES : undefined),
    resource: request.resourcePolicies ?? NO_POLICIES,
    serviceControl: serviceLinked || !underServiceControl(caller) ? undefined : levelsOf(policies.serviceControl),
    resourceControl:
      serviceLinked || request.exemptFromResourceControl === true || !knowsResourceControl(action)
        ? undefined
        : levelsOf(policies.resourceControl),
    endpoint: policies.endpoint && [policies.endpoint],
  };
}

/** No level at all is none that binds, as for the management account. */
function levelsOf<T>(levels: readonly T[] | undefined): readonly T[] | undefined {
  return levels?.length === 0 ? undefined : levels;
}

/** Undefined for callers who belong to no account. */
export function accountOf(caller: Caller): string | undefined {
  return caller.type === 'Federated' || !('account' in caller) ? undefined : caller.account;
}

export function ownerOf({ request, scope }: DecisionInput): string {
  return request.resourceAccount ?? scope.account;
}

/** `sts:AssumeRole` and its companions on a role: the resource policy is the role's trust policy. */
export function isTrust(request: AccessRequest): boolean {
  return request.resourcePolicyMode === 'Only' && request.action.toLowerCase().startsWith('sts:');
}

export function hasIdentityPolicies(caller: Caller): boolean {
  return caller.type === 'User' || caller.type === 'AssumedRole' || caller.type === 'FederatedUser';
}

/** The root, and the session of GetFederationToken that a root made. */
function actsAsRoot(caller: Caller): boolean {
  return caller.type === 'Root' || (caller.type === 'FederatedUser' && caller.userArn.endsWith(':root'));
}

/** Service control policies bind the users, roles and roots of an account; not services, strangers or web identities. */
function underServiceControl(caller: Caller): boolean {
  return accountOf(caller) !== undefined;
}

export function isServiceLinked(caller: Caller): boolean {
  return caller.type === 'AssumedRole' && caller.roleArn.includes(':role/aws-service-role/');
}

/**
 * The services that support resource control policies; those of which `models/authorization` knows are held to it by a test.
 * Source: Organizations User Guide, "Resource control policies (RCPs)", the list of services that support them.
 */
const RESOURCE_CONTROLLED: ReadonlySet<string> = new Set([
  'aoss',
  'appconfig',
  'autoscaling',
  'codeartifact',
  'codebuild',
  'codecommit',
  'codepipeline',
  'cognito-identity',
  'cognito-idp',
  'dynamodb',
  'ecr',
  'events',
  'kms',
  'logs',
  's3',
  'secretsmanager',
  'sqs',
  'sts',
]);

/** By the action, or a pattern of actions, in lower case. */
export function knowsResourceControl(action: string): boolean {
  return RESOURCE_CONTROLLED.has(action.slice(0, action.indexOf(':')));
}

// --- what the statements say ---

function find(policyType: PolicyType, policies: readonly NamedPolicy[], facts: Facts, level?: number): Finding {
  const finding: Finding = { allow: undefined, deny: undefined };
  for (const policy of policies) {
    for (const statement of compiledPolicy(policy.document).forAction(facts.action)) {
      if (statement.allow && finding.allow !== undefined) continue;
      if (!applies(statement, facts)) continue;
      const ref = refOf(policyType, policy, statement, level);
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
      const grip = gripOf(statement, facts.caller);
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

/** A statement that names nobody binds nobody, except the stand-in for a policy that cannot be read. */
export function gripOf(statement: CompiledStatement, caller: Caller): Grip {
  return statement.principal?.(caller) ?? (statement.allow ? 'none' : 'direct');
}

/** The effective permission is the intersection over the levels: an allow counts only if every level has one. */
function findAtEveryLevel(policyType: PolicyType, levels: readonly (readonly NamedPolicy[])[], facts: Facts): Finding {
  const all: Finding = { allow: undefined, deny: undefined };
  for (const [i, level] of levels.entries()) {
    const { allow, deny } = find(policyType, level, facts, i);
    if (deny !== undefined) return { allow: undefined, deny };
    if (allow === undefined) all.lacking ??= i;
    else all.allow = allow;
  }
  if (all.lacking !== undefined) all.allow = undefined;
  return all;
}

export function applies(statement: CompiledStatement, facts: Facts): boolean {
  if (!statement.resource(facts.resource, facts.context)) return false;
  for (const test of statement.conditions) if (!test(facts.context)) return false;
  return true;
}

function refOf(
  policyType: PolicyType,
  policy: NamedPolicy,
  statement: CompiledStatement,
  level?: number,
): StatementRef {
  const ref: { -readonly [K in keyof StatementRef]: StatementRef[K] } = {
    policyType,
    policyName: policy.name,
    statementIndex: statement.index,
  };
  const arn = policy.arn ?? (parseArn(policy.name) === undefined ? undefined : policy.name);
  if (arn !== undefined) ref.policyArn = arn;
  if (level !== undefined) ref.level = level;
  if (statement.sid !== undefined) ref.sid = statement.sid;
  return ref;
}
