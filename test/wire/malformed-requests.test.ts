/** Requests that are none, or lie about themselves: every one is answered, in its protocol, and the server goes on. */
import { createHash, createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { presignUrl } from '../../src/protocol/index.ts';
import {
  closeConnections,
  machineNow,
  type RawAnswer,
  type RawRequest,
  ROOT,
  send,
  sendBytes,
  signed,
} from '../support/raw-requests.ts';

let sluice: TestSluice;

beforeAll(async () => {
  sluice = await startSluice({ services: ['s3', 'codepipeline', 'lambda', 'cloudwatch', 'logs'] });
  await go('s3', { method: 'PUT', url: '/demo', headers: {} });
});
afterAll(async () => {
  closeConnections();
  await sluice.close();
});
/** Whatever was sent, the next caller is served. */
afterEach(async () => {
  const answer = await go('sts', form('Action=GetCallerIdentity&Version=2011-06-15'));
  expect(answer.status).toBe(200);
});

const go = (service: string, request: RawRequest, options: Parameters<typeof signed>[3] = {}): Promise<RawAnswer> =>
  send(sluice.port, signed(sluice, service, request, options));

const json = (body: string | Uint8Array, target = 'CodePipeline_20150709.GetPipeline'): RawRequest => ({
  method: 'POST',
  url: '/',
  headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target },
  body,
});
const form = (body: string | Uint8Array): RawRequest => ({
  method: 'POST',
  url: '/',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body,
});
const cbor = (body: Uint8Array): RawRequest => ({
  method: 'POST',
  url: '/service/GraniteServiceVersion20100801/operation/ListMetrics',
  headers: { 'content-type': 'application/cbor', 'smithy-protocol': 'rpc-v2-cbor' },
  body,
});
const lambda = (body: string | Uint8Array): RawRequest => ({
  method: 'POST',
  url: '/2015-03-31/functions',
  headers: { 'content-type': 'application/json' },
  body,
});
const tagging = (body: string | Uint8Array): RawRequest => ({
  method: 'PUT',
  url: '/demo?tagging',
  headers: {
    'content-type': 'application/xml',
    'content-md5': createHash('md5').update(body).digest('base64'),
  },
  body,
});

const GARBAGE = Uint8Array.from({ length: 5_000 }, (_, i) => (i * 151 + 13) % 256);
const deep = (open: string, close: string): string => open.repeat(100_000) + close.repeat(100_000);

