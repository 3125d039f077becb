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
import { Agent, request } from 'undici';
import { AwsError, MINUTE_MS, parseArn, type Principal, SECOND_MS, type Session } from '../../common/index.ts';
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
}>;

const HEADERS_TIMEOUT_MS = 60 * SECOND_MS;
const TRIES = 3;
const RETRIED = new Set([429, 500, 502, 503, 504]);

export class Remotes {
  readonly #settings: readonly RemoteSetting[];
  readonly #models: Models;
  readonly #wallNow: () => number;
  readonly #agent = new Agent({ headersTimeout: HEADERS_TIMEOUT_MS, bodyTimeout: 5 * MINUTE_MS });
  /** Of sessions that were made there. */
  readonly #credentials = new WeakMap<Principal, SigningCredentials>();

  constructor(settings: readonly RemoteSetting[], models: Models, wallNow: () => number) {
    this.#settings = settings;
    this.#models = models;
    this.#wallNow = wallNow;
  }

  /** Where the call belongs, if not here. */
  of({ service, input, scope }: Pick<RemoteCall, 'service' | 'input' | 'scope'>): RemoteSetting | undefined {
    if (this.#settings.length === 0) return undefined;
    // A bucket is where it is, whoever asks for it from wherever.
    const bucket = service === 's3' ? input['Bucket'] : undefined;
    const holder = this.#settings.find(({ buckets }) => buckets.some((name) => name === bucket));
    return holder ?? this.#at(scope.account, scope.region);
  }

  ofRole(roleArn: string, region: string): RemoteSetting | undefined {
    const account = parseArn(roleArn)?.account;
    return account === undefined ? undefined : this.#at(account, region);
  }

  /** Is this a session that was made there? Its permissions are known there only. */
  isForeign(principal: Principal): boolean {
    return this.#credentials.has(principal);
  }

  async assumeRole(
    remote: RemoteSetting,
    options: Readonly<{
      roleArn: string;
      sessionName: string;
      region: string;
      policy?: string;
      durationSeconds?: number;
    }>,
  ): Promise<Session> {
    const { account } = remote;
    const { Credentials: made, AssumedRoleUser: user } = (await this.#send(remote, remote.credentials, {
      service: 'sts',
      operation: 'AssumeRole',
      input: {
        RoleArn: options.roleArn,
        RoleSessionName: options.sessionName,
        ...(options.policy === undefined ? {} : { Policy: options.policy }),
        ...(options.durationSeconds === undefined ? {} : { DurationSeconds: options.durationSeconds }),
      },
      scope: { account, region: options.region },
    })) as {
      Credentials?: { AccessKeyId: string; SecretAccessKey: string; SessionToken: string; Expiration: Date };
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
      issuedAt: this.#wallNow(),
      expiresAt: made.Expiration.getTime(),
    };
    const credentials = {
      accessKeyId: made.AccessKeyId,
      secretAccessKey: made.SecretAccessKey,
      sessionToken: made.SessionToken,
    };
    this.#credentials.set(principal, credentials);
    return { ...credentials, expiresAt: principal.expiresAt, principal };
  }

  call(remote: RemoteSetting, call: RemoteCall): Promise<Record<string, unknown>> {
    return this.#send(remote, this.#credentials.get(call.principal) ?? remote.credentials, call);
  }

  close(): Promise<void> {
    return this.#agent.close();
  }

  #at(account: string, region: string): RemoteSetting | undefined {
    return this.#settings.find(
      (remote) => remote.account === account && (remote.regions === undefined || remote.regions.includes(region)),
    );
  }

  async #send(
    remote: RemoteSetting,
    credentials: SigningCredentials,
    { service, operation, input, scope }: Omit<RemoteCall, 'principal'>,
  ): Promise<Record<string, unknown>> {
    const model = this.#models.service(service);
    if (model === undefined) throw new AwsError('UnknownOperationException', `There is no service ${service}.`);
    const encoded = encodeCall(model, operation, input);
    const isStream = encoded.body instanceof Readable;
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#once(
        remote,
        credentials,
        model,
        scope.region,
        encoded,
        streamsOutput(model, operation),
      );
      // A stream is read once; what cannot be repeated is not.
      if (RETRIED.has(answer.statusCode) && attempt < TRIES && !isStream) {
        await new Promise((resolve) => setTimeout(resolve, 100 * 2 ** attempt));
        continue;
      }
      return decodeAnswer(model, operation, answer);
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
