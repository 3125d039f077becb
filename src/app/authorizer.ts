/**
 * Authorisation of one call: loads what the principal's policies say, fills the request context, asks `core/policy`,
 * and words a denial as AWS does. A call with several access requests is allowed only if each is.
 */
import { AwsError, type AccessRequest, parseArn, type Principal, type RequestContext } from '../common/index.ts';
import {
  decide,
  type DecisionInput,
  denialMessage,
  type PolicyDecision,
  readsResourceTags,
} from '../core/policy/index.ts';
import type { AccountControls, Call, Identity, PrincipalPolicies } from '../services/index.ts';
import { principalAccount } from './principals.ts';
import { globalContext, resourceContext, sourceAccountOf } from './request-context.ts';

/** What of a call the decision depends on. */
export type CallFacts = Pick<Call, 'principal' | 'account' | 'region' | 'now'> &
  Partial<Pick<Call, 'http' | 'viaService' | 'calledVia'>>;

/** A decision with the policies and the whole context that it came from. */
export type Explained = Readonly<{ input: DecisionInput; decision: PolicyDecision }>;

const denials = new WeakMap<Error, Explained>();

/** What a denial that `authorize` threw came from; undefined for any other error. */
export function denialOf(error: unknown): Explained | undefined {
  return error instanceof Error ? denials.get(error) : undefined;
}

/** What the organization of an account lays on it; undefined for an account in none. */
export type ControlsOf = (account: string) => Promise<AccountControls | undefined>;

/** The tags of a request's resource, as condition keys. */
export type TagsOf = (request: AccessRequest) => Promise<RequestContext>;

/** Told of every decision, as it was made. */
export type OnDecision = (input: DecisionInput, decision: PolicyDecision) => void;

const NO_KEYS: RequestContext = {};

export class Authorizer {
  readonly identity: Identity;
  readonly #defaultAccount: string;
  readonly #controlsOf: ControlsOf;
  readonly #tagsOf: TagsOf;
  readonly #onDecision: OnDecision | undefined;

  constructor(
    identity: Identity,
    defaultAccount: string,
    controlsOf: ControlsOf,
    tagsOf: TagsOf = async () => NO_KEYS,
    onDecision?: OnDecision,
  ) {
    this.identity = identity;
    this.#defaultAccount = defaultAccount;
    this.#controlsOf = controlsOf;
    this.#tagsOf = tagsOf;
    this.#onDecision = onDecision;
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
    const inputOf = await this.#inputs(call, requests, extra);
    for (const request of requests) {
      const input = inputOf(request);
      const decision = decide(input);
      this.#onDecision?.(input, decision);
      if (decision.allowed) continue;
      const message =
        request.federated === undefined
          ? denialMessage(call.principal, request, decision, input.context)
          : `Not authorized to perform ${request.action}`;
      const error = new AwsError('AccessDeniedException', message, { statusCode: 403 });
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
    const inputOf = await this.#inputs(call, requests, extra);
    return requests.map((request) => {
      const input = inputOf(request);
      return { input, decision: decide(input) };
    });
  }

  async #inputs(
    call: CallFacts,
    requests: readonly AccessRequest[],
    extra: RequestContext,
  ): Promise<(request: AccessRequest) => DecisionInput> {
    const { principal } = call;
    const own = await this.#policiesOf(principal);
    const controls = new Map<string, AccountControls | undefined>();
    const ownAccount = principalAccount(principal);
    const sourceAccount = sourceAccountOf(principal);
    for (const account of [ownAccount, sourceAccount, call.account, ...requests.map((each) => each.resourceAccount)])
      if (account !== undefined && !controls.has(account)) controls.set(account, await this.#controlsOf(account));
    const ownControls = ownAccount === undefined ? undefined : controls.get(ownAccount);
    if (ownControls?.suspended === true)
      throw new AwsError('AccessDeniedException', `The account ${ownAccount} is suspended.`, { statusCode: 403 });
    const policies =
      ownControls?.serviceControl === undefined ? own : { ...own, serviceControl: ownControls.serviceControl };
    const sourceControls = sourceAccount === undefined ? undefined : controls.get(sourceAccount);
    const common = {
      ...globalContext(call, policies, { defaultAccount: this.#defaultAccount, ownControls, sourceControls }),
      ...extra,
    };
    const tags = new Map<AccessRequest, RequestContext>();
    for (const request of requests) {
      const owned = controls.get(request.resourceAccount ?? call.account)?.resourceControl;
      if (readsResourceTags(policies, request.resourcePolicies, owned)) tags.set(request, await this.#tagsOf(request));
    }
    return (request) => {
      const owner = request.resourceAccount ?? call.account;
      const resourceControls = controls.get(owner);
      const resourceControl = resourceControls?.resourceControl;
      return {
        principal: request.federated === undefined ? principal : { type: 'Federated', ...request.federated },
        request,
        scope: { account: call.account, region: call.region },
        policies: resourceControl === undefined ? policies : { ...policies, resourceControl },
        context: {
          ...common,
          ...resourceContext(request.action, owner, resourceControls),
          ...(tags.get(request) ?? NO_KEYS),
          ...request.context,
        },
      };
    };
  }

  async #policiesOf(principal: Principal): Promise<PrincipalPolicies> {
    if (principal.type === 'Anonymous' || principal.type === 'Service') return { identity: [] };
    return this.identity.policiesOf(principal);
  }
}

/**
 * What a caller from outside reads of a denial. S3 gives its reasons to callers of the bucket's account or organization
 * alone; others read two words. KMS does not tell callers of another account whether the key of a ciphertext exists. The
 * trail, `sluice why` and the services of the house keep the whole text.
 * Source: S3 User Guide, "Troubleshoot access denied (403 Forbidden) errors in Amazon S3"; KMS's answers, as reported.
 */
export function outwardDenial(error: AwsError): AwsError {
  const { input, decision } = denials.get(error) ?? {};
  if (input === undefined || decision === undefined || decision.allowed || input.principal.type === 'Service')
    return error;
  const { context, request, scope } = input;
  const account = 'account' in input.principal ? input.principal.account : undefined;
  const isOwn = account !== undefined && context['aws:ResourceAccount'] === account;
  const outward = (message: string): AwsError => new AwsError(error.code, message, { statusCode: 403, cause: error });
  if (request.action.startsWith('s3:')) {
    const organization = context['aws:PrincipalOrgID'];
    const isOfOurs = organization !== undefined && organization === context['aws:ResourceOrgID'];
    return isOwn || isOfOurs ? error : outward('Access Denied');
  }
  if (request.action !== 'kms:Decrypt' && request.action !== 'kms:ReEncryptFrom') return error;
  const isElsewhere = !isOwn || parseArn(request.resource)?.region !== scope.region;
  if (!isElsewhere || decision.reason.policyType !== 'resource-based policy') return error;
  const head = error.message.slice(0, error.message.indexOf(request.action) + request.action.length);
  return outward(`${head} on the resource associated with this ciphertext because ${HIDDEN_CAUSES}`);
}

const HIDDEN_CAUSES =
  'the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access';
