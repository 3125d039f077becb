/**
 * Accounts and buckets that are somewhere else: in another Sluice, or in AWS. A call that belongs there is signed and sent,
 * and its answer or its error is that of the other endpoint; the services here do not know the difference (DESIGN.md
 * idea 2). What the caller may do there is decided there; what its own policies here let it ask for is decided here.
 *
 *   sts:AssumeRole of a role there   signed with the setting's credentials; the session's own credentials are kept with it
 *   a call as such a session         signed with those
 *   a bucket that lies there         by a session from there with its own, by anybody else with the setting's credentials
 */
import { Readable } from 'node:stream';
import type { Agent } from 'undici';
import {
  AwsError,
  isAwsError,
  MINUTE_MS,
  parseArn,
  type Principal,
  SECOND_MS,
  type Session,
} from '../../common/index.ts';
import {
  type CallAnswer,
  decodeAnswer,
  encodeCall,
  type Metadata,
  type Models,
  type ServiceModel,
  signingNameOf,
  signRequest,
  type SigningCredentials,
  streamsOutput,
} from '../../protocol/index.ts';
import type { RemoteSetting } from './settings.ts';

export type RemoteCall = Readonly<{
  service: string;
  operation: string;
  input: Readonly<Record<string, unknown>>;
  principal: Principal;
  scope: Readonly<{ account: string; region: string }>;
  /** How often it has been sent on already. */
  hops?: number;
}>;

/** Says to the next Sluice how often a call has been sent on. */
export const HOPS_HEADER = 'x-sluice-hops';
/** To the account of a session, back to the bucket of the pipeline, and one more: beyond that, it goes in a circle. */
const MOST_HOPS = 3;

const CONNECT_TIMEOUT_MS = 10 * SECOND_MS;
const HEADERS_TIMEOUT_MS = 60 * SECOND_MS;
/** As the SDKs' standard mode. Source: AWS SDKs and Tools Reference Guide, "Retry behavior". */
const TRIES = 3;
const RETRIED_STATUS: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);
const RETRIED_CODE =
  /^(Throttl|RequestThrottl|TooManyRequests|RequestLimitExceeded|BandwidthLimitExceeded|ProvisionedThroughputExceeded|PriorRequestNotComplete|SlowDown|RequestTimeout|TransactionInProgress)/;
/** Of a session that is asked for without a duration. */
const SESSION_SECONDS = 3600;

export class Remotes {
  readonly #settings: readonly RemoteSetting[];
  readonly #models: Models;
  readonly #wallNow: () => number;
  /** Made at the first call: who has no remotes need not wait for the client to be loaded. */
  #agent: Agent | undefined;
  /** Of sessions that were made there: where, and their credentials. */
  readonly #made = new WeakMap<Principal, Readonly<{ remote: RemoteSetting; credentials: SigningCredentials }>>();

  constructor(settings: readonly RemoteSetting[], models: Models, wallNow: () => number) {
    this.#settings = settings;
    this.#models = models;
    this.#wallNow = wallNow;
  }

  /** Where the call belongs, if not here. */
  of({
    service,
    input,
    scope,
    principal,
  }: Pick<RemoteCall, 'service' | 'input' | 'scope'> & Readonly<{ principal?: Principal }>): RemoteSetting | undefined {
    if (this.#settings.length === 0) return undefined;
    // Whoever is known there only calls there only: with the setting's credentials for another endpoint, or here, it would
    // do what nobody has decided that it may. What it asks for may lie elsewhere again, by the settings of over there.
    const origin = principal && this.#made.get(principal)?.remote;
    if (origin !== undefined) return origin;
    // A bucket is where it is, whoever asks for it from wherever.
    const bucket = service === 's3' ? input['Bucket'] : undefined;
    const holder = this.#settings.find(({ buckets }) => buckets.some((name) => name === bucket));
    return holder ?? this.#at(scope.account, scope.region);
  }

  /** Roles know no Regions: those of an account that lies there in some Regions lie there. */
  ofRole(roleArn: string, region: string): RemoteSetting | undefined {
    const account = parseArn(roleArn)?.account;
    if (account === undefined) return undefined;
    return this.#at(account, region) ?? this.#settings.find((remote) => remote.account === account);
  }

  /** Is this a session that was made there? Its permissions are known there only. */
  isForeign(principal: Principal): boolean {
    return this.#made.has(principal);
  }

  async assumeRole(
    remote: RemoteSetting,
    options: Readonly<{
      by: Principal;
      roleArn: string;
      sessionName: string;
      region: string;
      /** By the clock here, which need not be that of the other endpoint. */
      now: number;
      policy?: string;
      durationSeconds?: number;
    }>,
  ): Promise<Session> {
    const { account } = remote;
    const { durationSeconds, now } = options;
    const { Credentials: made, AssumedRoleUser: user } = (await this.#send(
      remote,
      this.#credentialsOf(options.by, remote),
      {
        service: 'sts',
        operation: 'AssumeRole',
        input: {
          RoleArn: options.roleArn,
          RoleSessionName: options.sessionName,
          ...(options.policy === undefined ? {} : { Policy: options.policy }),
          ...(durationSeconds === undefined ? {} : { DurationSeconds: durationSeconds }),
        },
        scope: { account, region: options.region },
      },
    )) as {
      Credentials?: { AccessKeyId: string; SecretAccessKey: string; SessionToken: string };
      AssumedRoleUser?: { AssumedRoleId: string; Arn: string };
    };
    if (made === undefined)
      throw new AwsError('ServiceUnavailable', 'The other endpoint gave no credentials.', { statusCode: 503 });
    const principal: Principal = {
      type: 'AssumedRole',
      account,
      arn: user?.Arn ?? '',
      roleArn: options.roleArn,
      roleName: options.roleArn.slice(options.roleArn.lastIndexOf('/') + 1),
      roleId: user?.AssumedRoleId.split(':')[0] ?? '',
      sessionName: options.sessionName,
      issuedAt: now,
      expiresAt: now + (durationSeconds ?? SESSION_SECONDS) * SECOND_MS,
    };
    const credentials = {
      accessKeyId: made.AccessKeyId,
      secretAccessKey: made.SecretAccessKey,
      sessionToken: made.SessionToken,
    };
    this.#made.set(principal, { remote, credentials });
    return { ...credentials, expiresAt: principal.expiresAt, principal };
  }

