/**
 * A denial in AWS's words. Source: IAM User Guide, "Troubleshoot access denied error messages".
 */
import type { AccessRequest } from '../../common/index.ts';
import type { Caller, PolicyDecision, PolicyType } from './types.ts';

type Denied = Extract<PolicyDecision, { allowed: false }>;

export function denialMessage(principal: Caller, request: AccessRequest, decision: Denied): string {
  const on = request.resource === '*' ? '' : ` on resource: ${request.resource}`;
  const head = `User: ${callerName(principal)} is not authorized to perform: ${request.action}${on}`;
  return hidesReason(principal, request) ? head : `${head} ${because(request.action, decision)}`;
}

function because(action: string, { reason }: Denied): string {
  if (reason.kind === 'implicit') return `because no ${reason.policyType} allows the ${action} action`;
  return `with an explicit deny in ${article(reason.policyType)} ${reason.policyType}`;
}

function article(policyType: PolicyType): string {
  if (policyType === 'role trust policy') return 'the';
  return policyType === 'identity-based policy' ? 'an' : 'a';
}

/**
 * Across accounts AssumeRole answers the same whether the role does not exist, its trust policy refuses or the caller's
 * own policies do: another account's roles cannot be felt out by the message.
 */
function hidesReason(principal: Caller, request: AccessRequest): boolean {
  if (!request.action.startsWith('sts:') || request.resourcePolicyMode !== 'Only') return false;
  return 'account' in principal && principal.account !== request.resourceAccount;
}

export function callerName(principal: Caller): string {
  switch (principal.type) {
    case 'Service':
      return principal.service;
    case 'Anonymous':
      return 'anonymous';
    case 'Federated':
      return principal.provider;
    default:
      return principal.arn;
  }
}
