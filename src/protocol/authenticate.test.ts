import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type Exchange, openExchange } from './exchange.ts';
import { openModels } from './model.ts';
import { presignUrl, signRequest } from './sign.ts';
import { parseAmzDate } from './signature.ts';

const models = openModels(fileURLToPath(new URL('../../models', import.meta.url)));

/** The keys of AWS's published examples. */
const S3_KEY = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
const IAM_KEY = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const S3_NOW = parseAmzDate('20130524T000000Z') ?? 0;
const IAM_NOW = parseAmzDate('20150830T123600Z') ?? 0;

type Sent = Readonly<{ method?: string; url?: string; headers: Record<string, string>; body?: string | Uint8Array }>;

function open({ method = 'GET', url = '/', headers, body = '' }: Sent): Promise<Exchange> {
  const bytes = Buffer.from(body);
  const length: Record<string, string> = bytes.byteLength === 0 ? {} : { 'content-length': String(bytes.byteLength) };
  return openExchange(
    models,
    {
      method,
      url,
      headers: { ...length, ...headers },
      body: Readable.from(bytes.byteLength === 0 ? [] : [bytes]),
    },
    { requestId: 'r' },
  );
}

const keys: Readonly<Record<string, { secretAccessKey: string; sessionToken?: string; expiresAt?: number }>> = {
  [S3_KEY.accessKeyId]: S3_KEY,
  [IAM_KEY.accessKeyId]: IAM_KEY,
  ASIATEMPORARY: { secretAccessKey: 'secret', sessionToken: 'token', expiresAt: IAM_NOW + 60_000 },
};

async function check(exchange: Exchange, wallMs: number, clockMs = wallMs): Promise<string> {
  try {
    await exchange.authenticate(async (id) => keys[id], { wallMs, clockMs });
    return 'ok';
  } catch (error) {
    const { code, message, statusCode } = error as { code: string; message: string; statusCode: number };
    return `${code} ${statusCode}: ${message}`;
  }
}

const S3_HOST = { host: 'examplebucket.s3.amazonaws.com' };
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const s3Header = (signedHeaders: string, signature: string): string =>
  `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=${signedHeaders},Signature=${signature}`;

describe("AWS's published examples", () => {
  it.each<[string, Sent]>([
    [
      'S3 GET Object',
      {
        url: '/test.txt',
        headers: {
          ...S3_HOST,
          range: 'bytes=0-9',
          'x-amz-content-sha256': EMPTY,
          'x-amz-date': '20130524T000000Z',
          authorization: s3Header(
            'host;range;x-amz-content-sha256;x-amz-date',
            'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
          ),
        },
      },
    ],
    [
      'S3 PUT Object',
      {
        method: 'PUT',
        url: '/test$file.text',
        body: 'Welcome to Amazon S3.',
        headers: {
          ...S3_HOST,
          date: 'Fri, 24 May 2013 00:00:00 GMT',
          'x-amz-date': '20130524T000000Z',
          'x-amz-storage-class': 'REDUCED_REDUNDANCY',
          'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
          authorization: s3Header(
            'date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class',
            '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
          ),
        },
      },
    ],
    [
      'S3 GET Bucket Lifecycle',
      {
        url: '/?lifecycle',
        headers: {
          ...S3_HOST,
          'x-amz-date': '20130524T000000Z',
          'x-amz-content-sha256': EMPTY,
          authorization: s3Header(
            'host;x-amz-content-sha256;x-amz-date',
            'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
          ),
        },
      },
    ],
    [
      'S3 List Objects',
      {
        url: '/?max-keys=2&prefix=J',
        headers: {
          ...S3_HOST,
          'x-amz-date': '20130524T000000Z',
          'x-amz-content-sha256': EMPTY,
          authorization: s3Header(
            'host;x-amz-content-sha256;x-amz-date',
            '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
          ),
        },
      },
    ],
    [
      'S3 presigned GET',
      {
        url: '/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
        headers: { ...S3_HOST },
      },
    ],
  ])('hold: %s', async (_, sent) => {
    expect(await check(await open(sent), S3_NOW)).toBe('ok');
    const tampered = { ...sent, headers: { ...sent.headers, host: 'other.s3.amazonaws.com' } };
    expect(await check(await open(tampered), S3_NOW)).toContain('SignatureDoesNotMatch 403');
  });

  it('hold: IAM ListUsers', async () => {
    const exchange = await open({
      url: '/?Action=ListUsers&Version=2010-05-08',
      headers: {
        host: 'iam.amazonaws.com',
        'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
        'x-amz-date': '20150830T123600Z',
        authorization:
          'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
      },
    });
    expect(await check(exchange, IAM_NOW)).toBe('ok');
    expect([exchange.service, exchange.operation, exchange.region]).toEqual(['iam', 'ListUsers', 'us-east-1']);
  });
});

