/** CloudFormation over the wire: templates, stacks, updates, rollbacks and change sets, with real resources behind them. */
import {
  CloudFormationClient,
  CreateChangeSetCommand,
  CreateStackCommand,
  type CreateStackCommandInput,
  DeleteChangeSetCommand,
  DeleteStackCommand,
  DescribeChangeSetCommand,
  DescribeStackEventsCommand,
  DescribeStackResourceCommand,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
  ExecuteChangeSetCommand,
  GetTemplateCommand,
  ListChangeSetsCommand,
  ListStackResourcesCommand,
  ListStacksCommand,
  type Stack,
  UpdateStackCommand,
  ValidateTemplateCommand,
} from '@aws-sdk/client-cloudformation';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { stacks } from '../../src/services/cloudformation/records.ts';
import { stackLoop } from '../../src/services/cloudformation/stack-loop.ts';
import type { Client } from '../../src/services/index.ts';

let sluice: TestSluice;
let cfn: CloudFormationClient;
let root: Client;

beforeAll(async () => {
  sluice = await startSluice({ clock: 'auto', seed: 18 });
  cfn = new CloudFormationClient(sluice.clientConfig());
  const { account, region } = sluice;
  root = sluice.house.door.as({ type: 'Root', account, arn: `arn:aws:iam::${account}:root` }, { account, region });
}, 60_000);
afterAll(async () => {
  cfn?.destroy();
  await sluice?.close();
});

const json = (Resources: object, more: object = {}): string => JSON.stringify({ Resources, ...more });
const TOPIC = { Type: 'AWS::SNS::Topic' };

async function stackOf(name: string): Promise<Stack> {
  const { Stacks: [stack] = [] } = await cfn.send(new DescribeStacksCommand({ StackName: name }));
  if (stack === undefined) throw new Error(`no stack ${name}`);
  return stack;
}

