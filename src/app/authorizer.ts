/**
 * Authorisation of one call: loads what the principal's policies say, fills the request context, asks `core/policy`,
 * and words a denial as AWS does. A call with several access requests is allowed only if each is.
 */
import { AwsError, type AccessRequest, type Principal, type RequestContext } from '../common/index.ts';
import { decide, type DecisionInput, denialMessage, type PolicyDecision } from '../core/policy/index.ts';
import type { Call, Identity, PrincipalPolicies } from '../services/index.ts';
import { globalContext } from './request-context.ts';

/** What of a call the decision depends on. */
export type CallFacts = Pick<Call, 'principal' | 'account' | 'region' | 'now'> &
  Partial<Pick<Call, 'http' | 'viaService'>>;

/** A decision with the policies and the whole context that it came from. */
export type Explained = Readonly<{ input: DecisionInput; decision: PolicyDecision }>;

const denials = new WeakMap<Error, Explained>();

/** What a denial that `authorize` threw came from; undefined for any other error. */
export function denialOf(error: unknown): Explained | undefined {
  return error instanceof Error ? denials.get(error) : undefined;
}

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
    const inputOf = await this.#inputs(call, extra);
    for (const request of requests) {
      const input = inputOf(request);
      const decision = decide(input);
      if (decision.allowed) continue;
      const error = new AwsError('AccessDeniedException', denialMessage(call.principal, request, decision), {
        statusCode: 403,
      });
      denials.set(error, { input, decision });
      throw error;
    }
  }

  /** The decision of each request, in their order, with all that went into it. Never throws for a denial. */
  async explain(
    call: CallFacts,
    requests: readonly AccessRequest[],
    extra: RequestContext = {},
  ): Promise<readonly Explained[]> {
    const inputOf = await this.#inputs(call, extra);
    return requests.map((request) => {
      const input = inputOf(request);
      return { input, decision: decide(input) };
    });
  }

  async #inputs(call: CallFacts, extra: RequestContext): Promise<(request: AccessRequest) => DecisionInput> {
    const policies = await this.#policiesOf(call.principal);
    const common = { ...globalContext(call, policies, this.#defaultAccount), ...extra };
    return (request) => ({
      principal: call.principal,
      request,
      scope: { account: call.account, region: call.region },
      policies,
      context: { ...common, ...request.context },
    });
  }

  async #policiesOf(principal: Principal): Promise<PrincipalPolicies> {
    if (principal.type === 'Anonymous' || principal.type === 'Service') return { identity: [] };
    return this.identity.policiesOf(principal);
  }
}
