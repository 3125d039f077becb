/** EventBridge by the official SDK: buses, rules and their targets, delivery, schedules by the clock, restarts. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BatchGetBuildsCommand, CodeBuildClient, ListBuildsForProjectCommand } from '@aws-sdk/client-codebuild';
import {
  CodePipelineClient,
  CreateCustomActionTypeCommand,
  CreatePipelineCommand,
  ListPipelineExecutionsCommand,
} from '@aws-sdk/client-codepipeline';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  FilterLogEventsCommand,
  PutResourcePolicyCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateEventBusCommand,
  DeleteEventBusCommand,
  DeleteRuleCommand,
  DescribeEventBusCommand,
  DescribeRuleCommand,
  DisableRuleCommand,
  EnableRuleCommand,
  EventBridgeClient,
  ListEventBusesCommand,
  ListRuleNamesByTargetCommand,
  ListRulesCommand,
  ListTagsForResourceCommand,
  ListTargetsByRuleCommand,
  PutEventsCommand,
  type PutEventsRequestEntry,
  PutPermissionCommand,
  PutRuleCommand,
  type PutRuleCommandInput,
  PutTargetsCommand,
  RemovePermissionCommand,
  RemoveTargetsCommand,
  TagResourceCommand,
  type Target,
  TestEventPatternCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-eventbridge';
import { AddPermissionCommand, CreateFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateTopicCommand, SetTopicAttributesCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { AwsError } from '../../src/common/index.ts';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { buildRole, makeProject } from '../support/builds.ts';
import { executionRole, zipOf } from '../support/functions.ts';
import { failure, person, type Person } from '../support/people.ts';

const OTHER = '222222222222';
const SERVICES = [
  'events',
  'sqs',
  'sns',
  'lambda',
  'logs',
  'cloudwatch',
  'codebuild',
  'codepipeline',
  's3',
  'kms',
  'ssm',
  'secretsmanager',
];

let sluice: TestSluice;
let events: EventBridgeClient;
let sqs: SQSClient;
const clients: { destroy(): void }[] = [];

function client<C extends { destroy(): void }>(
  make: new (config: any) => C,
  who?: Person,
  at: TestSluice = sluice,
  more: object = {},
): C {
  const made = new make({ ...at.clientConfig(who && { credentials: who.credentials }), maxAttempts: 1, ...more });
  clients.push(made);
  return made;
}

beforeAll(async () => {
  sluice = await startSluice({ services: SERVICES });
  events = client(EventBridgeClient);
  sqs = client(SQSClient);
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(async () => {
  for (const each of clients) each.destroy();
  await sluice?.close();
});

const arnOf = (service: string, resource: string) =>
  `arn:aws:${service}:${sluice.region}:${sluice.account}:${resource}`;

const allow = (Action: string, Principal: unknown, Resource = '*') =>
  JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal, Action, Resource }] });

/** A queue that EventBridge may write to, unless `Policy` says otherwise. */
async function queue(QueueName: string, Policy?: string, by = sqs) {
  const { QueueUrl = '' } = await by.send(
    new CreateQueueCommand({
      QueueName,
      Attributes: { Policy: Policy ?? allow('sqs:SendMessage', { Service: 'events.amazonaws.com' }) },
    }),
  );
  return { url: QueueUrl, arn: arnOf('sqs', QueueName) };
}

async function received(QueueUrl: string, by = sqs, at: TestSluice = sluice): Promise<Message[]> {
  await at.settled();
  const all: Message[] = [];
  for (;;) {
    const { Messages = [] } = await by.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: 10,
        MessageAttributeNames: ['All'],
      }),
    );
    if (Messages.length === 0) return all;
    for (const { ReceiptHandle } of Messages) await by.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    all.push(...Messages);
  }
}

const bodies = async (url: string): Promise<any[]> =>
  (await received(url)).map((message) => JSON.parse(message.Body ?? '') as unknown);

/** A rule with targets, named after its first target unless named. */
async function rule(
  Name: string,
  input: Partial<PutRuleCommandInput>,
  targets: readonly (Omit<Target, 'Id'> & { Id?: string })[],
  by = events,
): Promise<string> {
  const { RuleArn = '' } = await by.send(new PutRuleCommand({ Name, ...input }));
  if (targets.length > 0) {
    await by.send(
      new PutTargetsCommand({
        Rule: Name,
        EventBusName: input.EventBusName,
        Targets: targets.map((target, n) => ({ Id: `t${n}`, ...target })),
      }),
    );
  }
  return RuleArn;
}

const of = (...sources: string[]) => ({ EventPattern: JSON.stringify({ source: sources }) });

async function put(entry: Partial<PutEventsRequestEntry> & { Source: string }, by = events): Promise<string> {
  const { Entries } = await by.send(
    new PutEventsCommand({ Entries: [{ DetailType: 'Test', Detail: '{}', ...entry }] }),
  );
  if (Entries?.[0]?.ErrorCode !== undefined) throw new Error(Entries[0].ErrorCode);
  return Entries?.[0]?.EventId ?? '';
}

