/**
 * One request being understood, step by step:
 *
 *   openExchange ─▶ authenticate ─▶ decode ─▶ validate ─▶ (handler) ─▶ encode
 *                        └─────────────┴─────────┴──────────┴─▶ encodeError
 *
 * A request that nobody understands has an exchange too, without an operation, so that its caller is told in the
 * protocol that it seems to speak.
 */
import { gunzipSync } from 'node:zlib';
import { Readable } from 'node:stream';
import { AwsError } from '../common/index.ts';
import { authError } from './auth-errors.ts';
import { type Claim, type KnownKey, readClaim, type SigningSeed, statedPayloadHash, verify } from './authenticate.ts';
import { type BodyChecks, checkedStream, hasNoBody, isChunked, readChecked, readWhole } from './body.ts';
import { familyOf, spellError } from './errors.ts';
import { parseForm } from './form.ts';
import { type Models, type ProtocolName, shapeOf } from './model.ts';
import { PROTOCOLS } from './protocols.ts';
import { hasStreamingPayload } from './rest.ts';
import { findRoute, parseTarget } from './route.ts';
import { sha256Hex } from './signature.ts';
import { validateInput } from './validate.ts';
import type { Route, Target, WireRequest, WireResponse } from './wire.ts';

export interface Exchange {
  /** The model's name. */
  readonly service: string | undefined;
  readonly operation: string | undefined;
  /** The credential scope's; `us-east-1` for a request without one. */
  readonly region: string;
  /** Undefined: anonymous. */
  readonly accessKeyId: string | undefined;
  /**
   * Verifies the signature, the key's session token, the time (15 minutes, against `wallMs`) and the end of the session
   * (against `clockMs`). Anonymous requests pass where the service takes them: S3, and operations without
   * authentication. Throws `AwsError` in the service's words.
   */
  authenticate(
    lookup: (accessKeyId: string) => Promise<KnownKey | undefined>,
    now: Readonly<{ wallMs: number; clockMs: number }>,
  ): Promise<void>;
  /**
   * Timestamps as `Date`, blobs as `Uint8Array`, a streaming payload as a `Readable` that fails at its end when what
   * was promised of it does not hold. A checksum that comes in the trailer becomes a member (`ChecksumCRC32`) of the
   * returned object just before that stream ends. Throws SerializationException and its kin.
   */
  decode(): Promise<Record<string, unknown>>;
  /** Throws the service's validation error. */
  validate(input: Record<string, unknown>): void;
  encode(output: Record<string, unknown>): WireResponse;
  encodeError(error: AwsError): WireResponse;
}

export type ExchangeOptions = Readonly<{ requestId: string; maxBodyBytes?: number }>;

