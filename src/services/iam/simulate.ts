/**
 * Simulation of policies: what `decide` says, with every statement that matched and every condition key that was not given.
 * Source: IAM API Reference, "SimulatePrincipalPolicy", "SimulateCustomPolicy", "EvaluationResult"; IAM User Guide, "IAM policy
 * testing with the IAM policy simulator".
 *
 * Differs from AWS: what is known of the simulated caller (name, ARN, account, tags) is in the request's context by itself;
 * AWS asks for it as context entries.
 */
import type { EvaluationResult, PolicyEvaluationDecisionType, Statement } from '@aws-sdk/client-iam';
import type { AccessRequest, Principal, RequestContext } from '../../common/index.ts';
import { parseArn } from '../../common/index.ts';
import {
  decide,
  type DecisionInput,
  type GateName,
  parsePolicy,
  type PolicyDecision,
  type PolicySet,
} from '../../core/policy/index.ts';
import { requiredContextKeys, type SimulatedPolicy } from './simulated-policies.ts';
import { statementSpans } from './statement-positions.ts';

export type Simulation = Readonly<{
  caller: Exclude<Principal, { type: 'Service' | 'Anonymous' }>;
  region: string;
  identity: readonly SimulatedPolicy[];
  boundary: SimulatedPolicy | undefined;
  resourcePolicy: SimulatedPolicy | undefined;
  serviceControl: PolicySet['serviceControl'];
  /** Owns what does not name its owner. */
  resourceOwner: string;
  context: RequestContext;
}>;

/** `resource` undefined: none was named, and `*` stands for all. */
export function simulate(simulation: Simulation, action: string, resource: string | undefined): EvaluationResult {
  const input = inputOf(simulation, action, resource ?? '*');
  const decision = decide(input);
  const outcome = outcomeOf(decision);
  const details = {
    MatchedStatements: matchedStatements(simulation, input, outcome),
    MissingContextValues: missingKeys(simulation, input),
    ...boundaryDetail(simulation, input),
  };
  const { MissingContextValues, ...others } = details;
  const result: EvaluationResult = {
    EvalActionName: action,
    EvalResourceName: resource ?? '*',
    EvalDecision: outcome,
    ...others,
    ...organizationsDetail(decision),
  };
  if (resource === undefined || resource === '*') return { ...result, MissingContextValues };
  const evalDetails = crossAccountDetails(simulation, input);
  return {
    ...result,
    MissingContextValues: [],
    EvalDecisionDetails: evalDetails,
    ResourceSpecificResults: [
      { EvalResourceName: resource, EvalResourceDecision: outcome, ...details, EvalDecisionDetails: evalDetails },
    ],
  };
}

function inputOf(simulation: Simulation, action: string, resource: string): DecisionInput {
  const { caller, identity, boundary, resourcePolicy, serviceControl, resourceOwner, region, context } = simulation;
  const owner = parseArn(resource)?.account;
  // Without a resource policy nothing but the caller's side is simulated, whoever owns the resource.
  const resourceAccount = owner === undefined || owner === '' ? resourceOwner : owner;
  const request: AccessRequest = {
    action,
    resource,
    resourceAccount,
    ...(resourcePolicy === undefined ? {} : { resourcePolicies: [named(resourcePolicy)] }),
    ...(resourcePolicy !== undefined && /^(?:kms|sts):/i.test(action) ? { resourcePolicyMode: 'Only' as const } : {}),
  };
  return {
    principal: caller,
    request,
    scope: { account: caller.account, region },
    policies: {
      identity: identity.map(named),
      ...(boundary === undefined ? {} : { boundary: named(boundary) }),
      ...(serviceControl === undefined ? {} : { serviceControl }),
    },
    context: { 'aws:RequestedRegion': region, 'aws:ResourceAccount': resourceAccount, ...context },
  };
}

function named({ id, document }: SimulatedPolicy): { name: string; document: string } {
  return { name: id, document };
}

function outcomeOf(decision: PolicyDecision): PolicyEvaluationDecisionType {
  if (decision.allowed) return 'allowed';
  return decision.reason.kind === 'explicit' ? 'explicitDeny' : 'implicitDeny';
}

/** Of an explicit denial only the statements that deny are told; else those that allow. */
function matchedStatements(
  simulation: Simulation,
  input: DecisionInput,
  outcome: PolicyEvaluationDecisionType,
): Statement[] {
  const { identity, boundary, resourcePolicy } = simulation;
  const effect = outcome === 'explicitDeny' ? 'Deny' : 'Allow';
  return [
    ...identity.flatMap((policy) => matchesOf(policy, effect, (only) => gateOf(withIdentity(input, only), 'identity'))),
    ...(boundary === undefined || effect === 'Allow'
      ? []
      : matchesOf(boundary, effect, (only) => gateOf(withIdentity(input, only), 'identity'))),
    ...(resourcePolicy === undefined
      ? []
      : matchesOf(resourcePolicy, effect, (only) => gateOf(withResource(input, only), 'resource'))),
  ];
}

