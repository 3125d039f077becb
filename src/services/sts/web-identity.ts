/**
 * AssumeRoleWithWebIdentity: unsigned; a token of an OpenID Connect provider is what the caller has. The provider must be one
 * of the role's account, the token must verify, and the role's trust policy must let such a token in.
 * Source: STS API Reference, "AssumeRoleWithWebIdentity".
 */
import type { AssumeRoleWithWebIdentityRequest, AssumeRoleWithWebIdentityResponse } from '@aws-sdk/client-sts';
import { AwsError, parseArn, type RequestContext } from '../../common/index.ts';
import { type Call, operation } from '../index.ts';
import { DEFAULT_SECONDS, roleOf, secondsOf, startRoleSession, trustRequest } from './role-sessions.ts';
import { sessionTags } from './session-policies.ts';
import { verifiedIdentity, type WebIdentity } from './web-token.ts';

const ACTION = 'sts:AssumeRoleWithWebIdentity';

export const assumeRoleWithWebIdentity = operation<AssumeRoleWithWebIdentityRequest, AssumeRoleWithWebIdentityResponse>(
  {
    authorize: async (input, call) => {
      const roleArn = present(input.RoleArn, 'roleArn');
      const token = present(input.WebIdentityToken, 'webIdentityToken');
      if (input.ProviderId !== undefined) {
        throw invalid('ProviderId, for the tokens of OAuth 2.0, is not implemented by Sluice.');
      }
      const role = await roleOf(call, roleArn);
      const identity = await verifiedIdentity(call.house, parseArn(roleArn)?.account ?? '', token);
      identities.set(call, identity);
      const context = contextOf(input, identity);
      const actions = [
        ACTION,
        ...(Object.keys(identity.tags).length > 0 || identity.transitiveTagKeys.length > 0 ? ['sts:TagSession'] : []),
        ...(identity.sourceIdentity === undefined ? [] : ['sts:SetSourceIdentity']),
      ];
      return actions.map((action) => ({
        ...trustRequest(action, roleArn, role, context),
        federated: { provider: identity.provider.arn },
      }));
    },
    handle: async (input, call) => {
      const { RoleArn = '', RoleSessionName = '', DurationSeconds = DEFAULT_SECONDS } = input;
      const role = await roleOf(call, RoleArn);
      const identity = identities.get(call);
      if (role === undefined || identity === undefined) {
        throw new AwsError('AccessDeniedException', `Not authorized to perform ${ACTION}`, { statusCode: 403 });
      }
      const tags = sessionTags(Object.entries(identity.tags).map(([Key, Value]) => ({ Key, Value })));
      const { answer } = await startRoleSession(call, role, {
        name: RoleSessionName,
        seconds: secondsOf(role, DurationSeconds),
        policy: input.Policy,
        policyArns: input.PolicyArns,
        passedTags: tags,
        tags,
        transitiveTagKeys: identity.transitiveTagKeys,
        sourceIdentity: identity.sourceIdentity,
        federated: { federatedProvider: identity.provider.arn, federatedContext: identity.context },
      });
      return {
        ...answer,
        SubjectFromWebIdentityToken: identity.subject,
        Provider: identity.issuer,
        Audience: identity.audience,
      };
    },
  },
);

/** Authorising and performing are one call: the token is verified once. */
const identities = new WeakMap<Call, WebIdentity>();

function contextOf(input: AssumeRoleWithWebIdentityRequest, identity: WebIdentity): RequestContext {
  const { tags, transitiveTagKeys, sourceIdentity, provider } = identity;
  return {
    ...identity.context,
    'aws:FederatedProvider': provider.arn,
    'sts:RoleSessionName': String(input.RoleSessionName ?? ''),
    ...(input.DurationSeconds === undefined ? {} : { 'sts:DurationSeconds': String(input.DurationSeconds) }),
    ...(sourceIdentity === undefined ? {} : { 'sts:SourceIdentity': sourceIdentity }),
    ...(transitiveTagKeys.length === 0 ? {} : { 'sts:TransitiveTagKeys': transitiveTagKeys }),
    ...(Object.keys(tags).length === 0 ? {} : { 'aws:TagKeys': Object.keys(tags) }),
    ...Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:RequestTag/${key}`, value])),
  };
}

/** Nobody has signed the call, so that the model's constraints would be checked too late. */
function present(value: unknown, member: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw invalid(
    `1 validation error detected: Value null at '${member}' failed to satisfy constraint: Member must not be null`,
  );
}

function invalid(message: string): AwsError {
  return new AwsError('ValidationError', message, { statusCode: 400 });
}