describe('a body that is none', () => {
  it.each<[string, RawRequest, RegExp]>([
    ['cut JSON', json('{"name":"de'), /SerializationException/],
    ['JSON of 100,000 lists', json(`{"name":${deep('[', ']')}}`), /SerializationException/],
    ['JSON of 100,000 structures', json(deep('{"a":', '')), /SerializationException/],
    ['a JSON list', json('[]'), /SerializationException/],
    ['JSON null', json('null'), /SerializationException|ValidationException/],
    ['a JSON number', json('7'), /SerializationException/],
    ['garbage for JSON', json(GARBAGE), /SerializationException/],
    ['text that is not UTF-8', json(Uint8Array.from([0x7b, 0x22, 0xff, 0xfe, 0x22])), /SerializationException/],
    ['a deep chain inside JSON text', json(`{"name":"x","x":${JSON.stringify(deep('[', ']'))}}`), /PipelineNotFound/],
    ['an unknown target', json('{}', 'CodePipeline_20150709.Nothing'), /UnknownOperationException/],
    ['an unknown service', json('{}', 'Nobody_20200101.Nothing'), /UnknownOperationException/],
    ['an inherited name as target', json('{}', 'CodePipeline_20150709.constructor'), /UnknownOperationException/],
  ])('%s', async (_, request, error) => {
    const answer = await go('codepipeline', request);
    expect(answer.text).toMatch(error);
    expect(answer.status).toBe(error.source.includes('UnknownOperation') && answer.status === 404 ? 404 : 400);
    expect(JSON.parse(answer.text)).toHaveProperty('__type');
  });

  it.each<[string, string, RawRequest]>([
    ['cut JSON of REST', 'lambda', lambda('{"FunctionName":')],
    ['deep JSON of REST', 'lambda', lambda(`{"FunctionName":${deep('[', ']')}}`)],
    ['garbage of REST', 'lambda', lambda(GARBAGE)],
    ['a broken escape in a path', 'lambda', { ...lambda('{}'), url: '/2015-03-31/functions/%zz/code', method: 'PUT' }],
  ])('%s', async (_, service, request) => {
    const answer = await go(service, request);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(JSON.parse(answer.text)).toBeTypeOf('object');
    expect(answer.headers['x-amzn-errortype']).toMatch(/^\w+/);
  });

  it.each<[string, string | Uint8Array]>([
    ['cut XML', '<Tagging><TagSet><Tag><Key>a'],
    ['XML of 100,000 elements', deep('<a>', '</a>')],
    ['XML with entities', '<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;&b;">]><Tagging>&d;</Tagging>'],
    [
      'XML that reads a file',
      '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><Tagging><TagSet>&b;</TagSet></Tagging>',
    ],
    ['another document', '<Nothing/>'],
    ['garbage for XML', GARBAGE],
    ['no XML at all', ''],
    ['a NUL in XML', '<Tagging><TagSet><Tag><Key>a\0b</Key><Value>c</Value></Tag></TagSet></Tagging>'],
    ['a NUL by reference', '<Tagging><TagSet><Tag><Key>a&#0;b</Key><Value>c</Value></Tag></TagSet></Tagging>'],
  ])('%s', async (_, body) => {
    const answer = await go('s3', tagging(body));
    expect(answer.status).toBe(400);
    expect(answer.text).toMatch(/<Error>.*<Code>\w+<\/Code>.*<\/Error>/s);
    expect(answer.text).not.toContain('root:');
  });

  it.each<[string, string | Uint8Array]>([
    ['no action', 'Version=2010-05-08'],
    ['an unknown action', 'Action=Nothing&Version=2010-05-08'],
    ['an inherited name as action', 'Action=__proto__&Version=2010-05-08'],
    ['broken escapes', 'Action=GetRole&Version=2010-05-08&RoleName=%zz%'],
    ['a parameter of 100,000 steps', `Action=GetRole&Version=2010-05-08&${'a.'.repeat(100_000)}=1`],
    ['100,000 parameters', `Action=GetRole&Version=2010-05-08&${'a=1&'.repeat(100_000)}`],
    ['a list with a huge index', 'Action=TagRole&Version=2010-05-08&RoleName=a&Tags.member.999999999999.Key=a'],
    ['a list of nothing', 'Action=UntagRole&Version=2010-05-08&RoleName=a&TagKeys.member.1.Deeper=a'],
    ['garbage for a form', GARBAGE],
  ])('%s', async (_, body) => {
    const answer = await go('iam', form(body));
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(answer.text).toMatch(/<ErrorResponse.*<Code>\w+<\/Code>/s);
  });

  it.each<[string, Uint8Array]>([
    ['cut CBOR', Uint8Array.from([0xa1, 0x69, 0x4e])],
    ['CBOR of 100,000 lists', new Uint8Array(100_000).fill(0x81)],
    ['CBOR of 100,000 tags', new Uint8Array(100_000).fill(0xc1)],
    ['a CBOR list without end', Uint8Array.from([0x9f, 0x01])],
    ['CBOR text longer than the body', Uint8Array.from([0xa1, 0x7b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])],
    ['a CBOR list of 2^32 items', Uint8Array.from([0x9a, 0xff, 0xff, 0xff, 0xff])],
    ['a CBOR number', Uint8Array.from([0x07])],
    ['garbage for CBOR', GARBAGE],
  ])('%s', async (_, body) => {
    const answer = await go('monitoring', cbor(body));
    expect(answer.status).toBe(400);
    expect(answer.headers['smithy-protocol']).toBe('rpc-v2-cbor');
    expect(answer.text).toContain('SerializationException');
  });

  it('of a content type that nobody speaks', async () => {
    const answer = await go('codepipeline', { ...json('{}'), headers: { 'content-type': 'image/png' } });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
  });
});

