/**
 * A denial in AWS's words. Source: IAM User Guide, "Troubleshoot access denied error messages".
 */
import type { AccessRequest, RequestContext } from '../../common/index.ts';
import type { Caller, PolicyDecision, PolicyType } from './types.ts';

type Denied = Extract<PolicyDecision, { allowed: false }>;

export function denialMessage(
  principal: Caller,
  request: AccessRequest,
  decision: Denied,
  /** Of the decision: whether the caller's account and the resource's belong to one organization. */
  context: RequestContext = {},
): string {
  if (isPassAcrossAccounts(principal, request)) return 'Cross-account pass role is not allowed.';
  const on = request.resource === '*' ? '' : ` on resource: ${request.resource}`;
  const head = `User: ${callerName(principal)} is not authorized to perform: ${request.action}${on}`;
  if (hidesReason(principal, request)) return head;
  return `${head} ${because(request.action, decision, isOwn(principal, request) || inOneOrganization(context))}`;
}

/** Whatever the policies say: a role is passed within its own account. As CloudFormation words it. */
function isPassAcrossAccounts(principal: Caller, { action, resourceAccount }: AccessRequest): boolean {
  const account = 'account' in principal ? principal.account : undefined;
  return (
    action === 'iam:PassRole' && account !== undefined && resourceAccount !== undefined && resourceAccount !== account
  );
}

function because(action: string, { reason }: Denied, mayName: boolean): string {
  if (reason.kind === 'implicit') return `because no ${reason.policyType} allows the ${action} action`;
  const through =
    reason.through === undefined ? '' : ` transitively through ${article(reason.through)} ${reason.through}`;
  const arn = mayName && NAMED.has(reason.policyType) ? reason.by.policyArn : undefined;
  const which = arn === undefined ? '' : `: ${arn}`;
  return `with an explicit deny in ${article(reason.policyType)} ${reason.policyType}${through}${which}`;
}

/** Of these an explicit denial tells the ARN. Source: AWS Security Blog, "Enhanced access denied error messages with policy ARNs". */
const NAMED: ReadonlySet<PolicyType> = new Set<PolicyType>([
  'service control policy',
  'resource control policy',
  'permissions boundary',
  'session policy',
  'identity-based policy',
]);

function inOneOrganization(context: RequestContext): boolean {
  const organization = context['aws:PrincipalOrgID'];
  return organization !== undefined && organization === context['aws:ResourceOrgID'];
}

function isOwn(principal: Caller, request: AccessRequest): boolean {
  const account = 'account' in principal ? principal.account : undefined;
  return account !== undefined && (request.resourceAccount === undefined || request.resourceAccount === account);
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
