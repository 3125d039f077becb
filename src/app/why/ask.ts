/**
 * `sluice why`: answers for a call of the audit trail (its request id), for a piece of work (a pipeline execution, a build,
 * a deployment), or for a question in words ("principal action resource"). See docs/adr/0009.
 *
 * A past call is told as it was decided then, from its record, and as the policies of today would decide it.
 */
import {
  type AccessRequest,
  AwsError,
  isAwsError,
  isoMillis,
  MINUTE_MS,
  parseArn,
  type Principal,
  type RequestContext,
} from '../../common/index.ts';
import type { Caller } from '../../core/policy/index.ts';
import { encodeAuthorizationMessage } from '../../services/sts/index.ts';
import type { Scope, Work, WorkFailure } from '../../services/index.ts';
import { auditOfParent, auditOfRequest, type AuditRecord, deniedBetween } from '../../store/index.ts';
import type { AuditTrail } from '../audit.ts';
import { Walk, type WalkTools } from '../preflight/walk.ts';
import type { DecisionRecord } from './decision-record.ts';
import { callerName, type Explanation, explanationOf, type GateLine } from './explanation.ts';
import { actionProblem } from './known-action.ts';
import { principalOf } from './principal-of.ts';
import { resourceFacts } from './resource-facts.ts';
import { withNames } from './unique-ids.ts';

export type WhyTools = WalkTools & Readonly<{ audit: AuditTrail }>;

export type WhyQuery = Readonly<{
  subject: string;
  /** Where the call of a question is made; absent: where its resource is, else its principal, else the house's default. */
  account?: string;
  region?: string;
  /** Condition keys of a question's request. */
  context?: RequestContext;
}>;

/** `denied`: something is, or was. */
export type WhyAnswer = Readonly<{ denied: boolean }> & (QuestionAnswer | RequestAnswer | WorkAnswer);

export type QuestionAnswer = Readonly<{
  kind: 'question';
  explanation: Explanation;
  /** The further permissions that the call needs, as of the key that an object lies under. */
  followedBy: readonly Explanation[];
  notes: readonly string[];
}>;

export type RequestAnswer = Readonly<{
  kind: 'request';
  requestId: string;
  at: string;
  account: string;
  region: string;
  service: string;
  operation: string;
  principal: string;
  viaService?: string;
  errorCode?: string;
  message?: string;
  /** How a denial was decided then. */
  decided?: Readonly<{
    action: string;
    resource: string;
    gates: readonly GateLine[];
    firstClosed?: GateLine;
  }>;
  /** How the policies of now decide the same. */
  now: readonly Explanation[];
  /** Denied calls that were made for this one, with its caller's rights (to KMS, as by S3). */
  madeFor: readonly RequestAnswer[];
  notes: readonly string[];
}>;

export type WorkAnswer = Readonly<{
  kind: 'work';
  work: Omit<Work, 'failures'>;
  failures: readonly Readonly<{
    part?: string;
    message: string;
    denials: readonly RequestAnswer[];
    /** The work of another service that failed in it. */
    within?: WorkAnswer;
  }>[];
}>;

const MOST_DENIALS = 200;
const DEEPEST_WORK = 4;

/** Throws `ResourceNotFoundException` (404) for an id that nothing has, `ValidationException` for a question that is none. */
export async function why(tools: WhyTools, query: WhyQuery): Promise<WhyAnswer> {
  return withNames(await answerTo(tools, query), tools.house.store);
}

async function answerTo(tools: WhyTools, query: WhyQuery): Promise<WhyAnswer> {
  await tools.audit.flush();
  const subject = query.subject.trim();
  if (/\s/.test(subject)) return question(tools, query);
  const [record] = await auditOfRequest(tools.house.store, subject);
  if (record !== undefined) {
    const answer = await requestAnswer(tools, record);
    return { denied: answer.decided !== undefined || answer.madeFor.length > 0, ...answer };
  }
  const work = await findWork(tools, subject);
  if (work === undefined) {
    throw new AwsError(
      'ResourceNotFoundException',
      `Nothing is known by the id ${subject}: it is no request id of the audit trail, pipeline execution, build or deployment.`,
      { statusCode: 404 },
    );
  }
  const answer = await workAnswer(tools, work, 0);
  return { denied: hasDenials(answer), ...answer };
}

