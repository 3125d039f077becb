/**
 * The server's side of Signature Version 4: who signed, with which key, and does it hold. In the order in which AWS
 * looks: the form of the signature, the key, its session token, the time, the signature itself.
 * Source: IAM User Guide, "Elements of an AWS API request signature"; S3 API Reference, "Authenticating Requests:
 * Using Query Parameters".
 *
 * Differs from AWS: one limit of 15 minutes on the age of a signature for every service, where some of AWS's take five;
 * and `AWS4-ECDSA-P256-SHA256` (SigV4a) and Signature Version 2 are refused.
 */
import { timingSafeEqual } from 'node:crypto';
import { authError } from './auth-errors.ts';
import type { Family } from './errors.ts';
import {
  ALGORITHM,
  amzDateOf,
  canonicalRequest,
  type CredentialScope,
  EMPTY_SHA256,
  hmac,
  parseAmzDate,
  SigningKeys,
  stringToSign,
  UNSIGNED_PAYLOAD,
} from './signature.ts';
import type { Target, WireRequest } from './wire.ts';

/** A signature as the request carries it. */
export type Authorization = Readonly<{
  place: 'header' | 'query';
  scope: CredentialScope;
  signedHeaders: readonly string[];
  signature: string;
  /** As written; absent or of another form: undefined. */
  amzDate: string | undefined;
  sessionToken: string | undefined;
  /** Presigned only. */
  expiresSeconds: number | undefined;
}>;

export type Claim =
  | Readonly<{ type: 'Anonymous' }>
  | Readonly<{ type: 'Signed'; authorization: Authorization }>
  /** There is a signature, but of a form that nobody can check. */
  | Readonly<{ type: 'Malformed'; message: string; place: 'header' | 'query' }>;

export function readClaim(request: WireRequest, target: Target): Claim {
  const header = request.headers.authorization;
  if (header !== undefined) return readHeader(header, request);
  if (!target.search.includes('X-Amz-')) return { type: 'Anonymous' };
  const parameters = new Map(target.query);
  if (!parameters.has('X-Amz-Algorithm') && !parameters.has('X-Amz-Signature')) return { type: 'Anonymous' };
  return readParameters(parameters);
}

function readHeader(header: string, request: WireRequest): Claim {
  const malformed = (message: string): Claim => ({ type: 'Malformed', message, place: 'header' });
  if (!header.startsWith(`${ALGORITHM} `)) {
    return malformed(
      `Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Only ${ALGORITHM} is supported.`,
    );
  }
  const parts: Record<string, string> = {};
  for (const piece of header.slice(ALGORITHM.length + 1).split(',')) {
    const equals = piece.indexOf('=');
    if (equals > 0) parts[piece.slice(0, equals).trim()] = piece.slice(equals + 1).trim();
  }
  const missing = ['Credential', 'Signature', 'SignedHeaders'].filter((name) => parts[name] === undefined);
  if (missing.length > 0) {
    return malformed(missing.map((name) => `Authorization header requires '${name}' parameter.`).join(' '));
  }
  const scope = readScope(parts.Credential ?? '');
  if (scope === undefined) {
    return malformed('Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term');
  }
  const date = request.headers['x-amz-date'];
  return {
    type: 'Signed',
    authorization: {
      place: 'header',
      scope,
      signedHeaders: (parts.SignedHeaders ?? '').split(';').filter((name) => name !== ''),
      signature: parts.Signature ?? '',
      amzDate: date ?? amzDateOfHttpDate(request.headers.date),
      sessionToken: request.headers['x-amz-security-token'],
      expiresSeconds: undefined,
    },
  };
}

function amzDateOfHttpDate(date: string | undefined): string | undefined {
  const ms = date === undefined ? Number.NaN : Date.parse(date);
  return Number.isNaN(ms) ? undefined : amzDateOf(ms);
}