async function ended(name: string): Promise<Stack> {
  const giveUpAt = performance.now() + 60_000;
  for (;;) {
    const stack = await stackOf(name);
    if (stack.StackStatus?.endsWith('_IN_PROGRESS') !== true) return stack;
    if (performance.now() > giveUpAt) throw new Error(`${name} is still ${stack.StackStatus}`);
    await sluice.settled();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function create(StackName: string, TemplateBody: string, more: Partial<CreateStackCommandInput> = {}) {
  const { StackId = '' } = await cfn.send(new CreateStackCommand({ StackName, TemplateBody, ...more }));
  return { id: StackId, stack: await ended(StackName) };
}

async function update(StackName: string, TemplateBody: string, more: object = {}): Promise<Stack> {
  await cfn.send(new UpdateStackCommand({ StackName, TemplateBody, ...more }));
  return ended(StackName);
}

/** The oldest first: `Topic CREATE_COMPLETE`. */
async function eventsOf(name: string): Promise<string[]> {
  const { StackEvents = [] } = await cfn.send(new DescribeStackEventsCommand({ StackName: name }));
  return StackEvents.toReversed().map(
    ({ LogicalResourceId, ResourceStatus, ResourceStatusReason }) =>
      `${LogicalResourceId} ${ResourceStatus}${ResourceStatusReason === undefined ? '' : `: ${ResourceStatusReason}`}`,
  );
}

const YAML = `
AWSTemplateFormatVersion: '2010-09-09'
Description: everything short
Parameters:
  Stage: { Type: String, Default: dev, AllowedValues: [dev, prod] }
  Ids: { Type: CommaDelimitedList, Default: 'a, b' }
Mappings:
  Days: { dev: { Keep: 1 }, prod: { Keep: 30 } }
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  NotProd: !Not [!Condition IsProd]
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: !If [IsProd, 60, 10]
      RedrivePolicy: !If [IsProd, { maxReceiveCount: 3 }, !Ref AWS::NoValue]
  Group:
    Type: AWS::Logs::LogGroup
    DependsOn: Queue
    Properties:
      LogGroupName: !Sub '/\${AWS::StackName}/\${Stage}'
      RetentionInDays: !FindInMap [Days, !Ref Stage, Keep]
  Name:
    Type: AWS::SSM::Parameter
    Properties:
      Type: String
      Value: !Join ['|', [!GetAtt Queue.Arn, !Select [1, !Ref Ids], !Select [0, !Split ['-', !Ref AWS::Region]], !Sub ['\${x}!', { x: !Ref Group }]]]
  OnlyProd:
    Type: AWS::SNS::Topic
    Condition: IsProd
Outputs:
  Queue: { Value: !GetAtt Queue.Arn, Description: where work goes }
  Data: { Value: !Base64 'héllo' }
  None: { Value: x, Condition: IsProd }
`;

describe('a stack', () => {
  it('is made of YAML with short forms, in the order of its references', async () => {
    const { stack } = await create('short', YAML);
    expect(stack).toMatchObject({ StackStatus: 'CREATE_COMPLETE', Description: 'everything short' });
    const { account, region } = sluice;
    const { StackResources = [] } = await cfn.send(new DescribeStackResourcesCommand({ StackName: 'short' }));
    const physical = Object.fromEntries(
      StackResources.map((each) => [each.LogicalResourceId, each.PhysicalResourceId]),
    );
    expect(Object.keys(physical).toSorted()).toEqual(['Group', 'Name', 'Queue']);
    const arn = `arn:aws:sqs:${region}:${account}:${physical['Queue']?.split('/').at(-1)}`;
    expect(stack.Outputs).toEqual([
      { OutputKey: 'Data', OutputValue: 'aMOpbGxv' },
      { OutputKey: 'Queue', OutputValue: arn, Description: 'where work goes' },
    ]);
    expect(await root.call('ssm', 'GetParameter', { Name: physical['Name'] })).toMatchObject({
      Parameter: { Value: `${arn}|b|us|/short/dev!` },
    });
    expect(await root.call('logs', 'DescribeLogGroups', { logGroupNamePrefix: '/short/dev' })).toMatchObject({
      logGroups: [{ retentionInDays: 1 }],
    });
    expect((await eventsOf('short')).filter((each) => !each.startsWith('Name'))).toEqual([
      'short CREATE_IN_PROGRESS: User Initiated',
      'Queue CREATE_IN_PROGRESS',
      'Queue CREATE_IN_PROGRESS: Resource creation Initiated',
      'Queue CREATE_COMPLETE',
      'Group CREATE_IN_PROGRESS',
      'Group CREATE_IN_PROGRESS: Resource creation Initiated',
      'Group CREATE_COMPLETE',
      'short CREATE_COMPLETE',
    ]);
    const { TemplateBody } = await cfn.send(new GetTemplateCommand({ StackName: 'short' }));
    expect(TemplateBody).toBe(YAML);
    await cfn.send(new DeleteStackCommand({ StackName: 'short' }));
    const { StackSummaries = [] } = await cfn.send(new ListStacksCommand({}));
    const id = StackSummaries.find((each) => each.StackName === 'short')?.StackId ?? '';
    expect((await ended(id)).StackStatus).toBe('DELETE_COMPLETE');
    await expect(root.call('ssm', 'GetParameter', { Name: physical['Name'] })).rejects.toThrow();
    await expect(stackOf('short')).rejects.toMatchObject({
      name: 'ValidationError',
      message: 'Stack with id short does not exist',
    });
  });

  it('changes in place what can change, replaces what cannot, and deletes what is left out', async () => {
    const parameter = (Value: unknown) => ({ Type: 'AWS::SSM::Parameter', Properties: { Type: 'String', Value } });
    const topic = (TopicName: string) => ({ Type: 'AWS::SNS::Topic', Properties: { TopicName } });
    await create('moving', json({ T: topic('one'), P: parameter({ Ref: 'T' }), Old: TOPIC }));
    await expect(
      update('moving', json({ T: topic('one'), P: parameter({ Ref: 'T' }), Old: TOPIC })),
    ).rejects.toMatchObject({
      name: 'ValidationError',
      message: 'No updates are to be performed.',
    });
    const stack = await update('moving', json({ T: topic('two'), P: parameter({ Ref: 'T' }) }));
    expect(stack.StackStatus).toBe('UPDATE_COMPLETE');
    const { Topics } = await root.call<{ Topics: { TopicArn: string }[] }>('sns', 'ListTopics', {});
    expect(Topics.map(({ TopicArn }) => TopicArn.split(':').at(-1))).toEqual(['two']);
    const { StackResourceDetail } = await cfn.send(
      new DescribeStackResourceCommand({ StackName: 'moving', LogicalResourceId: 'P' }),
    );
    expect(await root.call('ssm', 'GetParameter', { Name: StackResourceDetail?.PhysicalResourceId })).toMatchObject({
      Parameter: { Value: expect.stringMatching(/:two$/) },
    });
    const events = await eventsOf('moving');
    expect(events.slice(events.indexOf('moving UPDATE_IN_PROGRESS: User Initiated'))).toEqual([
      'moving UPDATE_IN_PROGRESS: User Initiated',
      'T UPDATE_IN_PROGRESS: Requested update requires the creation of a new physical resource; hence creating one.',
      'T UPDATE_IN_PROGRESS',
      'T UPDATE_IN_PROGRESS: Resource creation Initiated',
      'T UPDATE_COMPLETE',
      'P UPDATE_IN_PROGRESS',
      'P UPDATE_COMPLETE',
      'moving UPDATE_COMPLETE_CLEANUP_IN_PROGRESS',
      'T DELETE_IN_PROGRESS',
      'Old DELETE_IN_PROGRESS',
      // Side by side.
      expect.stringMatching(/^(T|Old) DELETE_COMPLETE$/),
      expect.stringMatching(/^(T|Old) DELETE_COMPLETE$/),
      'moving UPDATE_COMPLETE',
    ]);
  });

  it('takes back what it made when something cannot be made', async () => {
    await root.call('sns', 'CreateTopic', { Name: 'taken' });
    const taken = { Type: 'AWS::SNS::Topic', DependsOn: 'Good', Properties: { TopicName: 'taken' } };
    const { id, stack } = await create('back', json({ Good: { Type: 'AWS::SQS::Queue' }, Bad: taken }));
    expect(stack).toMatchObject({
      StackStatus: 'ROLLBACK_COMPLETE',
      StackStatusReason: 'The following resource(s) failed to create: [Bad]. Rollback requested by user.',
    });
    expect(await eventsOf('back')).toEqual([
      'back CREATE_IN_PROGRESS: User Initiated',
      'Good CREATE_IN_PROGRESS',
      'Good CREATE_IN_PROGRESS: Resource creation Initiated',
      'Good CREATE_COMPLETE',
      'Bad CREATE_IN_PROGRESS',
      'Bad CREATE_FAILED: taken already exists',
      'back ROLLBACK_IN_PROGRESS: The following resource(s) failed to create: [Bad]. Rollback requested by user.',
      'Good DELETE_IN_PROGRESS',
      'Good DELETE_COMPLETE',
      `back ROLLBACK_COMPLETE: ${stack.StackStatusReason}`,
    ]);
    await expect(update('back', json({ T: TOPIC }))).rejects.toMatchObject({
      message: `Stack:${id} is in ROLLBACK_COMPLETE state and can not be updated.`,
    });
    await cfn.send(new DeleteStackCommand({ StackName: 'back' }));
    expect((await ended(id)).StackStatus).toBe('DELETE_COMPLETE');
    // What was somebody else's is still there.
    await root.call('sns', 'GetTopicAttributes', { TopicArn: `arn:aws:sns:${sluice.region}:${sluice.account}:taken` });
  });

  it('puts back what it changed when an update fails', async () => {
    const queue = (VisibilityTimeout: number, QueueName: string) => ({
      Type: 'AWS::SQS::Queue',
      Properties: { VisibilityTimeout, QueueName },
    });
    await create('restored', json({ Q: queue(10, 'restored-queue') }));
    const bad = { Type: 'AWS::SNS::Topic', DependsOn: ['Q', 'New'], Properties: { TopicName: 'taken' } };
    const stack = await update('restored', json({ Q: queue(20, 'restored-queue'), New: TOPIC, Bad: bad }));
    expect(stack).toMatchObject({
      StackStatus: 'UPDATE_ROLLBACK_COMPLETE',
      StackStatusReason: 'The following resource(s) failed to create: [Bad]. ',
    });
    const { QueueUrl } = await root.call<{ QueueUrl: string }>('sqs', 'GetQueueUrl', { QueueName: 'restored-queue' });
    expect(
      await root.call('sqs', 'GetQueueAttributes', { QueueUrl, AttributeNames: ['VisibilityTimeout'] }),
    ).toMatchObject({ Attributes: { VisibilityTimeout: '10' } });
    const { StackResourceSummaries = [] } = await cfn.send(new ListStackResourcesCommand({ StackName: 'restored' }));
    expect(StackResourceSummaries.map((each) => each.LogicalResourceId)).toEqual(['Q']);
    await expect(update('restored', json({ Q: queue(20, 'restored-queue') }))).resolves.toMatchObject({
      StackStatus: 'UPDATE_COMPLETE',
    });
  });

  it('keeps a NoEcho parameter out of all it shows and stores', async () => {
    const Value = { 'Fn::Sub': 'is ${Secret}' };
    const body = json(
      { P: { Type: 'AWS::SSM::Parameter', Properties: { Type: 'String', Value } } },
      { Parameters: { Secret: { Type: 'String', NoEcho: true } } },
    );
    const Parameters = [{ ParameterKey: 'Secret', ParameterValue: 'hunter2' }];
    const { stack } = await create('secret', body, { Parameters });
    expect(stack.Parameters).toEqual([{ ParameterKey: 'Secret', ParameterValue: '****' }]);
    const { StackResources: [made] = [] } = await cfn.send(new DescribeStackResourcesCommand({ StackName: 'secret' }));
    const Name = made?.PhysicalResourceId;
    expect(await root.call('ssm', 'GetParameter', { Name })).toMatchObject({ Parameter: { Value: 'is hunter2' } });
    const rows = await sluice.house.store.query<{ found: string }>(
      `SELECT count(*)::text AS found FROM documents WHERE kind LIKE 'cloudformation%' AND document::text LIKE '%hunter2%'`,
    );
    expect(rows[0]?.found).toBe('0');
    const again = { Parameters: [{ ParameterKey: 'Secret', UsePreviousValue: true }] };
    await expect(update('secret', body, again)).rejects.toThrow('No updates are to be performed.');
    await update('secret', body, { Parameters: [{ ParameterKey: 'Secret', ParameterValue: 'hunter3' }] });
    expect(await root.call('ssm', 'GetParameter', { Name })).toMatchObject({ Parameter: { Value: 'is hunter3' } });
  });

  it('makes a role, a function, its versions and an alias', async () => {
    const trust = {
      Statement: { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
    };
    const body = (answer: number, version: string): string =>
      json({
        Role: {
          Type: 'AWS::IAM::Role',
          Properties: { AssumeRolePolicyDocument: { Version: '2012-10-17', ...trust } },
        },
        F: {
          Type: 'AWS::Lambda::Function',
          Properties: {
            Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
            Runtime: 'nodejs20.x',
            Handler: 'index.handler',
            Timeout: '10',
            Code: { ZipFile: `exports.handler = async () => ${answer};` },
          },
        },
        [version]: {
          Type: 'AWS::Lambda::Version',
          DeletionPolicy: 'Retain',
          Properties: { FunctionName: { Ref: 'F' } },
        },
        Live: {
          Type: 'AWS::Lambda::Alias',
          Properties: {
            FunctionName: { Ref: 'F' },
            Name: 'live',
            FunctionVersion: { 'Fn::GetAtt': [version, 'Version'] },
          },
        },
      });
    await expect(create('code', body(1, 'V1'))).rejects.toMatchObject({
      name: 'InsufficientCapabilitiesException',
      message: 'Requires capabilities : [CAPABILITY_IAM]',
    });
    const capable = { Capabilities: ['CAPABILITY_IAM' as const] };
    expect((await create('code', body(1, 'V1'), capable)).stack.StackStatus).toBe('CREATE_COMPLETE');
    expect((await update('code', body(2, 'V2'), capable)).StackStatus).toBe('UPDATE_COMPLETE');
    const { StackResources = [] } = await cfn.send(new DescribeStackResourcesCommand({ StackName: 'code' }));
    const FunctionName = StackResources.find(({ LogicalResourceId }) => LogicalResourceId === 'F')?.PhysicalResourceId;
    expect(await root.call('lambda', 'GetAlias', { FunctionName, Name: 'live' })).toMatchObject({
      FunctionVersion: '2',
    });
    const { Payload } = await root.call<{ Payload: Uint8Array }>('lambda', 'Invoke', {
      FunctionName,
      Qualifier: 'live',
    });
    expect(Buffer.from(Payload).toString()).toBe('2');
    const events = await eventsOf('code');
    expect(events).toContain('V1 DELETE_SKIPPED');
  });
});

describe('a try after a crash', () => {
  it('finds what the try before it made, and makes nothing twice', async () => {
    const trust = { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' };
    const body = json({
      Bucket: { Type: 'AWS::S3::Bucket' },
      Function: {
        Type: 'AWS::Lambda::Function',
        Properties: {
          Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
          Runtime: 'nodejs20.x',
          Handler: 'index.handler',
          Code: { ZipFile: 'exports.handler = async () => 1;' },
        },
      },
      Group: { Type: 'AWS::Logs::LogGroup' },
      Parameter: { Type: 'AWS::SSM::Parameter', Properties: { Type: 'String', Value: 'x' } },
      Queue: { Type: 'AWS::SQS::Queue' },
      Role: {
        Type: 'AWS::IAM::Role',
        Properties: { AssumeRolePolicyDocument: { Version: '2012-10-17', Statement: trust } },
      },
      Topic: TOPIC,
      Version: { Type: 'AWS::Lambda::Version', Properties: { FunctionName: { Ref: 'Function' } } },
    });
    const { id, stack } = await create('twice', body, { Capabilities: ['CAPABILITY_IAM'] });
    expect(stack.StackStatus).toBe('CREATE_COMPLETE');
    const key = { account: sluice.account, region: sluice.region, id: id.split('/').at(-1) ?? '' };
    const resources = (await stacks.get(sluice.house.store, key))?.document.resources ?? {};
    const loop = stackLoop(sluice.house);
    for (const [logicalId, { type, generation, applied, physicalId, attributes }] of Object.entries(resources)) {
      const task = `1/Forward/${logicalId}`;
      const effect = { lane: logicalId, task, logicalId, resourceType: type, generation } as const;
      const context = { key, effectId: task, attempt: 1, now: 0 };
      expect(await loop.perform({ type: 'CreateResource', ...effect, properties: applied }, context)).toEqual({
        type: 'ResourceApplied',
        task,
        physicalId,
        attributes,
      });
    }
    await cfn.send(new DeleteStackCommand({ StackName: 'twice' }));
    expect((await ended(id)).StackStatus).toBe('DELETE_COMPLETE');
    for (const [logicalId, { type, generation, applied, physicalId = '' }] of Object.entries(resources)) {
      const task = `2/Delete/${logicalId}/1`;
      const effect = { lane: logicalId, task, logicalId, resourceType: type, generation, physicalId } as const;
      const context = { key, effectId: task, attempt: 1, now: 0 };
      const again = await loop.perform({ type: 'DeleteResource', ...effect, properties: applied }, context);
      expect(again).toEqual({ type: 'ResourceDeleted', task });
    }
  });
});

describe('a template', () => {
  const refused: readonly (readonly [string, string, string])[] = [
    ['nothing', '{}', 'Template format error: At least one Resources member must be defined.'],
    ['broken JSON', '{', 'Template format error: JSON not well-formed.'],
    [
      'an unknown type',
      json({ A: { Type: 'AWS::EC2::Instance' } }),
      'Template format error: Unrecognized resource types: [AWS::EC2::Instance]',
    ],
    [
      'a transform',
      json({ T: TOPIC }, { Transform: 'AWS::Serverless-2016-10-31' }),
      'Transform is not implemented by Sluice',
    ],
    [
      'an unresolved reference',
      json({ T: { ...TOPIC, Properties: { DisplayName: { Ref: 'Nobody' } } } }),
      'Template format error: Unresolved resource dependencies [Nobody] in the Resources block of the template',
    ],
    [
      'a circle',
      json({ A: { ...TOPIC, DependsOn: 'B' }, B: { ...TOPIC, DependsOn: 'A' } }),
      'Circular dependency between resources: [A, B]',
    ],
    [
      'an attribute that there is not',
      json({ A: TOPIC, B: { ...TOPIC, Properties: { DisplayName: { 'Fn::GetAtt': ['A', 'Colour'] } } } }),
      'Template error: resource A does not support attribute type Colour in Fn::GetAtt',
    ],
    ['a property that there is not', json({ A: { ...TOPIC, Properties: { Colour: 'red' } } }), '[Colour]'],
    [
      'an import',
      json({ A: { ...TOPIC, Properties: { DisplayName: { 'Fn::ImportValue': 'x' } } } }),
      'Fn::ImportValue is not implemented by Sluice',
    ],
    [
      'a value that is missing',
      json({ T: TOPIC }, { Parameters: { P: { Type: 'String' } } }),
      'Parameters: [P] must have values',
    ],
  ];
  it.each(refused)('of %s is refused', async (_what, body, message) => {
    await expect(create('refused', body)).rejects.toMatchObject({
      name: 'ValidationError',
      message: expect.stringContaining(message),
    });
    await expect(stackOf('refused')).rejects.toThrow('does not exist');
  });

  it('is validated', async () => {
    const TemplateBody = json(
      { R: { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: {}, RoleName: 'x' } } },
      { Description: 'd', Parameters: { P: { Type: 'String', Default: 'x' } } },
    );
    expect(await cfn.send(new ValidateTemplateCommand({ TemplateBody }))).toMatchObject({
      Description: 'd',
      Parameters: [{ ParameterKey: 'P', DefaultValue: 'x', NoEcho: false }],
      Capabilities: ['CAPABILITY_NAMED_IAM'],
      CapabilitiesReason: 'The following resource(s) require capabilities: [AWS::IAM::Role]',
    });
  });
});

describe('a change set', () => {
  it('says what would be done, does it, and is empty when there is nothing to do', async () => {
    const make = (ChangeSetName: string, TemplateBody: string, type: 'CREATE' | 'UPDATE') =>
      cfn.send(new CreateChangeSetCommand({ StackName: 'planned', ChangeSetName, TemplateBody, ChangeSetType: type }));
    const look = (ChangeSetName: string) =>
      cfn.send(new DescribeChangeSetCommand({ StackName: 'planned', ChangeSetName }));
    const topic = (TopicName: string, DisplayName: string) => ({
      Type: 'AWS::SNS::Topic',
      Properties: { TopicName, DisplayName },
    });
    await make('first', json({ T: topic('planned-one', 'a') }), 'CREATE');
    expect((await stackOf('planned')).StackStatus).toBe('REVIEW_IN_PROGRESS');
    expect(await look('first')).toMatchObject({
      Status: 'CREATE_COMPLETE',
      ExecutionStatus: 'AVAILABLE',
      Changes: [{ Type: 'Resource', ResourceChange: { Action: 'Add', LogicalResourceId: 'T' } }],
    });
    await cfn.send(new ExecuteChangeSetCommand({ StackName: 'planned', ChangeSetName: 'first' }));
    expect((await ended('planned')).StackStatus).toBe('CREATE_COMPLETE');
    expect((await look('first')).ExecutionStatus).toBe('EXECUTE_COMPLETE');
    await make('none', json({ T: topic('planned-one', 'a') }), 'UPDATE');
    expect(await look('none')).toMatchObject({
      Status: 'FAILED',
      StatusReason:
        "The submitted information didn't contain changes. Submit different information to create a change set.",
    });
    await make('second', json({ T: topic('planned-two', 'a') }), 'UPDATE');
    expect((await look('second')).Changes?.[0]?.ResourceChange).toMatchObject({
      Action: 'Modify',
      Replacement: 'True',
    });
    await make('third', json({ T: topic('planned-one', 'b') }), 'UPDATE');
    expect((await look('third')).Changes?.[0]?.ResourceChange).toMatchObject({
      Action: 'Modify',
      Replacement: 'False',
    });
    await cfn.send(new ExecuteChangeSetCommand({ StackName: 'planned', ChangeSetName: 'third' }));
    expect((await ended('planned')).StackStatus).toBe('UPDATE_COMPLETE');
    const { Summaries = [] } = await cfn.send(new ListChangeSetsCommand({ StackName: 'planned' }));
    expect(Summaries.map((each) => each.ChangeSetName)).toEqual(['third']);
    await cfn.send(new DeleteChangeSetCommand({ StackName: 'planned', ChangeSetName: 'third' }));
    await expect(look('third')).rejects.toMatchObject({ message: 'ChangeSet [third] does not exist' });
  });
});

describe('the role of a stack', () => {
  it('must trust CloudFormation, be of the account, and be passed; what it may not do fails the resource', async () => {
    const trust = (service: string) =>
      JSON.stringify({
        Version: '2012-10-17',
        Statement: { Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' },
      });
    const { Role } = await root.call<{ Role: { Arn: string } }>('iam', 'CreateRole', {
      RoleName: 'F',
      AssumeRolePolicyDocument: trust('ec2.amazonaws.com'),
    });
    const RoleARN = Role.Arn;
    await expect(create('as-role', json({ T: TOPIC }), { RoleARN })).rejects.toMatchObject({
      name: 'ValidationError',
      message: `Role ${RoleARN} is invalid or cannot be assumed`,
    });
    await root.call('iam', 'UpdateAssumeRolePolicy', {
      RoleName: 'F',
      PolicyDocument: trust('cloudformation.amazonaws.com'),
    });
    const { id, stack } = await create('as-role', json({ T: TOPIC }), { RoleARN });
    expect(stack).toMatchObject({ StackStatus: 'ROLLBACK_COMPLETE', RoleARN });
    const failure = (await eventsOf(id)).find((each) => each.startsWith('T CREATE_FAILED'));
    expect(failure).toMatch(
      /^T CREATE_FAILED: API: sns:CreateTopic User: arn:aws:sts::\d+:assumed-role\/F\/AWSCloudFormation is not authorized to perform: sns:CreateTopic on resource: .* because no identity-based policy allows the sns:CreateTopic action/,
    );
  });
});
