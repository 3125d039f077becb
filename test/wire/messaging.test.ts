/** SQS and SNS by the official SDK: messages by the clock, dead letters, policies, filters, both protocols of SQS. */
import { FilterLogEventsCommand, CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { AddPermissionCommand, CreateFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  CreateTopicCommand,
  DeleteTopicCommand,
  GetSubscriptionAttributesCommand,
  GetTopicAttributesCommand,
  ListSubscriptionsByTopicCommand,
  ListSubscriptionsCommand,
  ListTagsForResourceCommand,
  ListTopicsCommand,
  PublishBatchCommand,
  PublishCommand,
  SetSubscriptionAttributesCommand,
  SetTopicAttributesCommand,
  SNSClient,
  SubscribeCommand,
  TagResourceCommand,
  UnsubscribeCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-sns';
import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListDeadLetterSourceQueuesCommand,
  ListQueuesCommand,
  ListQueueTagsCommand,
  type Message,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
  TagQueueCommand,
  UntagQueueCommand,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { signRequest } from '../../src/protocol/index.ts';
import { executionRole, zipOf } from '../support/functions.ts';
import { failure, person, type Person } from '../support/people.ts';

const OTHER = '222222222222';

let sluice: TestSluice;
let sqs: SQSClient;
let sns: SNSClient;
const clients: { destroy(): void }[] = [];

function client<C extends { destroy(): void }>(
  make: new (config: ReturnType<TestSluice['clientConfig']> & { maxAttempts: number }) => C,
  who?: Person,
): C {
  const made = new make({ ...sluice.clientConfig(who && { credentials: who.credentials }), maxAttempts: 1 });
  clients.push(made);
  return made;
}

beforeAll(async () => {
  sluice = await startSluice({ services: ['sqs', 'sns', 'lambda', 'logs', 'cloudwatch', 's3', 'kms'] });
  sqs = client(SQSClient);
  sns = client(SNSClient);
});
afterAll(async () => {
  for (const each of clients) each.destroy();
  await sluice?.close();
});

const arnOf = (service: string, name: string) => `arn:aws:${service}:${sluice.region}:${sluice.account}:${name}`;

async function queue(QueueName: string, Attributes: Record<string, string> = {}): Promise<string> {
  return (await sqs.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl ?? '';
}

async function receive(QueueUrl: string, more: object = {}, by = sqs): Promise<Message[]> {
  const { Messages = [] } = await by.send(
    new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'], ...more }),
  );
  return Messages;
}

const send = (QueueUrl: string, MessageBody: string, more: object = {}, by = sqs) =>
  by.send(new SendMessageCommand({ QueueUrl, MessageBody, ...more }));

const bodies = (messages: readonly Message[]) => messages.map((message) => message.Body);

async function attributes(QueueUrl: string): Promise<Record<string, string>> {
  const { Attributes = {} } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
  return Attributes;
}

/** A policy that lets these principals do the actions, where the source is `sourceArn`. */
function policy(Action: string, Principal: unknown, sourceArn?: string): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal,
        Action,
        Resource: '*',
        ...(sourceArn === undefined ? {} : { Condition: { ArnEquals: { 'aws:SourceArn': sourceArn } } }),
      },
    ],
  });
}

