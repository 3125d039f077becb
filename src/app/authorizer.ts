/**
 * Authorisation of one call: loads what the principal's policies say, fills the request context, asks `core/policy`,
 * and words a denial as AWS does. A call with several access requests is allowed only if each is.
 */
import { AwsError, type AccessRequest, type Principal, type RequestContext } from '../common/index.ts';
import { decide, denialMessage } from '../core/policy/index.ts';
import type { Call, Identity, PrincipalPolicies } from '../services/index.ts';
import { globalContext } from './request-context.ts';

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
