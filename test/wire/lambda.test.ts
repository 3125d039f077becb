/** Lambda by the official SDK, with real function processes. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloudWatchClient, GetMetricStatisticsCommand, ListMetricsCommand } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  AddPermissionCommand,
  CreateAliasCommand,
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  DeleteAliasCommand,
  DeleteFunctionCommand,
  DeleteFunctionConcurrencyCommand,
  DeleteFunctionEventInvokeConfigCommand,
  GetAccountSettingsCommand,
  GetAliasCommand,
  GetFunctionCodeSigningConfigCommand,
  GetFunctionCommand,
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  GetFunctionEventInvokeConfigCommand,
  GetFunctionRecursionConfigCommand,
  GetFunctionUrlConfigCommand,
  GetPolicyCommand,
  GetProvisionedConcurrencyConfigCommand,
  GetRuntimeManagementConfigCommand,
  InvokeCommand,
  type InvokeCommandInput,
  LambdaClient,
  ListAliasesCommand,
  ListEventSourceMappingsCommand,
  ListFunctionEventInvokeConfigsCommand,
  ListFunctionsCommand,
  ListTagsCommand,
  ListVersionsByFunctionCommand,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  PutFunctionEventInvokeConfigCommand,
  RemovePermissionCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateAliasCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { executionRole, zipOf } from '../support/functions.ts';
import { failure, person } from '../support/people.ts';

const OTHER = '222222222222';

let sluice: TestSluice;
let lambda: LambdaClient;
let logs: CloudWatchLogsClient;
let cloudwatch: CloudWatchClient;
let role: string;
let echoZip: Buffer;

const clients: { destroy(): void }[] = [];
function client(options: Parameters<TestSluice['clientConfig']>[0] = {}): LambdaClient {
  const made = new LambdaClient({ ...sluice.clientConfig(options), maxAttempts: 1 });
  clients.push(made);
  return made;
}

beforeAll(async () => {
  sluice = await startSluice({ services: ['lambda', 'logs', 'cloudwatch', 's3', 'kms'], seed: 7 });
  lambda = client();
  logs = new CloudWatchLogsClient(sluice.clientConfig());
  cloudwatch = new CloudWatchClient(sluice.clientConfig());
  clients.push(logs, cloudwatch);
  role = await executionRole(sluice, 'execution');
  echoZip = await zipOf({
    'index.mjs':
      'export const handler = async (event) => ({ event, version: process.env.AWS_LAMBDA_FUNCTION_VERSION });',
  });
});

afterAll(async () => {
  for (const made of clients) made.destroy();
  await sluice.close();
});

let count = 0;
/** A function of its own for each test; returns its name. */
async function create(
  files: Readonly<Record<string, string>> | Buffer,
  more: Partial<CreateFunctionCommandInput> = {},
): Promise<string> {
  const name = more.FunctionName ?? `fn-${(count += 1)}`;
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName: name,
      Role: role,
      Runtime: 'nodejs20.x',
      Handler: 'index.handler',
      Code: { ZipFile: Buffer.isBuffer(files) ? files : await zipOf(files) },
      ...more,
    }),
  );
  return name;
}

async function invoke(name: string, input: unknown = {}, more: Partial<InvokeCommandInput> = {}, by = lambda) {
  const answer = await by.send(
    new InvokeCommand({ FunctionName: name, Payload: Buffer.from(JSON.stringify(input)), ...more }),
  );
  const text = Buffer.from(answer.Payload ?? []).toString();
  return {
    ...answer,
    text,
    json: text === '' ? undefined : (JSON.parse(text) as any),
    log: Buffer.from(answer.LogResult ?? '', 'base64').toString(),
  };
}

const py = (body: string) => ({ 'main.py': body });
const python = { Runtime: 'python3.12', Handler: 'main.handler' } as const;

