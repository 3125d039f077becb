/**
 * What a service is: handlers by operation name, control loops, and a start hook. A service imports no other service;
 * it reaches others only through `House.door`, as a principal, along the same path as an outside caller
 * (authorise, validate, execute, audit).
 */
import type { Readable } from 'node:stream';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessRequest, Clock, Ids, Json, Principal, RequestContext, Session } from '../common/index.ts';
import type { FitnessMode } from '../core/alarm-fitness/index.ts';
import type { JudgeSettings } from '../core/judge/index.ts';
import type { Engine, LoopDefinition } from '../engine/index.ts';
import type { Runtime } from '../runtimes/index.ts';
import type { Blobs, Membership, Store } from '../store/index.ts';
import type { Foresee } from './foreseen.ts';
import type { Work } from './work.ts';

/** Everything a service may use. One per process. */
export interface House {
  readonly store: Store;
  readonly blobs: Blobs;
  /** The processes that share the store. */
  readonly members: Membership;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly door: Door;
  readonly runtime: Runtime;
  readonly config: HouseConfig;
  readonly log: Log;
  readonly secrets: Sealer;
  /** What organizations lays on an account, for a decision that a handler makes (policy simulation). */
  readonly controlsOf?: (account: string) => Promise<AccountControls | undefined>;
}

/**
 * Seals what must not lie in the store in clear: AES-256-GCM under a key that the master secret wraps (docs/adr/0008). What
 * is sealed opens in every process of the house, after a restart and after a change of the master secret, nowhere else.
 */
export interface Sealer {
  /** `context` says what it is and whose (`iam access key AKIA...`): bound to the content, needed to open it, not secret. */
  seal(content: Uint8Array, context: string): Buffer;
  /** Undefined for what was changed, was sealed with another context or by another house, or is nothing sealed. */
  open(sealed: Uint8Array, context: string): Buffer | undefined;
}

export type HouseConfig = Readonly<{
  /** The first account; its root key is `test`/`test` on loopback. */
  defaultAccount: string;
  defaultRegion: string;
  /** `http://127.0.0.1:4566`: where child processes reach the front door. Read it when needed: the port is known only once listening. */
  endpoint: () => string;
  /** Folder for working files of this process (build folders, unpacked code); absolute. */
  stateDir: string;
  /** Folder for what every process on this database must find (repositories); absolute, and often the same. */
  sharedDir: string;
  /** Folder of read-only files that ship with Sluice (bootstraps, models); absolute. */
  assetsDir: string;
  /** `PATH` of the machine, for child processes (builds, git). */
  searchPath: string;
  /** How many builds run side by side; absent: twice the processor's cores. */
  concurrentBuilds?: number;
  /** Who judges deployments of groups whose tag `sluice:judge` says nothing of it; absent: nobody. */
  judge?: JudgeSettings;
  /** Of groups whose tag `sluice:alarm-fitness` says nothing of it; absent: `warn`. */
  alarmFitness?: FitnessMode;
  /** The machine's time, for what runs in it whatever the clock mode: deadlines of processes (docs/adr/0005). */
  wallNow: () => number;
  /**
   * Calls back after so many milliseconds of the machine, without keeping the process alive for it; returns a cancel
   * function. For what gathers for a moment or waits for the machine, never for what waits for the clock.
   */
  wallTimer: (callback: () => void, delayMs: number) => () => void;
}>;

