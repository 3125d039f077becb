/**
 * The audit record of one call: for `sluice why` (what was asked for, and why it was denied) and for CloudTrail (who, as whom,
 * what, from where, with which parameters). Of calls on data, which are many, the parameters are not kept.
 */
import { type AccessRequest, isAwsError, type Json, parseArn, type Principal } from '../../common/index.ts';
import { isDataEvent, isReadOnly, trailRegion } from '../../core/call-trail/index.ts';
import type { Models } from '../../protocol/index.ts';
import type { Call } from '../../services/index.ts';
import type { AuditRecord } from '../../store/index.ts';
import { principalName } from '../principals.ts';
import type { DecisionRecord } from '../why/decision-record.ts';
import { shownParameters, shownResponse } from './parameters.ts';

/** What is known of credentials besides whom they speak for. */
export type CredentialFacts = Readonly<{
  accessKeyId: string;
  /** The service that assumed the role, where one did. */
  madeBy?: string;
}>;

export type CallOutcome = Readonly<{
  call: Pick<Call, 'now' | 'account' | 'region' | 'requestId' | 'principal' | 'http' | 'viaService'>;
  service: string;
  operation: string;
  input: Readonly<Record<string, unknown>>;
  requests: readonly AccessRequest[];
  credentials?: CredentialFacts | undefined;
  parentRequestId?: string | undefined;
  /** Absent where it failed. */
  output?: Readonly<Record<string, unknown>> | undefined;
  error?: unknown;
  decision?: DecisionRecord | undefined;
}>;

export function auditRecordOf(models: Models, outcome: CallOutcome): AuditRecord {
  const { call, service, operation, requests, error, output } = outcome;
  const { principal } = call;
  const errorCode = error === undefined ? undefined : isAwsError(error) ? error.code : 'InternalFailure';
  const denied = errorCode !== undefined && /AccessDenied|Unauthorized/.test(errorCode);
  const isOperation = Object.hasOwn(models.service(service)?.operations ?? {}, operation);
  const management = isOperation && !isDataEvent(service, operation);
  const readOnly = isReadOnly(service, operation);
  const parameters = management ? shownParameters(models, service, operation, outcome.input) : undefined;
  const response =
    management && output !== undefined && (!readOnly || service === 'sts') ? shownResponse(output) : undefined;
  return {
    at: call.now,
    account: call.account,
    region: trailRegion(service, call.region),
    requestId: call.requestId,
    service,
    operation,
    principal: principalName(principal),
    errorCode,
    management,
    // Whose resource it is learns of what was done to it, not of what was refused.
    recipient: management && !denied ? otherOwner(call.account, requests) : undefined,
    record: {
      actions: requests.map((request) => request.action),
      resources: requests.map((request) => request.resource),
      caller: callerOf(principal),
      userName: userNameOf(principal),
      accessKeyId: outcome.credentials?.accessKeyId,
      madeBy: outcome.credentials?.madeBy,
      sourceIp: call.http?.sourceIp,
      userAgent: call.http?.userAgent,
      secure: call.http?.secure,
      viaService: call.viaService,
      parentRequestId: outcome.parentRequestId,
      denial: denied && isAwsError(error) ? error.message : undefined,
      errorMessage: management && !denied && isAwsError(error) ? withoutValues(error.message) : undefined,
      readOnly,
      parameters,
      response,
      decision: outcome.decision,
    } as unknown as Json,
  };
}

/** The account, other than the caller's, that owns a resource of the call. */
function otherOwner(account: string, requests: readonly AccessRequest[]): string | undefined {
  for (const { resource, resourceAccount } of requests) {
    const owner = resourceAccount ?? parseArn(resource)?.account;
    if (owner !== undefined && owner !== account && /^\d{12}$/.test(owner)) return owner;
  }
  return undefined;
}

/** Of a session, what may be long and does not tell who: left out. */
const NOT_KEPT: ReadonlySet<string> = new Set([
  'sessionPolicies',
  'sessionTags',
  'transitiveTagKeys',
  'federatedContext',
]);

/** By the principal, which is the same at each call of a key. */
const callers = new WeakMap<Principal, Json>();

function callerOf(principal: Principal): Json {
  if (principal.type !== 'AssumedRole' && principal.type !== 'FederatedUser') return principal;
  let caller = callers.get(principal);
  if (caller === undefined) {
    caller = Object.fromEntries(Object.entries(principal).filter(([name]) => !NOT_KEPT.has(name))) as Json;
    callers.set(principal, caller);
  }
  return caller;
}

/** As CloudTrail's event history names whoever called; undefined for services and the unsigned. */
function userNameOf(principal: Principal): string | undefined {
  switch (principal.type) {
    case 'Root':
      return 'root';
    case 'User':
      return principal.userName;
    case 'AssumedRole':
      return principal.sessionName;
    case 'FederatedUser':
      return principal.name;
    default:
      return undefined;
  }
}

/** Messages about broken constraints quote what the caller sent. */
function withoutValues(message: string): string {
  return message.replaceAll(/Value '[^]*?' at '/g, "Value at '").slice(0, 1_024);
}

/** The record of a call that came by another way than the wire (git). */
export function plainAuditRecord(
  call: Readonly<{ now: number; account: string; region: string; requestId: string; principal: Principal }>,
  { service, operation }: Readonly<{ service: string; operation: string }>,
  facts: Readonly<{
    errorCode?: string | undefined;
    actions: readonly string[];
    resources: readonly string[];
    sourceIp?: string | undefined;
    userAgent?: string | undefined;
    denial?: string;
    decision?: DecisionRecord | undefined;
  }>,
): AuditRecord {
  const { errorCode, ...record } = facts;
  return {
    at: call.now,
    account: call.account,
    region: call.region,
    requestId: call.requestId,
    service,
    operation,
    principal: principalName(call.principal),
    errorCode,
    management: true,
    record: {
      ...record,
      caller: callerOf(call.principal),
      userName: userNameOf(call.principal),
      serviceEvent: true,
      readOnly: operation === 'GitPull',
    } as unknown as Json,
  };
}
