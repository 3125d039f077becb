/** The client's side of Signature Version 4, for tests, tools and calls to other endpoints. */
import {
  ALGORITHM,
  amzDateOf,
  canonicalRequest,
  type CredentialScope,
  hmac,
  scopeText,
  sha256Hex,
  SigningKeys,
  stringToSign,
  UNSIGNED_PAYLOAD,
  uriEncode,
} from './signature.ts';

export type SigningCredentials = Readonly<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string }>;

export type RequestToSign = Readonly<{
  method: string;
  /** Raw path with query string. */
  url: string;
  /** Lower-case names, `host` included. */
  headers: Readonly<Record<string, string>>;
  body?: string | Uint8Array;
}>;

export type SigningOptions = Readonly<{
  credentials: SigningCredentials;
  region: string;
  /** The signing name: `codepipeline`, `s3`, `monitoring`. */
  service: string;
  /** Epoch milliseconds. */
  nowMs: number;
  /** In place of the body's digest: `UNSIGNED-PAYLOAD`, `STREAMING-...`. */
  payloadHash?: string;
}>;

const keys = new SigningKeys();

/** The headers to send: those given, and `x-amz-date`, `authorization` and what else the signature needs. */
export function signRequest(request: RequestToSign, options: SigningOptions): Record<string, string> {
  const { credentials, region, service } = options;
  const amzDate = amzDateOf(options.nowMs);
  const payloadHash = options.payloadHash ?? sha256Hex(request.body ?? '');
  const headers: Record<string, string> = { ...request.headers, 'x-amz-date': amzDate };
  if (service === 's3' || options.payloadHash !== undefined) headers['x-amz-content-sha256'] = payloadHash;
  if (credentials.sessionToken !== undefined) headers['x-amz-security-token'] = credentials.sessionToken;
  const signedHeaders = Object.keys(headers)
    .filter((name) => name === 'host' || name === 'content-type' || name === 'content-md5' || name.startsWith('x-amz-'))
    .sort();
  const scope: CredentialScope = { accessKeyId: credentials.accessKeyId, date: amzDate.slice(0, 8), region, service };
  const [path = '/', search = ''] = splitUrl(request.url);
  const canonical = canonicalRequest({
    method: request.method,
    path,
    search,
    headers,
    signedHeaders,
    payloadHash,
    service,
  });
  const key = keys.of(credentials.secretAccessKey, scope);
  const signature = hmac(key, stringToSign(amzDate, scope, canonical)).toString('hex');
  headers.authorization = `${ALGORITHM} Credential=${credentials.accessKeyId}/${scopeText(scope)}, SignedHeaders=${signedHeaders.join(';')}, Signature=${signature}`;
  return headers;
}

/** The URL (path with query string) that carries its own signature, for `expiresSeconds`. Only `host` is signed, and the headers given. */
export function presignUrl(
  request: RequestToSign,
  options: SigningOptions & Readonly<{ expiresSeconds: number }>,
): string {
  const { credentials, region, service } = options;
  const amzDate = amzDateOf(options.nowMs);
  const scope: CredentialScope = { accessKeyId: credentials.accessKeyId, date: amzDate.slice(0, 8), region, service };
  const signedHeaders = Object.keys(request.headers).sort();
  const parameters: [string, string][] = [
    ['X-Amz-Algorithm', ALGORITHM],
    ['X-Amz-Credential', `${credentials.accessKeyId}/${scopeText(scope)}`],
    ['X-Amz-Date', amzDate],
    ['X-Amz-Expires', String(options.expiresSeconds)],
    ['X-Amz-SignedHeaders', signedHeaders.join(';')],
  ];
  if (credentials.sessionToken !== undefined) parameters.push(['X-Amz-Security-Token', credentials.sessionToken]);
  const [path = '/', given = ''] = splitUrl(request.url);
  const added = parameters.map(([name, value]) => `${uriEncode(name)}=${uriEncode(value)}`).join('&');
  const search = given === '' ? added : `${given}&${added}`;
  const payloadHash = options.payloadHash ?? (service === 's3' ? UNSIGNED_PAYLOAD : sha256Hex(request.body ?? ''));
  const canonical = canonicalRequest({
    method: request.method,
    path,
    search,
    headers: request.headers,
    signedHeaders,
    payloadHash,
    service,
  });
  const signature = hmac(keys.of(credentials.secretAccessKey, scope), stringToSign(amzDate, scope, canonical)).toString(
    'hex',
  );
  return `${path}?${search}&X-Amz-Signature=${signature}`;
}

function splitUrl(url: string): [string, string] {
  const mark = url.indexOf('?');
  return mark < 0 ? [url, ''] : [url.slice(0, mark), url.slice(mark + 1)];
}