describe('CreateFunction and reads', () => {
  it('makes a function and shows it', async () => {
    const created = await lambda.send(
      new CreateFunctionCommand({
        FunctionName: 'shown',
        Role: role,
        Runtime: 'nodejs22.x',
        Handler: 'index.handler',
        Code: { ZipFile: echoZip },
        Description: 'd',
        Environment: { Variables: { COLOUR: 'green' } },
        Tags: { team: 'a' },
        VpcConfig: { SubnetIds: [], SecurityGroupIds: [] },
        Layers: [],
      }),
    );
    expect(created).toMatchObject({
      FunctionName: 'shown',
      FunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:shown',
      Runtime: 'nodejs22.x',
      Role: role,
      CodeSize: echoZip.length,
      Timeout: 3,
      MemorySize: 128,
      Version: '$LATEST',
      State: 'Active',
      LastUpdateStatus: 'Successful',
      PackageType: 'Zip',
      Architectures: ['x86_64'],
      EphemeralStorage: { Size: 512 },
      Environment: { Variables: { COLOUR: 'green' } },
      TracingConfig: { Mode: 'PassThrough' },
      LoggingConfig: { LogFormat: 'Text', LogGroup: '/aws/lambda/shown' },
    });
    expect(created.LastModified).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$/);
    const got = await lambda.send(new GetFunctionCommand({ FunctionName: 'shown' }));
    expect(got.Configuration).toMatchObject({ CodeSha256: created.CodeSha256, RevisionId: created.RevisionId });
    expect(got.Tags).toEqual({ team: 'a' });
    const download = await fetch(got.Code?.Location ?? '');
    expect(Buffer.from(await download.arrayBuffer()).equals(echoZip)).toBe(true);
    expect((await fetch((got.Code?.Location ?? '').replace(/.$/, '!'))).status).toBe(403);
    const config = await lambda.send(
      new GetFunctionConfigurationCommand({ FunctionName: '000000000000:function:shown' }),
    );
    expect(config.Description).toBe('d');
    const [row] = await sluice.house.store.query(
      "SELECT document::text AS text FROM documents WHERE kind = 'lambda.function' AND id = 'shown'",
    );
    expect(row?.['text']).not.toContain('green');
  });

  it('lists by pages', async () => {
    for (const suffix of ['a', 'b', 'c']) await create(echoZip, { FunctionName: `zz-list-${suffix}` });
    const names: string[] = [];
    let Marker: string | undefined;
    do {
      const page = await lambda.send(new ListFunctionsCommand({ MaxItems: 2, Marker }));
      expect(page.Functions?.length).toBeLessThanOrEqual(2);
      names.push(...(page.Functions ?? []).map(({ FunctionName }) => FunctionName ?? ''));
      expect(page.Functions?.[0]?.State).toBeUndefined();
      Marker = page.NextMarker;
    } while (Marker !== undefined);
    expect(names.filter((name) => name.startsWith('zz-list-'))).toEqual(['zz-list-a', 'zz-list-b', 'zz-list-c']);
    expect(await failure(lambda.send(new ListFunctionsCommand({ Marker: 'nonsense' })))).toBe(
      'InvalidParameterValueException',
    );
  });

  it('refuses what AWS refuses, in its words', async () => {
    const base = {
      FunctionName: 'refused',
      Role: role,
      Runtime: 'nodejs20.x',
      Handler: 'index.handler',
      Code: { ZipFile: echoZip },
    } as const;
    const send = (more: object) =>
      lambda.send(new CreateFunctionCommand({ ...base, ...more } as CreateFunctionCommandInput));
    await create(echoZip, { FunctionName: 'taken' });
    await expect(send({ FunctionName: 'taken' })).rejects.toMatchObject({
      name: 'ResourceConflictException',
      message: 'Function already exist: taken',
    });
    await expect(send({ Role: 'arn:aws:iam::000000000000:role/none' })).rejects.toThrow(
      'The role defined for the function cannot be assumed by Lambda.',
    );
    const untrusted = sluice.house.door.as(
      { type: 'Root', account: sluice.account, arn: `arn:aws:iam::${sluice.account}:root` },
      { account: sluice.account, region: 'us-east-1' },
    );
    await untrusted.call('iam', 'CreateRole', {
      RoleName: 'for-others',
      AssumeRolePolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
      }),
    });
    await expect(send({ Role: 'arn:aws:iam::000000000000:role/for-others' })).rejects.toThrow(
      'cannot be assumed by Lambda',
    );
    await expect(send({ Role: `arn:aws:iam::${OTHER}:role/x` })).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
    await expect(send({ Code: {} })).rejects.toThrow('Please provide a source for function code.');
    await expect(send({ Code: { ZipFile: Buffer.from('no zip') } })).rejects.toThrow('Could not unzip uploaded file.');
    await expect(send({ Runtime: 'ruby3.3' })).rejects.toThrow('not implemented by Sluice');
    await expect(send({ Runtime: undefined })).rejects.toThrow('Runtime is mandatory');
    await expect(send({ Environment: { Variables: { AWS_REGION: 'x' } } })).rejects.toThrow(
      /reserved keys.*AWS_REGION/,
    );
    await expect(send({ Environment: { Variables: { BIG: 'x'.repeat(4096) } } })).rejects.toThrow('4KB limit');
    await expect(send({ Timeout: 901 })).rejects.toMatchObject({
      name: expect.stringMatching(/Validation|InvalidParameterValue/),
    });
    for (const more of [
      { VpcConfig: { SubnetIds: ['subnet-1'] } },
      { Layers: ['arn:aws:lambda:us-east-1:000000000000:layer:l:1'] },
      { DeadLetterConfig: { TargetArn: 'arn:aws:sqs:us-east-1:000000000000:q' } },
      { PackageType: 'Image' },
      { TracingConfig: { Mode: 'Active' } },
      { LoggingConfig: { LogFormat: 'JSON' } },
    ])
      await expect(send(more), JSON.stringify(more)).rejects.toThrow('not implemented by Sluice');
    expect(await failure(lambda.send(new GetFunctionCommand({ FunctionName: 'refused' })))).toBe(
      'ResourceNotFoundException',
    );
    await expect(
      lambda.send(new GetFunctionCommand({ FunctionName: 'arn:aws:lambda:eu-west-1:000000000000:function:x' })),
    ).rejects.toThrow('not reachable in this region');
  });

  it('takes the package from S3 as the caller', async () => {
    const s3 = new S3Client({ ...sluice.clientConfig(), forcePathStyle: true });
    clients.push(s3);
    await s3.send(new CreateBucketCommand({ Bucket: 'packages' }));
    await s3.send(new PutObjectCommand({ Bucket: 'packages', Key: 'echo.zip', Body: echoZip }));
    const Code = { S3Bucket: 'packages', S3Key: 'echo.zip' };
    const name = await create({}, { Code });
    expect((await invoke(name, 1)).json).toEqual({ event: 1, version: '$LATEST' });
    await expect(create({}, { Code: { ...Code, S3Key: 'none' } })).rejects.toThrow('S3 Error Code: NoSuchKey');
    const { credentials } = await person(sluice, 'deployer', [
      { Action: 'lambda:*', Resource: '*' },
      { Action: 'iam:PassRole', Resource: role },
    ]);
    const by = client({ credentials });
    const input = { FunctionName: 'by-deployer', Role: role, Runtime: 'nodejs20.x', Handler: 'index.handler' } as const;
    await expect(by.send(new CreateFunctionCommand({ ...input, Code }))).rejects.toThrow(
      'Your access has been denied by S3',
    );
    await by.send(new CreateFunctionCommand({ ...input, Code: { ZipFile: echoZip } }));
  });

  it('answers for features that a function does not use', async () => {
    const FunctionName = await create(echoZip, { Publish: true });
    expect(await failure(lambda.send(new GetFunctionUrlConfigCommand({ FunctionName })))).toBe(
      'ResourceNotFoundException',
    );
    expect(
      await failure(lambda.send(new GetProvisionedConcurrencyConfigCommand({ FunctionName, Qualifier: '1' }))),
    ).toBe('ProvisionedConcurrencyConfigNotFoundException');
    expect((await lambda.send(new GetFunctionCodeSigningConfigCommand({ FunctionName }))).FunctionName).toBe(
      FunctionName,
    );
    expect((await lambda.send(new GetFunctionRecursionConfigCommand({ FunctionName }))).RecursiveLoop).toBe(
      'Terminate',
    );
    expect((await lambda.send(new GetRuntimeManagementConfigCommand({ FunctionName }))).UpdateRuntimeOn).toBe('Auto');
    expect((await lambda.send(new ListEventSourceMappingsCommand({ FunctionName }))).EventSourceMappings).toEqual([]);
    expect((await lambda.send(new GetAccountSettingsCommand({}))).AccountLimit?.ConcurrentExecutions).toBe(1000);
  });
});