describe('queues', () => {
  it('are made, found, listed by page, changed, tagged, and deleted', async () => {
    const url = await queue('life', { VisibilityTimeout: '45' });
    expect(url).toBe(`${sluice.url}/${sluice.account}/life`);
    expect(await queue('life', { VisibilityTimeout: '45' })).toBe(url);
    expect(await failure(queue('life', { VisibilityTimeout: '46' }))).toBe('QueueNameExists');
    expect((await sqs.send(new GetQueueUrlCommand({ QueueName: 'life' }))).QueueUrl).toBe(url);
    await expect(sqs.send(new GetQueueUrlCommand({ QueueName: 'none' }))).rejects.toMatchObject({
      name: 'QueueDoesNotExist',
      message: 'The specified queue does not exist.',
    });
    await queue('life2');
    const first = await sqs.send(new ListQueuesCommand({ QueueNamePrefix: 'life', MaxResults: 1 }));
    const rest = await sqs.send(new ListQueuesCommand({ QueueNamePrefix: 'life', NextToken: first.NextToken }));
    expect([...(first.QueueUrls ?? []), ...(rest.QueueUrls ?? [])]).toEqual([url, `${url}2`]);
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { DelaySeconds: '5' } }));
    expect(await attributes(url)).toMatchObject({
      QueueArn: arnOf('sqs', 'life'),
      VisibilityTimeout: '45',
      DelaySeconds: '5',
      MessageRetentionPeriod: '345600',
      ApproximateNumberOfMessages: '0',
    });
    for (const [Attributes, name] of [
      [{ VisibilityTimeout: '43201' }, 'InvalidAttributeValue'],
      [{ Colour: 'red' }, 'InvalidParameterValue'],
      [{ FifoQueue: 'true' }, 'InvalidAttributeValue'],
      [{ Policy: 'no json' }, 'InvalidAttributeValue'],
    ] as [Record<string, string>, string][]) {
      expect(await failure(sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes })))).toBe(name);
    }
    expect(await failure(queue('life.fifo'))).toBe('UnsupportedOperation');
    await sqs.send(new TagQueueCommand({ QueueUrl: url, Tags: { a: '1', b: '2' } }));
    await sqs.send(new UntagQueueCommand({ QueueUrl: url, TagKeys: ['a'] }));
    expect((await sqs.send(new ListQueueTagsCommand({ QueueUrl: url }))).Tags).toEqual({ b: '2' });
    await send(url, 'x', { DelaySeconds: 0 });
    await sqs.send(new DeleteQueueCommand({ QueueUrl: url }));
    expect(await failure(send(url, 'x'))).toBe('QueueDoesNotExist');
    expect(await receive(await queue('life'))).toEqual([]);
  });

  it('hide a message that was received until its time-out has passed', async () => {
    const url = await queue('visibility');
    await send(url, 'one');
    const [first] = await receive(url, { MessageSystemAttributeNames: ['All'] });
    expect(first?.Attributes).toMatchObject({
      ApproximateReceiveCount: '1',
      SentTimestamp: String(sluice.clock.now()),
    });
    expect(await receive(url)).toEqual([]);
    expect(await attributes(url)).toMatchObject({ ApproximateNumberOfMessagesNotVisible: '1' });
    await sluice.clock.advance(29);
    expect(await receive(url)).toEqual([]);
    await sluice.clock.advance(1);
    const [second] = await receive(url, { MessageSystemAttributeNames: ['ApproximateReceiveCount'] });
    expect(second).toMatchObject({ Body: 'one', Attributes: { ApproximateReceiveCount: '2' } });
    const change = (ReceiptHandle: string | undefined, VisibilityTimeout: number) =>
      sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle, VisibilityTimeout }));
    await change(second?.ReceiptHandle, 100);
    await sluice.clock.advance(99);
    expect(await receive(url)).toEqual([]);
    await change(second?.ReceiptHandle, 0);
    const [third] = await receive(url, { VisibilityTimeout: 0 });
    expect(third?.Body).toBe('one');
    expect(await failure(change(second?.ReceiptHandle, 43_201))).toBe('InvalidParameterValue');
    expect(await failure(change('nonsense', 1))).toBe('ReceiptHandleIsInvalid');
    await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: third?.ReceiptHandle }));
    await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: third?.ReceiptHandle }));
    await sluice.clock.advance(200);
    expect(await receive(url)).toEqual([]);
  });

  it('delay and expire messages by the clock', async () => {
    const url = await queue('time', { DelaySeconds: '10', MessageRetentionPeriod: '60' });
    await send(url, 'delayed');
    await send(url, 'at once', { DelaySeconds: 0 });
    expect(bodies(await receive(url, { VisibilityTimeout: 0 }))).toEqual(['at once']);
    expect(await attributes(url)).toMatchObject({ ApproximateNumberOfMessagesDelayed: '1' });
    await sluice.clock.advance(10);
    expect(bodies(await receive(url, { VisibilityTimeout: 0 }))).toEqual(['delayed', 'at once']);
    await sluice.clock.advance(51);
    expect(await attributes(url)).toMatchObject({
      ApproximateNumberOfMessages: '0',
      ApproximateNumberOfMessagesDelayed: '0',
    });
    expect(await receive(url)).toEqual([]);
    expect(await sluice.house.store.query("SELECT 1 FROM queue_messages WHERE queue LIKE '%/time'")).toEqual([]);
    expect(await failure(send(url, 'x', { DelaySeconds: 901 }))).toBe('InvalidParameterValue');
  });

  it('answer a long poll as soon as a message comes', async () => {
    const url = await queue('long');
    const startedAt = performance.now();
    const polled = receive(url, { WaitTimeSeconds: 20 });
    await send(url, 'arrived');
    expect(bodies(await polled)).toEqual(['arrived']);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(await failure(receive(url, { WaitTimeSeconds: 21 }))).toBe('InvalidParameterValue');
    expect(await failure(receive(url, { MaxNumberOfMessages: 11 }))).toBe('InvalidParameterValue');
  });

  it('take and give messages in batches, with digests that the client verifies', async () => {
    const url = await queue('batches');
    const MessageAttributes = {
      text: { DataType: 'String', StringValue: 'ünïcødé' },
      count: { DataType: 'Number.int', StringValue: '7' },
      bytes: { DataType: 'Binary', BinaryValue: new Uint8Array([0, 255]) },
    };
    const sent = await sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: url,
        Entries: [
          {
            Id: 'a',
            MessageBody: 'first 🚀',
            MessageAttributes,
            MessageSystemAttributes: { AWSTraceHeader: { DataType: 'String', StringValue: 'Root=1' } },
          },
          { Id: 'b', MessageBody: 'second' },
          { Id: 'c', MessageBody: 'bad\u0000' },
        ],
      }),
    );
    expect(sent.Successful?.map((each) => each.Id)).toEqual(['a', 'b']);
    expect(sent.Failed).toMatchObject([{ Id: 'c', Code: 'InvalidMessageContents', SenderFault: true }]);
    const received = await receive(url, { MessageSystemAttributeNames: ['AWSTraceHeader'] });
    expect(bodies(received)).toEqual(['first 🚀', 'second']);
    expect(received[0]?.MessageAttributes).toMatchObject({
      text: { StringValue: 'ünïcødé' },
      count: { DataType: 'Number.int' },
      bytes: { BinaryValue: new Uint8Array([0, 255]) },
    });
    expect(received[0]?.Attributes).toEqual({ AWSTraceHeader: 'Root=1' });
    const handles = received.map((message, n) => ({ Id: String(n), ReceiptHandle: message.ReceiptHandle }));
    const changed = await sqs.send(
      new ChangeMessageVisibilityBatchCommand({
        QueueUrl: url,
        Entries: [...handles.map((entry) => ({ ...entry, VisibilityTimeout: 0 })), { Id: 'x', ReceiptHandle: 'no' }],
      }),
    );
    expect([changed.Successful?.length, changed.Failed?.length]).toEqual([2, 1]);
    const again = await receive(url);
    const deleted = await sqs.send(
      new DeleteMessageBatchCommand({
        QueueUrl: url,
        Entries: [
          ...again.map((message, n) => ({ Id: String(n), ReceiptHandle: message.ReceiptHandle })),
          { Id: 'x', ReceiptHandle: 'no' },
        ],
      }),
    );
    expect([deleted.Successful?.length, deleted.Failed?.[0]?.Code]).toEqual([2, 'ReceiptHandleIsInvalid']);
    const batch = (...Ids: string[]) =>
      failure(
        sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries: Ids.map((Id) => ({ Id, MessageBody: 'x' })) })),
      );
    expect(await batch()).toBe('EmptyBatchRequest');
    expect(await batch('a', 'a')).toBe('BatchEntryIdsNotDistinct');
    expect(await batch('a b')).toBe('InvalidBatchEntryId');
    expect(await batch(...'abcdefghijk')).toBe('TooManyEntriesInBatchRequest');
    await send(url, 'purged');
    await sqs.send(new PurgeQueueCommand({ QueueUrl: url }));
    expect(await receive(url)).toEqual([]);
  });

  it('refuse messages that are none, with 400 and never 500', async () => {
    const url = await queue('refusals', { MaximumMessageSize: '1024' });
    const string = (StringValue: string) => ({ DataType: 'String', StringValue });
    for (const [body, more, name] of [
      ['nul \u0000', {}, 'InvalidMessageContents'],
      ['x'.repeat(1025), {}, 'InvalidParameterValue'],
      ['x', { MessageAttributes: { a: string('nul \u0000') } }, 'InvalidParameterValue'],
      ['x', { MessageAttributes: { a: string('') } }, 'InvalidParameterValue'],
      ['x', { MessageAttributes: { 'AWS.x': string('x') } }, 'InvalidParameterValue'],
      ['x', { MessageAttributes: { a: { DataType: 'Colour', StringValue: 'x' } } }, 'InvalidParameterValue'],
      ['x', { MessageDeduplicationId: 'x' }, 'InvalidParameterValue'],
    ] as const) {
      expect(await failure(send(url, body, more)), `${body.slice(0, 9)} ${JSON.stringify(more)}`).toBe(name);
    }
    await send(url, 'x'.repeat(1024));
  });

  it('pass what was received too often to their dead-letter queue', async () => {
    const redrive = (name: string) => JSON.stringify({ deadLetterTargetArn: arnOf('sqs', name), maxReceiveCount: 2 });
    await expect(queue('work', { RedrivePolicy: redrive('dead') })).rejects.toMatchObject({
      name: 'InvalidParameterValue',
      message: expect.stringContaining('Dead letter target does not exist.'),
    });
    const dead = await queue('dead');
    const work = await queue('work', { RedrivePolicy: redrive('dead') });
    const sources = await sqs.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: dead }));
    expect(sources.queueUrls).toEqual([work]);
    await send(work, 'poison');
    for (let n = 0; n < 2; n++) expect(await receive(work, { VisibilityTimeout: 0 })).toHaveLength(1);
    expect(await receive(work, { VisibilityTimeout: 0 })).toEqual([]);
    const [letter] = await receive(dead, {
      VisibilityTimeout: 0,
      MessageSystemAttributeNames: ['DeadLetterQueueSourceArn'],
    });
    expect(letter).toMatchObject({
      Body: 'poison',
      Attributes: { DeadLetterQueueSourceArn: arnOf('sqs', 'work') },
    });
    await queue('closed', { RedriveAllowPolicy: JSON.stringify({ redrivePermission: 'denyAll' }) });
    expect(
      await failure(
        sqs.send(new SetQueueAttributesCommand({ QueueUrl: work, Attributes: { RedrivePolicy: redrive('closed') } })),
      ),
    ).toBe('InvalidParameterValue');
    // A dead-letter queue that goes takes nothing with it that had not come.
    await sqs.send(new DeleteQueueCommand({ QueueUrl: dead }));
    await send(work, 'second');
    for (let n = 0; n < 4; n++) expect(bodies(await receive(work, { VisibilityTimeout: 0 }))).toEqual(['second']);
  });

  it('are closed without a grant, and opened by their policy to services and other accounts', async () => {
    const url = await queue('guarded');
    const nobody = client(SQSClient, await person(sluice, 'sqs-nobody', []));
    await expect(send(url, 'x', {}, nobody)).rejects.toMatchObject({
      name: expect.stringMatching(/^AccessDenied/),
      message: expect.stringContaining(`sqs:SendMessage on resource: ${arnOf('sqs', 'guarded')}`),
    });
    const guest = await person(sluice, 'sqs-guest', [{ Action: 'sqs:*', Resource: '*' }], OTHER);
    const theirs = client(SQSClient, guest);
    expect(await failure(send(url, 'x', {}, theirs))).toMatch(/^AccessDenied/);
    const open = (Policy: string) => sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { Policy } }));
    await open(policy('sqs:SendMessage', { AWS: guest.arn }));
    await send(url, 'from afar', {}, theirs);
    expect(await failure(receive(url, {}, theirs))).toMatch(/^AccessDenied/);
    expect(bodies(await receive(url))).toEqual(['from afar']);
    await open('');
    expect(await failure(send(url, 'x', {}, theirs))).toMatch(/^AccessDenied/);
  });

  it('speak the query protocol too', async () => {
    const url = await queue('query');
    const ask = async (form: Record<string, string>) => {
      const body = new URLSearchParams({ Version: '2012-11-05', ...form }).toString();
      const { host, pathname } = new URL(url);
      const headers = signRequest(
        { method: 'POST', url: pathname, headers: { host, 'content-type': 'application/x-www-form-urlencoded' }, body },
        {
          credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
          service: 'sqs',
          region: sluice.region,
          nowMs: Date.now(),
        },
      );
      const response = await fetch(url, { method: 'POST', headers, body });
      return { status: response.status, text: await response.text() };
    };
    const sent = await ask({
      Action: 'SendMessage',
      QueueUrl: url,
      MessageBody: 'by <form> & more',
      'MessageAttribute.1.Name': 'colour',
      'MessageAttribute.1.Value.DataType': 'String',
      'MessageAttribute.1.Value.StringValue': 'red',
    });
    expect(sent.status).toBe(200);
    expect(sent.text).toMatch(/<SendMessageResult>.*<MD5OfMessageBody>[0-9a-f]{32}</s);
    const got = await ask({ Action: 'ReceiveMessage', QueueUrl: url, 'MessageAttributeName.1': 'All' });
    expect(got.text).toContain('<Body>by &lt;form&gt; &amp; more</Body>');
    expect(got.text).toMatch(/<MessageAttribute><Name>colour<\/Name><Value>.*red/s);
    const missing = await ask({ Action: 'SendMessage', QueueUrl: `${url}-none`, MessageBody: 'x' });
    expect(missing.status).toBe(400);
    expect(missing.text).toContain('<Code>AWS.SimpleQueueService.NonExistentQueue</Code>');
    const nul = await ask({ Action: 'SendMessage', QueueUrl: url, MessageBody: 'a\u0000b' });
    expect(nul.status).toBe(400);
    expect(nul.text).toContain('<Code>InvalidMessageContents</Code>');
  });
});