// --- a question in words ---

async function question(tools: WhyTools, query: WhyQuery): Promise<WhyAnswer> {
  const [who = '', action = '', resource = '', ...rest] = query.subject.trim().split(/\s+/);
  if (resource === '' || rest.length > 0) throw invalid('Ask with three words: a principal, an action and a resource.');
  if (!/^[a-z0-9-]+:[A-Za-z0-9*]+$/i.test(action)) throw invalid(`${action} is no action such as s3:GetObject.`);
  const problem = actionProblem(tools.house, action);
  if (problem !== undefined) throw invalid(problem);
  const arn = parseArn(resource);
  if (resource !== '*' && arn === undefined) throw invalid(`${resource} is neither an ARN nor *.`);
  const principal = await principalOf(who, tools.house);
  if (principal === undefined) {
    throw new AwsError('ResourceNotFoundException', `There is no user, role, account or service ${who}.`, {
      statusCode: 404,
    });
  }
  const { defaultAccount, defaultRegion } = tools.house.config;
  const own = 'account' in principal ? principal.account : undefined;
  const scope: Scope = {
    account: query.account ?? (arn?.account || own || defaultAccount),
    region: query.region ?? (arn?.region || defaultRegion),
  };
  const notes: string[] = [];
  const caller: Principal =
    principal.type === 'Service' && principal.sourceAccount === undefined
      ? { ...principal, sourceAccount: query.account ?? (arn?.account || defaultAccount) }
      : principal;
  const explanation = await judge(tools, caller, scope, { action, resource }, query.context ?? {}, notes);
  const followedBy = explanation.allowed ? await following(tools, caller, scope, action, resource) : [];
  const denied = !explanation.allowed || followedBy.some(({ allowed }) => !allowed);
  return { denied, kind: 'question', explanation, followedBy, notes };
}

/** For an object of S3, what its key asks: the reason that nobody thinks of. */
async function following(
  tools: WhyTools,
  principal: Principal,
  scope: Scope,
  action: string,
  resource: string,
): Promise<readonly Explanation[]> {
  const [, bucket, key] = /^arn:[^:]*:s3:::([^/]+)\/(.+)$/.exec(resource) ?? [];
  const [, operation] = /^s3:(GetObject|PutObject)$/.exec(action) ?? [];
  if (bucket === undefined || operation === undefined) return [];
  const walk = new Walk(tools);
  const input = { Bucket: bucket, Key: key };
  await walk.judge({ service: 's3', operation, input, scope, purpose: 'ask' }, principal);
  return walk.judged.filter(({ input: { request } }) => request.action.startsWith('kms:')).map(explanationOf);
}

type Asked = Pick<AccessRequest, 'action' | 'resource' | 'resourceAccount' | 'federated'>;

async function judge(
  { authorizer, house, services }: WhyTools,
  principal: Principal,
  { account, region }: Scope,
  { action, resource, resourceAccount, federated }: Asked,
  context: RequestContext,
  notes: string[],
): Promise<Explanation> {
  const found = resource === '*' ? undefined : await resourceFacts({ house, services }, resource, action, principal);
  if (found === undefined && resource !== '*' && isKnowable(services, resource))
    note(notes, `There is no ${resource}: judged as a resource of its account without a policy.`);
  const missingRole = found === undefined && /^sts:AssumeRole/i.test(action);
  const owner = parseArn(resource)?.account;
  const facts = found ?? {
    ...(resourceAccount !== undefined || owner ? { resourceAccount: resourceAccount ?? owner ?? account } : {}),
    // A role that is not there trusts nobody.
    ...(missingRole ? { resourcePolicies: [], resourcePolicyMode: 'Only' as const } : {}),
  };
  const call = { principal, account, region, now: house.clock.now() };
  const request: AccessRequest = {
    action,
    resource,
    ...facts,
    context: { ...facts.context, ...context },
    ...(federated === undefined ? {} : { federated }),
  };
  const [explained] = await authorizer.explain(call, [request]);
  if (explained === undefined) throw new Error('a request has a decision');
  const explanation = explanationOf(explained);
  return explanation.allowed
    ? explanation
    : { ...explanation, encodedMessage: encodeAuthorizationMessage(house, explained) };
}