describe('Invoke', () => {
  it('runs a Node.js function with its context, environment and tail of the log', async () => {
    const name = await create(
      {
        'index.mjs': `
        console.log('loaded');
        export const handler = async (event, context) => {
          console.log('two\\nlines', event.n);
          return { n: event.n + 1, remaining: context.getRemainingTimeInMillis(), arn: context.invokedFunctionArn, id: context.awsRequestId,
            memory: context.memoryLimitInMB, client: context.clientContext, env: process.env, cwd: process.cwd() };
        };`,
      },
      { Timeout: 20, MemorySize: 256, Environment: { Variables: { MINE: 'yes' } } },
    );
    const ClientContext = Buffer.from(JSON.stringify({ custom: { k: 'ü' } })).toString('base64');
    const answer = await invoke(name, { n: 1 }, { LogType: 'Tail', ClientContext });
    expect(answer).toMatchObject({ StatusCode: 200, ExecutedVersion: '$LATEST' });
    expect(answer.json).toMatchObject({
      n: 2,
      memory: '256',
      arn: `arn:aws:lambda:us-east-1:000000000000:function:${name}`,
      client: { custom: { k: 'ü' } },
    });
    expect(answer.json.id).toBe(answer.$metadata.requestId);
    expect(answer.json.remaining).toBeGreaterThan(10_000);
    const { env } = answer.json;
    expect(env).toMatchObject({
      MINE: 'yes',
      AWS_REGION: 'us-east-1',
      AWS_LAMBDA_FUNCTION_NAME: name,
      AWS_ENDPOINT_URL: sluice.url,
      _HANDLER: 'index.handler',
      TZ: ':UTC',
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs20.x',
    });
    expect(env.AWS_SESSION_TOKEN).toBeTruthy();
    expect(Object.keys(env).filter((key) => /^(NODE_|npm_|VITEST|SLUICE_(?!PROCESS))/.test(key))).toEqual([]);
    expect(answer.log).toMatch(
      /loaded\n.*START RequestId: [0-9a-f-]+ Version: \$LATEST\n.*two\r?\n?.*END RequestId: .*\nREPORT RequestId: [^\t]+\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 256 MB\tMax Memory Used: \d+ MB\tInit Duration: [\d.]+ ms\t\n$/s,
    );
    expect((await invoke(name, { n: 1 }, { LogType: 'Tail' })).log).not.toContain('Init Duration');
  });

  it('writes the log as the execution role, one event for each line', async () => {
    const name = await create({
      'index.js': `exports.handler = async () => { console.log('two\\nlines'); console.error('bad'); };`,
    });
    const { log: _log } = await invoke(name);
    await sluice.settled();
    const { events = [] } = await logs.send(new FilterLogEventsCommand({ logGroupName: `/aws/lambda/${name}` }));
    expect(events.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^START RequestId/),
      expect.stringMatching(/\tINFO\ttwo\nlines$/),
      expect.stringMatching(/\tERROR\tbad$/),
      expect.stringMatching(/^END RequestId/),
      expect.stringMatching(/^REPORT RequestId/),
    ]);
    const day = new Date(sluice.clock.now()).toISOString().slice(0, 10).replaceAll('-', '/');
    expect(events[0]?.logStreamName).toMatch(new RegExp(`^${day}/\\[\\$LATEST\\][0-9a-f]{32}$`));
    const silent = await create(echoZip, { Role: await executionRole(sluice, 'no-logs', []) });
    expect((await invoke(silent)).StatusCode).toBe(200);
    await sluice.settled();
    await expect(logs.send(new FilterLogEventsCommand({ logGroupName: `/aws/lambda/${silent}` }))).rejects.toThrow(
      'does not exist',
    );
  });

  it('keeps an environment warm, and starts another for each invocation at the same time', async () => {
    const name = await create({
      'index.js': `let n = 0; exports.handler = async (event) => { n += 1; if (event.wait) await new Promise((r) => setTimeout(r, event.wait)); return [process.pid, n]; };`,
    });
    const [first] = (await invoke(name)).json as number[];
    expect((await invoke(name)).json).toEqual([first, 2]);
    const both = await Promise.all([invoke(name, { wait: 300 }), invoke(name, { wait: 300 })]);
    expect(new Set(both.map(({ json }) => json[0])).size).toBe(2);
    await lambda.send(
      new UpdateFunctionConfigurationCommand({ FunctionName: name, Environment: { Variables: { MODE: '1' } } }),
    );
    expect((await invoke(name)).json[1]).toBe(1);
  });

  it('lets callback handlers answer when the event loop is empty', async () => {
    const name = await create(
      {
        'lib/app.js': `
      exports.deep = { handler: (event, context, callback) => {
        if (event.now) context.callbackWaitsForEmptyEventLoop = false;
        setTimeout(() => { global.late = true; }, 100).unref?.call;
        if (event.fail) callback(new TypeError('no'));
        else if (!event.silent) callback(null, { late: global.late === true });
      } };`,
      },
      { Handler: 'lib/app.deep.handler' },
    );
    expect((await invoke(name, {})).json).toEqual({ late: false });
    expect((await invoke(name, { silent: true })).json).toBeNull();
    expect(await invoke(name, { fail: true })).toMatchObject({
      FunctionError: 'Unhandled',
      json: { errorType: 'TypeError', errorMessage: 'no' },
    });
  });

  it('reports errors of Node.js functions as AWS does', async () => {
    const run = async (files: Record<string, string>, more: Partial<CreateFunctionCommandInput> = {}) =>
      invoke(await create(files, more), {}, { LogType: 'Tail' });
    expect(await run({ 'index.js': `exports.handler = async () => { throw new RangeError('far'); };` })).toMatchObject({
      StatusCode: 200,
      FunctionError: 'Unhandled',
      json: { errorType: 'RangeError', errorMessage: 'far', trace: expect.arrayContaining(['RangeError: far']) },
      log: expect.stringContaining('ERROR\tInvoke Error'),
    });
    expect((await run({ 'index.js': `exports.handler = async () => { throw 'text'; };` })).json).toEqual({
      errorType: 'string',
      errorMessage: 'text',
      trace: [],
    });
    expect((await run({ 'other.js': '' })).json).toMatchObject({
      errorType: 'Runtime.ImportModuleError',
      errorMessage: expect.stringContaining("Cannot find module 'index'"),
    });
    expect((await run({ 'index.mjs': `import 'not-there'; export const handler = 1;` })).json.errorType).toBe(
      'Runtime.ImportModuleError',
    );
    expect((await run({ 'index.js': 'exports.other = 1;' })).json).toMatchObject({
      errorType: 'Runtime.HandlerNotFound',
      errorMessage: 'index.handler is undefined or not exported',
    });
    expect((await run({ 'index.js': 'exports.handler = (' })).json.errorType).toBe('Runtime.UserCodeSyntaxError');
    expect((await run({ 'index.js': 'throw new Error("at start")' })).json).toMatchObject({
      errorType: 'Error',
      errorMessage: 'at start',
    });
    expect(
      (
        await run({
          'index.js': `exports.handler = async () => { Promise.reject(new Error('lost')); await new Promise((r) => setTimeout(r, 500)); };`,
        })
      ).json,
    ).toMatchObject({ errorType: 'Runtime.UnhandledPromiseRejection', errorMessage: 'Error: lost' });
    expect((await run({ 'index.js': `exports.handler = async () => ({ n: 1n });` })).json.errorType).toBe(
      'Runtime.MarshalError',
    );
  });

  it('runs Python functions, and reports their errors', async () => {
    const name = await create(
      py(`
import json, logging, os, sys
def handler(event, context):
    print('printed')
    logging.getLogger().warning('warned')
    if event.get('fail'):
        raise ValueError('bad value')
    if event.get('set'):
        return {1, 2}
    if event.get('exit'):
        sys.exit(3)
    return {'n': event['n'] + 1, 'id': context.aws_request_id, 'left': context.get_remaining_time_in_millis(), 'fn': context.function_name}
`),
      python,
    );
    const answer = await invoke(name, { n: 1 }, { LogType: 'Tail' });
    expect(answer.json).toMatchObject({ n: 2, id: answer.$metadata.requestId, fn: name });
    expect(answer.json.left).toBeGreaterThan(1_000);
    expect(answer.log).toMatch(/START.*printed\n\[WARNING\]\t.*\twarned\n.*END/s);
    expect((await invoke(name, { fail: true })).json).toMatchObject({
      errorType: 'ValueError',
      errorMessage: 'bad value',
      stackTrace: [expect.stringContaining('main.py')],
    });
    expect((await invoke(name, { set: true })).json).toMatchObject({
      errorType: 'Runtime.MarshalError',
      errorMessage: expect.stringContaining('Unable to marshal response'),
    });
    expect((await invoke(name, { exit: true })).json).toMatchObject({
      errorType: 'Runtime.ExitError',
      errorMessage: expect.stringMatching(/^RequestId: [0-9a-f-]+ Error: Runtime exited with error: exit status 3$/),
    });
    expect((await invoke(await create(py('import nothing_there'), python))).json).toMatchObject({
      errorType: 'Runtime.ImportModuleError',
      errorMessage: "Unable to import module 'main': No module named 'nothing_there'",
    });
    expect((await invoke(await create(py('x = 1'), python))).json).toMatchObject({
      errorType: 'Runtime.HandlerNotFound',
      errorMessage: "Handler 'handler' missing on module 'main'",
    });
  });

  it('survives functions that hang, exit, flood, answer too much, twice, or in garbage', async () => {
    const hangs = await invoke(
      await create(
        { 'index.js': 'exports.handler = () => new Promise(() => setInterval(() => {}, 1000));' },
        { Timeout: 1 },
      ),
      {},
      { LogType: 'Tail' },
    );
    expect(hangs).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled' });
    expect(hangs.json).toEqual({
      errorType: 'Sandbox.Timedout',
      errorMessage: `RequestId: ${hangs.$metadata.requestId} Error: Task timed out after 1.00 seconds`,
    });
    expect(hangs.log).toMatch(/Task timed out after 1.00 seconds\nEND.*Status: timeout/s);
    const exits = await create({ 'index.js': 'exports.handler = async (event) => { process.exit(event.code); };' });
    expect((await invoke(exits, { code: 0 })).json.errorMessage).toContain(
      'Error: Runtime exited without providing a reason',
    );
    expect((await invoke(exits, { code: 9 })).json.errorMessage).toContain(
      'Error: Runtime exited with error: exit status 9',
    );
    const killed = await create({
      'index.js': `exports.handler = async () => { process.kill(process.pid, 'SIGKILL'); await new Promise(() => {}); };`,
    });
    expect((await invoke(killed)).json.errorMessage).toContain('signal: killed');
    const floods = await create(
      {
        'index.js': `exports.handler = async () => { for (let i = 0; i < 20000; i++) process.stdout.write('x'.repeat(99) + '\\n'); return 'done'; };`,
      },
      { Timeout: 20 },
    );
    expect((await invoke(floods)).json).toBe('done');
    const big = await create(
      { 'index.js': `exports.handler = async (event) => 'x'.repeat(event.n);` },
      { Timeout: 20 },
    );
    expect((await invoke(big, { n: 6_291_000 })).json.length).toBe(6_291_000);
    expect(await invoke(big, { n: 6_291_557 })).toMatchObject({
      FunctionError: 'Unhandled',
      json: {
        errorType: 'Function.ResponseSizeTooLarge',
        errorMessage: 'Response payload size exceeded maximum allowed payload size (6291556 bytes).',
      },
    });
    expect((await invoke(big, { n: 3 })).json).toBe('xxx');
    const rude = await create({
      'index.mjs': `
      import http from 'node:http'; import net from 'node:net';
      const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
      const post = (path, body) => new Promise((r) => http.request({ host, port, method: 'POST', path: '/2018-06-01/runtime' + path }, (res) => { res.resume(); r(res.statusCode); }).end(body));
      export const handler = async (event, context) => {
        await new Promise((r) => net.connect(port, host, function () { this.resume().on('close', r).on('error', () => {}); this.end('this is no HTTP\\r\\n\\r\\n'); }));
        const codes = [await post('/invocation/another/response', '1'), await post('/nowhere', '2'), await post('/init/error', '3')];
        codes.push(await post('/invocation/' + context.awsRequestId + '/response', JSON.stringify(codes)));
        return 'the second answer';
      };`,
    });
    for (let i = 0; i < 3; i++) expect((await invoke(rude)).json).toEqual([400, 404, 403]);
  });

  it('runs provided bootstraps', async () => {
    const bootstrap = `#!/bin/sh
while true; do
  HEADERS="$(mktemp)"
  EVENT=$(curl -sS -LD "$HEADERS" "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next")
  ID=$(grep -Fi Lambda-Runtime-Aws-Request-Id "$HEADERS" | tr -d '[:space:]' | cut -d: -f2)
  curl -sS "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$ID/response" -d "Echo $EVENT" > /dev/null
done`;
    const custom = { Runtime: 'provided.al2023', Handler: 'any' } as const;
    expect(
      (
        await lambda.send(
          new InvokeCommand({ FunctionName: await create({ bootstrap }, custom), Payload: Buffer.from('{"a":1}') }),
        )
      ).Payload?.transformToString(),
    ).toBe('Echo {"a":1}');
    expect((await invoke(await create({ other: '' }, custom))).json).toMatchObject({
      errorType: 'Runtime.InvalidEntrypoint',
      errorMessage: expect.stringContaining("Couldn't find valid bootstrap(s)"),
    });
  });

  it('checks the request', async () => {
    const FunctionName = await create(echoZip);
    const send = (more: Partial<InvokeCommandInput>) => lambda.send(new InvokeCommand({ FunctionName, ...more }));
    await expect(send({ Payload: Buffer.from('{nope') })).rejects.toMatchObject({
      name: 'InvalidRequestContentException',
      message: expect.stringContaining('Could not parse request body into json'),
    });
    await expect(send({ Payload: Buffer.alloc(6_291_457, 32) })).rejects.toMatchObject({
      name: 'RequestTooLargeException',
      $metadata: { httpStatusCode: 413 },
    });
    await expect(send({ Payload: Buffer.alloc(1_048_577, 32), InvocationType: 'Event' })).rejects.toMatchObject({
      name: 'RequestTooLargeException',
    });
    expect(await send({ InvocationType: 'DryRun' })).toMatchObject({ StatusCode: 204 });
    expect((await invoke(FunctionName, undefined, { Payload: undefined })).json.event).toEqual({});
    await expect(send({ FunctionName: 'nobody' })).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody',
    });
    await expect(send({ Qualifier: 'none' })).rejects.toThrow(`function:${FunctionName}:none`);
    await expect(send({ FunctionName: `${FunctionName}:a`, Qualifier: 'b' })).rejects.toThrow(
      'does not match the specified qualifier',
    );
  });

  it('does not find packages of a project that its state lies in', async () => {
    const modules = join(sluice.house.config.stateDir, 'node_modules', 'stray');
    const { mkdirSync, rmSync } = await import('node:fs');
    mkdirSync(modules, { recursive: true });
    writeFileSync(join(modules, 'index.js'), 'module.exports = 1;');
    try {
      for (const file of ['index.js', 'index.mjs']) {
        const source =
          file === 'index.js'
            ? `const s = require('stray'); exports.handler = async () => s;`
            : `import s from 'stray'; export const handler = async () => s;`;
        expect((await invoke(await create({ [file]: source }))).json.errorType, file).toBe('Runtime.ImportModuleError');
      }
    } finally {
      rmSync(join(sluice.house.config.stateDir, 'node_modules'), { recursive: true });
    }
  });

  it('throttles at the reserved concurrency', async () => {
    const FunctionName = await create({
      'index.js': `exports.handler = async () => new Promise((r) => setTimeout(r, 400, 1));`,
    });
    expect(
      await lambda.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 1 })),
    ).toMatchObject({ ReservedConcurrentExecutions: 1 });
    const results = await Promise.allSettled([invoke(FunctionName), invoke(FunctionName)]);
    const refused = results.find((result) => result.status === 'rejected');
    expect(refused?.reason).toMatchObject({
      name: 'TooManyRequestsException',
      Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
      $metadata: { httpStatusCode: 429 },
    });
    expect((await lambda.send(new GetFunctionConcurrencyCommand({ FunctionName }))).ReservedConcurrentExecutions).toBe(
      1,
    );
    await expect(
      lambda.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 901 })),
    ).rejects.toThrow('below its minimum value of [100]');
    await lambda.send(new DeleteFunctionConcurrencyCommand({ FunctionName }));
    expect(
      (await lambda.send(new GetFunctionConcurrencyCommand({ FunctionName }))).ReservedConcurrentExecutions,
    ).toBeUndefined();
  });
});