describe('a body that is too large', () => {
  const LARGE = Buffer.alloc(17 * 1024 * 1024, 0x20);

  it.each<[string, string, RawRequest]>([
    ['JSON', 'codepipeline', json(LARGE)],
    ['a form', 'iam', form(LARGE)],
    ['CBOR', 'monitoring', cbor(LARGE)],
    ['XML', 's3', tagging(LARGE)],
  ])('%s', async (_, service, request) => {
    // The server may close before all is sent: the answer, or the end of the connection, but no hang.
    const answer = await go(service, request).catch((error: NodeJS.ErrnoException) => error);
    if (answer instanceof Error) expect(answer.code).toMatch(/EPIPE|ECONNRESET/);
    else {
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      expect(answer.text).toMatch(/TooLarge|EntityTooLarge|MaxMessageLength|MalformedXML|SerializationException/);
    }
  });
});

describe('HTTP that is none', () => {
  const host = 'host: 127.0.0.1\r\n';

  it.each<[string, string | Uint8Array]>([
    ['garbage', GARBAGE],
    ['an unknown method', `BREW / HTTP/1.1\r\n${host}\r\n`],
    ['no host', 'GET / HTTP/1.1\r\n\r\n'],
    ['two lengths', `POST / HTTP/1.1\r\n${host}content-length: 1\r\ncontent-length: 2\r\n\r\nab`],
    [
      'a length and chunks',
      `POST / HTTP/1.1\r\n${host}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['a length that is none', `POST / HTTP/1.1\r\n${host}content-length: many\r\n\r\nab`],
    [
      'chunks that are none',
      `POST / HTTP/1.1\r\n${host}content-type: application/x-www-form-urlencoded\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n`,
    ],
    ['100 KB of headers', `GET / HTTP/1.1\r\n${host}x-a: ${'a'.repeat(100_000)}\r\n\r\n`],
    ['a whole URL that is none', `GET http://[::1/ HTTP/1.1\r\n${host}\r\n`],
    ['a path without a slash', `GET demo HTTP/1.1\r\n${host}\r\n`],
    ['two slashes', `GET //evil/../demo HTTP/1.1\r\n${host}\r\n`],
    ['a host that is none', `GET / HTTP/1.1\r\nhost: [\r\n\r\n`],
    ['a star', `OPTIONS * HTTP/1.1\r\n${host}\r\n`],
    ['an upgrade', `GET / HTTP/1.1\r\n${host}connection: upgrade\r\nupgrade: websocket\r\n\r\n`],
    ['a proxy', `CONNECT example.com:443 HTTP/1.1\r\n${host}\r\n`],
    ['an expectation', `PUT /demo/a HTTP/1.1\r\n${host}expect: the-unexpected\r\ncontent-length: 1\r\n\r\na`],
  ])('%s', async (_, bytes) => {
    const text = await sendBytes(sluice.port, bytes).catch((error: NodeJS.ErrnoException) => String(error.code));
    expect(text).toMatch(/^(HTTP\/1\.1 [234]\d\d|ECONNRESET|EPIPE|$)/);
  });

  it.each<[string, string]>([
    [
      'of a form',
      'POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 100\r\n\r\nAction=',
    ],
    ['of an object', 'PUT /demo/half HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nhalf'],
  ])('a client that leaves in mid-body, %s', async (_, bytes) => {
    const text = await sendBytes(sluice.port, bytes, { end: true });
    expect(text).toMatch(/^(HTTP\/1\.1 4\d\d|$)/);
  });
});

describe('a signature that does not hold', () => {
  const request = json('{"name":"demo"}');
  const now = (): number => machineNow();

  it.each<[string, number, RegExp, () => RawRequest]>([
    [
      'with another secret',
      403,
      /InvalidSignatureException/,
      () => signed(sluice, 'codepipeline', request, { credentials: { ...ROOT, secretAccessKey: 'other' } }),
    ],
    [
      'over another body',
      403,
      /InvalidSignatureException/,
      () => ({ ...signed(sluice, 'codepipeline', request), body: '{"name":"other"}' }),
    ],
    [
      'over another target',
      403,
      /InvalidSignatureException/,
      () => {
        const good = signed(sluice, 'codepipeline', request);
        return { ...good, headers: { ...good.headers, 'x-amz-target': 'CodePipeline_20150709.DeletePipeline' } };
      },
    ],
    [
      'of an hour ago',
      403,
      /InvalidSignatureException/,
      () => signed(sluice, 'codepipeline', request, { nowMs: now() - 3_600_000 }),
    ],
    [
      'of an hour from now',
      403,
      /InvalidSignatureException/,
      () => signed(sluice, 'codepipeline', request, { nowMs: now() + 3_600_000 }),
    ],
    [
      'of a key that nobody has',
      403,
      /UnrecognizedClientException/,
      () =>
        signed(sluice, 'codepipeline', request, {
          credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'x' },
        }),
    ],
    [
      'of a key with a NUL',
      403,
      /\w+Exception/,
      () => ({
        ...signed(sluice, 'codepipeline', request, { credentials: { accessKeyId: 'A%00B', secretAccessKey: 'x' } }),
      }),
    ],
    [
      'with a session token that is none',
      403,
      /UnrecognizedClientException|InvalidClientTokenId|InvalidSignature/,
      () => signed(sluice, 'codepipeline', request, { credentials: { ...ROOT, sessionToken: 'none' } }),
    ],
    ...[
      'AWS4-HMAC-SHA256',
      'AWS4-HMAC-SHA256 Credential=',
      'Basic dGVzdDp0ZXN0',
      'AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=;;, Signature=zz',
      `AWS4-HMAC-SHA256 ${'Credential=test/'.repeat(500)}`,
      'AWS4-ECDSA-P256-SHA256 Credential=test/20260101/codepipeline/aws4_request, SignedHeaders=host, Signature=00',
    ].map((authorization): [string, number, RegExp, () => RawRequest] => [
      `an Authorization of "${authorization.slice(0, 60)}"`,
      403,
      /\w+/,
      () => ({ ...request, headers: { ...request.headers, host: 'a', authorization } }),
    ]),
  ])('%s', async (_, status, error, make) => {
    const answer = await send(sluice.port, make());
    expect(answer.text).toMatch(error);
    expect([status, 400, 431]).toContain(answer.status);
    if (answer.status !== 431) expect(JSON.parse(answer.text)).toHaveProperty('__type');
  });

  it('a presigned URL that has expired, is not yet valid, was changed, or says nonsense', async () => {
    const presigned = (nowMs: number, expiresSeconds = 60): string =>
      presignUrl(
        { method: 'GET', url: '/demo', headers: { host: `127.0.0.1:${sluice.port}` } },
        { credentials: ROOT, region: sluice.region, service: 's3', nowMs, expiresSeconds },
      );
    const get = async (url: string): Promise<string> => {
      const answer = await send(sluice.port, { method: 'GET', url, headers: { host: `127.0.0.1:${sluice.port}` } });
      return `${answer.status} ${/<Code>(\w+)<\/Code>/.exec(answer.text)?.[1] ?? ''}`.trim();
    };
    expect(await get(presigned(now()))).toBe('200');
    expect(await get(presigned(now() - 3_600_000))).toBe('403 AccessDenied');
    expect(await get(presigned(now() + 3_600_000))).toMatch(/^403 /);
    expect(await get(presigned(now()).replace('/demo', '/other'))).toBe('403 SignatureDoesNotMatch');
    expect(await get(presigned(now(), 604_801))).toMatch(/^40[03] \w+/);
    for (const [name, value] of [
      ['Expires', '-1'],
      ['Expires', 'x'],
      ['Date', 'x'],
      ['Credential', 'x'],
      ['Algorithm', 'x'],
      ['SignedHeaders', ''],
      ['Signature', 'é'],
    ] as const) {
      const url = presigned(now()).replace(
        new RegExp(`X-Amz-${name}=[^&]*`),
        `X-Amz-${name}=${encodeURIComponent(value)}`,
      );
      expect(await get(url), `${name}=${value}`).toMatch(/^40[03] \w+/);
    }
  });
});