function isKnowable(services: WhyTools['services'], arn: string): boolean {
  const prefix = parseArn(arn)?.service;
  return [...services.values()].some((service) => service.iamPrefix === prefix && service.resourceAccess !== undefined);
}

function note(notes: string[], text: string): void {
  if (!notes.includes(text)) notes.push(text);
}

// --- a call of the trail ---

/** The parts of a record that are read here; the rest is others'. */
type Kept = Readonly<{
  actions?: readonly string[];
  resources?: readonly string[];
  viaService?: string;
  denial?: string;
  decision?: DecisionRecord;
}>;

async function requestAnswer(tools: WhyTools, record: AuditRecord): Promise<RequestAnswer> {
  const kept = record.record as unknown as Kept;
  const notes: string[] = [];
  const madeFor = await deniedFor(tools, record);
  const refused = /AccessDenied|Unauthorized|NotAuthorized/.test(record.errorCode ?? '');
  if (refused && kept.decision === undefined && madeFor.length === 0)
    note(notes, 'No policy denied it: the service refused it for a reason of its own, which its message says.');
  return {
    kind: 'request',
    requestId: record.requestId,
    at: isoMillis(record.at),
    account: record.account,
    region: record.region,
    service: record.service,
    operation: record.operation,
    principal: record.principal,
    ...(kept.viaService === undefined ? {} : { viaService: kept.viaService }),
    ...(record.errorCode === undefined ? {} : { errorCode: record.errorCode }),
    ...(kept.denial === undefined ? {} : { message: kept.denial }),
    ...(kept.decision === undefined ? {} : { decided: asItWas(kept.decision) }),
    now: await asItWouldBe(tools, record, kept, notes),
    madeFor,
    notes,
  };
}

/** A call that is told as denied may have been allowed itself, and denied in a call that its service made for it. */
async function deniedFor(tools: WhyTools, record: AuditRecord): Promise<RequestAnswer[]> {
  if (record.errorCode === undefined) return [];
  const children = await auditOfParent(tools.house.store, record, record.at + 15 * MINUTE_MS);
  const denied = children.filter((child) => (child.record as unknown as Kept).decision !== undefined);
  return Promise.all(denied.map((child) => requestAnswer(tools, child)));
}

function asItWas({ request, gates }: DecisionRecord): NonNullable<RequestAnswer['decided']> {
  const firstClosed = gates.find(({ state }) => state === 'closed');
  const { action, resource } = request;
  return { action, resource, gates, ...(firstClosed === undefined ? {} : { firstClosed }) };
}

async function asItWouldBe(
  tools: WhyTools,
  record: AuditRecord,
  { decision, actions = [], resources = [] }: Kept,
  notes: string[],
): Promise<readonly Explanation[]> {
  const caller = decision?.principal ?? (await principalOf(record.principal, tools.house));
  // Whom a provider vouches for calls without a name of their own.
  const [own, federated] = caller?.type === 'Federated' ? [NOBODY, { provider: caller.provider }] : [caller, undefined];
  const principal = own && (await asOfNow(tools, own, notes));
  if (principal === undefined) {
    note(notes, `${record.principal} is no longer there, so that today's policies say nothing of it.`);
    return [];
  }
  const scope = { account: record.account, region: record.region };
  const asked: readonly Asked[] =
    decision === undefined
      ? actions.map((action, index) => ({ action, resource: resources[index] ?? '*' }))
      : [{ ...decision.request, ...(federated === undefined ? {} : { federated }) }];
  const context = decision === undefined ? {} : lasting(decision.context);
  if (Object.values(context).includes('***'))
    note(notes, 'The external id of the call is not kept: judged as another.');
  try {
    return await Promise.all(asked.map((each) => judge(tools, principal, scope, each, context, notes)));
  } catch (error) {
    if (!isAwsError(error)) throw error;
    note(notes, error.message);
    return [];
  }
}

