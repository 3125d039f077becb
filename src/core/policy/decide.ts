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
import type { AccessRequest } from '../../common/index.ts';
import { gatesOf } from './gates.ts';
import { type Finding, isTrust, type Survey, surveyOf } from './survey.ts';
import type { Allowance, Caller, DecisionInput, Denial, PolicyDecision, PolicyType, StatementRef } from './types.ts';

export function decide(input: DecisionInput): PolicyDecision {
  const survey = surveyOf(input);
  const outcome = outcomeOf(survey);
  return { ...outcome, gates: gatesOf(survey, outcome.allowed) };
}

type Outcome = Readonly<{ allowed: true; by: Allowance } | { allowed: false; reason: Denial }>;

function outcomeOf(survey: Survey): Outcome {
  const explicit = explicitDenial(survey);
  if (explicit !== undefined)
    return { allowed: false, reason: { kind: 'explicit', policyType: explicit.policyType, by: explicit } };
  if (lacks(survey.resourceControl)) return missing('resource control policy', survey.resourceControl);
  if (lacks(survey.serviceControl)) return missing('service control policy', survey.serviceControl);
  if (lacks(survey.endpoint)) return missing('VPC endpoint policy');
  const { caller, request, resource } = survey;
  if (isBeyondSessionToken(caller, request)) return missing('session policy');
  if (request.grantedBy !== undefined) return { allowed: true, by: { kind: 'grant', name: request.grantedBy } };
  if (caller.type === 'Service' || caller.type === 'Anonymous' || caller.type === 'Federated') {
    // In a trust policy even `*` means somebody who is known.
    if (caller.type === 'Anonymous' && isTrust(request)) return missing(survey.resourceType);
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
    // As observed: where a resource lets the whole account in, the resource's side is named all the same; a key's is not.
    const named = resource.grip === 'account' && survey.request.resourcePolicyMode !== 'Only';
    return missing(named ? survey.resourceType : 'identity-based policy');
  }
  return narrowed(survey, allowedBy(resource.allow));
}

/** Boundary and session policy: what they do not allow is taken away. */
function narrowed(survey: Survey, allowance: Outcome): Outcome {
  if (lacks(survey.boundary)) return missing('permissions boundary');
  if (lacks(survey.session)) return missing('session policy');
  return allowance;
}

/** Several types may deny; the first of this order is named. Across accounts the caller's own side goes first, as observed. */
function explicitDenial(survey: Survey): StatementRef | undefined {
  const { serviceControl, resourceControl, endpoint, resource, boundary, session, identity } = survey;
  return (
    serviceControl?.deny ??
    resourceControl?.deny ??
    endpoint?.deny ??
    (survey.sameAccount ? undefined : identity.deny) ??
    resource.deny ??
    boundary?.deny ??
    session?.deny ??
    identity.deny
  );
}

function lacks(finding: Finding | undefined): finding is Finding {
  return finding !== undefined && finding.allow === undefined;
}

function allowedBy(statement: StatementRef): Outcome {
  return { allowed: true, by: { kind: 'statement', statement } };
}

function missing(policyType: PolicyType, finding?: Finding): Outcome {
  const level = finding?.lacking;
  return {
    allowed: false,
    reason: level === undefined ? { kind: 'implicit', policyType } : { kind: 'implicit', policyType, level },
  };
}

/**
 * Credentials of GetSessionToken call nothing of IAM, and of STS only AssumeRole (and GetCallerIdentity, which asks no
 * policy); those of GetFederationToken not even AssumeRole. No policy gives them more. PassRole is no call of IAM's.
 * Source: IAM User Guide, "Compare AWS STS credentials".
 */
export function isBeyondSessionToken(caller: Caller, request: AccessRequest): boolean {
  const federated = caller.type === 'FederatedUser';
  const temporary = (caller.type === 'User' || caller.type === 'Root') && caller.temporary !== undefined;
  if (!federated && !temporary) return false;
  const action = request.action.toLowerCase();
  if (action.startsWith('iam:')) return action !== 'iam:passrole';
  return action.startsWith('sts:') && (federated || request.resourcePolicyMode !== 'Only');
}
