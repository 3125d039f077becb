/**
 * Rows 18 to 23 of the worked table of the identity reference (its section 9): a pipeline of one account deploys a stack
 * into another account and another Region, grant by grant. With all of them it succeeds; without any one of them it fails
 * where AWS fails it, in AWS's words; with the grant given back it succeeds.
 *
 *   A  us-east-1   pipeline role P, source bucket, artifact bucket `art-use1` under K1
 *      eu-west-1   artifact bucket `art-euw1` under K2
 *   B  eu-west-1   action role X calls CloudFormation, execution role F makes a role and a function
 */
import type { StackEvent } from '@aws-sdk/client-cloudformation';
import type { ListActionExecutionsOutput } from '@aws-sdk/client-codepipeline';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { PreflightReport } from '../../src/app/preflight/preflight.ts';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import type { Client } from '../../src/services/index.ts';
import { zipOf } from '../support/functions.ts';

const B = '222222222222';
const [HOME, AWAY] = ['us-east-1', 'eu-west-1'];
const PIPELINE = 'delivery';

const TEMPLATE = JSON.stringify({
  Parameters: { Bucket: { Type: 'String' }, Key: { Type: 'String' }, Greeting: { Type: 'String' } },
  Resources: {
    Role: {
      Type: 'AWS::IAM::Role',
      Properties: {
        AssumeRolePolicyDocument: {
          Version: '2012-10-17',
          Statement: { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
        },
      },
    },
    Greeter: {
      Type: 'AWS::Lambda::Function',
      Properties: {
        Role: { 'Fn::GetAtt': 'Role.Arn' },
        Runtime: 'nodejs20.x',
        Handler: 'index.handler',
        Code: { S3Bucket: { Ref: 'Bucket' }, S3Key: { Ref: 'Key' } },
        Environment: { Variables: { GREETING: { Ref: 'Greeting' } } },
      },
    },
  },
  Outputs: { FunctionName: { Value: { Ref: 'Greeter' } } },
});

type Statement = Readonly<{
  Effect?: string;
  Principal?: unknown;
  Action: unknown;
  Resource?: unknown;
  Condition?: unknown;
}>;
type Grant = Readonly<{ grant?: string; statement: Statement }>;

let sluice: TestSluice;
let A: string;
let tools: Client;
let toolsAway: Client;
let target: Client;
let roles: Readonly<Record<'P' | 'X' | 'F', string>>;
let grants: Readonly<Record<'P' | 'X' | 'F', readonly Grant[]>>;
let pipeline: (changes?: Readonly<Record<string, string | undefined>>) => object;

const document = (statements: readonly Statement[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements.map((each) => ({ Effect: 'Allow', ...each })) });
const trusts = (Principal: object): Statement => ({ Principal, Action: 'sts:AssumeRole' });

beforeAll(async () => {
  sluice = await startSluice({ clock: 'auto', seed: 1823 });
  A = sluice.account;
  const root = (account: string, region: string): Client =>
    sluice.house.door.as({ type: 'Root', account, arn: `arn:aws:iam::${account}:root` }, { account, region });
  tools = root(A, HOME);
  toolsAway = root(A, AWAY);
  target = root(B, AWAY);
  const arn = (account: string, name: string): string => `arn:aws:iam::${account}:role/${name}`;
  roles = { P: arn(A, 'P'), X: arn(B, 'X'), F: arn(B, 'F') };
  const key = async (client: Client): Promise<string> => {
    const statements = [
      { Principal: { AWS: A }, Action: 'kms:*', Resource: '*' },
      { Principal: { AWS: B }, Action: ['kms:Decrypt', 'kms:DescribeKey'], Resource: '*' },
    ];
    const made = await client.call<{ KeyMetadata: { Arn: string } }>('kms', 'CreateKey', {
      Policy: document(statements),
    });
    return made.KeyMetadata.Arn;
  };
  const [K1, K2] = [await key(tools), await key(toolsAway)];
  const objects = (name: string): string => `arn:aws:s3:::${name}/*`;
  const read = ['s3:GetObject', 's3:GetObjectVersion'];
  const stacks = `arn:aws:cloudformation:${AWAY}:${B}:stack/greeter/*`;
  const anyRole = `arn:aws:iam::${B}:role/greeter-*`;
  grants = {
    P: [
      { statement: { Action: [...read, 's3:GetBucketVersioning', 's3:PutObject'], Resource: '*' } },
      { statement: { Action: ['kms:Decrypt', 'kms:GenerateDataKey'], Resource: [K1, K2] } },
      { statement: { Action: 'sts:AssumeRole', Resource: roles.X } },
    ],
    X: [
      { statement: { Action: read, Resource: objects('art-euw1') } },
      { statement: { Action: 'kms:Decrypt', Resource: K2 } },
      { grant: '18 look', statement: { Action: 'cloudformation:DescribeStacks', Resource: stacks } },
      {
        grant: '18',
        statement: {
          Action: ['CreateStack', 'UpdateStack', 'DeleteStack', 'DescribeStackEvents'].map(
            (each) => `cloudformation:${each}`,
          ),
          Resource: stacks,
        },
      },
      {
        grant: '19',
        statement: {
          Action: 'iam:PassRole',
          Resource: '*',
          Condition: { StringEquals: { 'iam:PassedToService': 'cloudformation.amazonaws.com' } },
        },
      },
    ],
    F: [
      { grant: '22', statement: { Action: read, Resource: objects('art-euw1') } },
      { grant: '22 key', statement: { Action: 'kms:Decrypt', Resource: K2 } },
      { grant: '23', statement: { Action: 'iam:CreateRole', Resource: anyRole } },
      { statement: { Action: ['iam:GetRole', 'iam:DeleteRole', 'iam:PassRole'], Resource: anyRole } },
      { statement: { Action: 'lambda:*', Resource: `arn:aws:lambda:${AWAY}:${B}:function:greeter-*` } },
    ],
  };
  const trust = {
    P: { Service: 'codepipeline.amazonaws.com' },
    X: { AWS: A },
    F: { Service: 'cloudformation.amazonaws.com' },
  };
  for (const name of ['P', 'X', 'F'] as const) {
    await (name === 'P' ? tools : target).call('iam', 'CreateRole', {
      RoleName: name,
      AssumeRolePolicyDocument: document([trusts(trust[name])]),
    });
  }
  await tools.call('iam', 'CreateRole', { RoleName: 'F', AssumeRolePolicyDocument: document([trusts(trust.F)]) });
  for (const [client, Bucket] of [
    [tools, 'source-of-a'],
    [tools, 'art-use1'],
    [toolsAway, 'art-euw1'],
  ] as const) {
    const there = client.scope.region === HOME ? {} : { CreateBucketConfiguration: { LocationConstraint: AWAY } };
    await client.call('s3', 'CreateBucket', { Bucket, ...there });
    await client.call('s3', 'PutBucketVersioning', { Bucket, VersioningConfiguration: { Status: 'Enabled' } });
  }
  const open = { Principal: { AWS: B }, Action: read, Resource: objects('art-euw1') };
  await toolsAway.call('s3', 'PutBucketPolicy', { Bucket: 'art-euw1', Policy: document([open]) });
  await without();
  await tools.call('s3', 'PutObject', {
    Bucket: 'source-of-a',
    Key: 'source.zip',
    Body: await zipOf({
      'template.json': TEMPLATE,
      'settings.json': JSON.stringify({ Parameters: { Greeting: 'hello' }, Tags: {} }),
      'index.mjs': 'export const handler = async () => process.env.GREETING;',
    }),
  });
  const type = (category: string, provider: string) => ({ category, owner: 'AWS', provider, version: '1' });
  const store = (location: string, id: string) => ({ type: 'S3', location, encryptionKey: { id, type: 'KMS' } });
  pipeline = (changes = {}) => ({
    name: PIPELINE,
    roleArn: roles.P,
    artifactStores: { [HOME]: store('art-use1', K1), [AWAY]: store('art-euw1', K2) },
    stages: [
      {
        name: 'Source',
        actions: [
          {
            name: 'Fetch',
            actionTypeId: type('Source', 'S3'),
            configuration: { S3Bucket: 'source-of-a', S3ObjectKey: 'source.zip', PollForSourceChanges: 'false' },
            outputArtifacts: [{ name: 'source' }],
          },
        ],
      },
      {
        name: 'Deploy',
        actions: [
          {
            name: 'Stack',
            region: AWAY,
            roleArn: roles.X,
            namespace: 'Stack',
            actionTypeId: type('Deploy', 'CloudFormation'),
            inputArtifacts: [{ name: 'source' }],
            configuration: Object.fromEntries(
              Object.entries({
                ActionMode: 'REPLACE_ON_FAILURE',
                StackName: 'greeter',
                RoleArn: roles.F,
                TemplatePath: 'source::template.json',
                TemplateConfiguration: 'source::settings.json',
                Capabilities: 'CAPABILITY_IAM',
                ParameterOverrides: JSON.stringify({
                  Bucket: { 'Fn::GetArtifactAtt': ['source', 'BucketName'] },
                  Key: { 'Fn::GetArtifactAtt': ['source', 'ObjectKey'] },
                }),
                ...changes,
              }).filter(([, value]) => value !== undefined),
            ),
          },
        ],
      },
    ],
  });
  await tools.call('codepipeline', 'CreatePipeline', { pipeline: pipeline() });
  const { pipelineExecutionSummaries: [first] = [] } = await tools.call<{
    pipelineExecutionSummaries?: { pipelineExecutionId: string }[];
  }>('codepipeline', 'ListPipelineExecutions', { pipelineName: PIPELINE });
  if (first !== undefined) await ended(first.pipelineExecutionId);
  await deleteStack();
}, 60_000);
afterAll(() => sluice?.close());

/** Given back, it works again: what failed, failed for want of the grant. */
afterEach(async () => {
  await without();
  await tools.call('codepipeline', 'UpdatePipeline', { pipeline: pipeline() });
  expect(await run()).toMatchObject({ status: 'Succeeded' });
  await deleteStack();
});

async function without(...missing: readonly string[]): Promise<void> {
  for (const [RoleName, all] of Object.entries(grants)) {
    const standing = all.filter(({ grant }) => grant === undefined || !missing.includes(grant));
    await (RoleName === 'P' ? tools : target).call('iam', 'PutRolePolicy', {
      RoleName,
      PolicyName: 'may',
      PolicyDocument: document(standing.map(({ statement }) => statement)),
    });
  }
}

type Ended = Readonly<{ status: string; code?: string; message?: string; variables: Readonly<Record<string, string>> }>;

async function run(): Promise<Ended> {
  const { pipelineExecutionId } = await tools.call<{ pipelineExecutionId: string }>(
    'codepipeline',
    'StartPipelineExecution',
    { name: PIPELINE },
  );
  return ended(pipelineExecutionId);
}

async function ended(pipelineExecutionId: string): Promise<Ended> {
  const giveUpAt = performance.now() + 60_000;
  for (;;) {
    const { pipelineExecution } = await tools.call<{ pipelineExecution: { status: string } }>(
      'codepipeline',
      'GetPipelineExecution',
      { pipelineName: PIPELINE, pipelineExecutionId },
    );
    if (pipelineExecution.status !== 'InProgress') {
      const { actionExecutionDetails = [] } = await tools.call<ListActionExecutionsOutput>(
        'codepipeline',
        'ListActionExecutions',
        { pipelineName: PIPELINE, filter: { pipelineExecutionId } },
      );
      const stack = actionExecutionDetails.find(({ actionName }) => actionName === 'Stack');
      const { code, message } = stack?.output?.executionResult?.errorDetails ?? {};
      return {
        status: pipelineExecution.status,
        variables: stack?.output?.outputVariables ?? {},
        ...(code === undefined ? {} : { code }),
        ...(message === undefined ? {} : { message }),
      };
    }
    if (performance.now() > giveUpAt) throw new Error(`gave up waiting for ${pipelineExecutionId}`);
    await sluice.settled();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function stackExists(): Promise<boolean> {
  const { Stacks } = await target.call<{ Stacks: { StackName: string }[] }>('cloudformation', 'DescribeStacks', {});
  return Stacks.some(({ StackName }) => StackName === 'greeter');
}

async function deleteStack(): Promise<void> {
  await target.call('cloudformation', 'DeleteStack', { StackName: 'greeter' });
  const giveUpAt = performance.now() + 60_000;
  while (await stackExists()) {
    if (performance.now() > giveUpAt) throw new Error('the stack is not deleted');
    await sluice.settled();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Why resources failed, the oldest first: `Greeter CREATE_FAILED: ...`. */
async function failures(): Promise<string[]> {
  const { StackEvents } = await target.call<{ StackEvents: StackEvent[] }>('cloudformation', 'DescribeStackEvents', {
    StackName: 'greeter',
  });
  return StackEvents.toReversed()
    .filter(({ ResourceStatus }) => ResourceStatus?.endsWith('_FAILED') === true)
    .map((each) => `${each.LogicalResourceId} ${each.ResourceStatus}: ${each.ResourceStatusReason}`);
}

async function stackStatus(): Promise<string | undefined> {
  const { Stacks } = await target.call<{ Stacks: { StackStatus: string }[] }>('cloudformation', 'DescribeStacks', {
    StackName: 'greeter',
  });
  return Stacks[0]?.StackStatus;
}

async function auditHas(text: string): Promise<void> {
  await sluice.open.audit.flush();
  const rows = await sluice.house.store.query<{ denial: string | null }>(
    `SELECT record->>'denial' AS denial FROM audit WHERE error_code IS NOT NULL ORDER BY id DESC LIMIT 60`,
  );
  expect(rows.map(({ denial }) => denial ?? '').join('\n')).toContain(text);
}

const lacks = (who: string, action: string, resource: string): string =>
  `User: arn:aws:sts::${B}:assumed-role/${who} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`;
const BY_CLOUDFORMATION = '(Service: AmazonCloudFormation; Status Code: 403; Error Code: AccessDenied)';
const CREATE_FAILED = (id: string): string =>
  `The following resource(s) failed to create: [${id}]. Rollback requested by user.`;

describe('a stack across accounts and Regions', () => {
  it('has a function of the artifact, and its outputs are variables', async () => {
    const { status, variables } = await run();
    expect(status).toBe('Succeeded');
    const FunctionName = variables['FunctionName'];
    expect(FunctionName).toMatch(/^greeter-Greeter-/);
    const { Payload } = await target.call<{ Payload: Uint8Array }>('lambda', 'Invoke', { FunctionName });
    expect(Buffer.from(Payload).toString()).toBe('"hello"');
    // Another execution, another artifact: the same stack is updated.
    expect(await run()).toMatchObject({ status: 'Succeeded', variables });
    expect(await stackStatus()).toBe('UPDATE_COMPLETE');
  });

  it.each([
    ['18 look', 'cloudformation:DescribeStacks'],
    ['18', 'cloudformation:CreateStack'],
  ] as const)('%s: X may not call CloudFormation', async (grant, action) => {
    await without(grant);
    const denial = lacks('X/delivery', action, `arn:aws:cloudformation:${AWAY}:${B}:stack/greeter/*`);
    expect(await run()).toMatchObject({
      status: 'Failed',
      code: 'PermissionError',
      message: `${denial} ${BY_CLOUDFORMATION}`,
    });
    expect(await stackExists()).toBe(false);
    await auditHas(denial);
  });

  /** What the action will be denied, as preflight says before it runs. */
  async function foreseen(): Promise<string[]> {
    const response = await fetch(`${sluice.url}/_sluice/preflight?pipeline=${PIPELINE}`);
    const { actions } = (await response.json()) as PreflightReport;
    return actions.flatMap(({ denied }) => denied.map(({ message = '' }) => message));
  }

  it('19: X may not pass F', async () => {
    expect(await foreseen()).toEqual([]);
    await without('19');
    const denial = lacks('X/delivery', 'iam:PassRole', roles.F);
    expect([...new Set(await foreseen())]).toEqual([denial]);
    expect(await run()).toMatchObject({
      status: 'Failed',
      code: 'PermissionError',
      message: `${denial} ${BY_CLOUDFORMATION}`,
    });
    expect(await stackExists()).toBe(false);
    await auditHas(denial);
  });

  it('20: F of the pipeline’s account cannot be passed', async () => {
    await tools.call('codepipeline', 'UpdatePipeline', { pipeline: pipeline({ RoleArn: `arn:aws:iam::${A}:role/F` }) });
    expect(await run()).toMatchObject({
      status: 'Failed',
      code: 'PermissionError',
      message: `Cross-account pass role is not allowed ${BY_CLOUDFORMATION}`,
    });
    expect(await stackExists()).toBe(false);
  });

  it('21: F does not trust CloudFormation', async () => {
    const trust = (Service: string) =>
      target.call('iam', 'UpdateAssumeRolePolicy', { RoleName: 'F', PolicyDocument: document([trusts({ Service })]) });
    await trust('ec2.amazonaws.com');
    try {
      expect(await run()).toMatchObject({
        status: 'Failed',
        message: expect.stringContaining(`Role ${roles.F} is invalid or cannot be assumed`),
      });
      expect(await stackExists()).toBe(false);
    } finally {
      await trust('cloudformation.amazonaws.com');
    }
  });

  it.each([
    ['22', 's3:GetObject'],
    ['22 key', 'kms:Decrypt'],
  ] as const)(
    '%s: F may not read the artifact: the function is not made, and all is rolled back',
    async (grant, action) => {
      await without(grant);
      expect(await run()).toMatchObject({ status: 'Failed', code: 'JobFailed', message: CREATE_FAILED('Greeter') });
      expect(await stackStatus()).toBe('ROLLBACK_COMPLETE');
      const [failure = '', ...more] = await failures();
      expect(more).toEqual([]);
      expect(failure).toMatch(
        /^Greeter CREATE_FAILED: Your access has been denied by S3, please make sure your request credentials have permission to GetObject for art-euw1\/delivery\/source\/\w{7}\. S3 Error Code: AccessDenied\. S3 Error Message: .* \(Service: AWSLambdaInternal; Status Code: 403; Error Code: AccessDeniedException\)$/,
      );
      expect(failure).toContain(`assumed-role/F/AWSCloudFormation is not authorized to perform: ${action}`);
      const { Roles } = await target.call<{ Roles: { RoleName: string }[] }>('iam', 'ListRoles', {});
      expect(Roles.map(({ RoleName }) => RoleName).toSorted()).toEqual(['F', 'X']);
    },
  );

  it('23: F may not make what the template has', async () => {
    await without('23');
    expect(await run()).toMatchObject({ status: 'Failed', code: 'JobFailed', message: CREATE_FAILED('Role') });
    expect(await stackStatus()).toBe('ROLLBACK_COMPLETE');
    const [failure] = await failures();
    expect(failure).toMatch(
      new RegExp(
        `^Role CREATE_FAILED: API: iam:CreateRole ${lacks('F/AWSCloudFormation', 'iam:CreateRole', String.raw`arn:aws:iam::${B}:role/greeter-Role-\w{12}`)}`,
      ),
    );
    await auditHas(`assumed-role/F/AWSCloudFormation is not authorized to perform: iam:CreateRole`);
  });

  it('23: roles must be acknowledged', async () => {
    await tools.call('codepipeline', 'UpdatePipeline', { pipeline: pipeline({ Capabilities: undefined }) });
    expect(await run()).toMatchObject({
      status: 'Failed',
      message:
        'Requires capabilities : [CAPABILITY_IAM] (Service: AmazonCloudFormation; Status Code: 400; Error Code: InsufficientCapabilitiesException)',
    });
    expect(await stackExists()).toBe(false);
  });
});
