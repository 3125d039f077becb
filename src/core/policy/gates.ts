/** A survey as gates on the way of the request, each open, closed or not needed. */
import { parseArn } from '../../common/index.ts';
import { type Finding, hasIdentityPolicies, type Survey } from './survey.ts';
import type { Gate, GateName, PolicyType } from './types.ts';

export function gatesOf(survey: Survey, allowed: boolean): readonly Gate[] {
  const gates: Gate[] = [];
  const add = (policyType: PolicyType, finding: Finding | undefined, opens?: boolean): void => {
    if (finding === undefined) return;
    const gate = gateOf(policyType, survey.request.resource);
    const { allow, deny } = finding;
    if (deny !== undefined) gates.push({ gate, policyType, state: 'closed', by: deny });
    else if (opens ?? allow !== undefined)
      gates.push(allow ? { gate, policyType, state: 'open', by: allow } : { gate, policyType, state: 'open' });
    else gates.push({ gate, policyType, state: allowed ? 'bypassed' : 'closed' });
  };
  const { caller, request, resourceType } = survey;
  const trust = resourceType === 'role trust policy';
  if (trust) add(resourceType, survey.resource);
  if (caller.type === 'Root' || hasIdentityPolicies(caller)) {
    add('identity-based policy', survey.identity, survey.isRoot ? true : undefined);
  }
  add('permissions boundary', survey.boundary);
  add('session policy', survey.session);
  add('service control policy', survey.serviceControl);
  add('resource control policy', survey.resourceControl);
  add('VPC endpoint policy', survey.endpoint);
  const matters =
    !survey.sameAccount || request.resourcePolicyMode === 'Only' || (request.resourcePolicies?.length ?? 0) > 0;
  if (!trust && matters) add(resourceType, survey.resource, request.grantedBy === undefined ? undefined : true);
  return gates;
}

export function gateOf(policyType: PolicyType, resource: string): GateName {
  switch (policyType) {
    case 'identity-based policy':
      return 'identity';
    case 'permissions boundary':
      return 'boundary';
    case 'session policy':
      return 'session';
    case 'service control policy':
    case 'resource control policy':
      return 'organization';
    case 'VPC endpoint policy':
      return 'endpoint';
    case 'role trust policy':
      return 'trust';
    default:
      return parseArn(resource)?.service === 'kms' ? 'key' : 'resource';
  }
}