/** S3 API Reference, "Example: PUT Object" of chunked uploads: 65 KB of `a` in chunks of 64 KB. */
function chunkedUpload(change: (chunks: string[]) => string[] = (chunks) => chunks): Sent {
  const chunks = change([
    `10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n${'a'.repeat(65_536)}\r\n`,
    `400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n${'a'.repeat(1_024)}\r\n`,
    '0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n',
  ]);
  return {
    method: 'PUT',
    url: '/examplebucket/chunkObject.txt',
    body: chunks.join(''),
    headers: {
      host: 's3.amazonaws.com',
      'x-amz-date': '20130524T000000Z',
      'x-amz-storage-class': 'REDUCED_REDUNDANCY',
      'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
      'content-encoding': 'aws-chunked',
      'x-amz-decoded-content-length': '66560',
      'content-length': '66824',
      authorization: s3Header(
        'content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class',
        '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
      ),
    },
  };
}

/** S3 API Reference, "Signature calculations for trailing headers": the same upload, with its checksum at the end. */
function trailedUpload(change: (body: string) => string = (body) => body): Sent {
  const { headers } = chunkedUpload();
  const body = [
    `10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n${'a'.repeat(65_536)}\r\n`,
    `400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n${'a'.repeat(1_024)}\r\n`,
    '0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n',
    'x-amz-checksum-crc32c:sOO8/Q==\r\n',
    'x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n',
  ].join('');
  return {
    method: 'PUT',
    url: '/examplebucket/chunkObject.txt',
    body: change(body),
    headers: {
      ...headers,
      'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
      'x-amz-trailer': 'x-amz-checksum-crc32c',
      authorization: s3Header(
        'content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer',
        '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e',
      ),
    },
  };
}

