import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { cbor } from '@smithy/core/cbor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AwsError, isAwsError } from '../common/index.ts';
import { type Exchange, openExchange } from './exchange.ts';
import { openModels } from './model.ts';
import type { WireResponse } from './wire.ts';

const models = openModels(fileURLToPath(new URL('../../models', import.meta.url)));

type Sent = Readonly<{
  method?: string;
  url?: string;
  /** Signed with this name, in form only. */
  signed?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
}>;

function open({ method = 'POST', url = '/', signed, headers = {}, body = '' }: Sent): Promise<Exchange> {
  const bytes = Buffer.from(body);
  const claim: Record<string, string> =
    signed === undefined
      ? {}
      : {
          authorization: `AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-central-1/${signed}/aws4_request, SignedHeaders=host, Signature=00`,
        };
  const request = {
    method,
    url,
    headers: { host: 'localhost:4566', 'content-length': String(bytes.byteLength), ...claim, ...headers },
    body: Readable.from(bytes.byteLength === 0 ? [] : [bytes]),
  };
  return openExchange(models, request, { requestId: 'request-1', maxBodyBytes: 100_000 });
}

const route = async (sent: Sent): Promise<string> => {
  const { service, operation } = await open(sent);
  return `${service}.${operation}`;
};

async function decodeError(sent: Sent): Promise<string> {
  try {
    await (await open(sent)).decode();
    return 'no error';
  } catch (error) {
    if (!isAwsError(error)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

const form = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
const target = (text: string): Sent => ({
  headers: { 'x-amz-target': text, 'content-type': 'application/x-amz-json-1.1' },
});

describe('openExchange() finds the operation', () => {
  it.each<[string, Sent]>([
    ['codepipeline.GetPipeline', target('CodePipeline_20150709.GetPipeline')],
    ['codeconnections.GetConnection', target('com.amazonaws.codeconnections.CodeConnections_20231201.GetConnection')],
    ['codepipeline.undefined', target('CodePipeline_20150709.GetPipelin')],
    ['codepipeline.undefined', target('CodePipeline_20150709.constructor')],
    ['undefined.undefined', target('Nobody.GetPipeline')],
    [
      'cloudwatch.PutMetricData',
      {
        url: '/service/GraniteServiceVersion20100801/operation/PutMetricData',
        headers: { 'smithy-protocol': 'rpc-v2-cbor', 'content-type': 'application/cbor' },
      },
    ],
    ['iam.GetRole', { signed: 'iam', headers: form, body: 'Action=GetRole&Version=2010-05-08' }],
    ['iam.undefined', { signed: 'iam', headers: form, body: 'Action=GetRol&Version=2010-05-08' }],
    ['sts.GetCallerIdentity', { method: 'GET', signed: 'sts', url: '/?Action=GetCallerIdentity&Version=2011-06-15' }],
    ['sts.AssumeRoleWithWebIdentity', { headers: form, body: 'Action=AssumeRoleWithWebIdentity&Version=2011-06-15' }],
    [
      'elbv2.DescribeRules',
      { signed: 'elasticloadbalancing', headers: form, body: 'Action=DescribeRules&Version=2015-12-01' },
    ],
    ['cloudwatch.ListMetrics', { signed: 'monitoring', headers: form, body: 'Action=ListMetrics&Version=2010-08-01' }],
    ['sqs.SendMessage', { signed: 'sqs', url: '/1/q', headers: form, body: 'Action=SendMessage&MessageBody=m' }],
    ['ec2.DescribeVpcs', { signed: 'ec2', headers: form, body: 'Action=DescribeVpcs&Version=2016-11-15' }],
    ['lambda.ListFunctions', { method: 'GET', signed: 'lambda', url: '/2015-03-31/functions/' }],
    ['lambda.ListFunctions', { method: 'GET', signed: 'lambda', url: '/2015-03-31/functions?MaxItems=1' }],
    ['lambda.GetFunction', { method: 'GET', signed: 'lambda', url: '/2015-03-31/functions/f' }],
    ['lambda.undefined', { method: 'GET', signed: 'lambda', url: '/2015-03-31/nothing' }],
    [
      'lambda.GetFunction',
      { method: 'GET', url: '/2015-03-31/functions/f', headers: { host: 'lambda.eu-west-1.amazonaws.com' } },
    ],
    [
      'appconfigdata.GetLatestConfiguration',
      { method: 'GET', signed: 'appconfig', url: '/configuration?configuration_token=t' },
    ],
    ['appconfig.ListApplications', { method: 'GET', signed: 'appconfig', url: '/applications' }],
    ['s3.ListBuckets', { method: 'GET', signed: 's3', url: '/' }],
    ['s3.ListBuckets', { method: 'GET', url: '/?x-id=ListBuckets' }],
    ['s3.ListObjects', { method: 'GET', url: '/b' }],
    ['s3.ListObjects', { method: 'GET', url: '/b/?prefix=x' }],
    ['s3.ListObjectsV2', { method: 'GET', url: '/b?list-type=2' }],
    ['s3.ListObjectVersions', { method: 'GET', url: '/b?versions' }],
    ['s3.GetBucketVersioning', { method: 'GET', url: '/b?versioning=' }],
    ['s3.GetObject', { method: 'GET', url: '/b/k/l' }],
    ['s3.GetObject', { method: 'GET', url: '/k', headers: { host: 'b.s3.eu-west-1.amazonaws.com' } }],
    ['s3.GetObject', { method: 'GET', url: '/k', headers: { host: 'b.c.s3.localhost.localstack.cloud:4566' } }],
    ['s3.GetObject', { method: 'GET', url: '/k', headers: { host: 'b.localhost:4566' } }],
    ['s3.ListObjects', { method: 'GET', url: '/k', headers: { host: 's3.localhost:4566' } }],
    ['s3.HeadBucket', { method: 'HEAD', url: '/b' }],
    ['s3.ListParts', { method: 'GET', url: '/b/k?uploadId=u' }],
    ['s3.UploadPart', { method: 'PUT', url: '/b/k?partNumber=1&uploadId=u' }],
    [
      's3.UploadPartCopy',
      { method: 'PUT', url: '/b/k?partNumber=1&uploadId=u', headers: { 'x-amz-copy-source': 'c/d' } },
    ],
    ['s3.CopyObject', { method: 'PUT', url: '/b/k', headers: { 'x-amz-copy-source': 'c/d' } }],
    ['s3.PutObject', { method: 'PUT', url: '/b/k' }],
    ['s3.AbortMultipartUpload', { method: 'DELETE', url: '/b/k?uploadId=u' }],
    ['s3.DeleteObject', { method: 'DELETE', url: '/b/k?versionId=v' }],
    ['s3.CreateMultipartUpload', { method: 'POST', url: '/b/k?uploads', headers: form }],
    ['s3.DeleteObjects', { method: 'POST', url: '/b?delete' }],
    ['s3.GetBucketMetricsConfiguration', { method: 'GET', url: '/b?metrics&id=a' }],
    ['s3.ListBucketMetricsConfigurations', { method: 'GET', url: '/b?metrics' }],
    ['s3.undefined', { method: 'PATCH', url: '/b/k' }],
  ])('%s', async (expected, sent) => {
    expect(await route(sent)).toBe(expected);
  });

  it('reads S3 keys as they are written', async () => {
    const exchange = await open({ method: 'GET', url: '/b/a%20b/%2Fc//d/?versionId=v' });
    expect(await exchange.decode()).toMatchObject({ Bucket: 'b', Key: 'a b//c//d/', VersionId: 'v' });
  });
});

describe('decode() refuses', () => {
  const pipeline = (body: string): Sent => ({ ...target('CodePipeline_20150709.GetPipeline'), body });
  it.each<[string, Sent, string]>([
    ['text that is not JSON', pipeline('{'), 'SerializationException: The request body is not valid JSON.'],
    [
      'a number for a text',
      pipeline('{"name":1}'),
      'SerializationException: NUMBER_VALUE can not be converted to a String',
    ],
    [
      'a text for a number',
      pipeline('{"name":"a","version":"1"}'),
      'SerializationException: STRING_VALUE can not be converted to an Integer',
    ],
    ['a list for a text', pipeline('{"name":[]}'), 'SerializationException: Start of list found where not expected'],
    [
      'a structure for a text',
      pipeline('{"name":{}}'),
      'SerializationException: Start of structure or map found where not expected.',
    ],
    ['a list for the input', pipeline('[]'), 'SerializationException: Start of list found where not expected'],
    ['deep nesting', pipeline('['.repeat(50_000)), 'SerializationException: The request is nested too deeply.'],
    [
      'a body that is too large',
      pipeline(`{"name":"${'a'.repeat(100_000)}"}`),
      'RequestEntityTooLarge: The request must not be larger than 100000 bytes.',
    ],
    [
      'a form that is too large',
      { signed: 'iam', headers: form, body: `Action=GetRole&RoleName=${'a'.repeat(100_000)}` },
      'RequestEntityTooLarge: The request must not be larger than 100000 bytes.',
    ],
    [
      'a parameter of the wrong type',
      { signed: 'iam', headers: form, body: 'Action=ListRoles&MaxItems=many' },
      "SerializationException: Value 'many' can not be converted to Integer",
    ],
    [
      'base64 that is none',
      { ...target('TrentService.Decrypt'), body: '{"CiphertextBlob":"&&&"}' },
      'SerializationException: A blob is not valid base64.',
    ],
    [
      'XML that is none',
      { method: 'PUT', url: '/b?tagging', body: '<Tagging>' },
      'SerializationException: The XML you provided was not well-formed or did not validate against our published schema',
    ],
    [
      'XML with a document type',
      { method: 'PUT', url: '/b?tagging', body: '<!DOCTYPE x [<!ENTITY a "b">]><Tagging>&a;</Tagging>' },
      'SerializationException: The XML you provided was not well-formed or did not validate against our published schema',
    ],
    [
      'deep XML',
      { method: 'PUT', url: '/b?tagging', body: '<a>'.repeat(20_000) },
      'SerializationException: The XML you provided was not well-formed or did not validate against our published schema',
    ],
    [
      'an S3 parameter of the wrong type',
      { method: 'GET', url: '/b?list-type=2&max-keys=many' },
      'InvalidArgument: Provided max-keys not an integer or within integer range',
    ],
    ['a broken escape in a key', { method: 'GET', url: '/b/%zz' }, "InvalidURI: Couldn't parse the specified URI."],
    [
      'a document of another digest',
      { method: 'PUT', url: '/b?tagging', body: '<Tagging/>', headers: { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' } },
      'BadDigest: The Content-MD5 you specified did not match what we received.',
    ],
    [
      'a payload hash of no known form',
      { method: 'PUT', url: '/b?tagging', body: '<Tagging/>', headers: { 'x-amz-content-sha256': 'x' } },
      'InvalidArgument: x-amz-content-sha256 must be UNSIGNED-PAYLOAD',
    ],
    [
      'CBOR that is none',
      {
        url: '/service/GraniteServiceVersion20100801/operation/PutMetricData',
        headers: { 'smithy-protocol': 'rpc-v2-cbor' },
        body: Buffer.from([0xff, 0x00]),
      },
      'SerializationException',
    ],
  ])('%s', async (_, sent, expected) => {
    expect(await decodeError(sent)).toContain(expected);
  });
});

describe('decode() reads', () => {
  it('nothing for an empty body, and ignores what the model does not know', async () => {
    expect(await (await open({ ...target('CodePipeline_20150709.ListPipelines') })).decode()).toEqual({});
    const exchange = await open({
      ...target('CodePipeline_20150709.GetPipeline'),
      body: '{"name":"a","colour":"red","version":null}',
    });
    expect(await exchange.decode()).toEqual({ name: 'a' });
  });

  it('compressed bodies where the operation allows them', async () => {
    const body = JSON.stringify({ Namespace: 'n', MetricData: [] });
    const exchange = await open({
      headers: { 'x-amz-target': 'GraniteServiceVersion20100801.PutMetricData', 'content-encoding': 'gzip' },
      body: gzipSync(body),
    });
    expect(await exchange.decode()).toEqual({ Namespace: 'n', MetricData: [] });
  });

  it("SQS's former protocol", async () => {
    const exchange = await open({
      signed: 'sqs',
      url: '/1/q',
      headers: form,
      body: 'Action=CreateQueue&QueueName=q&Attribute.1.Name=DelaySeconds&Attribute.1.Value=5&Tag.1.Key=a&Tag.1.Value=b&Version=2012-11-05',
    });
    expect(await exchange.decode()).toEqual({ QueueName: 'q', Attributes: { DelaySeconds: '5' }, tags: { a: 'b' } });
    expect(String(exchange.encode({ QueueUrl: 'http://u' }).body)).toBe(
      '<CreateQueueResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><CreateQueueResult><QueueUrl>http://u</QueueUrl></CreateQueueResult><ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata></CreateQueueResponse>',
    );
  });

  it('trailing checksums, and sets them when the body has ended', async () => {
    const body = '5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n';
    const sent = (text: string): Sent => ({
      method: 'PUT',
      url: '/b/k',
      body: text,
      headers: {
        'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
        'x-amz-trailer': 'x-amz-checksum-crc32',
        'x-amz-decoded-content-length': '5',
        'content-encoding': 'aws-chunked,gzip',
      },
    });
    const input = await (await open(sent(body))).decode();
    expect(input).toMatchObject({ ContentEncoding: 'gzip', ContentLength: 5 });
    expect(input.ChecksumCRC32).toBeUndefined();
    expect((await (input.Body as Readable).toArray()).join('')).toBe('hello');
    expect(input.ChecksumCRC32).toBe('NhCmhg==');
    for (const [wrong, code] of [
      [body.replace('hello', 'hallo'), 'BadDigest'],
      [body.replace(/x-amz.*/, ''), 'MalformedTrailerError'],
      ['3\r\nhel\r\n0\r\nx-amz-checksum-crc32:jN/SYg==\r\n\r\n', 'BadDigest'],
    ] as const) {
      const { Body } = await (await open(sent(wrong))).decode();
      await expect((Body as Readable).toArray()).rejects.toMatchObject({ code });
    }
  });
});

describe('encodeError()', () => {
  const encoded = async (sent: Sent, error: AwsError): Promise<[number, Record<string, string>, string]> => {
    const { statusCode, headers, body }: WireResponse = (await open(sent)).encodeError(error);
    return [statusCode, headers, String(body)];
  };
  const denied = new AwsError('AccessDeniedException', 'no');

  it('speaks AWS JSON', async () => {
    const [status, headers, body] = await encoded(target('CodePipeline_20150709.GetPipeline'), denied);
    expect([status, headers['x-amzn-requestid'], JSON.parse(body)]).toEqual([
      400,
      'request-1',
      { __type: 'AccessDeniedException', message: 'no' },
    ]);
  });

  it('carries the members of the error', async () => {
    const [, , body] = await encoded(
      target('CodePipeline_20150709.PutApprovalResult'),
      new AwsError('ApprovalAlreadyCompletedException', 'done', { fields: { $headers: { 'x-a': 'b' } } }),
    );
    expect(JSON.parse(body)).toEqual({ __type: 'ApprovalAlreadyCompletedException', message: 'done' });
  });

  it('speaks REST JSON', async () => {
    const [status, headers, body] = await encoded(
      { method: 'GET', signed: 'lambda', url: '/2015-03-31/functions/f' },
      new AwsError('ResourceNotFoundException', 'Function not found', { fields: { Type: 'User' } }),
    );
    expect([status, headers['x-amzn-errortype'], JSON.parse(body)]).toEqual([
      404,
      'ResourceNotFoundException',
      { Message: 'Function not found', Type: 'User' },
    ]);
  });

  it('speaks query', async () => {
    const [status, , body] = await encoded(
      { signed: 'iam', headers: form, body: 'Action=GetRole' },
      new AwsError('NoSuchEntityException', 'a<b'),
    );
    expect([status, body]).toEqual([
      404,
      '<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>a&lt;b</Message></Error><RequestId>request-1</RequestId></ErrorResponse>',
    ]);
    expect((await encoded({ signed: 'sns', headers: form, body: 'Action=Publish' }, denied))[2]).toContain(
      '<Code>AuthorizationError</Code>',
    );
  });

  it('speaks EC2', async () => {
    const [status, , body] = await encoded({ signed: 'ec2', headers: form, body: 'Action=DescribeVpcs' }, denied);
    expect([status, body]).toEqual([
      403,
      '<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors><RequestID>request-1</RequestID></Response>',
    ]);
  });

  it('speaks S3', async () => {
    const [status, headers, body] = await encoded({ method: 'GET', url: '/b/k' }, denied);
    expect([status, headers['x-amz-request-id'], body]).toEqual([
      403,
      'request-1',
      '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>no</Message><RequestId>request-1</RequestId><HostId>cmVxdWVzdC0x</HostId></Error>',
    ]);
    expect(await encoded({ method: 'HEAD', url: '/b/k' }, new AwsError('NoSuchKey', 'no'))).toMatchObject([
      404,
      {},
      '',
    ]);
    expect(
      await encoded({ method: 'GET', url: '/b/k' }, new AwsError('NotModified', '', { statusCode: 304 })),
    ).toMatchObject([304, {}, '']);
  });

  it('speaks CBOR, with the query code beside', async () => {
    const response = (
      await open({
        url: '/service/GraniteServiceVersion20100801/operation/PutDashboard',
        headers: { 'smithy-protocol': 'rpc-v2-cbor' },
      })
    ).encodeError(new AwsError('DashboardInvalidInputError', 'bad'));
    expect(response).toMatchObject({
      statusCode: 400,
      headers: { 'smithy-protocol': 'rpc-v2-cbor', 'x-amzn-query-error': 'InvalidParameterInput;Sender' },
    });
    expect(cbor.deserialize(response.body as Uint8Array)).toEqual({
      __type: 'DashboardInvalidInputError',
      message: 'bad',
    });
  });

  it('answers a request that nobody understands in the form that it came in', async () => {
    const unknown = new AwsError('UnknownOperationException', 'unknown');
    expect((await encoded(target('Nobody.Knows'), unknown))[2]).toContain('"__type":"UnknownOperationException"');
    expect((await encoded({ headers: form, body: 'Action=Nothing' }, unknown))[2]).toContain(
      '<Code>InvalidAction</Code>',
    );
    expect((await encoded({ method: 'PATCH', url: '/b/k' }, unknown))[2]).toContain('<Code>MethodNotAllowed</Code>');
  });
});

describe('encode()', () => {
  it('writes timestamps, maps and empty lists of XML as AWS does', async () => {
    const iam = await open({ signed: 'iam', headers: form, body: 'Action=ListRoles' });
    const body = String(iam.encode({ Roles: [], IsTruncated: false }).body);
    expect(body).toContain('<ListRolesResult><Roles/><IsTruncated>false</IsTruncated></ListRolesResult>');
    const s3 = await open({ method: 'GET', url: '/' });
    expect(String(s3.encode({ Buckets: [{ Name: 'b', CreationDate: 1_700_000_000_000 }] }).body)).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n<ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Buckets><Bucket><Name>b</Name><CreationDate>2023-11-14T22:13:20.000Z</CreationDate></Bucket></Buckets></ListAllMyBucketsResult>',
    );
  });

  it('names a part of an object as one', async () => {
    const exchange = await open({ method: 'GET', url: '/b/k' });
    expect(exchange.encode({ Body: 'x', ContentRange: 'bytes 0-0/2' }).statusCode).toBe(206);
  });
});

describe('no input', () => {
  const bodies = fc.oneof(
    fc.json(),
    fc.string({ unit: 'binary' }),
    fc.uint8Array(),
    fc.jsonValue().map((value) => Buffer.from(cbor.serialize(value ?? {}))),
    fc.constantFrom(
      '{"__proto__":{"a":1}}',
      '<a xmlns="b"><![CDATA[x]]></a>',
      '<?xml version="1.0"?>',
      'a.1.b.2=c&a=d&a.=e',
      '.=.&=&&',
    ),
  );
  const places = fc.constantFrom<Sent>(
    target('CodePipeline_20150709.CreatePipeline'),
    target('Logs_20140328.PutLogEvents'),
    target('TrentService.Encrypt'),
    { headers: { 'x-amz-target': 'GraniteServiceVersion20100801.PutMetricData' } },
    {
      url: '/service/GraniteServiceVersion20100801/operation/PutMetricData',
      headers: { 'smithy-protocol': 'rpc-v2-cbor' },
    },
    { signed: 'iam', headers: form },
    { signed: 'ec2', headers: form },
    { signed: 'sqs', headers: form },
    { signed: 'lambda', url: '/2015-03-31/functions' },
    { signed: 'lambda', url: '/2015-03-31/functions/f/invocations' },
    { method: 'PUT', url: '/b?lifecycle' },
    { method: 'POST', url: '/b?delete' },
    { method: 'PUT', url: '/b/k' },
    { method: 'PUT', url: '/b/k', headers: { 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' } },
  );

  async function survive(sent: Sent): Promise<void> {
    const exchange = await open(sent);
    try {
      await exchange.authenticate(async () => ({ secretAccessKey: 'x' }), { wallMs: 0, clockMs: 0 });
      throw new AwsError('None', 'passed');
    } catch (error) {
      if (!isAwsError(error)) throw error;
      expect(exchange.encodeError(error).statusCode).toBeGreaterThanOrEqual(400);
    }
    try {
      const input = await exchange.decode();
      if (input.Body instanceof Readable) await input.Body.toArray();
      exchange.validate(input);
    } catch (error) {
      if (!isAwsError(error)) throw error;
      expect(exchange.encodeError(error).statusCode).toBeLessThan(500);
    }
    expect(({} as { a?: unknown }).a).toBeUndefined();
  }

  it('makes decode() or validate() throw anything but an AwsError', async () => {
    await fc.assert(
      fc.asyncProperty(places, bodies, (place, body) =>
        survive({ ...place, body: place.headers === form ? `Action=CreateRole&${Buffer.from(body)}` : body }),
      ),
      { numRuns: 400 },
    );
  });

  it('of any target, path or header does either', async () => {
    const text = fc.string({ unit: 'grapheme-ascii', maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'PUT', 'POST', 'HEAD', 'DELETE'),
        text,
        fc.dictionary(
          fc.constantFrom(
            'x-amz-target',
            'content-type',
            'authorization',
            'host',
            'x-amz-date',
            'content-md5',
            'x-amz-copy-source',
            'x-amz-meta-a',
            'if-modified-since',
            'x-amz-checksum-crc32',
            'x-amz-content-sha256',
            'content-encoding',
          ),
          text,
        ),
        (method, path, headers) => survive({ method, url: `/${path}`, headers }),
      ),
      { numRuns: 400 },
    );
  });
});