describe('topics', () => {
  const topic = async (Name: string, Attributes: Record<string, string> = {}) =>
    (await sns.send(new CreateTopicCommand({ Name, Attributes }))).TopicArn ?? '';

  /** A queue of this name that the topic may write to, subscribed to it. */
  async function subscribed(TopicArn: string, name: string, Attributes: Record<string, string> = {}) {
    const url = await queue(name, {
      Policy: policy('sqs:SendMessage', { Service: 'sns.amazonaws.com' }, TopicArn),
    });
    const { SubscriptionArn = '' } = await sns.send(
      new SubscribeCommand({
        TopicArn,
        Protocol: 'sqs',
        Endpoint: arnOf('sqs', name),
        Attributes,
        ReturnSubscriptionArn: true,
      }),
    );
    return { url, SubscriptionArn };
  }

  const publish = (TopicArn: string, Message: string, more: object = {}, by = sns) =>
    by.send(new PublishCommand({ TopicArn, Message, ...more }));

  const notifications = async (url: string) => {
    await sluice.settled();
    return (await receive(url, { VisibilityTimeout: 0 })).map(
      (message) => JSON.parse(message.Body ?? '') as Record<string, any>,
    );
  };
  const messages = async (url: string) => (await notifications(url)).map((each) => each['Message']);

  it('are made, described, listed, changed, tagged and deleted', async () => {
    const arn = await topic('life', { DisplayName: 'Life' });
    expect(arn).toBe(arnOf('sns', 'life'));
    expect(await topic('life')).toBe(arn);
    expect(await failure(topic('life', { DisplayName: 'Other' }))).toBe('InvalidParameterException');
    await sns.send(
      new SetTopicAttributesCommand({ TopicArn: arn, AttributeName: 'DisplayName', AttributeValue: 'New' }),
    );
    const { Attributes } = await sns.send(new GetTopicAttributesCommand({ TopicArn: arn }));
    expect(Attributes).toMatchObject({
      TopicArn: arn,
      Owner: sluice.account,
      DisplayName: 'New',
      SubscriptionsConfirmed: '0',
    });
    for (let n = 0; n < 101; n++) await topic(`many-${n}`);
    const first = await sns.send(new ListTopicsCommand({}));
    const rest = await sns.send(new ListTopicsCommand({ NextToken: first.NextToken }));
    expect([first.Topics?.length, rest.Topics?.length]).toEqual([100, 2]);
    expect(await failure(sns.send(new ListTopicsCommand({ NextToken: 'nonsense' })))).toBe('InvalidParameterException');
    await sns.send(
      new TagResourceCommand({
        ResourceArn: arn,
        Tags: [
          { Key: 'a', Value: '1' },
          { Key: 'b', Value: '2' },
        ],
      }),
    );
    await sns.send(new UntagResourceCommand({ ResourceArn: arn, TagKeys: ['a'] }));
    const { Tags } = await sns.send(new ListTagsForResourceCommand({ ResourceArn: arn }));
    expect(Tags).toEqual([{ Key: 'b', Value: '2' }]);
    await sns.send(new DeleteTopicCommand({ TopicArn: arn }));
    await sns.send(new DeleteTopicCommand({ TopicArn: arn }));
    expect(await failure(publish(arn, 'x'))).toBe('NotFoundException');
    expect(await failure(topic('life.fifo'))).toBe('InvalidParameterException');
  });

  it('deliver to queues, in the envelope and raw', async () => {
    const arn = await topic('deliver');
    const wrapped = await subscribed(arn, 'wrapped');
    const raw = await subscribed(arn, 'raw', { RawMessageDelivery: 'true' });
    const { MessageId } = await publish(arn, 'hello', {
      Subject: 'Greeting',
      MessageAttributes: {
        colour: { DataType: 'String', StringValue: 'red' },
        bytes: { DataType: 'Binary', BinaryValue: new Uint8Array([1, 2]) },
      },
    });
    const [notification] = await notifications(wrapped.url);
    expect(notification).toMatchObject({
      Type: 'Notification',
      MessageId,
      TopicArn: arn,
      Subject: 'Greeting',
      Message: 'hello',
      Timestamp: new Date(sluice.clock.now()).toISOString(),
      SignatureVersion: '1',
      Signature: 'NOT-SIGNED',
      MessageAttributes: {
        colour: { Type: 'String', Value: 'red' },
        bytes: { Type: 'Binary', Value: 'AQI=' },
      },
    });
    expect(JSON.stringify(notification)).not.toContain('amazonaws.com');
    const [message] = await receive(raw.url);
    expect(message).toMatchObject({
      Body: 'hello',
      MessageAttributes: {
        colour: { DataType: 'String', StringValue: 'red' },
        bytes: { BinaryValue: new Uint8Array([1, 2]) },
      },
    });
    await publish(arn, JSON.stringify({ default: 'd', sqs: 'for queues' }), { MessageStructure: 'json' });
    expect(await messages(wrapped.url)).toEqual(['hello', 'for queues']);
    for (const [Message, more, name] of [
      ['', {}, 'InvalidParameterException'],
      ['nul \u0000', {}, 'InvalidParameterException'],
      ['x'.repeat(262_145), {}, 'InvalidParameterException'],
      ['{}', { MessageStructure: 'json' }, 'InvalidParameterException'],
      ['x', { Subject: 'a\nb' }, 'InvalidParameterException'],
      ['x', { MessageAttributes: { a: { DataType: 'Nope', StringValue: 'x' } } }, 'InvalidParameterValueException'],
    ] as const) {
      expect(await failure(publish(arn, Message, more)), Message.slice(0, 9)).toBe(name);
    }
  });

  it('take batches', async () => {
    const arn = await topic('batch');
    const { url } = await subscribed(arn, 'batch-queue');
    const batch = (...entries: { Id: string; Message: string; Subject?: string }[]) =>
      sns.send(new PublishBatchCommand({ TopicArn: arn, PublishBatchRequestEntries: entries }));
    const answer = await batch(
      { Id: 'a', Message: 'one' },
      { Id: 'b', Message: 'two', Subject: 'bad\nsubject' },
      { Id: 'c', Message: 'three' },
    );
    expect(answer.Successful?.map((each) => each.Id)).toEqual(['a', 'c']);
    expect(answer.Failed).toMatchObject([{ Id: 'b', Code: 'InvalidParameter', SenderFault: true }]);
    expect((await messages(url)).sort()).toEqual(['one', 'three']);
    const one = { Id: 'a', Message: 'x' };
    expect(await failure(batch())).toBe('EmptyBatchRequestException');
    expect(await failure(batch(one, one))).toBe('BatchEntryIdsNotDistinctException');
    expect(await failure(batch({ ...one, Id: 'a b' }))).toBe('InvalidBatchEntryIdException');
    expect(await failure(batch(...[...'abcdefghijk'].map((Id) => ({ ...one, Id }))))).toBe(
      'TooManyEntriesInBatchRequestException',
    );
    const large = 'x'.repeat(200_000);
    expect(await failure(batch({ Id: 'a', Message: large }, { Id: 'b', Message: large }))).toBe(
      'BatchRequestTooLongException',
    );
  });

  it('filter by attributes and by body', async () => {
    const arn = await topic('filter');
    const byAttribute = await subscribed(arn, 'by-attribute', {
      FilterPolicy: JSON.stringify({ colour: ['red', { prefix: 'gr' }], size: [{ numeric: ['>', 5] }] }),
    });
    const byBody = await subscribed(arn, 'by-body', {
      FilterPolicyScope: 'MessageBody',
      FilterPolicy: JSON.stringify({ order: { total: [{ numeric: ['>=', 100] }] } }),
    });
    const attribute = (colour: string, size: string) => ({
      MessageAttributes: {
        colour: { DataType: 'String', StringValue: colour },
        size: { DataType: 'Number', StringValue: size },
      },
    });
    await publish(arn, 'match', attribute('green', '6'));
    await publish(arn, 'too small', attribute('red', '5'));
    await publish(arn, 'blue', attribute('blue', '9'));
    await publish(arn, 'list', {
      MessageAttributes: {
        colour: { DataType: 'String.Array', StringValue: '["blue","red"]' },
        size: { DataType: 'Number', StringValue: '10' },
      },
    });
    await publish(arn, '{"order":{"total":100}}');
    await publish(arn, '{"order":{"total":99}}');
    expect((await messages(byAttribute.url)).sort()).toEqual(['list', 'match']);
    expect(await messages(byBody.url)).toEqual(['{"order":{"total":100}}']);
    const set = (AttributeName: string, AttributeValue: string) =>
      sns.send(
        new SetSubscriptionAttributesCommand({
          SubscriptionArn: byAttribute.SubscriptionArn,
          AttributeName,
          AttributeValue,
        }),
      );
    for (const [name, value] of [
      ['FilterPolicy', '{"a":{"b":["c"]}}'],
      ['FilterPolicy', '{"a":"b"}'],
      ['FilterPolicy', JSON.stringify(Object.fromEntries([...'abcdef'].map((key) => [key, ['x']])))],
      ['FilterPolicyScope', 'Elsewhere'],
      ['RawMessageDelivery', 'perhaps'],
      ['RedrivePolicy', '{}'],
    ] as const) {
      expect(await failure(set(name, value)), `${name} ${value}`).toBe('InvalidParameterException');
    }
    await set('FilterPolicy', '{}');
    await publish(arn, 'anything');
    expect(await messages(byAttribute.url)).toContain('anything');
  });

  it('keep subscriptions: once each, listed, described, ended', async () => {
    const arn = await topic('subscriptions');
    const { url, SubscriptionArn } = await subscribed(arn, 'sub');
    expect((await subscribed(arn, 'sub')).SubscriptionArn).toBe(SubscriptionArn);
    expect(await failure(subscribed(arn, 'sub', { RawMessageDelivery: 'true' }))).toBe('InvalidParameterException');
    const { Attributes } = await sns.send(new GetSubscriptionAttributesCommand({ SubscriptionArn }));
    expect(Attributes).toMatchObject({
      TopicArn: arn,
      Protocol: 'sqs',
      Endpoint: arnOf('sqs', 'sub'),
      RawMessageDelivery: 'false',
      PendingConfirmation: 'false',
      Owner: sluice.account,
    });
    const byTopic = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn: arn }));
    expect(byTopic.Subscriptions?.map((each) => each.SubscriptionArn)).toEqual([SubscriptionArn]);
    const all = await sns.send(new ListSubscriptionsCommand({}));
    expect(all.Subscriptions?.map((each) => each.SubscriptionArn)).toContain(SubscriptionArn);
    await sns.send(new UnsubscribeCommand({ SubscriptionArn }));
    await publish(arn, 'unheard');
    expect(await messages(url)).toEqual([]);
    expect(await failure(sns.send(new GetSubscriptionAttributesCommand({ SubscriptionArn })))).toBe(
      'NotFoundException',
    );
    for (const [Protocol, Endpoint] of [
      ['email', 'a@example.org'],
      ['sqs', 'no arn'],
      ['lambda', arnOf('sqs', 'sub')],
    ]) {
      expect(await failure(sns.send(new SubscribeCommand({ TopicArn: arn, Protocol, Endpoint })))).toBe(
        'InvalidParameterException',
      );
    }
  });

  it('send what a queue refuses to the dead-letter queue of the subscription', async () => {
    const arn = await topic('redrive');
    const { SubscriptionArn, url } = await subscribed(arn, 'refusing');
    const dead = await queue('refused', { Policy: policy('sqs:SendMessage', { Service: 'sns.amazonaws.com' }, arn) });
    await sns.send(
      new SetSubscriptionAttributesCommand({
        SubscriptionArn,
        AttributeName: 'RedrivePolicy',
        AttributeValue: JSON.stringify({ deadLetterTargetArn: arnOf('sqs', 'refused') }),
      }),
    );
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { Policy: '' } }));
    await publish(arn, 'lost?');
    expect(await messages(dead)).toEqual(['lost?']);
    expect(await messages(url)).toEqual([]);
  });

  it('invoke functions', async () => {
    const lambda = client(LambdaClient);
    const logs = client(CloudWatchLogsClient);
    const arn = await topic('functions');
    const { FunctionArn } = await lambda.send(
      new CreateFunctionCommand({
        FunctionName: 'listener',
        Role: await executionRole(sluice, 'listener'),
        Runtime: 'nodejs20.x',
        Handler: 'index.handler',
        Code: {
          ZipFile: await zipOf({
            'index.mjs': 'export const handler = async (event) => console.log("GOT " + JSON.stringify(event));',
          }),
        },
      }),
    );
    await lambda.send(
      new AddPermissionCommand({
        FunctionName: 'listener',
        StatementId: 'sns',
        Action: 'lambda:InvokeFunction',
        Principal: 'sns.amazonaws.com',
        SourceArn: arn,
      }),
    );
    const { SubscriptionArn } = await sns.send(
      new SubscribeCommand({ TopicArn: arn, Protocol: 'lambda', Endpoint: FunctionArn }),
    );
    await publish(arn, 'wake up', { Subject: 'S' });
    const deadline = Date.now() + 30_000;
    for (;;) {
      await sluice.settled();
      const found = await logs
        .send(new FilterLogEventsCommand({ logGroupName: '/aws/lambda/listener', filterPattern: 'GOT' }))
        .catch(() => undefined);
      const line = found?.events?.[0]?.message;
      if (line !== undefined) {
        const { Records } = JSON.parse(line.slice(line.indexOf('{'))) as { Records: unknown[] };
        expect(Records).toMatchObject([
          {
            EventSource: 'aws:sns',
            EventVersion: '1.0',
            EventSubscriptionArn: SubscriptionArn,
            Sns: { Type: 'Notification', TopicArn: arn, Message: 'wake up', Subject: 'S', MessageAttributes: {} },
          },
        ]);
        return;
      }
      if (Date.now() > deadline) throw new Error('the function logged nothing');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });

  it('are closed without a grant, and opened by their policy', async () => {
    const arn = await topic('guarded');
    const nobody = client(SNSClient, await person(sluice, 'sns-nobody', []));
    await expect(publish(arn, 'x', {}, nobody)).rejects.toMatchObject({
      name: 'AuthorizationErrorException',
      message: expect.stringMatching(new RegExp(`sns:Publish on resource: ${arn}`, 'i')),
    });
    const asService = (service: string) =>
      sluice.house.door
        .asService(
          service,
          { account: sluice.account, region: sluice.region },
          { sourceArn: arnOf('cloudwatch', 'alarm:a'), sourceAccount: sluice.account },
        )
        .call('sns', 'Publish', { TopicArn: arn, Message: 'x' });
    // The policy that every topic begins with is for alarms of the account.
    await asService('cloudwatch.amazonaws.com');
    await expect(asService('events.amazonaws.com')).rejects.toMatchObject({ code: 'AccessDeniedException' });
    const guest = await person(sluice, 'sns-guest', [{ Action: 'sns:*', Resource: '*' }], OTHER);
    const theirs = client(SNSClient, guest);
    expect(await failure(publish(arn, 'x', {}, theirs))).toBe('AuthorizationErrorException');
    const open = (AttributeValue: string) =>
      sns.send(new SetTopicAttributesCommand({ TopicArn: arn, AttributeName: 'Policy', AttributeValue }));
    await open(policy('sns:Publish', { AWS: guest.arn, Service: 'events.amazonaws.com' }));
    await publish(arn, 'x', {}, theirs);
    await asService('events.amazonaws.com');
    expect(
      await failure(
        sns.send(new SetTopicAttributesCommand({ TopicArn: arn, AttributeName: 'Policy', AttributeValue: '{' })),
      ),
    ).toBe('InvalidParameterException');
  });
});
