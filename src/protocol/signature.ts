/**
 * AWS Signature Version 4: the canonical request, the string to sign, and the signature. Used from both sides.
 * Source: IAM User Guide, "AWS Signature Version 4 for API requests"; S3 API Reference, "Authenticating Requests".
 */
import { createHash, createHmac } from 'node:crypto';

export const ALGORITHM = 'AWS4-HMAC-SHA256';
export const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';

export type CredentialScope = Readonly<{ accessKeyId: string; date: string; region: string; service: string }>;

export function scopeText(scope: CredentialScope): string {
  return `${scope.date}/${scope.region}/${scope.service}/aws4_request`;
}

export type CanonicalParts = Readonly<{
  method: string;
  /** Raw, as on the request line. */
  path: string;
  /** Raw, without `?`; the signature parameter is left out by name. */
  search: string;
  headers: Readonly<Record<string, string>>;
  /** Lower case, sorted. */
  signedHeaders: readonly string[];
  payloadHash: string;
  service: string;
}>;

export function canonicalRequest(parts: CanonicalParts): string {
  let headers = '';
  for (const name of parts.signedHeaders) headers += `${name}:${trimAll(parts.headers[name] ?? '')}\n`;
  const path = parts.service === 's3' ? canonicalS3Path(parts.path) : canonicalPath(parts.path);
  return `${parts.method}\n${path}\n${canonicalQuery(parts.search)}\n${headers}\n${parts.signedHeaders.join(';')}\n${parts.payloadHash}`;
}

function trimAll(value: string): string {
  return value.trim().replace(/\s+/g, ' ');
}

/** Every service but S3: dot segments resolved, doubled slashes joined, and what is encoded once encoded again. */
function canonicalPath(path: string): string {
  if (path === '/') return path;
  const out: string[] = [];
  const segments = path.split('/').slice(1);
  for (const segment of segments) {
    if (segment === '..') out.pop();
    else if (segment !== '.' && segment !== '') out.push(uriEncode(segment));
  }
  const last = segments.at(-1);
  return `/${out.join('/')}${out.length > 0 && last === '' ? '/' : ''}`;
}

/** S3: the key as it is, encoded once, whichever way the client wrote it. */
function canonicalS3Path(path: string): string {
  if (/^[A-Za-z0-9/._~-]*$/.test(path)) return path;
  return path
    .split('/')
    .map((segment) => uriEncode(decodeOrKeep(segment)))
    .join('/');
}

function decodeOrKeep(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function canonicalQuery(search: string): string {
  if (search === '') return '';
  const pairs: [string, string][] = [];
  for (const pair of search.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = uriEncode(decodeOrKeep(equals < 0 ? pair : pair.slice(0, equals)));
    if (name === 'X-Amz-Signature') continue;
    pairs.push([name, equals < 0 ? '' : uriEncode(decodeOrKeep(pair.slice(equals + 1)))]);
  }
  pairs.sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0));
  return pairs.map(([name, value]) => `${name}=${value}`).join('&');
}

/** RFC 3986: everything but unreserved characters, in upper-case hexadecimal. */
export function uriEncode(text: string): string {
  if (/^[A-Za-z0-9_.~-]*$/.test(text)) return text;
  // By way of UTF-8, so that a lone surrogate is replaced, as every encoder does, and does not throw.
  return encodeURIComponent(Buffer.from(text).toString()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

export function sha256Hex(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

export function hmac(key: string | Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** `amzDate` is `20261124T060412Z`. */
export function stringToSign(amzDate: string, scope: CredentialScope, canonical: string): string {
  return `${ALGORITHM}\n${amzDate}\n${scopeText(scope)}\n${sha256Hex(canonical)}`;
}

const MAX_KEYS = 1_000;

/**
 * Derived signing keys, which change once a day per secret, Region and service: the last thousand, the oldest leaving
 * first. In memory only, never logged.
 */
export class SigningKeys {
  readonly #keys = new Map<string, Buffer>();

  of(secretAccessKey: string, scope: CredentialScope): Buffer {
    const name = `${secretAccessKey}\n${scopeText(scope)}`;
    const known = this.#keys.get(name);
    if (known !== undefined) return known;
    const key = hmac(
      hmac(hmac(hmac(`AWS4${secretAccessKey}`, scope.date), scope.region), scope.service),
      'aws4_request',
    );
    if (this.#keys.size >= MAX_KEYS) this.#keys.delete(this.#keys.keys().next().value as string);
    this.#keys.set(name, key);
    return key;
  }
}

/** `20261124T060412Z`. */
export function amzDateOf(ms: number): string {
  return new Date(ms).toISOString().replace(/[:-]|\.\d{3}/g, '');
}

/** Epoch milliseconds; undefined for any other form. */
export function parseAmzDate(text: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second] = match;
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(ms) ? undefined : ms;
}