function readParameters(parameters: ReadonlyMap<string, string>): Claim {
  const malformed = (message: string): Claim => ({ type: 'Malformed', message, place: 'query' });
  for (const name of ['X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Signature', 'X-Amz-Date', 'X-Amz-SignedHeaders']) {
    if (!parameters.has(name)) {
      return malformed(
        'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
      );
    }
  }
  if (parameters.get('X-Amz-Algorithm') !== ALGORITHM) return malformed('Unsupported X-Amz-Algorithm.');
  const scope = readScope(parameters.get('X-Amz-Credential') ?? '');
  if (scope === undefined) {
    return malformed(
      'Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    );
  }
  const expires = parameters.get('X-Amz-Expires');
  const expiresSeconds = expires === undefined ? undefined : /^\d{1,9}$/.test(expires) ? Number(expires) : Number.NaN;
  if (expiresSeconds !== undefined && Number.isNaN(expiresSeconds))
    return malformed('X-Amz-Expires should be a number');
  if (expiresSeconds !== undefined && expiresSeconds > MAX_EXPIRES_SECONDS) {
    return malformed(
      'X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds',
    );
  }
  return {
    type: 'Signed',
    authorization: {
      place: 'query',
      scope,
      signedHeaders: (parameters.get('X-Amz-SignedHeaders') ?? '')
        .toLowerCase()
        .split(';')
        .filter((name) => name !== ''),
      signature: parameters.get('X-Amz-Signature') ?? '',
      amzDate: parameters.get('X-Amz-Date'),
      sessionToken: parameters.get('X-Amz-Security-Token'),
      expiresSeconds,
    },
  };
}

const MAX_EXPIRES_SECONDS = 604_800;

function readScope(text: string): CredentialScope | undefined {
  const parts = text.split('/');
  if (parts.length !== 5 || parts[4] !== 'aws4_request' || parts.includes('')) return undefined;
  const [accessKeyId = '', date = '', region = '', service = ''] = parts;
  return { accessKeyId, date, region, service };
}

export type KnownKey = Readonly<{ secretAccessKey: string; sessionToken?: string; expiresAt?: number }>;

export type Verification = Readonly<{
  request: WireRequest;
  target: Target;
  authorization: Authorization;
  family: Family;
  /** Undefined: no such key. */
  key: KnownKey | undefined;
  payloadHash: string;
  /** The machine's time, which clients sign with; and the house's, by which sessions end. */
  now: Readonly<{ wallMs: number; clockMs: number }>;
}>;

/** What the chunks of a signed stream are chained to. */
export type SigningSeed = Readonly<{ signature: string; key: Uint8Array; amzDate: string; scope: CredentialScope }>;

const signingKeys = new SigningKeys();
const MAX_SKEW_MS = 15 * 60_000;

/** Throws `AwsError` as the family words it. */
export function verify(verification: Verification): SigningSeed {
  const { request, target, authorization, family, key, payloadHash, now } = verification;
  const { scope } = authorization;
  const { accessKeyId } = scope;
  if (key === undefined) throw authError(family, 'UnknownKey', '', { AWSAccessKeyId: accessKeyId });
  if (key.sessionToken !== authorization.sessionToken) {
    throw authError(family, 'InvalidToken', '', { 'Token-0': authorization.sessionToken ?? '' });
  }
  const { amzDate } = authorization;
  const signedAtMs = amzDate === undefined ? undefined : parseAmzDate(amzDate);
  if (amzDate === undefined || signedAtMs === undefined) {
    throw authError(
      family,
      'Incomplete',
      family === 's3'
        ? 'AWS authentication requires a valid Date or x-amz-date header'
        : "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
    );
  }
  if (!amzDate.startsWith(scope.date)) {
    throw authError(
      family,
      'BadScope',
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${scope.date}' != '${amzDate.slice(0, 8)}', from '${amzDate}'.`,
    );
  }
  checkTime(verification, signedAtMs, amzDate);
  if (!authorization.signedHeaders.includes('host') && !authorization.signedHeaders.includes(':authority')) {
    throw authError(family, 'BadScope', "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
  }
  const canonical = canonicalRequest({
    method: request.method,
    path: target.path,
    search: target.search,
    headers: request.headers,
    signedHeaders: authorization.signedHeaders,
    payloadHash,
    service: scope.service,
  });
  const signingKey = signingKeys.of(key.secretAccessKey, scope);
  const text = stringToSign(amzDate, scope, canonical);
  const expected = hmac(signingKey, text).toString('hex');
  if (!sameText(expected, authorization.signature)) {
    throw authError(family, 'Mismatch', '', {
      AWSAccessKeyId: accessKeyId,
      StringToSign: text,
      SignatureProvided: authorization.signature,
      CanonicalRequest: canonical,
    });
  }
  if (key.expiresAt !== undefined && now.clockMs >= key.expiresAt) {
    throw authError(family, 'ExpiredToken', '', { 'Token-0': authorization.sessionToken ?? '' });
  }
  if (family === 's3') refuseUnsignedHeaders(request, authorization);
  return { signature: expected, key: signingKey, amzDate, scope };
}

function checkTime({ authorization, family, now }: Verification, signedAtMs: number, amzDate: string): void {
  const { wallMs } = now;
  const nowText = amzDateOf(wallMs);
  if (authorization.expiresSeconds !== undefined) {
    const expiresMs = signedAtMs + authorization.expiresSeconds * 1_000;
    if (wallMs > expiresMs) {
      throw authError(
        family,
        'PresignExpired',
        `Signature expired: ${amzDateOf(expiresMs)} is now earlier than ${nowText}`,
        {
          'X-Amz-Expires': authorization.expiresSeconds,
          Expires: new Date(expiresMs).toISOString(),
          ServerTime: new Date(wallMs).toISOString(),
        },
      );
    }
    if (signedAtMs - wallMs > MAX_SKEW_MS) {
      throw family === 's3'
        ? authError(family, 'MissingToken', '', { ServerTime: new Date(wallMs).toISOString() })
        : authError(family, 'Skewed', `Signature not yet current: ${amzDate} is still later than ${nowText}`);
    }
    return;
  }
  if (Math.abs(wallMs - signedAtMs) <= MAX_SKEW_MS) return;
  const edge = amzDateOf(wallMs < signedAtMs ? wallMs + MAX_SKEW_MS : wallMs - MAX_SKEW_MS);
  const message =
    wallMs > signedAtMs
      ? `Signature expired: ${amzDate} is now earlier than ${edge} (${nowText} - 15 min.)`
      : `Signature not yet current: ${amzDate} is still later than ${edge} (${nowText} + 15 min.)`;
  throw authError(family, 'Skewed', message, {
    RequestTime: amzDate,
    ServerTime: new Date(wallMs).toISOString(),
    MaxAllowedSkewMilliseconds: MAX_SKEW_MS,
  });
}

/** S3 takes no `x-amz-*` header that a thief of the signature could have added. */
function refuseUnsignedHeaders(request: WireRequest, authorization: Authorization): void {
  const unsigned = Object.keys(request.headers).filter(
    (name) =>
      name.startsWith('x-amz-') && name !== 'x-amz-content-sha256' && !authorization.signedHeaders.includes(name),
  );
  if (unsigned.length === 0) return;
  const error = authError('s3', 'MissingToken', '', { HeadersNotSigned: unsigned.join(', ') });
  error.message = 'There were headers present in the request which were not signed';
  throw error;
}

function sameText(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.byteLength === y.byteLength && timingSafeEqual(x, y);
}

/**
 * The payload hash of the canonical request, where the request states it or it need not be computed; undefined: it is
 * the digest of the body. S3 and streaming operations go by the header, so that a body need not be held in memory.
 */
export function statedPayloadHash(
  request: WireRequest,
  authorization: Authorization,
  options: Readonly<{ isS3: boolean; streams: boolean }>,
): string | undefined {
  const stated = request.headers['x-amz-content-sha256'];
  if (options.isS3) {
    if (stated !== undefined) return stated;
    return authorization.place === 'query' ? UNSIGNED_PAYLOAD : EMPTY_SHA256;
  }
  return options.streams ? stated : undefined;
}
