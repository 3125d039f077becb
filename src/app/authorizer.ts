/**
 * Authorisation of one call: loads what the principal's policies say, fills the request context, asks `core/policy`,
 * and words a denial as AWS does. A call with several access requests is allowed only if each is.
 */
import {
  AwsError,
  isoSeconds,
  parseArn,
  type AccessRequest,
  type Principal,
  type RequestContext,
} from '../common/index.ts';
import { decide, denialMessage } from '../core/policy/index.ts';
import type { Call, Identity, PrincipalPolicies } from '../services/index.ts';
import { principalAccount } from './principals.ts';

/** What of a call the decision depends on. */
export type CallFacts = Pick<Call, 'principal' | 'account' | 'region' | 'now'> &
  Partial<Pick<Call, 'http' | 'viaService'>>;

export class Authorizer {
  readonly identity: Identity;
  readonly #defaultAccount: string;

  constructor(identity: Identity, defaultAccount: string) {
    this.identity = identity;
    this.#defaultAccount = defaultAccount;
  }

  /** Resolves when all is allowed; throws `AwsError('AccessDeniedException')` naming the missing grant otherwise. */
  async authorize(call: CallFacts, requests: readonly AccessRequest[], extra: RequestContext = {}): Promise<void> {
    if (requests.length === 0) {
      if (call.principal.type === 'Anonymous')
        throw new AwsError('MissingAuthenticationToken', 'Request is missing Authentication Token', {
          statusCode: 403,
        });
      return;
    }
    const policies = await this.#policiesOf(call.principal);
    const common = { ...globalContext(call, policies, this.#defaultAccount), ...extra };
    for (const request of requests) {
      const decision = decide({
        principal: call.principal,
        request,
        scope: { account: call.account, region: call.region },
        policies,
        context: { ...common, ...request.context },
      });
      if (!decision.allowed)
        throw new AwsError('AccessDeniedException', denialMessage(call.principal, request, decision), {
          statusCode: 403,
        });
    }
  }

  async #policiesOf(principal: Principal): Promise<PrincipalPolicies> {
    if (principal.type === 'Anonymous' || principal.type === 'Service') return { identity: [] };
    return this.identity.policiesOf(principal);
  }
}

/** The global condition keys. Source: IAM User Guide, "AWS global condition context keys". */
function globalContext(call: CallFacts, policies: PrincipalPolicies, defaultAccount: string): RequestContext {
  const { principal, http } = call;
  const context: Record<string, string | readonly string[]> = {
    'aws:CurrentTime': isoSeconds(call.now),
    'aws:EpochTime': String(Math.floor(call.now / 1000)),
    'aws:RequestedRegion': call.region,
    'aws:SecureTransport': String(http?.secure ?? true),
    'aws:ViaAWSService': String(call.viaService !== undefined),
    'aws:PrincipalIsAWSService': String(principal.type === 'Service'),
    'aws:PrincipalType': principal.type === 'Root' ? 'Account' : principal.type,
  };
  if (http !== undefined) {
    context['aws:SourceIp'] = http.sourceIp.replace(/^::ffff:/, '');
    context['aws:UserAgent'] = http.userAgent;
    if (http.headers['referer'] !== undefined) context['aws:Referer'] = http.headers['referer'];
  }
  if (call.viaService !== undefined) {
    context['aws:CalledVia'] = [call.viaService.replace(/^([a-z0-9-]+)\..*$/, '$1.amazonaws.com')];
    context['aws:CalledViaFirst'] = context['aws:CalledVia'][0] ?? '';
    context['aws:CalledViaLast'] = context['aws:CalledVia'][0] ?? '';
    context['kms:ViaService'] = call.viaService;
  }
  if (principal.type === 'Service') {
    context['aws:PrincipalServiceName'] = principal.service;
    if (principal.sourceArn !== undefined) context['aws:SourceArn'] = principal.sourceArn;
    const sourceAccount =
      principal.sourceAccount ??
      (principal.sourceArn === undefined ? undefined : parseArn(principal.sourceArn)?.account);
    if (sourceAccount !== undefined && sourceAccount !== '') context['aws:SourceAccount'] = sourceAccount;
    return context;
  }
  if (principal.type === 'Anonymous') return context;
  context['aws:PrincipalAccount'] = principalAccount(principal) ?? defaultAccount;
  context['aws:PrincipalArn'] = principal.type === 'AssumedRole' ? principal.roleArn : principal.arn;
  if (principal.type === 'User') {
    context['aws:userid'] = principal.userId;
    context['aws:username'] = principal.userName;
  } else if (principal.type === 'AssumedRole') {
    context['aws:userid'] = `${principal.roleId}:${principal.sessionName}`;
    context['aws:TokenIssueTime'] = isoSeconds(principal.issuedAt);
    if (principal.sourceIdentity !== undefined) context['aws:SourceIdentity'] = principal.sourceIdentity;
  } else {
    context['aws:userid'] = principal.account;
  }
  if ('temporary' in principal && principal.temporary !== undefined) {
    context['aws:TokenIssueTime'] = isoSeconds(principal.temporary.issuedAt);
  }
  const tags = { ...policies.tags, ...(principal.type === 'AssumedRole' ? principal.sessionTags : {}) };
  for (const [key, value] of Object.entries(tags)) context[`aws:PrincipalTag/${key}`] = value;
  return context;
}
