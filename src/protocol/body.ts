/**
 * A request's body: read whole under a limit, or as a stream that fails at its end when its signature, checksum or
 * length does not hold. Undoes S3's `aws-chunked` framing.
 *
 *   raw bytes ─▶ aws-chunked (chunk signatures, trailer) ─▶ digests ─▶ reader
 *
 * A reader of the stream must not act on what it read before the stream has ended well: signatures and checksums are
 * known only then. Source: S3 API Reference, "Signature Calculations for the Authorization Header: Transferring
 * Payload in Multiple Chunks", and "... Including Trailing Headers".
 */
import { createHash, type Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { AwsError } from '../common/index.ts';
import type { SigningSeed } from './authenticate.ts';
import { type Checksum, checksumOfHeader, type ChecksumName, createChecksum } from './checksum.ts';
import { EMPTY_SHA256, hmac, scopeText, sha256Hex } from './signature.ts';
import type { WireRequest } from './wire.ts';

/** Reads to the end. Throws RequestEntityTooLarge past `limit`, IncompleteBody when the client goes away. */
export function readWhole(body: Readable, limit: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    const stop = (): void => {
      body.off('data', onData);
      body.off('end', onEnd);
      body.off('error', onError);
      body.off('close', onClose);
      // What still arrives after a refusal must not end the process.
      body.on('error', ignore);
    };
    const onData = (chunk: Uint8Array | string): void => {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      length += bytes.byteLength;
      if (length > limit) {
        stop();
        body.pause();
        reject(tooLarge(limit));
      } else chunks.push(bytes);
    };
    const onEnd = (): void => {
      stop();
      resolve(chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks));
    };
    const onError = (cause: Error): void => {
      stop();
      reject(incomplete(cause));
    };
    const onClose = (): void => onError(new Error('the connection closed'));
    if (body.readableEnded || body.destroyed) {
      if (body.readableEnded) resolve(new Uint8Array());
      else reject(incomplete(new Error('the body is gone')));
      return;
    }
    body.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
  });
}

function ignore(): void {}

function tooLarge(limit: number): AwsError {
  return new AwsError('RequestEntityTooLarge', `The request must not be larger than ${limit} bytes.`);
}

function incomplete(cause: unknown): AwsError {
  return new AwsError(
    'IncompleteBody',
    'You did not provide the number of bytes specified by the Content-Length HTTP header',
    { statusCode: 400, cause },
  );
}

/** True when there is certainly nothing to read, so that no turn of the event loop is spent on it. */
export function hasNoBody(request: WireRequest): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  return (
    encoding === undefined &&
    (length === undefined || length === '0') &&
    /^(GET|HEAD|DELETE|OPTIONS)$/.test(request.method)
  );
}

export type BodyChecks = Readonly<{
  /** `x-amz-content-sha256`, when the body is to be held against it. */
  contentSha256: string | undefined;
  /** Absent for an unauthenticated reader: chunk signatures are then not checked. */
  seed: SigningSeed | undefined;
  /** Whether `x-amz-checksum-*` and `content-md5` describe this body (not so for CompleteMultipartUpload). */
  verifiesChecksums: boolean;
  /** Called with the trailer's checksums before the stream ends. */
  onTrailer?: (checksums: ReadonlyMap<ChecksumName, string>) => void;
}>;

export function isChunked(request: WireRequest): boolean {
  return request.headers['x-amz-content-sha256']?.startsWith('STREAMING-') === true;
}

/** The decoded body, checked as it is read. */
export function checkedStream(request: WireRequest, checks: BodyChecks): Readable {
  return Readable.from(checkedBody(request, checks), { objectMode: false });
}

export async function readChecked(request: WireRequest, checks: BodyChecks, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of checkedBody(request, checks)) {
    length += chunk.byteLength;
    if (length > limit) throw tooLarge(limit);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

type Digest = Readonly<{ update(chunk: Uint8Array): void; verify(): void }>;

async function* checkedBody(request: WireRequest, checks: BodyChecks): AsyncGenerator<Uint8Array> {
  const { headers } = request;
  const digests: Digest[] = [];
  const trailerChecksums = new Map<ChecksumName, Checksum>();
  let source = rawBody(request.body);
  const chunked = isChunked(request);
  refuseUnknownHash(checks.contentSha256);
  if (chunked) {
    for (const name of (headers['x-amz-trailer'] ?? '').split(',')) {
      const algorithm = checksumOfHeader(name.trim());
      if (algorithm !== undefined) trailerChecksums.set(algorithm, createChecksum(algorithm));
    }
    source = unchunk(source, request, checks.seed, (trailer) => {
      const found = new Map<ChecksumName, string>();
      for (const [algorithm, checksum] of trailerChecksums) {
        const given = trailer.get(`x-amz-checksum-${algorithm.toLowerCase()}`);
        if (given === undefined) throw malformedTrailer();
        if (given !== checksum.digest()) throw badDigest(algorithm);
        found.set(algorithm, given);
      }
      checks.onTrailer?.(found);
    });
  } else if (checks.contentSha256 !== undefined && checks.contentSha256.length === 64) {
    digests.push(sha256Digest(checks.contentSha256));
  }
  if (checks.verifiesChecksums) digests.push(...statedDigests(headers));
  let length = 0;
  for await (const chunk of source) {
    length += chunk.byteLength;
    for (const digest of digests) digest.update(chunk);
    for (const checksum of trailerChecksums.values()) checksum.update(chunk);
    if (chunk.byteLength > 0) yield chunk;
  }
  const stated = chunked ? headers['x-amz-decoded-content-length'] : headers['content-length'];
  if (stated !== undefined && Number(stated) !== length) throw incomplete(new Error(`${length} bytes of ${stated}`));
  for (const digest of digests) digest.verify();
}

async function* rawBody(body: Readable): AsyncGenerator<Uint8Array> {
  try {
    // A reader that stops early must not cut the connection, over which the error is still to be told.
    for await (const chunk of body.iterator({ destroyOnReturn: false }))
      yield typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Uint8Array);
  } catch (cause) {
    throw incomplete(cause);
  }
}