/** A role that EventBridge, or another service, may assume. */
async function eventsRole(
  name: string,
  actions: readonly string[],
  account = sluice.account,
  service = 'events.amazonaws.com',
): Promise<string> {
  const root = { type: 'Root', account, arn: `arn:aws:iam::${account}:root` } as const;
  const iam = sluice.house.door.as(root, { account, region: 'us-east-1' });
  await iam.call('iam', 'CreateRole', {
    RoleName: name,
    AssumeRolePolicyDocument: allow('sts:AssumeRole', { Service: service }).replace(',"Resource":"*"', ''),
  });
  await iam.call('iam', 'PutRolePolicy', {
    RoleName: name,
    PolicyName: 'targets',
    PolicyDocument: JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }],
    }),
  });
  return `arn:aws:iam::${account}:role/${name}`;
}

/** Polls until `look` gives something. */
async function eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('buses', () => {
  it('are made, described, listed, tagged and deleted', async () => {
    const { EventBusArn } = await events.send(
      new CreateEventBusCommand({ Name: 'orders', Description: 'd', Tags: [{ Key: 'a', Value: '1' }] }),
    );
    expect(EventBusArn).toBe(arnOf('events', 'event-bus/orders'));
    expect(await failure(events.send(new CreateEventBusCommand({ Name: 'orders' })))).toBe(
      'ResourceAlreadyExistsException',
    );
    expect(await failure(events.send(new CreateEventBusCommand({ Name: 'default' })))).toBe('ValidationException');
    for (const Name of ['orders', EventBusArn])
      expect(await events.send(new DescribeEventBusCommand({ Name }))).toMatchObject({
        Name: 'orders',
        Arn: EventBusArn,
        Description: 'd',
      });
    expect((await events.send(new DescribeEventBusCommand({}))).Name).toBe('default');
    const first = await events.send(new ListEventBusesCommand({}));
    expect(first.EventBuses?.map((bus) => bus.Name)).toEqual(['default', 'orders']);
    const foreign = EventBusArn?.replace(sluice.account, OTHER);
    expect(await failure(events.send(new DescribeEventBusCommand({ Name: foreign })))).toBe(
      'ResourceNotFoundException',
    );
    const ResourceARN = EventBusArn;
    await events.send(new TagResourceCommand({ ResourceARN, Tags: [{ Key: 'b', Value: '2' }] }));
    await events.send(new UntagResourceCommand({ ResourceARN, TagKeys: ['a'] }));
    expect((await events.send(new ListTagsForResourceCommand({ ResourceARN }))).Tags).toEqual([
      { Key: 'b', Value: '2' },
    ]);
    expect(await failure(events.send(new ListTagsForResourceCommand({ ResourceARN: foreign })))).toBe(
      'ResourceNotFoundException',
    );
    await rule('on-orders', { EventBusName: 'orders', ...of('x') }, []);
    expect(await failure(events.send(new DeleteEventBusCommand({ Name: 'orders' })))).toBe('ValidationException');
    await events.send(new DeleteRuleCommand({ Name: 'on-orders', EventBusName: 'orders' }));
    await events.send(new DeleteEventBusCommand({ Name: 'orders' }));
    await events.send(new DeleteEventBusCommand({ Name: 'orders' }));
    expect(await failure(events.send(new DescribeEventBusCommand({ Name: 'orders' })))).toBe(
      'ResourceNotFoundException',
    );
  });

  it('take permissions one by one or as a policy', async () => {
    await events.send(new CreateEventBusCommand({ Name: 'permits' }));
    const on = { EventBusName: 'permits' };
    await events.send(
      new PutPermissionCommand({ ...on, StatementId: 'a', Action: 'events:PutEvents', Principal: OTHER }),
    );
    await events.send(
      new PutPermissionCommand({ ...on, StatementId: 'b', Action: 'events:PutEvents', Principal: '*' }),
    );
    await events.send(new RemovePermissionCommand({ ...on, StatementId: 'b' }));
    const { Policy } = await events.send(new DescribeEventBusCommand({ Name: 'permits' }));
    expect(JSON.parse(Policy ?? '').Statement).toEqual([
      {
        Sid: 'a',
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${OTHER}:root` },
        Action: 'events:PutEvents',
        Resource: arnOf('events', 'event-bus/permits'),
      },
    ]);
    expect(await failure(events.send(new RemovePermissionCommand({ ...on, StatementId: 'b' })))).toBe(
      'ResourceNotFoundException',
    );
    expect(await failure(events.send(new PutPermissionCommand({ ...on, Policy: '{' })))).toBe('ValidationException');
    await events.send(new RemovePermissionCommand({ ...on, RemoveAllPermissions: true }));
    expect((await events.send(new DescribeEventBusCommand({ Name: 'permits' }))).Policy).toBeUndefined();
  });
});

describe('rules', () => {
  it('are put, described, listed by page, switched, tagged and deleted', async () => {
    const { arn } = await queue('rules-queue');
    const RuleArn = await rule('listed-a', { ...of('a'), Description: 'first', Tags: [{ Key: 'k', Value: 'v' }] }, [
      { Arn: arn },
      { Arn: arn, Id: 'second', Input: '{"x":1}' },
    ]);
    await rule('listed-b', of('b'), [{ Arn: arn }]);
    expect(RuleArn).toBe(arnOf('events', 'rule/listed-a'));
    expect(await events.send(new DescribeRuleCommand({ Name: 'listed-a' }))).toMatchObject({
      Name: 'listed-a',
      Arn: RuleArn,
      EventPattern: '{"source":["a"]}',
      State: 'ENABLED',
      Description: 'first',
      EventBusName: 'default',
    });
    const first = await events.send(new ListRulesCommand({ NamePrefix: 'listed-', Limit: 1 }));
    const rest = await events.send(new ListRulesCommand({ NamePrefix: 'listed-', NextToken: first.NextToken }));
    expect([...(first.Rules ?? []), ...(rest.Rules ?? [])].map((each) => each.Name)).toEqual(['listed-a', 'listed-b']);
    expect((await events.send(new ListRuleNamesByTargetCommand({ TargetArn: arn }))).RuleNames).toEqual([
      'listed-a',
      'listed-b',
    ]);
    const targets = await events.send(new ListTargetsByRuleCommand({ Rule: 'listed-a', Limit: 1 }));
    const others = await events.send(new ListTargetsByRuleCommand({ Rule: 'listed-a', NextToken: targets.NextToken }));
    expect([targets.Targets, others.Targets]).toEqual([
      [{ Id: 't0', Arn: arn }],
      [{ Id: 'second', Arn: arn, Input: '{"x":1}' }],
    ]);
    await events.send(new DisableRuleCommand({ Name: 'listed-a' }));
    expect((await events.send(new DescribeRuleCommand({ Name: 'listed-a' }))).State).toBe('DISABLED');
    await put({ Source: 'a' });
    await events.send(new EnableRuleCommand({ Name: 'listed-a' }));
    expect(await bodies((await queue('rules-queue')).url)).toEqual([]);
    await events.send(new TagResourceCommand({ ResourceARN: RuleArn, Tags: [{ Key: 'l', Value: 'w' }] }));
    await events.send(new UntagResourceCommand({ ResourceARN: RuleArn, TagKeys: ['k'] }));
    expect((await events.send(new ListTagsForResourceCommand({ ResourceARN: RuleArn }))).Tags).toEqual([
      { Key: 'l', Value: 'w' },
    ]);
    await expect(events.send(new DeleteRuleCommand({ Name: 'listed-a' }))).rejects.toMatchObject({
      name: 'ValidationException',
      message: "Rule can't be deleted since it has targets.",
    });
    await events.send(new RemoveTargetsCommand({ Rule: 'listed-a', Ids: ['t0', 'second'] }));
    await events.send(new DeleteRuleCommand({ Name: 'listed-a' }));
    await events.send(new DeleteRuleCommand({ Name: 'listed-a' }));
    for (const command of [
      new DescribeRuleCommand({ Name: 'listed-a' }),
      new EnableRuleCommand({ Name: 'listed-a' }),
      new ListTargetsByRuleCommand({ Rule: 'listed-a' }),
      new PutTargetsCommand({ Rule: 'listed-a', Targets: [{ Id: 'x', Arn: arn }] }),
      new RemoveTargetsCommand({ Rule: 'listed-a', Ids: ['x'] }),
      new ListRulesCommand({ EventBusName: 'none' }),
      new PutRuleCommand({ Name: 'x', EventBusName: 'none', ...of('a') }),
    ]) {
      expect(await failure(events.send(command as DescribeRuleCommand)), command.constructor.name).toBe(
        'ResourceNotFoundException',
      );
    }
    await events.send(new RemoveTargetsCommand({ Rule: 'listed-b', Ids: ['t0'] }));
    await events.send(new DeleteRuleCommand({ Name: 'listed-b' }));
  });

  it('refuse patterns, schedules and targets that are none', async () => {
    const putRule = (input: object) => failure(events.send(new PutRuleCommand({ Name: 'refused', ...input })));
    expect(await putRule({})).toBe('ValidationException');
    for (const EventPattern of ['{', '{}', '{"a":"b"}', '{"a":[]}', '{"a":[{"nope":1}]}', '{"a":[{"wildcard":"**"}]}'])
      expect(await putRule({ EventPattern }), EventPattern).toBe('InvalidEventPatternException');
    for (const ScheduleExpression of ['rate(0 minutes)', 'rate(1 minutes)', 'cron(* * * * * *)', 'cron(0 25 * * ? *)'])
      expect(await putRule({ ScheduleExpression }), ScheduleExpression).toBe('ValidationException');
    await events.send(new CreateEventBusCommand({ Name: 'unscheduled' }));
    expect(await putRule({ ScheduleExpression: 'rate(1 minute)', EventBusName: 'unscheduled' })).toBe(
      'ValidationException',
    );
    expect(await putRule({ ...of('x'), State: 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS' })).toBe(
      'ValidationException',
    );
    await rule('targets', of('nothing'), []);
    const { arn } = await queue('targets-queue');
    const transformer = (InputTemplate: string, InputPathsMap = {}) => ({
      Arn: arn,
      InputTransformer: { InputTemplate, InputPathsMap },
    });
    for (const target of [
      { Arn: 'no arn' },
      { Arn: arnOf('kinesis', 'stream/x') },
      { Arn: arnOf('codepipeline', 'p') },
      { Arn: arn, Input: '{}', InputPath: '$.detail' },
      { Arn: arn, Input: '{' },
      { Arn: arn, InputPath: 'detail' },
      transformer('plain words'),
      transformer('{"a": <unknown>}'),
      transformer('"<a>"', { a: 'x' }),
      { Arn: arn, DeadLetterConfig: { Arn: arnOf('sns', 'x') } },
      { Arn: arn, EcsParameters: { TaskDefinitionArn: 'x' } },
    ]) {
      expect(
        await failure(
          events.send(new PutTargetsCommand({ Rule: 'targets', Targets: [{ Id: 'x', ...target } as Target] })),
        ),
        JSON.stringify(target),
      ).toBe('ValidationException');
    }
    const six = Array.from({ length: 6 }, (_, n) => ({ Id: `t${n}`, Arn: arn }));
    expect(await failure(events.send(new PutTargetsCommand({ Rule: 'targets', Targets: six })))).toBe(
      'LimitExceededException',
    );
  });

  it('can be tried with an event', async () => {
    const event = {
      id: '1',
      account: sluice.account,
      source: 's',
      time: '2026-01-01T00:00:00Z',
      region: sluice.region,
      resources: [],
      'detail-type': 'T',
      detail: { n: 5, tags: [{ k: 'a', v: '1' }] },
    };
    const test = (pattern: object, given: object = event) =>
      events.send(new TestEventPatternCommand({ EventPattern: JSON.stringify(pattern), Event: JSON.stringify(given) }));
    expect((await test({ detail: { n: [{ numeric: ['>', 4, '<=', 5] }] } })).Result).toBe(true);
    expect((await test({ detail: { tags: { k: ['a'], v: ['2'] } } })).Result).toBe(false);
    expect(await failure(test({ source: [] }))).toBe('InvalidEventPatternException');
    expect(await failure(test({ source: ['s'] }, { source: 's' }))).toBe('ValidationException');
  });
});

describe('PutEvents', () => {
  it('answers for each entry', async () => {
    const { Entries, FailedEntryCount } = await events.send(
      new PutEventsCommand({
        Entries: [
          { Source: 'a', DetailType: 't', Detail: '{}' },
          { DetailType: 't', Detail: '{}' },
          { Source: 'a', DetailType: 't', Detail: '[1]' },
          { Source: 'a', DetailType: 't', Detail: '{' },
          { Source: 'aws.s3', DetailType: 't', Detail: '{}' },
          { Source: 'a', DetailType: 't', Detail: '{}', EventBusName: 'no-such-bus' },
        ],
      }),
    );
    expect(FailedEntryCount).toBe(4);
    expect(Entries?.map((entry) => entry.ErrorCode)).toEqual([
      undefined,
      'InvalidArgument',
      'MalformedDetail',
      'MalformedDetail',
      'NotAuthorizedForSourceException',
      undefined,
    ]);
    const large = { Source: 'a', DetailType: 't', Detail: JSON.stringify({ x: 'x'.repeat(1_048_576) }) };
    expect(await failure(events.send(new PutEventsCommand({ Entries: [large] })))).toBe('ValidationException');
  });

  it('carries any text, whatever the target makes of it', async () => {
    const { arn, url } = await queue('odd-queue');
    await rule('odd', of('odd'), [
      { Arn: arn },
      { Arn: arn, InputTransformer: { InputPathsMap: { x: '$.detail.x' }, InputTemplate: '"raw <x>"' } },
      { Arn: arn, InputTransformer: { InputPathsMap: { x: '$.detail.x' }, InputTemplate: '{"x":<x>}' } },
    ]);
    await put({ Source: 'odd', Detail: '{"x":"nul \\u0000 lone \\ud800 ü🚀"}', DetailType: 'nul \u0000' });
    const texts = (await received(url)).map((message) => message.Body ?? '');
    expect(texts).toHaveLength(3);
    expect(texts).toContain('"raw nul \uFFFD lone \uFFFD ü🚀"');
    const whole = JSON.parse(texts.find((text) => text.includes('detail-type')) ?? '') as { detail: { x: string } };
    expect(whole.detail.x).toBe('nul \u0000 lone \ud800 ü🚀');
  });

  it('needs a grant for each source and each bus', async () => {
    const bus = arnOf('events', 'event-bus/default');
    const who = await person(sluice, 'publisher', [
      { Action: 'events:PutEvents', Resource: bus, Condition: { StringEquals: { 'events:source': 'mine' } } },
      {
        Action: 'events:PutRule',
        Resource: '*',
        Condition: { 'ForAllValues:StringEquals': { 'events:source': ['mine'] }, Null: { 'events:source': 'false' } },
      },
      {
        Action: 'events:PutTargets',
        Resource: '*',
        Condition: { 'ForAllValues:ArnLike': { 'events:TargetArn': 'arn:aws:sqs:*:*:mine-*' } },
      },
    ]);
    const theirs = client(EventBridgeClient, who);
    await put({ Source: 'mine' }, theirs);
    await expect(put({ Source: 'yours' }, theirs)).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining(`events:PutEvents on resource: ${bus}`),
    });
    // One forbidden entry among permitted ones, wherever it stands.
    for (const sources of [
      ['yours', 'mine'],
      ['mine', 'yours'],
    ]) {
      const Entries = sources.map((Source) => ({ Source, DetailType: 't', Detail: '{}' }));
      expect(await failure(theirs.send(new PutEventsCommand({ Entries })))).toBe('AccessDeniedException');
    }
    await rule('of-publisher', of('mine'), [{ Arn: arnOf('sqs', 'mine-1') }], theirs);
    expect(await failure(rule('of-publisher', of('mine', 'yours'), [], theirs))).toBe('AccessDeniedException');
    const broad = { EventPattern: JSON.stringify({ source: [{ prefix: '' }] }) };
    expect(await failure(rule('of-publisher', broad, [], theirs))).toBe('AccessDeniedException');
    expect(await failure(rule('of-publisher', of('mine'), [{ Arn: arnOf('sqs', 'yours') }], theirs))).toBe(
      'AccessDeniedException',
    );
    const RoleArn = `arn:aws:iam::${sluice.account}:role/any`;
    await expect(
      rule('of-publisher', of('mine'), [{ Arn: arnOf('sqs', 'mine-1'), RoleArn }], theirs),
    ).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining(`iam:PassRole on resource: ${RoleArn}`),
    });
    await events.send(new RemoveTargetsCommand({ Rule: 'of-publisher', Ids: ['t0'] }));
  });
});

describe('delivery', () => {
  it('gives a queue the event, part of it, fixed text, or a template', async () => {
    const { arn, url } = await queue('shapes');
    const RuleArn = await rule('shapes', of('shapes'), [
      { Arn: arn },
      { Arn: arn, InputPath: '$.detail.order' },
      { Arn: arn, Input: '{"fixed":true}' },
      {
        Arn: arn,
        InputTransformer: {
          InputPathsMap: { id: '$.detail.order.id', r: '$.resources[0]', none: '$.detail.none' },
          InputTemplate:
            '{"id": <id>, "text": "order <id> of <r><none>", "rule": <aws.events.rule-name>, "event": <aws.events.event.json>}',
        },
      },
    ]);
    const EventId = await put({
      Source: 'shapes',
      Detail: '{"order":{"id":"7","n":1}}',
      Resources: ['arn:x'],
      Time: new Date(0),
    });
    const found = await bodies(url);
    const event = {
      version: '0',
      id: EventId,
      'detail-type': 'Test',
      source: 'shapes',
      account: sluice.account,
      time: '1970-01-01T00:00:00Z',
      region: sluice.region,
      resources: ['arn:x'],
      detail: { order: { id: '7', n: 1 } },
    };
    expect(RuleArn).toBe(arnOf('events', 'rule/shapes'));
    expect(found).toHaveLength(4);
    expect(found).toContainEqual(event);
    expect(found).toContainEqual({ id: '7', n: 1 });
    expect(found).toContainEqual({ fixed: true });
    expect(found).toContainEqual({ id: '7', text: 'order 7 of arn:x', rule: 'shapes', event });
  });

  it('reaches a topic, a log group and a function by their own policies', async () => {
    const sns = client(SNSClient);
    const logs = client(CloudWatchLogsClient);
    const lambda = client(LambdaClient);
    const { TopicArn = '' } = await sns.send(new CreateTopicCommand({ Name: 'from-events' }));
    await sns.send(
      new SetTopicAttributesCommand({
        TopicArn,
        AttributeName: 'Policy',
        AttributeValue: allow('sns:Publish', { Service: 'events.amazonaws.com' }),
      }),
    );
    const topicQueue = await queue('from-topic', allow('sqs:SendMessage', { Service: 'sns.amazonaws.com' }));
    await sns.send(
      new SubscribeCommand({
        TopicArn,
        Protocol: 'sqs',
        Endpoint: topicQueue.arn,
        Attributes: { RawMessageDelivery: 'true' },
      }),
    );
    await logs.send(new CreateLogGroupCommand({ logGroupName: '/aws/events/all' }));
    await logs.send(
      new PutResourcePolicyCommand({
        policyName: 'events',
        policyDocument: JSON.stringify({
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Principal: { Service: 'events.amazonaws.com' },
              Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
              Resource: `${arnOf('logs', 'log-group:/aws/events/*')}:*`,
            },
          ],
        }),
      }),
    );
    const { FunctionArn } = await lambda.send(
      new CreateFunctionCommand({
        FunctionName: 'on-event',
        Role: await executionRole(sluice, 'on-event'),
        Runtime: 'nodejs20.x',
        Handler: 'index.handler',
        Code: {
          ZipFile: await zipOf({
            'index.mjs': 'export const handler = async (event) => console.log("GOT", event.id);',
          }),
        },
      }),
    );
    const RuleArn = await rule('three-kinds', of('three'), [
      { Arn: TopicArn, InputPath: '$.detail' },
      { Arn: arnOf('logs', 'log-group:/aws/events/all') },
      { Arn: FunctionArn },
    ]);
    await lambda.send(
      new AddPermissionCommand({
        FunctionName: 'on-event',
        StatementId: 'events',
        Action: 'lambda:InvokeFunction',
        Principal: 'events.amazonaws.com',
        SourceArn: RuleArn,
      }),
    );
    const EventId = await put({ Source: 'three', Detail: '{"hello":"world"}' });
    expect(await bodies(topicQueue.url)).toEqual([{ hello: 'world' }]);
    const logged = await logs.send(new FilterLogEventsCommand({ logGroupName: '/aws/events/all' }));
    expect(JSON.parse(logged.events?.[0]?.message ?? '')).toMatchObject({ id: EventId, detail: { hello: 'world' } });
    await eventually('the function logs the event', async () => {
      const found = await logs
        .send(new FilterLogEventsCommand({ logGroupName: '/aws/lambda/on-event', filterPattern: `"GOT ${EventId}"` }))
        .catch(() => undefined);
      return found?.events?.[0];
    });
  });

  it('starts builds and pipelines with the role of the target', async () => {
    const codebuild = client(CodeBuildClient);
    const codepipeline = client(CodePipelineClient);
    const s3 = client(S3Client, undefined, sluice, { forcePathStyle: true });
    await makeProject(
      codebuild,
      'on-event',
      await buildRole(sluice, 'builder', ['logs:*']),
      'version: 0.2\nphases: { build: { commands: [ true ] } }',
    );
    await s3.send(new CreateBucketCommand({ Bucket: 'event-artifacts' }));
    const pipelineRole = await eventsRole('pipeline', ['s3:*'], sluice.account, 'codepipeline.amazonaws.com');
    for (const category of ['Source', 'Build'] as const) {
      await codepipeline.send(
        new CreateCustomActionTypeCommand({
          category,
          provider: 'NoOp',
          version: '1',
          inputArtifactDetails: { minimumCount: 0, maximumCount: 0 },
          outputArtifactDetails: { minimumCount: 0, maximumCount: 0 },
        }),
      );
    }
    const action = (category: 'Source' | 'Build') => ({
      name: category,
      actions: [{ name: 'a', actionTypeId: { category, owner: 'Custom' as const, provider: 'NoOp', version: '1' } }],
    });
    await codepipeline.send(
      new CreatePipelineCommand({
        pipeline: {
          name: 'on-event',
          roleArn: pipelineRole,
          artifactStore: { type: 'S3', location: 'event-artifacts' },
          stages: [action('Source'), action('Build')],
        },
      }),
    );
    const executions = async () =>
      (await codepipeline.send(new ListPipelineExecutionsCommand({ pipelineName: 'on-event' })))
        .pipelineExecutionSummaries ?? [];
    const before = (await executions()).length;
    const RoleArn = await eventsRole('starter', ['codebuild:StartBuild', 'codepipeline:StartPipelineExecution']);
    const powerless = await eventsRole('powerless', ['s3:*']);
    await rule('starts', of('start'), [
      { Arn: arnOf('codepipeline', 'on-event'), RoleArn },
      { Arn: arnOf('codepipeline', 'on-event'), RoleArn: powerless },
      {
        Arn: arnOf('codebuild', 'project/on-event'),
        RoleArn,
        InputTransformer: {
          InputPathsMap: { c: '$.detail.colour' },
          InputTemplate: '{"environmentVariablesOverride": [{"name": "COLOUR", "value": <c>}]}',
        },
      },
    ]);
    await put({ Source: 'start', Detail: '{"colour":"red"}' });
    await eventually('one execution', async () => ((await executions()).length === before + 1 ? true : undefined));
    const id = await eventually('a build', async () => {
      const { ids } = await codebuild.send(new ListBuildsForProjectCommand({ projectName: 'on-event' }));
      return ids?.[0];
    });
    const { builds } = await codebuild.send(new BatchGetBuildsCommand({ ids: [id] }));
    expect(builds?.[0]?.environment?.environmentVariables).toEqual([
      { name: 'COLOUR', value: 'red', type: 'PLAINTEXT' },
    ]);
    expect(builds?.[0]?.initiator).toContain('starter');
    await eventually('the build ends', async () => {
      const now = await codebuild.send(new BatchGetBuildsCommand({ ids: [id] }));
      return now.builds?.[0]?.buildComplete === true ? true : undefined;
    });
    expect((await executions()).length).toBe(before + 1);
  });

  it('passes events on to a bus of another account, which keep their account and go no further', async () => {
    const third = '333333333333';
    const root = (account: string) => ({ type: 'Root', account, arn: `arn:aws:iam::${account}:root` }) as const;
    const as = (account: string) => sluice.house.door.as(root(account), { account, region: sluice.region });
    const busOf = (account: string) => `arn:aws:events:${sluice.region}:${account}:event-bus/default`;
    const RoleArn = await eventsRole('forwarder', ['events:PutEvents']);
    await rule('forward', of('travel', 'aws.codebuild'), [{ Arn: busOf(OTHER), RoleArn }]);
    /** A queue in the account that gets every event of the default bus. */
    const listen = async (account: string) => {
      const { QueueUrl } = await as(account).call<{ QueueUrl: string }>('sqs', 'CreateQueue', {
        QueueName: 'heard',
        Attributes: { Policy: allow('sqs:SendMessage', { Service: 'events.amazonaws.com' }) },
      });
      await as(account).call('events', 'PutRule', {
        Name: 'all',
        EventPattern: JSON.stringify({ source: [{ prefix: '' }] }),
      });
      await as(account).call('events', 'PutTargets', {
        Rule: 'all',
        Targets: [{ Id: 'q', Arn: `arn:aws:sqs:${sluice.region}:${account}:heard` }],
      });
      return async () => {
        await sluice.settled();
        const { Messages = [] } = await as(account).call<{ Messages?: Message[] }>('sqs', 'ReceiveMessage', {
          QueueUrl,
          MaxNumberOfMessages: 10,
        });
        return Messages.map((message) => JSON.parse(message.Body ?? '') as Record<string, unknown>);
      };
    };
    const heardByOther = await listen(OTHER);
    const heardByThird = await listen(third);
    await put({ Source: 'travel' });
    expect(await heardByOther()).toEqual([]); // The bus lets nobody in yet.
    for (const [account, from] of [
      [OTHER, sluice.account],
      [third, OTHER],
      [sluice.account, OTHER],
    ] as const) {
      await as(account).call('events', 'PutPermission', {
        StatementId: 'in',
        Action: 'events:PutEvents',
        Principal: from,
      });
    }
    const onward = await eventsRole('onward', ['events:PutEvents'], OTHER);
    await as(OTHER).call('events', 'PutTargets', {
      Rule: 'all',
      Targets: [
        { Id: 'third', Arn: busOf(third), RoleArn: onward },
        { Id: 'back', Arn: busOf(sluice.account), RoleArn: onward },
      ],
    });
    await put({ Source: 'travel', Detail: '{"n":1}', Resources: ['arn:r'] });
    expect(await heardByOther()).toMatchObject([
      { source: 'travel', account: sluice.account, resources: ['arn:r'], detail: { n: 1 } },
    ]);
    await sluice.house.door.publish(
      { account: sluice.account, region: sluice.region },
      { source: 'aws.codebuild', detailType: 'Test', detail: {}, resources: [] },
    );
    expect(await heardByOther()).toMatchObject([{ source: 'aws.codebuild', account: sluice.account }]);
    expect(await heardByThird()).toEqual([]);
    await as(OTHER).call('events', 'PutEvents', { Entries: [{ Source: 'own', DetailType: 't', Detail: '{}' }] });
    expect(await heardByThird()).toMatchObject([{ source: 'own', account: OTHER }]);
    await events.send(new RemoveTargetsCommand({ Rule: 'forward', Ids: ['t0'] }));
  });
});

describe('retries', () => {
  /** Makes EventBridge's calls as a service fail until told otherwise; counts them. */
  function breakTargets(code = 'ServiceUnavailable'): { calls: number; mend(): void } {
    const { door } = sluice.house;
    const real = door.asService.bind(door);
    const state = { calls: 0, mend: () => spy.mockRestore() };
    const spy = vi.spyOn(door, 'asService').mockImplementation((service, scope, source) => {
      const made = real(service, scope, source);
      if (service !== 'events.amazonaws.com') return made;
      return {
        ...made,
        call: async () => {
          state.calls += 1;
          throw new AwsError(code, 'broken for the test');
        },
      };
    });
    return state;
  }

  it('go on by the clock until the target is mended', async () => {
    const { arn, url } = await queue('flaky');
    await rule('flaky', of('flaky'), [{ Arn: arn }]);
    const broken = breakTargets();
    await put({ Source: 'flaky' });
    await sluice.settled();
    expect(broken.calls).toBe(1);
    await sluice.clock.advance(7);
    expect(broken.calls).toBe(4); // after 1, 2 and 4 seconds
    broken.mend();
    expect(await bodies(url)).toEqual([]);
    await sluice.clock.advance(8);
    expect(await bodies(url)).toHaveLength(1);
    await sluice.clock.advance('PT1H');
    expect(await bodies(url)).toEqual([]);
  });

  it('end in the dead-letter queue when they are spent', async () => {
    const target = await queue('spent');
    const dead = await queue('spent-dead');
    const RuleArn = await rule('spent', of('spent'), [
      { Arn: target.arn, RetryPolicy: { MaximumRetryAttempts: 2 }, DeadLetterConfig: { Arn: dead.arn } },
      { Arn: target.arn, RetryPolicy: { MaximumEventAgeInSeconds: 60 }, DeadLetterConfig: { Arn: dead.arn } },
    ]);
    const broken = breakTargets('ThrottlingException');
    await put({ Source: 'spent' });
    await sluice.clock.advance(10);
    await sluice.clock.advance(100);
    broken.mend();
    await sluice.clock.advance('PT10M');
    const letters = (await received(dead.url)).map(({ MessageAttributes = {} }) =>
      Object.fromEntries(Object.entries(MessageAttributes).map(([name, value]) => [name, value.StringValue])),
    );
    expect(letters).toHaveLength(2);
    const common = { RULE_ARN: RuleArn, TARGET_ARN: target.arn, ERROR_CODE: 'THROTTLING' };
    expect(letters).toContainEqual(
      expect.objectContaining({
        ...common,
        EXHAUSTED_RETRY_CONDITION: 'MaximumRetryAttempts',
        RETRY_ATTEMPTS: '2',
        ERROR_MESSAGE: 'broken for the test',
      }),
    );
    expect(letters).toContainEqual(
      expect.objectContaining({ ...common, EXHAUSTED_RETRY_CONDITION: 'MaximumEventAgeInSeconds' }),
    );
    expect(await received(target.url)).toEqual([]);
  });

  it('are not made where nothing would change: no permission, no such target', async () => {
    const closed = await queue('closed', '');
    const dead = await queue('closed-dead');
    await rule('closed', of('closed'), [
      { Arn: closed.arn, DeadLetterConfig: { Arn: dead.arn } },
      { Arn: arnOf('sqs', 'no-such-queue'), DeadLetterConfig: { Arn: dead.arn } },
      { Arn: arnOf('lambda', 'function:none'), DeadLetterConfig: { Arn: dead.arn } },
    ]);
    await put({ Source: 'closed' });
    const codes = (await received(dead.url)).map(
      ({ MessageAttributes }) => MessageAttributes?.['ERROR_CODE']?.StringValue,
    );
    expect(codes.sort()[0]).toBe('NO_PERMISSIONS');
    expect(codes).toHaveLength(3);
    expect(await received(closed.url)).toEqual([]);
  });

  it('outlive a restart, and lose nothing', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'sluice-events-'));
    const outer = sluice;
    try {
      sluice = await startSluice({ services: ['events', 'sqs'], stateDir });
      let at = { events: client(EventBridgeClient), sqs: client(SQSClient) };
      const { arn } = await queue('patient', undefined, at.sqs);
      await rule('patient', of('patient'), [{ Arn: arn }], at.events);
      await rule('hourly', { ScheduleExpression: 'rate(1 hour)' }, [{ Arn: arn }], at.events);
      const broken = breakTargets();
      await put({ Source: 'patient', Detail: '{"kept":true}' }, at.events);
      await sluice.settled();
      expect(broken.calls).toBe(1);
      await sluice.close();
      broken.mend();
      sluice = await startSluice({ services: ['events', 'sqs'], stateDir });
      at = { events: client(EventBridgeClient), sqs: client(SQSClient) };
      await sluice.clock.advance(10);
      const url = `${sluice.url}/${sluice.account}/patient`;
      const bodiesNow = async () =>
        (await received(url, at.sqs, sluice)).map((message) => JSON.parse(message.Body ?? '') as unknown);
      expect(await bodiesNow()).toMatchObject([{ source: 'patient', detail: { kept: true } }]);
      await sluice.clock.advance('PT1H');
      expect(await bodiesNow()).toMatchObject([{ source: 'aws.events' }]);
      await sluice.close();
    } finally {
      sluice = outer;
      rmSync(stateDir, { recursive: true, force: true });
    }
  });
});

describe('schedules', () => {
  it('fire at their rate, from one period after they were made', async () => {
    const { arn, url } = await queue('rate');
    const startedAt = sluice.clock.now();
    const RuleArn = await rule('rate', { ScheduleExpression: 'rate(5 minutes)' }, [{ Arn: arn }]);
    await sluice.clock.advance(299);
    expect(await bodies(url)).toEqual([]);
    await sluice.clock.advance(1);
    const [event] = await bodies(url);
    expect(event).toMatchObject({
      source: 'aws.events',
      'detail-type': 'Scheduled Event',
      resources: [RuleArn],
      detail: {},
      time: `${new Date(startedAt + 300_000).toISOString().slice(0, 19)}Z`,
    });
    await sluice.clock.advance('PT15M');
    expect(await bodies(url)).toHaveLength(3);
    await events.send(new DisableRuleCommand({ Name: 'rate' }));
    await sluice.clock.advance('PT15M');
    expect(await bodies(url)).toEqual([]);
    await events.send(new EnableRuleCommand({ Name: 'rate' }));
    await sluice.clock.advance('PT5M');
    expect(await bodies(url)).toHaveLength(1);
    await events.send(new RemoveTargetsCommand({ Rule: 'rate', Ids: ['t0'] }));
    await events.send(new DeleteRuleCommand({ Name: 'rate' }));
    await sluice.clock.advance('PT15M');
    expect(await bodies(url)).toEqual([]);
  });

  it('fire by cron, in UTC', async () => {
    const { arn, url } = await queue('cron');
    await rule('cron', { ScheduleExpression: 'cron(30 6 ? * MON-FRI *)' }, [{ Arn: arn, InputPath: '$.time' }]);
    const times: unknown[] = [];
    for (let day = 0; day < 7; day++) {
      await sluice.clock.advance('P1D');
      times.push(...(await bodies(url)));
    }
    expect(times).toHaveLength(5);
    for (const time of times) {
      expect(time).toMatch(/T06:30:00Z$/);
      expect([1, 2, 3, 4, 5]).toContain(new Date(time as string).getUTCDay());
    }
  });
});
