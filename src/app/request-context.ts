/**
 * The condition keys that every call has, whatever its service: who calls, by which way, when and from where.
 */
import { isoSeconds, parseArn, type Principal, type RequestContext } from '../common/index.ts';
import type { AccountControls, PrincipalPolicies } from '../services/index.ts';
import type { CallFacts } from './authorizer.ts';
import { principalAccount } from './principals.ts';

/** What of the house and of organizations the keys depend on. */
export type Surroundings = Readonly<{
  defaultAccount: string;
  /** Of the principal's account. */
  ownControls: AccountControls | undefined;
  /** Of the account for which a service calls. */
  sourceControls: AccountControls | undefined;
}>;

/**
 * The global condition keys. What a call has not, is absent: no `aws:SourceIp` for one that a service makes with its caller's
 * credentials, no `aws:SourceArn` for one that is made by a role. Source: IAM User Guide, "AWS global condition context keys".
 *
 * Differs from AWS: every service that passes its caller's credentials on is in `aws:CalledVia`; on AWS, some are.
 */
export function globalContext(
  call: CallFacts,
  policies: PrincipalPolicies,
  { defaultAccount, ownControls, sourceControls }: Surroundings,
): RequestContext {
  const { principal, http } = call;
  const context: Record<string, string | readonly string[]> = {
    'aws:CurrentTime': isoSeconds(call.now),
    'aws:EpochTime': String(Math.floor(call.now / 1000)),
    'aws:RequestedRegion': call.region,
    'aws:SecureTransport': String(http?.secure ?? true),
    'aws:UserAgent': http?.userAgent ?? callerWithoutWire(call),
    'aws:PrincipalType': principal.type === 'Root' ? 'Account' : principal.type,
  };
  if (http !== undefined) {
    context['aws:SourceIp'] = http.sourceIp.replace(/^::ffff:/, '');
    if (http.headers['referer'] !== undefined) context['aws:Referer'] = http.headers['referer'];
  }
  if (call.viaService !== undefined) {
    const chain = [...(call.calledVia ?? []), call.viaService].map(principalOfEndpoint);
    context['aws:CalledVia'] = chain;
    context['aws:CalledViaFirst'] = chain[0] ?? '';
    context['aws:CalledViaLast'] = chain[chain.length - 1] ?? '';
    context['kms:ViaService'] = call.viaService;
  }
  if (principal.type === 'Anonymous') return { ...context, 'aws:PrincipalAccount': 'anonymous' };
  context['aws:ViaAWSService'] = String(call.viaService !== undefined);
  context['aws:PrincipalIsAWSService'] = String(principal.type === 'Service');
  if (principal.type === 'Service') return { ...context, ...serviceContext(principal, sourceControls) };
  context['aws:PrincipalAccount'] = principalAccount(principal) ?? defaultAccount;
  context['aws:PrincipalArn'] = principal.type === 'AssumedRole' ? principal.roleArn : principal.arn;
  if (ownControls !== undefined) {
    context['aws:PrincipalOrgID'] = ownControls.organizationId;
    context['aws:PrincipalOrgPaths'] = [ownControls.path];
  }
  Object.assign(context, sessionContext(principal));
  const sessionTags = 'sessionTags' in principal ? principal.sessionTags : undefined;
  for (const [key, value] of Object.entries({ ...policies.tags, ...sessionTags }))
    context[`aws:PrincipalTag/${key}`] = value;
  return context;
}

/** What AWS shows of a call that a service makes. */
function callerWithoutWire({ principal, viaService }: CallFacts): string {
  if (viaService !== undefined) return principalOfEndpoint(viaService);
  return principal.type === 'Service' ? principal.service : 'AWS Internal';
}

/** The account for which a service calls: said, or of the resource. */
export function sourceAccountOf(principal: Principal): string | undefined {
  if (principal.type !== 'Service') return undefined;
  const { sourceAccount, sourceArn } = principal;
  const account = sourceAccount ?? (sourceArn === undefined ? undefined : parseArn(sourceArn)?.account);
  return account === '' ? undefined : account;
}

/** `s3.us-east-1.amazonaws.com` to `s3.amazonaws.com`. */
function principalOfEndpoint(service: string): string {
  return service.replace(/^([a-z0-9-]+)\..*$/, '$1.amazonaws.com');
}

/** A service that calls as itself: for which resource, of whose account. */
function serviceContext(
  principal: Extract<Principal, { type: 'Service' }>,
  sourceControls: AccountControls | undefined,
): RequestContext {
  const { service, sourceArn } = principal;
  const sourceAccount = sourceAccountOf(principal);
  return {
    'aws:PrincipalServiceName': service,
    'aws:PrincipalServiceNamesList': [service],
    ...(sourceArn === undefined ? {} : { 'aws:SourceArn': sourceArn }),
    ...(sourceAccount === undefined ? {} : { 'aws:SourceAccount': sourceAccount }),
    ...(sourceControls === undefined
      ? {}
      : { 'aws:SourceOrgID': sourceControls.organizationId, 'aws:SourceOrgPaths': [sourceControls.path] }),
  };
}

type Signed = Exclude<Principal, { type: 'Service' | 'Anonymous' }>;

/** Who, and of temporary credentials since when. */
function sessionContext(principal: Signed): RequestContext {
  switch (principal.type) {
    case 'AssumedRole':
      return {
        'aws:userid': `${principal.roleId}:${principal.sessionName}`,
        'aws:TokenIssueTime': isoSeconds(principal.issuedAt),
        'aws:MultiFactorAuthPresent': 'false',
        ...(principal.sourceIdentity === undefined ? {} : { 'aws:SourceIdentity': principal.sourceIdentity }),
        ...(principal.federatedProvider === undefined ? {} : { 'aws:FederatedProvider': principal.federatedProvider }),
        ...principal.federatedContext,
      };
    case 'FederatedUser':
      return {
        'aws:userid': `${principal.account}:${principal.name}`,
        'aws:TokenIssueTime': isoSeconds(principal.issuedAt),
        'aws:MultiFactorAuthPresent': 'false',
      };
    default: {
      const { temporary } = principal;
      return {
        'aws:userid': principal.type === 'User' ? principal.userId : principal.account,
        ...(principal.type === 'User' ? { 'aws:username': principal.userName } : {}),
        ...(temporary === undefined
          ? {}
          : { 'aws:TokenIssueTime': isoSeconds(temporary.issuedAt), 'aws:MultiFactorAuthPresent': 'false' }),
      };
    }
  }
}

/** The keys that depend on the action and on the account that owns the resource. */
export function resourceContext(
  action: string,
  owner: string,
  controls: AccountControls | undefined,
): Record<string, string | readonly string[]> {
  const context: Record<string, string | readonly string[]> = { 'aws:ResourceAccount': owner };
  // Services of no Region are asked in one, whichever their client is set to.
  if (/^(?:iam|organizations):/i.test(action)) context['aws:RequestedRegion'] = 'us-east-1';
  if (controls !== undefined) {
    context['aws:ResourceOrgID'] = controls.organizationId;
    context['aws:ResourceOrgPaths'] = [controls.path];
  }
  return context;
}