const KNOWN_HASH =
  /^([0-9a-f]{64}|UNSIGNED-PAYLOAD|STREAMING-AWS4-HMAC-SHA256-PAYLOAD(-TRAILER)?|STREAMING-UNSIGNED-PAYLOAD-TRAILER)$/;

function refuseUnknownHash(stated: string | undefined): void {
  if (stated === undefined || KNOWN_HASH.test(stated)) return;
  throw new AwsError(
    'InvalidArgument',
    'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.',
    { statusCode: 400, fields: { ArgumentName: 'x-amz-content-sha256', ArgumentValue: stated } },
  );
}

function sha256Digest(expected: string): Digest {
  const hash = createHash('sha256');
  return {
    update: (chunk) => void hash.update(chunk),
    verify: () => {
      const computed = hash.digest('hex');
      if (computed === expected) return;
      throw new AwsError(
        'XAmzContentSHA256Mismatch',
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
        { statusCode: 400, fields: { ClientComputedContentSHA256: expected, S3ComputedContentSHA256: computed } },
      );
    },
  };
}

/** The digests that plain headers state: `x-amz-checksum-*` and `content-md5`. */
function statedDigests(headers: Readonly<Record<string, string>>): Digest[] {
  const out: Digest[] = [];
  for (const [name, expected] of Object.entries(headers)) {
    const algorithm = checksumOfHeader(name);
    if (algorithm === undefined) continue;
    if (Buffer.from(expected, 'base64').byteLength !== BYTES[algorithm]) {
      throw new AwsError('InvalidRequest', `Value for ${name} header is invalid.`, { statusCode: 400 });
    }
    const checksum = createChecksum(algorithm);
    out.push({
      update: (chunk) => checksum.update(chunk),
      verify: () => {
        if (checksum.digest() !== expected) throw badDigest(algorithm);
      },
    });
  }
  const md5 = headers['content-md5'];
  if (md5 !== undefined) out.push(md5Digest(md5));
  return out;
}

const BYTES: Readonly<Record<ChecksumName, number>> = { CRC32: 4, CRC32C: 4, CRC64NVME: 8, SHA1: 20, SHA256: 32 };

function md5Digest(expected: string): Digest {
  if (Buffer.from(expected, 'base64').byteLength !== 16) {
    throw new AwsError('InvalidDigest', 'The Content-MD5 you specified was invalid.', {
      statusCode: 400,
      fields: { 'Content-MD5': expected },
    });
  }
  const hash: Hash = createHash('md5');
  return {
    update: (chunk) => void hash.update(chunk),
    verify: () => {
      const computed = hash.digest('base64');
      if (computed === expected) return;
      throw new AwsError('BadDigest', 'The Content-MD5 you specified did not match what we received.', {
        statusCode: 400,
        fields: { ExpectedDigest: expected, CalculatedDigest: computed },
      });
    },
  };
}

function badDigest(algorithm: ChecksumName): AwsError {
  return new AwsError('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`, {
    statusCode: 400,
  });
}

function malformedTrailer(): AwsError {
  return new AwsError(
    'MalformedTrailerError',
    'The request contained trailing data that was not well-formed or did not conform to our published schema.',
    { statusCode: 400 },
  );
}

function malformedChunk(): AwsError {
  return new AwsError('InvalidRequest', 'The body is not framed as aws-chunked.', { statusCode: 400 });
}

const MAX_CHUNK_HEADER_BYTES = 1_024;
const MAX_TRAILER_BYTES = 8_192;

