/**
 * The condition keys that every call has, whatever its service: who calls, by which way, when and from where.
 */
import { isoSeconds, parseArn, type RequestContext } from '../common/index.ts';
import type { PrincipalPolicies } from '../services/index.ts';
import type { CallFacts } from './authorizer.ts';
import { principalAccount } from './principals.ts';

/** The global condition keys. Source: IAM User Guide, "AWS global condition context keys". */
export function globalContext(call: CallFacts, policies: PrincipalPolicies, defaultAccount: string): RequestContext {
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