const NOBODY: Principal = { type: 'Anonymous' };

/** A role that was made anew under the same name is another: its old sessions have nothing. */
async function asOfNow(tools: WhyTools, caller: Principal, notes: string[]): Promise<Principal | undefined> {
  const current = await principalOf(callerName(caller), tools.house);
  if (caller.type === 'AssumedRole' && current?.type === 'AssumedRole' && current.roleId !== caller.roleId)
    note(notes, `The role ${caller.roleArn} was made anew since; the sessions of the old one have no permissions.`);
  return caller.type === 'AssumedRole' && current === undefined ? undefined : caller;
}

/** The keys that the call itself brought. What the house adds (who, when, tags, organization) is added anew. */
function lasting(context: RequestContext): RequestContext {
  const added =
    /^aws:(?:Principal.*|CurrentTime|EpochTime|ResourceTag\/.*|ResourceOrg.*|ResourceAccount|userid|username|TokenIssueTime)$/i;
  return Object.fromEntries(Object.entries(context).filter(([key]) => !added.test(key)));
}

// --- a piece of work ---

async function findWork({ services, house }: WhyTools, id: string): Promise<Work | undefined> {
  for (const service of services.values()) {
    const work = await service.findWork?.(id, house);
    if (work !== undefined) return work;
  }
  return undefined;
}

async function workAnswer(tools: WhyTools, { failures, ...work }: Work, depth: number): Promise<WorkAnswer> {
  const answers: WorkAnswer['failures'][number][] = [];
  for (const failure of failures) {
    const external =
      failure.externalId === undefined || depth >= DEEPEST_WORK ? undefined : await findWork(tools, failure.externalId);
    const within = external && (await workAnswer(tools, external, depth + 1));
    answers.push({
      ...(failure.part === undefined ? {} : { part: failure.part }),
      message: failure.message,
      denials: await denialsOf(tools, failure),
      ...(within !== undefined && within.failures.length > 0 && { within }),
    });
  }
  return { kind: 'work', work, failures: answers };
}

async function denialsOf(tools: WhyTools, failure: WorkFailure): Promise<RequestAnswer[]> {
  const { accounts, from, until } = failure;
  const records = await deniedBetween(tools.house.store, accounts, from, until, MOST_DENIALS);
  const own = records.filter((record) => {
    const { decision } = record.record as unknown as Kept;
    return decision !== undefined && isMadeFor(failure, decision.principal);
  });
  // Actions at the same time share the name of their sessions: what the failure itself quotes is its own.
  const quoted = own.filter((record) => {
    const { denial } = record.record as unknown as Kept;
    return denial !== undefined && failure.message.includes(denial);
  });
  return Promise.all(distinct(quoted.length > 0 ? quoted : own).map((record) => requestAnswer(tools, record)));
}

function isMadeFor({ sessionNames, sourceArns }: WorkFailure, caller: Caller): boolean {
  if (caller.type === 'AssumedRole') return sessionNames.includes(caller.sessionName);
  return caller.type === 'Service' && caller.sourceArn !== undefined && sourceArns.includes(caller.sourceArn);
}

/** The same call, tried again and again, is told once. */
function distinct(records: readonly AuditRecord[]): AuditRecord[] {
  const seen = new Set<string>();
  return records.filter(({ principal, record }) => {
    const { decision } = record as unknown as Kept;
    const id = JSON.stringify([principal, decision?.request]);
    return !seen.has(id) && seen.add(id);
  });
}

function hasDenials({ failures }: WorkAnswer): boolean {
  return failures.some(({ denials, within }) => denials.length > 0 || (within !== undefined && hasDenials(within)));
}

function invalid(message: string): AwsError {
  return new AwsError('ValidationException', message, { statusCode: 400 });
}