describe('versions and aliases', () => {
  it('publishes a version only when something changed', async () => {
    const FunctionName = await create(echoZip, { Publish: true });
    expect((await lambda.send(new PublishVersionCommand({ FunctionName }))).Version).toBe('1');
    const updated = await lambda.send(
      new UpdateFunctionCodeCommand({
        FunctionName,
        ZipFile: await zipOf({ 'index.js': 'exports.handler = async () => 2;' }),
        Publish: true,
      }),
    );
    expect(updated).toMatchObject({ Version: '2', FunctionArn: expect.stringMatching(/:2$/) });
    await lambda.send(
      new UpdateFunctionConfigurationCommand({ FunctionName, Timeout: 9, Environment: { Variables: { MODE: '1' } } }),
    );
    await expect(lambda.send(new PublishVersionCommand({ FunctionName, CodeSha256: 'other' }))).rejects.toThrow(
      'is different from current CodeSHA256',
    );
    await expect(lambda.send(new PublishVersionCommand({ FunctionName, RevisionId: 'other' }))).rejects.toMatchObject({
      name: 'PreconditionFailedException',
      $metadata: { httpStatusCode: 412 },
    });
    expect(await lambda.send(new PublishVersionCommand({ FunctionName, Description: 'third' }))).toMatchObject({
      Version: '3',
      Description: 'third',
      Timeout: 9,
    });
    await lambda.send(
      new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables: { MODE: '1' } } }),
    );
    expect((await lambda.send(new PublishVersionCommand({ FunctionName }))).Version).toBe('3');
    expect((await invoke(FunctionName, {}, { Qualifier: '1' })).json.version).toBe('1');
    expect((await invoke(`${FunctionName}:2`)).json).toBe(2);
    await lambda.send(new DeleteFunctionCommand({ FunctionName, Qualifier: '3' }));
    expect((await lambda.send(new PublishVersionCommand({ FunctionName }))).Version).toBe('4');
    const seen: (string | undefined)[] = [];
    let Marker: string | undefined;
    do {
      const page = await lambda.send(new ListVersionsByFunctionCommand({ FunctionName, MaxItems: 1, Marker }));
      seen.push(...(page.Versions ?? []).map(({ Version }) => Version));
      Marker = page.NextMarker;
    } while (Marker !== undefined);
    expect(seen).toEqual(['$LATEST', '1', '2', '4']);
    const dry = await lambda.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: echoZip, DryRun: true }));
    const now = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    expect(dry.CodeSha256).not.toBe(now.CodeSha256);
    await expect(
      lambda.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: echoZip, RevisionId: 'x' })),
    ).rejects.toMatchObject({ name: 'PreconditionFailedException' });
  });

  it('takes nothing away from a function made of the same bytes while a dry run looks at them', async () => {
    const FunctionName = await create(echoZip);
    const same = await zipOf({ 'index.mjs': 'export const handler = async () => "the same";' });
    const digest = createHash('sha256').update(same).digest('hex');
    const { blobs } = sluice.house;
    const put = blobs.put.bind(blobs);
    let made: string | undefined;
    // Once whoever came first has written them, and before it goes on.
    blobs.put = async (source) => {
      const info = await put(source);
      if (made === undefined) made = await create(same, { FunctionName: (made = 'of-the-same') });
      return info;
    };
    try {
      await lambda.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: same, DryRun: true }));
    } finally {
      blobs.put = put;
    }
    if (made === undefined) {
      expect(await blobs.has(digest), 'a dry run keeps nothing').toBe(false);
      await create(same, { FunctionName: 'of-the-same' });
      await lambda.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: same, DryRun: true }));
    }
    expect(await blobs.has(digest)).toBe(true);
    expect((await invoke('of-the-same')).json).toBe('the same');
  });

  it('keeps nothing of what is no package', async () => {
    const ZipFile = Buffer.from('this is no zip');
    await expect(create(ZipFile)).rejects.toMatchObject({ name: 'InvalidParameterValueException' });
    expect(await sluice.house.blobs.has(createHash('sha256').update(ZipFile).digest('hex'))).toBe(false);
  });

  it('keeps the rules of aliases', async () => {
    const FunctionName = await create(echoZip, { Publish: true });
    await lambda.send(
      new UpdateFunctionCodeCommand({
        FunctionName,
        ZipFile: await zipOf({ 'index.js': 'exports.handler = async () => 2;' }),
        Publish: true,
      }),
    );
    const alias = { FunctionName, Name: 'live' };
    const created = await lambda.send(new CreateAliasCommand({ ...alias, FunctionVersion: '1', Description: 'd' }));
    expect(created).toMatchObject({
      AliasArn: `arn:aws:lambda:us-east-1:000000000000:function:${FunctionName}:live`,
      FunctionVersion: '1',
    });
    await expect(lambda.send(new CreateAliasCommand({ ...alias, FunctionVersion: '1' }))).rejects.toMatchObject({
      name: 'ResourceConflictException',
      message: expect.stringContaining('Alias already exists'),
    });
    await expect(lambda.send(new CreateAliasCommand({ ...alias, Name: 'x', FunctionVersion: '9' }))).rejects.toThrow(
      `Function not found: arn:aws:lambda:us-east-1:000000000000:function:${FunctionName}:9`,
    );
    const route = (weights: Record<string, number>, FunctionVersion?: string) =>
      lambda.send(
        new UpdateAliasCommand({ ...alias, FunctionVersion, RoutingConfig: { AdditionalVersionWeights: weights } }),
      );
    await expect(route({ '2': 0.1, '3': 0.1 })).rejects.toThrow('cannot be greater than 1');
    await expect(route({ $LATEST: 0.1 })).rejects.toThrow('validation error');
    await expect(route({ '2': 0.1 }, '$LATEST')).rejects.toThrow('$LATEST is not supported');
    await expect(route({ '1': 0.1 })).rejects.toThrow('already included');
    await expect(route({ '2': 1.5 })).rejects.toThrow();
    expect((await route({ '2': 0.25 })).RoutingConfig).toEqual({ AdditionalVersionWeights: { '2': 0.25 } });
    expect((await lambda.send(new UpdateAliasCommand({ ...alias, Description: 'kept' }))).RoutingConfig).toBeDefined();
    await expect(lambda.send(new UpdateAliasCommand({ ...alias, RevisionId: 'old' }))).rejects.toMatchObject({
      name: 'PreconditionFailedException',
    });
    await expect(lambda.send(new DeleteFunctionCommand({ FunctionName, Qualifier: '2' }))).rejects.toMatchObject({
      name: 'ResourceConflictException',
    });
    expect((await lambda.send(new ListAliasesCommand({ FunctionName, FunctionVersion: '2' }))).Aliases).toHaveLength(1);
    expect((await route({}, '2')).RoutingConfig).toBeUndefined();
    expect((await lambda.send(new GetAliasCommand(alias))).FunctionVersion).toBe('2');
    expect(
      (await lambda.send(new GetFunctionCommand({ FunctionName, Qualifier: 'live' }))).Configuration,
    ).toMatchObject({ Version: '2', FunctionArn: expect.stringMatching(/:live$/) });
    await lambda.send(new DeleteAliasCommand(alias));
    expect(await failure(lambda.send(new GetAliasCommand(alias)))).toBe('ResourceNotFoundException');
  });

  it('splits by weight, and measures each version of the alias', async () => {
    const FunctionName = await create(echoZip, { Publish: true });
    await lambda.send(
      new UpdateFunctionCodeCommand({
        FunctionName,
        ZipFile: await zipOf({ 'index.js': `exports.handler = async () => { throw new Error('v2'); };` }),
        Publish: true,
      }),
    );
    await lambda.send(
      new CreateAliasCommand({
        FunctionName,
        Name: 'live',
        FunctionVersion: '1',
        RoutingConfig: { AdditionalVersionWeights: { '2': 0.3 } },
      }),
    );
    await sluice.clock.advance('PT1M');
    const minute = Math.floor(sluice.clock.now() / 60_000) * 60_000;
    const executed: Record<string, number> = { '1': 0, '2': 0 };
    for (let i = 0; i < 200; i++) {
      const answer = await invoke(FunctionName, {}, { Qualifier: 'live' });
      executed[answer.ExecutedVersion ?? ''] = (executed[answer.ExecutedVersion ?? ''] ?? 0) + 1;
      expect(answer.FunctionError).toBe(answer.ExecutedVersion === '2' ? 'Unhandled' : undefined);
    }
    expect(executed['2']).toBeGreaterThan(35);
    expect(executed['2']).toBeLessThan(90);
    await sluice.settled();
    const sum = async (MetricName: string, dimensions: Record<string, string>) => {
      const { Datapoints = [] } = await cloudwatch.send(
        new GetMetricStatisticsCommand({
          Namespace: 'AWS/Lambda',
          MetricName,
          Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
          StartTime: new Date(minute),
          EndTime: new Date(minute + 120_000),
          Period: 60,
          Statistics: ['Sum', 'SampleCount'],
        }),
      );
      return Datapoints.reduce((total, point) => total + (point.Sum ?? 0), 0);
    };
    const Resource = `${FunctionName}:live`;
    expect(await sum('Invocations', { FunctionName })).toBe(200);
    expect(await sum('Invocations', { FunctionName, Resource })).toBe(200);
    expect(await sum('Invocations', { FunctionName, Resource, ExecutedVersion: '1' })).toBe(executed['1']);
    expect(await sum('Errors', { FunctionName, Resource, ExecutedVersion: '2' })).toBe(executed['2']);
    expect(await sum('Errors', { FunctionName, Resource, ExecutedVersion: '1' })).toBe(0);
    expect(await sum('Duration', { FunctionName, Resource })).toBeGreaterThan(0);
    const { Metrics = [] } = await cloudwatch.send(
      new ListMetricsCommand({ Namespace: 'AWS/Lambda', Dimensions: [{ Name: 'FunctionName', Value: FunctionName }] }),
    );
    expect(new Set(Metrics.map(({ MetricName }) => MetricName))).toEqual(
      new Set(['Invocations', 'Errors', 'Throttles', 'Duration', 'ConcurrentExecutions']),
    );
  });
});