/** Each statement is asked alone, by the same decision. */
function matchesOf(
  policy: SimulatedPolicy,
  effect: 'Allow' | 'Deny',
  matches: (document: string) => boolean,
): Statement[] {
  const parsed = parsePolicy(policy.document);
  if (parsed === undefined) return [];
  const spans = statementSpans(policy.document);
  return parsed.statements.flatMap((statement, i) => {
    if (statement['Effect'] !== effect) return [];
    if (!matches(JSON.stringify({ Version: parsed.version, Statement: [statement] }))) return [];
    const span = spans[i];
    return [
      {
        SourcePolicyId: policy.id,
        SourcePolicyType: policy.type,
        ...(span === undefined ? {} : { StartPosition: span.start, EndPosition: span.end }),
      },
    ];
  });
}

const ASKED = 'asked alone';

function withIdentity(input: DecisionInput, document: string): DecisionInput {
  const { resourcePolicies: _, resourcePolicyMode: __, ...request } = input.request;
  return { ...input, request, policies: { identity: [{ name: ASKED, document }] } };
}

function withResource(input: DecisionInput, document: string): DecisionInput {
  return {
    ...input,
    request: { ...input.request, resourcePolicies: [{ name: ASKED, document }] },
    policies: { identity: [] },
  };
}

/** Whether a statement of the asked policy had its say. */
function gateOf(input: DecisionInput, side: 'identity' | 'resource'): boolean {
  const names: readonly GateName[] = side === 'identity' ? ['identity'] : ['resource', 'key', 'trust'];
  return decide(input).gates.some(({ gate, by }) => names.includes(gate) && by?.policyName === ASKED);
}

/** The keys that the statements about this action ask for and that nothing gives. */
function missingKeys(simulation: Simulation, input: DecisionInput): string[] {
  const { identity, boundary, resourcePolicy } = simulation;
  const given = new Set(Object.keys(input.context).map((key) => key.toLowerCase()));
  const policies = [...identity, ...(boundary ? [boundary] : []), ...(resourcePolicy ? [resourcePolicy] : [])];
  const concerning = policies.flatMap(({ document }) => {
    const parsed = parsePolicy(document);
    if (parsed === undefined) return [];
    return parsed.statements
      .filter(({ Action, NotAction }) => {
        const about = { Effect: 'Allow', Resource: '*', ...(Action === undefined ? { NotAction } : { Action }) };
        return gateOf(withIdentity(input, JSON.stringify({ Version: parsed.version, Statement: [about] })), 'identity');
      })
      .map((statement) => ({ document: JSON.stringify({ Version: parsed.version, Statement: [statement] }) }));
  });
  return requiredContextKeys(concerning).filter((key) => !given.has(key.toLowerCase()));
}

function boundaryDetail({ boundary }: Simulation, input: DecisionInput) {
  if (boundary === undefined) return {};
  return { PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: allows(input, boundary.document) } };
}

function organizationsDetail({ gates }: PolicyDecision) {
  const controls = gates.filter(({ policyType }) => policyType === 'service control policy');
  if (controls.length === 0) return {};
  return { OrganizationsDecisionDetail: { AllowedByOrganizations: controls.every(({ state }) => state === 'open') } };
}

/** Empty within an account. */
function crossAccountDetails(
  { caller, identity, resourcePolicy }: Simulation,
  input: DecisionInput,
): Record<string, PolicyEvaluationDecisionType> {
  if (input.request.resourceAccount === caller.account) return {};
  const side = (finding: DecisionInput, gates: readonly GateName[]): PolicyEvaluationDecisionType => {
    const { by, state } = decide(finding).gates.find(({ gate }) => gates.includes(gate)) ?? {};
    if (by === undefined) return 'implicitDeny';
    return state === 'closed' ? 'explicitDeny' : 'allowed';
  };
  const { resourcePolicies: _, resourcePolicyMode: __, ...request } = input.request;
  return {
    'IAM Policy': side({ ...input, request, policies: { identity: identity.map(named) } }, ['identity']),
    'Resource Policy':
      resourcePolicy === undefined
        ? 'implicitDeny'
        : side({ ...input, policies: { identity: [] } }, ['resource', 'key', 'trust']),
  };
}

function allows(input: DecisionInput, document: string): boolean {
  const { gates } = decide(withIdentity(input, document));
  return gates.some(({ gate, state }) => gate === 'identity' && state === 'open');
}
