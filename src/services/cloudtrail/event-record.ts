/**
 * A call of the audit trail as CloudTrail's record of it. Source: CloudTrail User Guide, "CloudTrail record contents" and
 * "CloudTrail userIdentity element".
 *
 * Differs from AWS: the event names of Lambda carry no date of its API (`CreateFunction20150331`), and those of S3 are the
 * names of its API (`PutBucketLifecycleConfiguration`, where CloudTrail writes `PutBucketLifecycle`).
 */
import { isoSeconds, type Json, type JsonObject, type Principal } from '../../common/index.ts';
import type { HistoryRecord } from '../../store/index.ts';
import { eventIdOf } from './event-id.ts';
import { type NamedResource, namedResource } from './resource-types.ts';

/** What `app` keeps of a call. */
export type TrailFacts = Readonly<{
  resources?: readonly string[];
  caller?: Principal;
  userName?: string;
  accessKeyId?: string;
  madeBy?: string;
  sourceIp?: string;
  userAgent?: string;
  viaService?: string;
  denial?: string;
  errorMessage?: string;
  readOnly?: boolean;
  parameters?: Json;
  response?: Json;
  serviceEvent?: boolean;
}>;

export type TrailEvent = Readonly<{
  eventId: string;
  readOnly: boolean;
  /** Absent for services, and where another account called. */
  userName?: string;
  accessKeyId?: string;
  eventSource: string;
  resources: readonly NamedResource[];
  /** The record whole. */
  record: JsonObject;
}>;

const SOURCES: Readonly<Record<string, string>> = { cloudwatch: 'monitoring', elbv2: 'elasticloadbalancing' };

/** `codepipeline.amazonaws.com` */
export function eventSourceOf(service: string): string {
  return `${Object.hasOwn(SOURCES, service) ? SOURCES[service] : service}.amazonaws.com`;
}

/** The service of an event source; undefined for what is none. */
export function serviceOf(eventSource: string): string | undefined {
  const prefix = /^([a-z0-9-]+)\.amazonaws\.com$/.exec(eventSource)?.[1];
  return Object.keys(SOURCES).find((service) => SOURCES[service] === prefix) ?? prefix;
}

/** As `viewer` sees it: an account learns of another's call upon its resource, and not who in that account made it. */
export function trailEvent(call: HistoryRecord, viewer: string): TrailEvent {
  const facts = (call.record ?? {}) as TrailFacts;
  const isOwn = call.account === viewer;
  const resources = [...new Set(facts.resources)].map(namedResource).filter((each) => each !== undefined);
  const eventId = eventIdOf(call.requestId, isOwn ? 'caller' : 'owner');
  const readOnly = facts.readOnly === true;
  const invokedBy = invokerOf(facts);
  const from = invokedBy ?? (facts.sourceIp === undefined ? 'AWS Internal' : facts.sourceIp.replace(/^::ffff:/, ''));
  const errorMessage = facts.denial ?? facts.errorMessage;
  const record: JsonObject = {
    eventVersion: '1.11',
    userIdentity: isOwn ? identityOf(facts, invokedBy) : foreignIdentity(facts, call.account),
    eventTime: isoSeconds(call.at),
    eventSource: eventSourceOf(call.service),
    eventName: call.operation,
    awsRegion: call.region,
    sourceIPAddress: from,
    userAgent: invokedBy ?? facts.userAgent ?? 'AWS Internal',
    ...(call.errorCode === undefined ? {} : { errorCode: errorCodeOf(call.errorCode) }),
    ...(errorMessage === undefined ? {} : { errorMessage }),
    requestParameters: facts.parameters ?? null,
    responseElements: facts.response ?? null,
    requestID: call.requestId,
    eventID: eventId,
    readOnly,
    ...(resources.length === 0
      ? {}
      : {
          resources: resources.map(({ arn, type }) => ({
            accountId: arn.split(':')[4] || (call.recipient ?? call.account),
            type,
            ARN: arn,
          })),
        }),
    eventType: facts.serviceEvent === true ? 'AwsServiceEvent' : 'AwsApiCall',
    managementEvent: true,
    recipientAccountId: viewer,
    ...(call.recipient === undefined ? {} : { sharedEventID: eventIdOf(call.requestId, 'shared') }),
    eventCategory: 'Management',
  };
  return {
    eventId,
    readOnly,
    ...(isOwn && facts.userName !== undefined ? { userName: facts.userName } : {}),
    ...(isOwn && facts.accessKeyId !== undefined ? { accessKeyId: facts.accessKeyId } : {}),
    eventSource: eventSourceOf(call.service),
    resources,
    record,
  };
}