describe('permissions and tags', () => {
  it('authorises by identity and by resource policy, each qualifier on its own', async () => {
    const FunctionName = await create(echoZip, { Publish: true });
    await lambda.send(new CreateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '1' }));
    const arn = `arn:aws:lambda:us-east-1:000000000000:function:${FunctionName}`;
    const own = client({
      credentials: (await person(sluice, 'alias-only', [{ Action: 'lambda:InvokeFunction', Resource: `${arn}:live` }]))
        .credentials,
    });
    expect((await invoke(FunctionName, 1, { Qualifier: 'live' }, own)).json.event).toBe(1);
    await expect(invoke(FunctionName, 1, {}, own)).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining('lambda:InvokeFunction'),
    });
    const guest = client({
      credentials: (await person(sluice, 'guest', [{ Action: 'lambda:InvokeFunction', Resource: '*' }], OTHER))
        .credentials,
    });
    await expect(invoke(`${arn}:live`, 1, {}, guest)).rejects.toMatchObject({ name: 'AccessDeniedException' });
    const permission = {
      FunctionName,
      Qualifier: 'live',
      StatementId: 'guest',
      Action: 'lambda:InvokeFunction',
      Principal: OTHER,
    };
    const { Statement = '' } = await lambda.send(new AddPermissionCommand(permission));
    expect(JSON.parse(Statement)).toEqual({
      Sid: 'guest',
      Effect: 'Allow',
      Principal: { AWS: `arn:aws:iam::${OTHER}:root` },
      Action: 'lambda:InvokeFunction',
      Resource: `${arn}:live`,
    });
    expect((await invoke(`${arn}:live`, 2, {}, guest)).json.event).toBe(2);
    await expect(invoke(arn, 2, {}, guest)).rejects.toMatchObject({ name: 'AccessDeniedException' });
    await expect(lambda.send(new AddPermissionCommand(permission))).rejects.toMatchObject({
      name: 'ResourceConflictException',
    });
    await expect(
      lambda.send(new AddPermissionCommand({ ...permission, Qualifier: 'none', StatementId: 'b' })),
    ).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await expect(
      lambda.send(new AddPermissionCommand({ ...permission, Principal: 'somebody', StatementId: 'b' })),
    ).rejects.toThrow('The provided principal was invalid');
    await lambda.send(
      new AddPermissionCommand({
        FunctionName,
        StatementId: 'events',
        Action: 'lambda:InvokeFunction',
        Principal: 'events.amazonaws.com',
        SourceArn: 'arn:aws:events:us-east-1:000000000000:rule/r',
      }),
    );
    const asEvents = (sourceArn: string) =>
      sluice.house.door
        .asService('events.amazonaws.com', { account: sluice.account, region: 'us-east-1' }, { sourceArn })
        .call<{ Payload: Uint8Array }>('lambda', 'Invoke', { FunctionName: arn, Payload: Buffer.from('3') });
    expect(Buffer.from((await asEvents('arn:aws:events:us-east-1:000000000000:rule/r')).Payload).toString()).toContain(
      '"event":3',
    );
    await expect(asEvents('arn:aws:events:us-east-1:000000000000:rule/other')).rejects.toMatchObject({
      code: 'AccessDeniedException',
    });
    const { Policy = '', RevisionId } = await lambda.send(new GetPolicyCommand({ FunctionName }));
    expect(JSON.parse(Policy)).toMatchObject({
      Version: '2012-10-17',
      Id: 'default',
      Statement: [
        {
          Sid: 'events',
          Principal: { Service: 'events.amazonaws.com' },
          Condition: { ArnLike: { 'AWS:SourceArn': expect.any(String) } },
        },
      ],
    });
    await expect(
      lambda.send(new RemovePermissionCommand({ FunctionName, StatementId: 'events', RevisionId: 'x' })),
    ).rejects.toMatchObject({ name: 'PreconditionFailedException' });
    await lambda.send(new RemovePermissionCommand({ FunctionName, StatementId: 'events', RevisionId }));
    expect(await failure(lambda.send(new GetPolicyCommand({ FunctionName })))).toBe('ResourceNotFoundException');
    expect(await failure(lambda.send(new RemovePermissionCommand({ FunctionName, StatementId: 'events' })))).toBe(
      'ResourceNotFoundException',
    );
  });

  it('needs PassRole', async () => {
    const { credentials } = await person(sluice, 'no-pass', [{ Action: 'lambda:*', Resource: '*' }]);
    await expect(
      client({ credentials }).send(
        new CreateFunctionCommand({
          FunctionName: 'np',
          Role: role,
          Runtime: 'nodejs20.x',
          Handler: 'index.handler',
          Code: { ZipFile: echoZip },
        }),
      ),
    ).rejects.toMatchObject({ name: 'AccessDeniedException', message: expect.stringContaining('iam:PassRole') });
  });

  it('tags functions', async () => {
    const FunctionName = await create(echoZip, { Tags: { a: '1' } });
    const Resource = `arn:aws:lambda:us-east-1:000000000000:function:${FunctionName}`;
    await lambda.send(new TagResourceCommand({ Resource, Tags: { b: '2' } }));
    await lambda.send(new UntagResourceCommand({ Resource, TagKeys: ['a'] }));
    expect((await lambda.send(new ListTagsCommand({ Resource }))).Tags).toEqual({ b: '2' });
    await expect(lambda.send(new TagResourceCommand({ Resource: `${Resource}:1`, Tags: { c: '' } }))).rejects.toThrow(
      'not supported',
    );
  });
});