  async call(remote: RemoteSetting, call: RemoteCall): Promise<Record<string, unknown>> {
    if ((call.hops ?? 0) >= MOST_HOPS)
      throw new AwsError(
        'InvalidRequest',
        `The remotes of several endpoints send ${call.service}:${call.operation} in a circle.`,
        { statusCode: 400 },
      );
    return this.#send(remote, this.#credentialsOf(call.principal, remote), call);
  }

  async close(): Promise<void> {
    await this.#agent?.close();
  }

  /** Never those of one endpoint's session for another endpoint. */
  #credentialsOf(principal: Principal, remote: RemoteSetting): SigningCredentials {
    const made = this.#made.get(principal);
    if (made === undefined) return remote.credentials;
    if (made.remote === remote) return made.credentials;
    throw new AwsError('AccessDeniedException', 'A session of one endpoint is not known at another one.', {
      statusCode: 403,
    });
  }

  #at(account: string, region: string): RemoteSetting | undefined {
    return this.#settings.find(
      (remote) => remote.account === account && (remote.regions === undefined || remote.regions.includes(region)),
    );
  }

  async #send(
    remote: RemoteSetting,
    credentials: SigningCredentials,
    { service, operation, input, scope, hops = 0 }: Omit<RemoteCall, 'principal'>,
  ): Promise<Record<string, unknown>> {
    const model = this.#models.service(service);
    if (model === undefined) throw new AwsError('UnknownOperationException', `There is no service ${service}.`);
    const written = encodeCall(model, operation, input);
    const encoded =
      remote.endpoint === undefined
        ? written
        : { ...written, headers: { ...written.headers, [HOPS_HEADER]: String(hops + 1) } };
    // A stream is read once; what cannot be repeated is not.
    const tries = encoded.body instanceof Readable ? 1 : TRIES;
    const streams = streamsOutput(model, operation);
    for (let attempt = 1; ; attempt++) {
      try {
        return decodeAnswer(
          model,
          operation,
          await this.#once(remote, credentials, model, scope.region, encoded, streams),
        );
      } catch (error) {
        if (attempt >= tries || !passes(error)) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100 * 2 ** attempt));
      }
    }
  }

  async #once(
    remote: RemoteSetting,
    credentials: SigningCredentials,
    model: ServiceModel,
    region: string,
    encoded: ReturnType<typeof encodeCall>,
    streams: boolean,
  ): Promise<CallAnswer> {
    const { method, url, body } = encoded;
    const target = placeOf(remote, model.metadata, region);
    const isStream = body instanceof Readable;
    const headers = signRequest(
      {
        method,
        url,
        headers: { ...encoded.headers, host: new URL(target.origin).host },
        ...(isStream ? {} : { body: body as string | Uint8Array }),
      },
      {
        credentials,
        service: signingNameOf(model.metadata),
        region: target.region,
        nowMs: this.#wallNow(),
        ...(isStream ? { payloadHash: 'UNSIGNED-PAYLOAD' } : {}),
      },
    );
    let response;
    try {
      const { Agent: HttpAgent, request } = await import('undici');
      this.#agent ??= new HttpAgent({
        connect: { timeout: CONNECT_TIMEOUT_MS },
        headersTimeout: HEADERS_TIMEOUT_MS,
        bodyTimeout: 5 * MINUTE_MS,
      });
      response = await request(`${target.origin}${url}`, {
        method: method as 'GET',
        headers,
        ...(method === 'GET' || method === 'HEAD' ? {} : { body: body as string | Uint8Array | Readable }),
        dispatcher: this.#agent,
      });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new AwsError(
        'ServiceUnavailable',
        `Nothing answers for account ${remote.account} at ${target.origin}: ${reason}`,
        { statusCode: 503, cause },
      );
    }
    const flat = Object.fromEntries(
      Object.entries(response.headers).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.join(',') : String(value ?? ''),
      ]),
    );
    const { statusCode } = response;
    if (streams && statusCode < 300) return { statusCode, headers: flat, body: response.body };
    return { statusCode, headers: flat, body: new Uint8Array(await response.body.arrayBuffer()) };
  }
}

/** Will it pass, if it is asked again? */
function passes(error: unknown): boolean {
  return isAwsError(error) && (RETRIED_STATUS.has(error.statusCode ?? 0) || RETRIED_CODE.test(error.code));
}

/** Services of AWS that have one endpoint, in one Region. */
const GLOBAL = new Set(['iam', 'organizations']);

function placeOf(
  remote: RemoteSetting,
  { endpointPrefix }: Metadata,
  region: string,
): { origin: string; region: string } {
  const signed = GLOBAL.has(endpointPrefix) ? 'us-east-1' : region;
  if (remote.endpoint !== undefined) return { origin: remote.endpoint, region: signed };
  const host = GLOBAL.has(endpointPrefix)
    ? `${endpointPrefix}.amazonaws.com`
    : `${endpointPrefix}.${region}.amazonaws.com`;
  return { origin: `https://${host}`, region: signed };
}