async function upload(sent: Sent): Promise<string> {
  const exchange = await open(sent);
  const signed = await check(exchange, S3_NOW);
  if (signed !== 'ok') return signed;
  try {
    const { Body } = (await exchange.decode()) as { Body: Readable };
    let length = 0;
    for await (const chunk of Body) length += (chunk as Buffer).byteLength;
    return `${length} bytes`;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('a chunked upload', () => {
  it('holds as published', async () => {
    expect(await upload(chunkedUpload())).toBe('66560 bytes');
  });

  it('holds as published with a signed trailer', async () => {
    expect(await upload(trailedUpload())).toBe('66560 bytes');
    expect(await upload(trailedUpload((body) => body.replace('sOO8', 'sOO9')))).toBe('SignatureDoesNotMatch');
    expect(await upload(trailedUpload((body) => body.replace(/x-amz-trailer-signature.*\r\n/, '')))).toBe(
      'SignatureDoesNotMatch',
    );
  });

  it.each<[string, (chunks: string[]) => string[], string]>([
    ['a byte changed', ([a = '', b = '', c = '']) => [a.replace('aaaa', 'aaab'), b, c], 'SignatureDoesNotMatch'],
    ['a chunk left out', ([a = '', , c = '']) => [a, c], 'SignatureDoesNotMatch'],
    ['two chunks swapped', ([a = '', b = '', c = '']) => [b, a, c], 'SignatureDoesNotMatch'],
    ['no end', ([a = '', b = '']) => [a, b], 'IncompleteBody'],
    ['an end in mid-chunk', ([a = '']) => [a.slice(0, 1_000)], 'IncompleteBody'],
    ['no framing', () => ['a'.repeat(66_560)], 'InvalidRequest'],
    [
      'a chunk without signature',
      ([a = '', b = '', c = '']) => [a.replace(/;[^\r]*/, ''), b, c],
      'SignatureDoesNotMatch',
    ],
  ])('fails for %s', async (_, change, code) => {
    expect(await upload(chunkedUpload(change))).toBe(code);
  });
});

const json = {
  host: 'codepipeline.us-east-1.amazonaws.com',
  'content-type': 'application/x-amz-json-1.1',
  'x-amz-target': 'CodePipeline_20150709.ListPipelines',
};

function signed(
  options: Readonly<{
    key?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
    body?: string;
    at?: number;
  }> = {},
): Record<string, string> {
  return signRequest(
    { method: 'POST', url: '/', headers: json, body: options.body ?? '{}' },
    { credentials: options.key ?? IAM_KEY, region: 'us-east-1', service: 'codepipeline', nowMs: options.at ?? IAM_NOW },
  );
}

const post = (headers: Record<string, string>, body = '{}'): Promise<Exchange> =>
  open({ method: 'POST', headers, body });

describe('authenticate() in the words of a JSON service', () => {
  it.each<[string, () => Promise<Exchange>, string]>([
    ['a good signature', () => post(signed()), 'ok'],
    ['another body', () => post(signed(), '{ }'), 'InvalidSignatureException 400: The request signature we calculated'],
    [
      'another header',
      () => post({ ...signed(), 'x-amz-target': 'CodePipeline_20150709.GetPipeline' }),
      'InvalidSignatureException 400',
    ],
    [
      'an unknown key',
      () => post(signed({ key: { ...IAM_KEY, accessKeyId: 'AKIANOBODY' } })),
      'UnrecognizedClientException 400: The security token included in the request is invalid.',
    ],
    ['no signature', () => post(json), 'MissingAuthenticationTokenException 400: Missing Authentication Token'],
    [
      'an old signature',
      () => post(signed({ at: IAM_NOW - 16 * 60_000 })),
      'InvalidSignatureException 400: Signature expired: 20150830T122000Z is now earlier than 20150830T122100Z (20150830T123600Z - 15 min.)',
    ],
    [
      'a signature of the future',
      () => post(signed({ at: IAM_NOW + 16 * 60_000 })),
      'InvalidSignatureException 400: Signature not yet current: 20150830T125200Z is still later than 20150830T125100Z (20150830T123600Z + 15 min.)',
    ],
    ['a signature of 14 minutes ago', () => post(signed({ at: IAM_NOW - 14 * 60_000 })), 'ok'],
    [
      'a header that lacks its parts',
      () => post({ ...json, authorization: 'AWS4-HMAC-SHA256 Credential=a/20150830/us-east-1/x/aws4_request' }),
      "IncompleteSignatureException 400: Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter.",
    ],
    [
      'another scheme',
      () => post({ ...json, authorization: 'Basic dGVzdDp0ZXN0' }),
      'IncompleteSignatureException 400',
    ],
    [
      'a scope of another day',
      () => post({ ...signed(), authorization: (signed().authorization ?? '').replace('/20150830/', '/20150829/') }),
      'InvalidSignatureException 400: Date in Credential scope does not match',
    ],
    [
      'a temporary key without its token',
      () => post(signed({ key: { accessKeyId: 'ASIATEMPORARY', secretAccessKey: 'secret' } })),
      'UnrecognizedClientException 400',
    ],
    [
      'a temporary key with its token',
      () => post(signed({ key: { accessKeyId: 'ASIATEMPORARY', secretAccessKey: 'secret', sessionToken: 'token' } })),
      'ok',
    ],
    [
      'a temporary key with another token',
      () => post(signed({ key: { accessKeyId: 'ASIATEMPORARY', secretAccessKey: 'secret', sessionToken: 'nekot' } })),
      'UnrecognizedClientException 400',
    ],
  ])('%s', async (_, make, expected) => {
    expect(await check(await make(), IAM_NOW)).toContain(expected);
  });

  it("ends a session by the house's clock, not the machine's", async () => {
    const headers = signed({ key: { accessKeyId: 'ASIATEMPORARY', secretAccessKey: 'secret', sessionToken: 'token' } });
    expect(await check(await post(headers), IAM_NOW, IAM_NOW + 59_999)).toBe('ok');
    expect(await check(await post(headers), IAM_NOW, IAM_NOW + 60_000)).toContain(
      'ExpiredTokenException 400: The security token included in the request is expired',
    );
  });
});

describe('authenticate() in the words of other families', () => {
  const form = { host: 'sts.amazonaws.com', 'content-type': 'application/x-www-form-urlencoded' };
  const call = (action: string): string => `Action=${action}&Version=2011-06-15`;

  it('query', async () => {
    const body = call('GetCallerIdentity');
    const headers = signRequest(
      { method: 'POST', url: '/', headers: form, body },
      { credentials: { ...IAM_KEY, secretAccessKey: 'no' }, region: 'us-east-1', service: 'sts', nowMs: IAM_NOW },
    );
    expect(await check(await post(headers, body), IAM_NOW)).toContain('SignatureDoesNotMatch 403');
    expect(await check(await post(form, body), IAM_NOW)).toBe(
      'MissingAuthenticationToken 403: Request is missing Authentication Token',
    );
  });

  it('an operation without authentication takes anonymous callers', async () => {
    const exchange = await post(form, call('AssumeRoleWithWebIdentity'));
    expect(await check(exchange, IAM_NOW)).toBe('ok');
    expect([exchange.service, exchange.accessKeyId]).toEqual(['sts', undefined]);
  });

  it('S3 takes anonymous callers, and tells what it signed itself', async () => {
    expect(await check(await open({ url: '/bucket/key', headers: { host: 'localhost:4566' } }), S3_NOW)).toBe('ok');
    const url = presignUrl(
      { method: 'GET', url: '/bucket/key', headers: { host: 'localhost:4566' } },
      { credentials: S3_KEY, region: 'us-east-1', service: 's3', nowMs: S3_NOW, expiresSeconds: 60 },
    );
    const get = (text: string): Promise<Exchange> => open({ url: text, headers: { host: 'localhost:4566' } });
    expect(await check(await get(url), S3_NOW + 60_000)).toBe('ok');
    expect(await check(await get(url), S3_NOW + 61_000)).toBe('AccessDenied 403: Request has expired');
    const exchange = await get(url.replace('key', 'other'));
    expect(await check(exchange, S3_NOW)).toContain('SignatureDoesNotMatch 403');
    const extra = await open({ url, headers: { host: 'localhost:4566', 'x-amz-acl': 'public-read' } });
    expect(await check(extra, S3_NOW)).toBe(
      'AccessDenied 403: There were headers present in the request which were not signed',
    );
    expect(await check(await get(url.replace('Expires=60', 'Expires=604801')), S3_NOW)).toContain(
      'AuthorizationQueryParametersError 400: X-Amz-Expires must be less than a week',
    );
  });

  it('S3 holds the body against its stated digest', async () => {
    const request = { method: 'PUT', url: '/b/k', headers: { host: 's3.amazonaws.com' }, body: 'right' };
    const headers = signRequest(request, { credentials: S3_KEY, region: 'us-east-1', service: 's3', nowMs: S3_NOW });
    expect(await upload({ ...request, headers })).toBe('5 bytes');
    expect(await upload({ ...request, headers, body: 'wrong' })).toBe('XAmzContentSHA256Mismatch');
  });
});