export interface Log {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

export type Scope = Readonly<{ account: string; region: string }>;

/** The in-process client. */
export interface Door {
  /** A client that acts as `principal` in `scope`. `viaService` fills `aws:ViaAWSService`, `aws:CalledVia`, `kms:ViaService`. */
  as(principal: Principal, scope: Scope, options?: Readonly<{ viaService?: string; context?: RequestContext }>): Client;
  /** The service itself as principal; for a role's trust policy, resource policies, and the internal plumbing operations. */
  asService(service: string, scope: Scope, source?: Readonly<{ sourceArn?: string; sourceAccount?: string }>): Client;
  /**
   * `sts:AssumeRole` by a principal (usually a service), decided by the role's trust policy like any other call.
   * Throws `AwsError('AccessDenied')` when denied. Sessions last an hour of the clock unless said.
   */
  assumeRole(
    options: Readonly<{
      roleArn: string;
      sessionName: string;
      by: Principal;
      region: string;
      policy?: string;
      durationSeconds?: number;
    }>,
  ): Promise<Session>;
  /**
   * Puts a notification on the default event bus of `scope`, as the service: `source` is `aws.codepipeline` and so on.
   * At least once; never throws for a missing rule or target. Several of one source go together, in their order.
   */
  publish(scope: Scope, notification: Notification | readonly Notification[]): Promise<void>;
  /** The operations a service implements; for the coverage page and `doctor`. */
  implemented(): Readonly<Record<string, readonly string[]>>;
}

export type Notification = Readonly<{
  source: string;
  detailType: string;
  detail: Json;
  resources: readonly string[];
  /** Absent: the clock's now. */
  at?: number;
}>;

export interface Client {
  readonly principal: Principal;
  readonly scope: Scope;
  /** `service` is the model's name (`codedeploy`, `logs`, `events`, `cloudwatch`). Throws `AwsError` as a caller would see it. */
  call<Output>(
    service: string,
    operation: string,
    input: object,
    options?: Readonly<{ clientToken?: string }>,
  ): Promise<Output>;
}

/** One call, as its handler sees it. */
export interface Call extends Scope {
  readonly house: House;
  readonly principal: Principal;
  readonly requestId: string;
  /** The clock's now, read once. */
  readonly now: number;
  /**
   * Of a caller in this house: calls that carry the same are one call, made once. For an operation whose API has no client token
   * of its own (CreateDeployment); the others do not look at it. It does not reach another endpoint.
   */
  readonly clientToken?: string;
  /** Set for a call that came over HTTP. */
  readonly http?: Readonly<{
    sourceIp: string;
    userAgent: string;
    secure: boolean;
    host: string;
    headers: Readonly<Record<string, string>>;
    /** When it says that it was signed, and whether its URL carries the signature (absent: not signed). */
    signature?: Readonly<{ at: number; inUrl: boolean }>;
    /** `1.3`; absent: not over TLS. */
    tlsVersion?: string;
  }>;
  /** Set when another service makes the call on behalf of a principal. */
  readonly viaService?: string;
  /** The services before it on the way of the caller's credentials, the first first. */
  readonly calledVia?: readonly string[];
  /** Condition keys that a calling service gave with the call (`aws:SourceArn`: the EventBridge rule behind it). */
  readonly context?: RequestContext;
  /** An ARN in this call's account and Region. */
  arn(service: string, resource: string): string;
  /** A client that acts as the caller of this call, through `service` (forward access sessions: S3 calling KMS). */
  forward(viaService: string): Client;
}

export interface Operation<Input = any, Output = any> {
  /** It waits for something to happen (a long poll): a clock that moves by itself goes on meanwhile. */
  readonly waits?: true;
  /**
   * What the call needs to be allowed; runs on decoded but not yet validated input, so members may be missing.
   * Absent on an operation means: action `<iam prefix>:<OperationName>` on `*`.
   * An empty list means that any authenticated caller may call (`sts:GetCallerIdentity`).
   */
  authorize?(input: Input, call: Call): readonly AccessRequest[] | Promise<readonly AccessRequest[]>;
  /**
   * Timestamps arrive and leave as `Date` (or epoch ms number on output), blobs as `Uint8Array`, a streaming payload
   * as `Readable`. Input passed the model's constraints. Throws `AwsError`.
   */
  handle(input: Input, call: Call): Promise<Output>;
}

/** Types a handler: `export const getPipeline = operation<GetPipelineInput, GetPipelineOutput>({ authorize, handle })`. */
export function operation<Input, Output>(definition: Operation<Input, Output>): Operation<Input, Output> {
  return definition;
}

export interface ServiceDefinition {
  /** The model's name: `codepipeline`, `s3`, `logs`, `events`, `cloudwatch`, `secretsmanager`, ... */
  readonly name: string;
  /** The prefix of its IAM actions (`logs:`, `s3:`, `events:`). */
  readonly iamPrefix: string;
  /** By AWS's operation name: `operationsOf({ getPipeline, ... })`. */
  readonly operations: Readonly<Record<string, Operation>>;
  loops?(house: House): readonly LoopDefinition<any, any, any>[];
  /** Called once, after every service's loops are registered and before the door opens. */
  start?(house: House): Promise<void> | void;
  /** Called at shutdown, before the store closes. */
  stop?(house: House): Promise<void> | void;
  /**
   * What the house knows of the resource `arn` for a decision made outside a call (`sluice why`, policy simulation): whose
   * it is, its policies, the condition keys it brings (tags). `action` with prefix, as a policy writes it; `principal`
   * where it matters (the grants of a key). Undefined: not a resource of this service, or one that does not exist.
   */
  resourceAccess?(arn: string, action: string, house: House, principal?: Principal): Promise<ResourceFacts | undefined>;
  /** A piece of its work (a build, a deployment), by id or ARN, in whichever account and Region it was done. */
  findWork?(id: string, house: House): Promise<Work | undefined>;
  /** By AWS's operation name: the calls that follow from a call of it. See `foreseen.ts`. */
  readonly foresee?: Readonly<Record<string, Foresee>>;
  /** HTTP that is not the AWS wire (git smart HTTP). Returns true when it took the request. Does its own authentication with `authenticate`. */
  http?(request: IncomingMessage, response: ServerResponse, tools: HttpTools): Promise<boolean>;
}

export type ResourceFacts = Omit<AccessRequest, 'action' | 'resource'>;

export interface HttpTools {
  readonly house: House;
  /** The machine's time, which the signatures of clients carry whatever the clock mode. */
  wallNow(): number;
  /** The secret of an access key, and its principal, for protocols with their own signature scheme. */
  credentials(accessKeyId: string): Promise<Credentials | undefined>;
  /** The user whose service-specific credential this is (git over HTTPS); undefined when unknown, inactive or wrong. */
  serviceCredentials?(service: string, userName: string, password: string): Promise<Principal | undefined>;
  /** Authorises as the wire does; throws `AwsError` AccessDenied. */
  authorize(principal: Principal, scope: Scope, requests: readonly AccessRequest[]): Promise<void>;
  /** Writes the audit record of a call made by this way. */
  audit(
    principal: Principal,
    scope: Scope,
    service: string,
    operation: string,
    outcome: Readonly<{ errorCode?: string }>,
  ): void;
}

export type Credentials = Readonly<{
  accessKeyId: string;
  secretAccessKey: string;
  /** Required with the key when it is temporary. */
  sessionToken?: string;
  expiresAt?: number;
  principal: Principal;
}>;

/** Who a key is, and what its principal may do; the iam service provides it to `app`. */
export interface Identity {
  /** Undefined for an unknown or inactive key. `use` says what for (`GetAccessKeyLastUsed`). */
  credentials(
    accessKeyId: string,
    use?: Readonly<{ service: string; region: string }>,
  ): Promise<Credentials | undefined>;
  /**
   * The user whose service-specific credential this is: `service` is `codecommit.amazonaws.com`, `userName` the
   * generated `alice-at-111122223333`. Undefined when unknown, inactive or wrong.
   */
  serviceCredentials?(service: string, userName: string, password: string): Promise<Principal | undefined>;
  policiesOf(principal: Principal): Promise<PrincipalPolicies>;
}

/** What an organization lays on an account; the organizations service tells `app`. */
export type AccountControls = Readonly<{
  organizationId: string;
  organizationArn: string;
  /** As `aws:PrincipalOrgPaths` has it: `o-.../r-.../ou-.../`. */
  path: string;
  /** Closed: nobody of it can call. */
  suspended: boolean;
  /** A list per level (root, each unit, the account). Absent: none apply (the management account, a type not enabled). */
  serviceControl?: readonly (readonly ControlPolicy[])[];
  resourceControl?: readonly (readonly ControlPolicy[])[];
}>;

export type ControlPolicy = Readonly<{ name: string; document: string; arn: string }>;

/** JSON texts with the names by which a denial calls them. Absent `boundary` or `session`: none applies. */
export type PrincipalPolicies = Readonly<{
  identity: readonly Readonly<{ name: string; document: string }>[];
  boundary?: Readonly<{ name: string; document: string }>;
  session?: readonly Readonly<{ name: string; document: string }>[];
  /** Service control policies over the principal's account, a list per level (root, each unit, account). Absent: none apply. */
  serviceControl?: readonly (readonly Readonly<{ name: string; document: string }>[])[];
  /** Tags of the principal, for `aws:PrincipalTag/...`. */
  tags?: Readonly<Record<string, string>>;
}>;

/** `{ getPipeline }` to `{ GetPipeline }`: handlers are exported by their AWS names with a small first letter. */
export function operationsOf(handlers: Readonly<Record<string, Operation>>): Readonly<Record<string, Operation>> {
  return Object.fromEntries(
    Object.entries(handlers).map(([name, handler]) => [name.charAt(0).toUpperCase() + name.slice(1), handler]),
  );
}

export type StreamingBody = Readable;