describe('asynchronous invocations', () => {
  it('runs an event, tries again after one and two minutes, and drops it', async () => {
    const marks = join(sluice.house.config.stateDir, 'marks.txt');
    const FunctionName = await create({
      'index.js': `const fs = require('fs'); exports.handler = async (event, context) => { fs.appendFileSync(event.file, context.awsRequestId + '\\n'); if (event.fail) throw new Error('no'); };`,
    });
    const runs = () => (existsSync(marks) ? readFileSync(marks, 'utf8').trim().split('\n') : []);
    const left = async () =>
      Number(
        (
          await sluice.house.store.query(
            "SELECT count(*)::int AS n FROM documents WHERE kind LIKE 'lambda.%event' OR kind = 'lambda.async-invocation'",
          )
        )[0]?.['n'],
      );
    const answer = await invoke(FunctionName, { file: marks }, { InvocationType: 'Event' });
    expect(answer).toMatchObject({ StatusCode: 202, text: '' });
    await expect.poll(runs).toEqual([answer.$metadata.requestId]);
    await expect.poll(left).toBe(0);
    const failing = await invoke(FunctionName, { file: marks, fail: true }, { InvocationType: 'Event' });
    await expect.poll(runs).toHaveLength(2);
    const waiting = async () =>
      (await sluice.house.store.query("SELECT parent FROM documents WHERE kind = 'lambda.async-invocation'"))[0]?.[
        'parent'
      ];
    await expect.poll(waiting).toBe('Waiting');
    await sluice.clock.advance(59);
    expect(runs()).toHaveLength(2);
    await sluice.clock.advance(1);
    await expect.poll(runs).toHaveLength(3);
    await expect.poll(waiting).toBe('Waiting');
    await sluice.clock.advance(119);
    expect(runs()).toHaveLength(3);
    await sluice.clock.advance(1);
    await expect.poll(runs).toHaveLength(4);
    await expect.poll(left).toBe(0);
    expect(new Set(runs().slice(1))).toEqual(new Set([failing.$metadata.requestId]));
  });

  it('keeps the settings of retries', async () => {
    const FunctionName = await create(echoZip);
    expect(await failure(lambda.send(new GetFunctionEventInvokeConfigCommand({ FunctionName })))).toBe(
      'ResourceNotFoundException',
    );
    expect(
      await lambda.send(
        new PutFunctionEventInvokeConfigCommand({
          FunctionName,
          MaximumRetryAttempts: 0,
          MaximumEventAgeInSeconds: 60,
        }),
      ),
    ).toMatchObject({ MaximumRetryAttempts: 0, FunctionArn: expect.stringMatching(/:\$LATEST$/) });
    expect(
      (await lambda.send(new ListFunctionEventInvokeConfigsCommand({ FunctionName }))).FunctionEventInvokeConfigs,
    ).toHaveLength(1);
    await expect(
      lambda.send(
        new PutFunctionEventInvokeConfigCommand({
          FunctionName,
          DestinationConfig: { OnFailure: { Destination: 'arn:aws:sqs:us-east-1:000000000000:q' } },
        }),
      ),
    ).rejects.toThrow('not implemented by Sluice');
    await lambda.send(new DeleteFunctionEventInvokeConfigCommand({ FunctionName }));
  });
});

it('DeleteFunction removes all of it, and ends its processes', async () => {
  const FunctionName = await create(echoZip, { Publish: true });
  await lambda.send(new CreateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '1' }));
  await invoke(FunctionName, 1, { Qualifier: 'live' });
  const ledger = join(sluice.house.config.stateDir, 'processes');
  const mine = () =>
    readdirSync(ledger).filter((file) => {
      try {
        return readFileSync(join(ledger, file), 'utf8').includes(`function:${FunctionName}:`);
      } catch {
        return false;
      }
    });
  expect(mine()).toHaveLength(1);
  await lambda.send(new DeleteFunctionCommand({ FunctionName }));
  await expect.poll(mine).toEqual([]);
  expect(await failure(invoke(FunctionName, 1, { Qualifier: 'live' }))).toBe('ResourceNotFoundException');
  expect(await failure(lambda.send(new DeleteFunctionCommand({ FunctionName })))).toBe('ResourceNotFoundException');
});