/** CloudTrail calls every denial alike, but for the services whose code is another. */
function errorCodeOf(code: string): string {
  return code === 'AccessDeniedException' ? 'AccessDenied' : code;
}

/** The service that made the call, with the caller's credentials, with a role's, or as itself. */
function invokerOf({ viaService, madeBy, caller, sourceIp }: TrailFacts): string | undefined {
  if (viaService !== undefined) return viaService.replace(/^([a-z0-9-]+)\..*$/, '$1.amazonaws.com');
  if (caller?.type === 'Service') return caller.service;
  return sourceIp === undefined ? madeBy : undefined;
}

function identityOf({ caller, accessKeyId }: TrailFacts, invokedBy: string | undefined): JsonObject {
  const invoked: JsonObject = invokedBy === undefined ? {} : { invokedBy };
  const key: JsonObject = accessKeyId === undefined ? {} : { accessKeyId };
  if (caller === undefined) return { type: 'Unknown' };
  switch (caller.type) {
    case 'Service':
      return { type: 'AWSService', invokedBy: caller.service };
    case 'Anonymous':
      return { type: 'AWSAccount', principalId: '', accountId: 'ANONYMOUS_PRINCIPAL' };
    case 'Root':
    case 'User':
      return {
        type: caller.type === 'Root' ? 'Root' : 'IAMUser',
        principalId: caller.type === 'Root' ? caller.account : caller.userId,
        arn: caller.arn,
        accountId: caller.account,
        ...key,
        ...(caller.type === 'User' ? { userName: caller.userName } : {}),
        ...(caller.temporary === undefined
          ? {}
          : { sessionContext: { attributes: sessionAttributes(caller.temporary.issuedAt) } }),
        ...invoked,
      };
    case 'FederatedUser':
      return {
        type: 'FederatedUser',
        principalId: `${caller.account}:${caller.name}`,
        arn: caller.arn,
        accountId: caller.account,
        ...key,
        sessionContext: {
          sessionIssuer: {
            type: caller.userId === undefined ? 'Root' : 'IAMUser',
            principalId: caller.userId ?? caller.account,
            arn: caller.userArn,
            accountId: caller.account,
            ...(caller.userId === undefined ? {} : { userName: caller.userArn.split('/').pop() ?? '' }),
          },
          attributes: sessionAttributes(caller.issuedAt),
        },
        ...invoked,
      };
    default:
      return {
        type: 'AssumedRole',
        principalId: `${caller.roleId}:${caller.sessionName}`,
        arn: caller.arn,
        accountId: caller.account,
        ...key,
        sessionContext: {
          sessionIssuer: {
            type: 'Role',
            principalId: caller.roleId,
            arn: caller.roleArn,
            accountId: caller.account,
            userName: caller.roleName,
          },
          ...(caller.federatedProvider === undefined
            ? {}
            : { webIdFederationData: { federatedProvider: caller.federatedProvider } }),
          attributes: sessionAttributes(caller.issuedAt),
          ...(caller.sourceIdentity === undefined ? {} : { sourceIdentity: caller.sourceIdentity }),
        },
        ...invoked,
      };
  }
}

function sessionAttributes(issuedAt: number): JsonObject {
  return { creationDate: isoSeconds(issuedAt), mfaAuthenticated: 'false' };
}

/** Who of another account called is told by its unique id alone. */
function foreignIdentity({ caller }: TrailFacts, accountId: string): JsonObject {
  switch (caller?.type) {
    case 'Service':
      return { type: 'AWSService', invokedBy: caller.service };
    case 'AssumedRole':
      return { type: 'AWSAccount', principalId: `${caller.roleId}:${caller.sessionName}`, accountId };
    case 'User':
      return { type: 'AWSAccount', principalId: caller.userId, accountId };
    default:
      return { type: 'AWSAccount', principalId: accountId, accountId };
  }
}