/** `size;chunk-signature=...\r\n data \r\n` over and over, a last chunk of size 0, then trailer lines. */
async function* unchunk(
  source: AsyncIterable<Uint8Array>,
  request: WireRequest,
  seed: SigningSeed | undefined,
  onTrailer: (trailer: ReadonlyMap<string, string>) => void,
): AsyncGenerator<Uint8Array> {
  const mode = request.headers['x-amz-content-sha256'] ?? '';
  const chain = mode.startsWith('STREAMING-AWS4-HMAC-SHA256-') && seed !== undefined ? new ChunkChain(seed) : undefined;
  const input = new ByteInput(source);
  for (;;) {
    const line = await input.line(MAX_CHUNK_HEADER_BYTES);
    const match = /^([0-9a-fA-F]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?\s*$/.exec(line);
    if (match === null) throw malformedChunk();
    const size = Number.parseInt(match[1] ?? '', 16);
    if (size === 0) {
      chain?.endChunk(match[2]);
      break;
    }
    for (let left = size; left > 0;) {
      const piece = await input.some(left);
      left -= piece.byteLength;
      chain?.update(piece);
      yield piece;
    }
    chain?.endChunk(match[2]);
    if ((await input.line(2)) !== '') throw malformedChunk();
  }
  const trailer = new Map<string, string>();
  let signed = '';
  let size = 0;
  for (;;) {
    const line = await input.lineOrEnd(MAX_TRAILER_BYTES);
    if (line === undefined) break;
    if (line === '') continue;
    size += line.length;
    const colon = line.indexOf(':');
    if (colon <= 0 || size > MAX_TRAILER_BYTES) throw malformedTrailer();
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    trailer.set(name, value);
    if (name !== 'x-amz-trailer-signature') signed += `${name}:${value}\n`;
  }
  if (chain !== undefined && mode.endsWith('-TRAILER'))
    chain.endTrailer(signed, trailer.get('x-amz-trailer-signature'));
  onTrailer(trailer);
}

/** Each chunk's signature covers the one before it. */
class ChunkChain {
  readonly #seed: SigningSeed;
  #previous: string;
  #hash = createHash('sha256');

  constructor(seed: SigningSeed) {
    this.#seed = seed;
    this.#previous = seed.signature;
  }

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
  }

  endChunk(signature: string | undefined): void {
    this.#check('PAYLOAD', `${EMPTY_SHA256}\n${this.#hash.digest('hex')}`, signature);
    this.#hash = createHash('sha256');
  }

  endTrailer(lines: string, signature: string | undefined): void {
    this.#check('TRAILER', sha256Hex(lines), signature);
  }

  #check(kind: 'PAYLOAD' | 'TRAILER', rest: string, signature: string | undefined): void {
    const { key, amzDate, scope } = this.#seed;
    const text = `AWS4-HMAC-SHA256-${kind}\n${amzDate}\n${scopeText(scope)}\n${this.#previous}\n${rest}`;
    const expected = hmac(key, text).toString('hex');
    if (expected !== signature) {
      throw new AwsError(
        'SignatureDoesNotMatch',
        'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
        { statusCode: 403 },
      );
    }
    this.#previous = expected;
  }
}

/** Bytes by line and by count, over chunks that end anywhere. */
class ByteInput {
  readonly #source: AsyncIterator<Uint8Array>;
  #buffer: Buffer = Buffer.alloc(0);
  #ended = false;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async #more(): Promise<boolean> {
    if (this.#ended) return false;
    const next = await this.#source.next();
    if (next.done === true) {
      this.#ended = true;
      return false;
    }
    const bytes = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    this.#buffer = this.#buffer.byteLength === 0 ? bytes : Buffer.concat([this.#buffer, bytes]);
    return true;
  }

  /** Up to `\r\n`, which is taken too. */
  async line(limit: number): Promise<string> {
    const line = await this.lineOrEnd(limit);
    if (line === undefined) throw incomplete(new Error('the body ends in mid-chunk'));
    return line;
  }

  /** Undefined at the end of the body; a last line may lack its line end. */
  async lineOrEnd(limit: number): Promise<string | undefined> {
    for (;;) {
      const at = this.#buffer.indexOf('\n');
      if (at >= 0) {
        const line = this.#buffer.toString('latin1', 0, at > 0 && this.#buffer[at - 1] === 13 ? at - 1 : at);
        this.#buffer = this.#buffer.subarray(at + 1);
        return line;
      }
      if (this.#buffer.byteLength > limit) throw malformedChunk();
      if (await this.#more()) continue;
      if (this.#buffer.byteLength === 0) return undefined;
      const rest = this.#buffer.toString('latin1');
      this.#buffer = Buffer.alloc(0);
      return rest;
    }
  }

  /** At least one byte, at most `limit`. */
  async some(limit: number): Promise<Buffer> {
    while (this.#buffer.byteLength === 0) {
      if (!(await this.#more())) throw incomplete(new Error('the body ends in mid-chunk'));
    }
    const piece = this.#buffer.subarray(0, limit);
    this.#buffer = this.#buffer.subarray(piece.byteLength);
    return piece;
  }
}