/** The largest body that is read whole. Lambda's is what its CreateFunction names in its own refusal. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;
const MAX_BODY_BYTES_OF: Readonly<Record<string, number>> = { lambda: 70_167_211 };
const MAX_FORM_BYTES = 8 * 1024 * 1024;

export async function openExchange(models: Models, request: WireRequest, options: ExchangeOptions): Promise<Exchange> {
  const target = parseTarget(request.url, request.headers.host ?? '');
  const claim = readClaim(request, target);
  let bytes: Uint8Array | undefined;
  let form: [string, string][] | undefined;
  let failure: AwsError | undefined;
  if (request.headers['x-amz-target'] === undefined) {
    if (isForm(request)) {
      try {
        bytes = await readWhole(request.body, options.maxBodyBytes ?? MAX_FORM_BYTES);
        form = parseForm(new TextDecoder().decode(bytes));
        for (const [name, value] of target.query) if (!name.startsWith('X-Amz-')) form.push([name, value]);
      } catch (error) {
        failure = error as AwsError;
      }
    } else if (target.search.includes('Action=')) form = [...target.query] as [string, string][];
  }
  const signingName = claim.type === 'Signed' ? claim.authorization.scope.service : undefined;
  const route = findRoute(models, { method: request.method, headers: request.headers, target, signingName, form });
  return new TheExchange({ request, target, claim, route, bytes, failure, options });
}

function isForm(request: WireRequest): boolean {
  return (
    request.method === 'POST' &&
    request.headers['content-type']?.toLowerCase().startsWith('application/x-www-form-urlencoded') === true
  );
}

type Opened = Readonly<{
  request: WireRequest;
  target: Target;
  claim: Claim;
  route: Route | undefined;
  bytes: Uint8Array | undefined;
  failure: AwsError | undefined;
  options: ExchangeOptions;
}>;

class TheExchange implements Exchange {
  readonly #opened: Opened;
  readonly #protocol: ProtocolName;
  readonly #streams: boolean;
  /** The body as it came, once read whole. */
  #bytes: Uint8Array | undefined;
  #seed: SigningSeed | undefined;

  constructor(opened: Opened) {
    this.#opened = opened;
    this.#protocol = opened.route?.protocol ?? guessProtocol(opened);
    this.#bytes = opened.bytes;
    const { route } = opened;
    this.#streams = route !== undefined && hasStreamingPayload(route.model, route.operation?.input);
  }

  get service(): string | undefined {
    return this.#opened.route?.model.name;
  }

  get operation(): string | undefined {
    const { route } = this.#opened;
    return route?.operation === undefined ? undefined : route.operationName;
  }

  get region(): string {
    const { claim } = this.#opened;
    return claim.type === 'Signed' ? claim.authorization.scope.region : 'us-east-1';
  }

  get accessKeyId(): string | undefined {
    const { claim } = this.#opened;
    return claim.type === 'Signed' ? claim.authorization.scope.accessKeyId : undefined;
  }

  async authenticate(
    lookup: (accessKeyId: string) => Promise<KnownKey | undefined>,
    now: Readonly<{ wallMs: number; clockMs: number }>,
  ): Promise<void> {
    const { request, target, claim, route, failure } = this.#opened;
    if (failure !== undefined) throw failure;
    const family = familyOf(this.#protocol);
    if (claim.type === 'Malformed') {
      throw authError(family, claim.place === 'query' ? 'Malformed' : 'Incomplete', claim.message);
    }
    if (claim.type === 'Anonymous') {
      if (this.#takesAnonymous()) return;
      throw authError(family, 'MissingToken');
    }
    const { authorization } = claim;
    const key = await lookup(authorization.scope.accessKeyId);
    if (key === undefined)
      throw authError(family, 'UnknownKey', '', { AWSAccessKeyId: authorization.scope.accessKeyId });
    const isS3 = route?.protocol === 'rest-xml';
    const stated = statedPayloadHash(request, authorization, {
      isS3,
      streams: this.#streams || route?.operation?.unsignedPayload === true,
    });
    const payloadHash = stated ?? sha256Hex(await this.#whole());
    this.#seed = verify({ request, target, authorization, family, key, payloadHash, now });
  }

  #takesAnonymous(): boolean {
    const { route } = this.#opened;
    if (route === undefined || route.protocol === 'rest-xml') return true;
    return route.operation?.authtype === 'none' || route.operation?.auth?.includes('smithy.api#noAuth') === true;
  }

  async #whole(): Promise<Uint8Array> {
    if (this.#bytes !== undefined) return this.#bytes;
    const { request, options } = this.#opened;
    if (hasNoBody(request)) return (this.#bytes = new Uint8Array());
    const limit = options.maxBodyBytes ?? MAX_BODY_BYTES_OF[this.service ?? ''] ?? MAX_BODY_BYTES;
    return (this.#bytes = await readWhole(request.body, limit));
  }

  async decode(): Promise<Record<string, unknown>> {
    const { request, target, route, failure } = this.#opened;
    if (failure !== undefined) throw failure;
    if (route?.operation === undefined) throw unknownOperation(route);
    if (route.protocol === 'rest-xml' && isBrokenEscape(target.path)) {
      throw new AwsError('InvalidURI', "Couldn't parse the specified URI.", {
        statusCode: 400,
        fields: { URI: target.path },
      });
    }
    let input: Record<string, unknown> | undefined;
    const body = await this.#body(route, (member, value) => {
      if (input !== undefined) input[member] = value;
    });
    input = PROTOCOLS[route.protocol].decode(route, { request, target, body });
    if (isChunked(request)) mendFraming(request, input);
    return input;
  }

  /** Checked where the request promises something of it; unpacked where the operation takes packed bodies. */
  async #body(route: Route, setMember: (name: string, value: string) => void): Promise<Uint8Array | Readable> {
    const { request, options } = this.#opened;
    const isS3 = route.protocol === 'rest-xml';
    const members = route.operation?.input === undefined ? {} : shapeOf(route.model, route.operation.input).members;
    const checks: BodyChecks = {
      contentSha256: isS3 || this.#streams ? request.headers['x-amz-content-sha256'] : undefined,
      seed: this.#seed,
      verifiesChecksums: isS3 && (this.#streams || route.operation?.httpChecksum?.requestAlgorithmMember !== undefined),
      onTrailer: (checksums) => {
        for (const [name, value] of checksums) {
          if (members !== undefined && Object.hasOwn(members, `Checksum${name}`)) setMember(`Checksum${name}`, value);
        }
      },
    };
    if (this.#bytes === undefined && hasNoBody(request)) return this.#streams ? Readable.from([]) : new Uint8Array();
    const source = this.#bytes === undefined ? request : { ...request, body: Readable.from([this.#bytes]) };
    if (this.#streams) return checkedStream(source, checks);
    if (checks.verifiesChecksums || checks.contentSha256 !== undefined || isChunked(request)) {
      return readChecked(source, checks, options.maxBodyBytes ?? MAX_BODY_BYTES);
    }
    return unpack(route, request, await this.#whole(), options);
  }

  validate(input: Record<string, unknown>): void {
    const { route } = this.#opened;
    if (route !== undefined) validateInput(route.model, route.operationName, input);
  }

  encode(output: Record<string, unknown>): WireResponse {
    const { route, options } = this.#opened;
    if (route === undefined) throw unknownOperation(route);
    return PROTOCOLS[route.protocol].encode(route, output, options.requestId);
  }

  encodeError(error: AwsError): WireResponse {
    const { request, route, options } = this.#opened;
    const spelled = spellError(error, route?.model, this.#protocol);
    return PROTOCOLS[this.#protocol].encodeError({
      ...spelled,
      message: error.message,
      fields: Object.keys(error.headers).length === 0 ? error.fields : { ...error.fields, $headers: error.headers },
      model: route?.model,
      requestId: options.requestId,
      method: request.method,
      contentType: route?.contentType,
    });
  }
}

function unknownOperation(route: Route | undefined): AwsError {
  const name = route === undefined || route.operationName === '' ? 'this request' : route.operationName;
  return new AwsError('UnknownOperationException', `No operation is known for ${name}.`);
}

/** `content-encoding: gzip`, for the operations that allow it (PutMetricData). */
function unpack(route: Route, request: WireRequest, bytes: Uint8Array, options: ExchangeOptions): Uint8Array {
  if (route.operation?.requestcompression === undefined || request.headers['content-encoding'] !== 'gzip') return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: options.maxBodyBytes ?? MAX_BODY_BYTES });
  } catch (cause) {
    throw new AwsError('SerializationException', 'The request body is not valid gzip.', { cause });
  }
}

function isBrokenEscape(path: string): boolean {
  if (!path.includes('%')) return false;
  try {
    decodeURIComponent(path);
    return false;
  } catch {
    return true;
  }
}

/** The members that would speak of the `aws-chunked` framing speak of what is inside it. */
function mendFraming(request: WireRequest, input: Record<string, unknown>): void {
  const length = request.headers['x-amz-decoded-content-length'];
  if (length !== undefined && 'ContentLength' in input) input.ContentLength = Number(length);
  if (typeof input.ContentEncoding !== 'string') return;
  const rest = input.ContentEncoding.split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== 'aws-chunked' && coding !== '');
  if (rest.length === 0) delete input.ContentEncoding;
  else input.ContentEncoding = rest.join(', ');
}

/** How to answer a request that was not understood. */
function guessProtocol({ request, claim }: Omit<Opened, 'options'>): ProtocolName {
  const type = request.headers['content-type'] ?? '';
  if (request.headers['smithy-protocol'] !== undefined) return 'smithy-rpc-v2-cbor';
  if (request.headers['x-amz-target'] !== undefined || type.startsWith('application/x-amz-json')) return 'json';
  if (type.startsWith('application/x-www-form-urlencoded')) return 'query';
  return claim.type === 'Signed' ? 'rest-json' : 'rest-xml';
}