describe('an upload in signed chunks', () => {
  const EMPTY = createHash('sha256').digest('hex');

  /** `change` may spoil what is sent. */
  async function upload(key: string, change: (body: string) => string): Promise<RawAnswer> {
    const data = 'x'.repeat(1_000);
    const nowMs = machineNow();
    const request = signed(
      sluice,
      's3',
      {
        method: 'PUT',
        url: `/demo/${key}`,
        headers: { 'content-encoding': 'aws-chunked', 'x-amz-decoded-content-length': String(data.length) },
      },
      { payloadHash: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD', nowMs },
    );
    const amzDate = request.headers['x-amz-date'] ?? '';
    const scope = `${amzDate.slice(0, 8)}/${sluice.region}/s3/aws4_request`;
    const signingKey = [amzDate.slice(0, 8), sluice.region, 's3', 'aws4_request'].reduce<string | Buffer>(
      (secret, part) => createHmac('sha256', secret).update(part).digest(),
      `AWS4${ROOT.secretAccessKey}`,
    );
    let previous = /Signature=(\w+)/.exec(request.headers['authorization'] ?? '')?.[1] ?? '';
    let body = '';
    for (const chunk of [data, '']) {
      const hash = createHash('sha256').update(chunk).digest('hex');
      const text = ['AWS4-HMAC-SHA256-PAYLOAD', amzDate, scope, previous, EMPTY, hash].join('\n');
      previous = createHmac('sha256', signingKey).update(text).digest('hex');
      body += `${chunk.length.toString(16)};chunk-signature=${previous}\r\n${chunk}\r\n`;
    }
    return send(sluice.port, { ...request, body: change(body) });
  }

  const head = (key: string): Promise<RawAnswer> => go('s3', { method: 'HEAD', url: `/demo/${key}`, headers: {} });

  it('is kept when all hold', async () => {
    expect((await upload('whole', (body) => body)).status).toBe(200);
    expect((await head('whole')).status).toBe(200);
  });

  it.each<[string, (body: string) => string]>([
    ['with other data', (body) => body.replace('xxx', 'xyx')],
    ['with another chunk signature', (body) => body.replace(/chunk-signature=..../, 'chunk-signature=0000')],
    ['without a chunk signature', (body) => body.replace(/;chunk-signature=\w+/, '')],
    ['without the last chunk', (body) => body.replace(/\r\n0;.*$/s, '\r\n')],
    ['cut in mid-chunk', (body) => body.slice(0, 500)],
    ['with a size that is none', (body) => body.replace(/^\w+;/, 'zz;')],
    ['with a huge size', (body) => body.replace(/^\w+;/, 'ffffffffffffffff;')],
    ['with a negative size', (body) => body.replace(/^\w+;/, '-1;')],
    ['without frames', () => 'just text'],
    ['of a frame head without end', () => 'a'.repeat(100_000)],
    ['of nothing', () => ''],
  ])('%s leaves nothing', async (title, change) => {
    const key = title.replaceAll(' ', '-');
    const answer = await upload(key, change);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(answer.text).toMatch(/<Code>\w+<\/Code>/);
    expect((await head(key)).status).toBe(404);
  });
});
